"""The script that Streamlit runs for every visit: pages and what they share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.pages import compare, explore, methods, risk, sweep
from dashboard.panels.notices import notices
from dashboard.results.words import unmarked
from dashboard.state.hiding import hide, shown

_HERE = Path(__file__).parent.parent

st.set_page_config(page_title="Privacy Dial", page_icon=_HERE / "icon.svg", layout="wide")
st.html(_HERE / "app.css")
_PAGES = [
    st.Page(explore.page, title="Explore", url_path="explore", default=True),
    st.Page(compare.page, title="Compare", url_path="compare"),
    st.Page(risk.page, title="Who is at risk", url_path="risk"),
    st.Page(sweep.page, title="Sweep", url_path="sweep"),
    st.Page(methods.page, title="Methods", url_path="methods"),
]
_problem = hide()
_page = st.navigation(_PAGES, position="top" if shown("pages") else "hidden")
notices()
if _problem is not None:
    st.warning(unmarked(_problem), icon=":material/link_off:")
_page.run()
