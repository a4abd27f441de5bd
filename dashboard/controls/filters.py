"""The controls of the page "Who is at risk": which records are looked at, and when a record is called at risk."""

from __future__ import annotations

import streamlit as st

from dashboard.results.risks import BOUNDS, SHOWS, Filter, Show
from dashboard.results.thresholds import PRIORS
from dashboard.results.words import brief
from dashboard.state.beside import begin_choice, keep_choice
from dashboard.state.view import View
from engine.assessment.values import Assessment

_STEP = 0.05
_STOPS = tuple(round(_STEP * step, 2) for step in range(21))
_EVERY = (0.0, 1.0)
BETWEEN = (_EVERY, *((low, high) for low in _STOPS for high in _STOPS if low <= high))
"""The ranges of risk that can be looked at, all of them first."""


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
        at = BOUNDS.index(begin_choice("above", "risk-bound", BOUNDS, Filter.bound))
        bound = st.selectbox("At risk above", BOUNDS, at, format_func=brief, key="risk-bound")
        keep_choice("above", bound, Filter.bound)
    with columns[2]:
        begun: Show = begin_choice("show", "risk-show", SHOWS, SHOWS[0])
        show: Show = st.segmented_control(  # required, so that there is always one
            "Show",
            SHOWS,
            default=begun,
            required=True,
            help="For certain: the whole 95 % interval of the record's risk lies above the bound.",
            key="risk-show",
        )
        keep_choice("show", show, SHOWS[0])
    with columns[3]:
        ends = begin_choice("between", "risk-between", BETWEEN, _EVERY)
        low, high = st.slider("Risk between", 0.0, 1.0, ends, _STEP, key="risk-between")
        keep_choice("between", (low, high), _EVERY)
    with columns[4]:
        prior = _prior(possible=priors)
    return Filter(label=label, low=low, high=high, bound=float(bound), show=show), prior


def _class(view: View, found: Assessment) -> int | None:
    labels = sorted({int(label) for label in found.answers.labels}) if found.answers else []
    options: list[str | int] = ["all", *labels]
    at = options.index(begin_choice("class", f"risk-class-{view.population}", options, "all"))
    chosen = st.selectbox(
        "Class",
        options,
        at,
        format_func=lambda label: label if isinstance(label, str) else f"class {label}",
        key=f"risk-class-{view.population}",
    )
    keep_choice("class", chosen, "all")
    return None if isinstance(chosen, str) else chosen


def _prior(*, possible: bool) -> float:
    options = PRIORS if possible else PRIORS[:1]
    at = options.index(begin_choice("prior", "risk-prior", options, PRIORS[0]))
    chosen = st.selectbox(
        "Members among those asked",
        options,
        at,
        format_func=lambda prior: f"1 in {1 / prior:,.0f}",
        help="The rarer members are among those asked about, the less an attacker can be sure of anybody.",
        key="risk-prior",
    )
    keep_choice("prior", chosen, PRIORS[0])
    return float(chosen)
