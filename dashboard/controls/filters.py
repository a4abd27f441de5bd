"""The controls of the page "Who is at risk": which records are looked at, and when a record is called at risk."""

from __future__ import annotations

import streamlit as st

from dashboard.results.risks import BOUNDS, SHOWS, Filter
from dashboard.results.thresholds import PRIORS
from dashboard.results.words import brief
from dashboard.state.view import View
from engine.assessment.values import Assessment

_STEP = 0.05


def prior_control(*, possible: bool) -> float:
    """The share of members among those asked about; only ½ where there are too few models for another."""
    chosen = st.selectbox(
        "Members among those asked about",
        PRIORS if possible else PRIORS[:1],
        format_func=lambda prior: f"1 in {1 / prior:,.0f}",
        help="The rarer members are among those asked about, the less an attacker can be sure of anybody.",
        key="risk-prior",
    )
    return float(chosen)


def filters(view: View, found: Assessment) -> Filter:
    """Draw the filter and say what it is."""
    labels = sorted({int(label) for label in found.answers.labels}) if found.answers else []
    one, two, three, four = st.columns(4, vertical_alignment="top")
    with one:
        label = st.selectbox(
            "Class",
            [None, *labels],
            format_func=lambda label: "all" if label is None else f"class {label}",
            key=f"risk-class-{view.population}",
        )
    with two:
        bound = st.selectbox(
            "At risk is a risk above", BOUNDS, index=BOUNDS.index(Filter.bound), format_func=brief, key="risk-bound"
        )
    with three:
        show = st.segmented_control(
            "Show",
            SHOWS,
            default=SHOWS[0],
            required=True,
            help="For certain: the whole 95 % interval of the record's risk lies above the bound.",
            key="risk-show",
        )
    with four:
        low, high = st.slider("Risk between", 0.0, 1.0, (0.0, 1.0), _STEP, key="risk-between")
    return Filter(label=label, low=low, high=high, bound=float(bound), show=show or "all")
