"""The controls of the page "Who is at risk": which records are looked at, and when a record is called at risk."""

from __future__ import annotations

import streamlit as st

from dashboard.results.risks import BOUNDS, SHOWS, Filter, Show
from dashboard.results.thresholds import PRIORS
from dashboard.results.words import brief
from dashboard.state.view import View
from engine.assessment.values import Assessment

_STEP = 0.05


def filters(view: View, found: Assessment, *, priors: bool) -> tuple[Filter, float]:
    """Draw the filter; say what it is, and the share of members among those asked about.

    Args:
        view: whose records they are.
        found: its assessment.
        priors: whether there are enough models for another share than ½.
    """
    columns = st.columns([3, 3, 5, 4, 5], vertical_alignment="top")
    with columns[0]:
        label = _class(view, found)
    with columns[1]:
        bound = st.selectbox(
            "At risk above", BOUNDS, index=BOUNDS.index(Filter.bound), format_func=brief, key="risk-bound"
        )
    with columns[2]:
        show: Show = st.segmented_control(  # required, so that there is always one
            "Show",
            SHOWS,
            default=SHOWS[0],
            required=True,
            help="For certain: the whole 95 % interval of the record's risk lies above the bound.",
            key="risk-show",
        )
    with columns[3]:
        low, high = st.slider("Risk between", 0.0, 1.0, (0.0, 1.0), _STEP, key="risk-between")
    with columns[4]:
        prior = _prior(possible=priors)
    return Filter(label=label, low=low, high=high, bound=float(bound), show=show), prior


def _class(view: View, found: Assessment) -> int | None:
    labels = sorted({int(label) for label in found.answers.labels}) if found.answers else []
    chosen = st.selectbox(
        "Class",
        ["all", *labels],
        format_func=lambda label: label if isinstance(label, str) else f"class {label}",
        key=f"risk-class-{view.population}",
    )
    return None if isinstance(chosen, str) else chosen


def _prior(*, possible: bool) -> float:
    chosen = st.selectbox(
        "Members among those asked",
        PRIORS if possible else PRIORS[:1],
        format_func=lambda prior: f"1 in {1 / prior:,.0f}",
        help="The rarer members are among those asked about, the less an attacker can be sure of anybody.",
        key="risk-prior",
    )
    return float(chosen)
