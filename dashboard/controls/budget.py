"""The controls of the budget: three limits behind a button that says what is allowed, and the way to the best."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.controls.dials import bound
from dashboard.results.allowed import name
from dashboard.results.budget import best
from dashboard.results.words import short, unmarked
from dashboard.state.budget import LIMITS
from dashboard.state.landscape import Landscape, allowing_as, same_setting
from dashboard.state.stops import OFF
from dashboard.state.view import View
from dashboard.state.visit import go

_TITLES: Mapping[str, str] = {
    "most_auc": "Attack AUC at most",
    "least_accuracy": "Test accuracy at least",
    "most_epsilon": "Proved ε at most",
}
_ABOUT = (
    "What you would accept. The figure shades what is allowed, and the best of the settings it shows is named. "
    "A setting is allowed for certain when its whole interval is inside, perhaps when its interval reaches across."
)


def budget_control(view: View) -> None:
    """Draw the button of the budget; the limits are made when somebody opens it."""
    place = st.popover(count_words(view), width="stretch", key="budget", on_change="rerun")
    if not place.open:
        return
    with place:
        st.caption(_ABOUT)
        for name, stops in LIMITS.items():
            st.select_slider(
                _TITLES[name],
                stops,
                getattr(view, name),
                format_func=lambda stop, name=name: stop_words(name, stop),
                **bound(name, f"limit-{name}", view),
            )


def count_words(view: View) -> str:
    """How many limits there are."""
    count = sum(getattr(view, name) != OFF for name in LIMITS)
    return f"Budget: {count} limit{'s' * (count > 1)}" if count else "Budget: no limits"


def stop_words(name: str, stop: str) -> str:
    """A limit on screen."""
    if stop == OFF:
        return "no limit"
    return {"most_auc": short(float(stop)), "least_accuracy": f"{100 * float(stop):g} %"}.get(name, stop)


def best_link(found: Landscape) -> None:
    """The way to the best allowed setting of the figure, where there is one and the page is not there."""
    spot = best(found) if not found.view.budget.open else None
    if spot is not None and not same_setting(spot.view, found.view):
        label = unmarked(f"Go to the best allowed: {name(found, spot)}")
        st.button(label, key="best-allowed", on_click=go, args=(allowing_as(found.view, spot.view),))
