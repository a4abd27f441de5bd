"""The risk of each record of any measured setting as bars, worked out once for all visitors."""

from __future__ import annotations

import streamlit as st

from dashboard.results import details
from dashboard.results.previews import Bars
from dashboard.serving.running import running
from dashboard.state.view import View, key


def bars_of(view: View) -> Bars | None:
    """The heights of the bars of ``details.glance`` for a setting; None where it has not been measured."""
    known, at = _known(), key(view, view.waves)
    if at not in known:
        found = running().store.assessment(at)
        if found is None:
            return None
        known[at] = tuple(tuple(trace["y"]) for trace in details.glance(found)["data"])
    return known[at]


# A dragged dial needs those of all its stops at once, and reading an assessment takes milliseconds.
@st.cache_resource(show_spinner=False)
def _known() -> dict[str, Bars]:
    """What has been worked out, some hundred bytes for each setting that was ever beside one on a page."""
    return {}
