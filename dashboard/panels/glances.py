"""Utility and risk of each record at the stops of the dials as bars, worked out once for all visitors."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.results import glance
from dashboard.results.previews import Bars
from dashboard.serving.running import running
from dashboard.state.landscape import Landscape
from dashboard.state.view import View, key

_AT_ONCE = 16
"""Assessments that are read in one run of a page: each takes some milliseconds, and a turned dial is to answer."""


def bars_around(found: Landscape) -> Mapping[View, Bars]:
    """The heights of the bars of ``glance.figure`` at the measured stops of the dials, those next to the view first.

    Of stops of which nobody has come by before, only some are worked out at a time; the next run knows more.
    """
    known, left, around = _known(), _AT_ONCE, {}
    for view in _nearest_first(found):
        at = key(view, view.waves)
        if at not in known and left:
            left -= 1
            assessment = running().store.assessment(at)
            if assessment is not None:
                known[at] = tuple(tuple(trace["y"]) for trace in glance.figure(assessment)["data"])
        if at in known:
            around[view] = known[at]
    return around


def _nearest_first(found: Landscape) -> list[View]:
    """The settings at the measured stops, by how many stops away they are."""
    away: dict[View, int] = {}
    for name, spots in found.measured.items():
        stops = list(found.view.stops(name))
        here = stops.index(getattr(found.view, name))
        for stop, spot in spots.items():
            away.setdefault(spot.view, abs(stops.index(stop) - here))
    return sorted(away, key=away.__getitem__)


@st.cache_resource(show_spinner=False)
def _known() -> dict[str, Bars]:
    """What has been worked out, by key: some hundred bytes for each setting that was ever near one on a page."""
    return {}
