"""The script that Streamlit runs for every visit: pages and what they share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import streamlit as st

from dashboard.pages import compare, explore, methods, risk, start, sweep
from dashboard.panels.notices import notices
from dashboard.results.words import unmarked
from dashboard.state.hiding import hide, shown
from dashboard.state.view import BESIDE

_HERE = Path(__file__).parent.parent

st.set_page_config(page_title="Privacy Dial", page_icon=_HERE / "icon.svg", layout="wide")
_PAGES = {
    start.EXPLORE: st.Page(explore.page, title="Explore", url_path=start.EXPLORE),
    "compare": st.Page(compare.page, title="Compare", url_path="compare"),
    "risk": st.Page(risk.page, title="Who is at risk", url_path="risk"),
    "sweep": st.Page(sweep.page, title="Sweep", url_path="sweep"),
    "methods": st.Page(methods.page, title="Methods", url_path="methods"),
}


def _start() -> None:
    start.page({path: partial(st.switch_page, page) for path, page in _PAGES.items()})


_problem = hide()
_chosen = st.navigation(
    [st.Page(_start, title="Start", url_path="start", default=True), *_PAGES.values()],
    position="top" if shown("pages") else "hidden",
)
_asked = {name: st.query_params.get_all(name) for name in st.query_params}
if _chosen.title == "Start" and not BESIDE.issuperset(_asked):
    # An address from when Explore was at the root, or one that somebody typed: a setting is seen in Explore.
    st.switch_page(_PAGES[start.EXPLORE], query_params=_asked)
_place = st.container(key="notices-place")
if _problem is not None:
    st.warning(unmarked(_problem), icon=":material/link_off:")
try:
    _chosen.run()
finally:
    notices(_place)
