"""The risk of each record of any measured setting as bars, worked out once for all visitors."""

from __future__ import annotations

import streamlit as st

from cache.store import Store
from dashboard.results import details
from dashboard.results.previews import Bars
from dashboard.serving.running import running
from dashboard.state.view import View, key


def bars_of(view: View) -> Bars | None:
    """The heights of the bars of ``details.glance`` for a setting; None where it has not been measured."""
    try:
        return _bars_of(key(view, view.waves), running().store)
    except LookupError:
        return None


# A dragged dial needs those of all its stops at once, and reading an assessment takes milliseconds.
@st.cache_resource(max_entries=4096, show_spinner=False)
def _bars_of(key: str, _store: Store) -> Bars:
    found = _store.assessment(key)
    if found is None:
        raise LookupError(key)  # and is not kept: it may be measured later
    return tuple(tuple(trace["y"]) for trace in details.glance(found)["data"])
