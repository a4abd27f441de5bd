"""The script that Streamlit runs for every visit: pages and what they share."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard.pages import explore, methods, sweep
from dashboard.panels.notices import notices

_HERE = Path(__file__).parent.parent

st.set_page_config(page_title="Privacy Dial", page_icon=_HERE / "icon.svg", layout="wide")
st.html(_HERE / "app.css")
_PAGES = [
    st.Page(explore.page, title="Explore", url_path="explore", default=True),
    st.Page(sweep.page, title="Sweep", url_path="sweep"),
    st.Page(methods.page, title="Methods", url_path="methods"),
]
_page = st.navigation(_PAGES, position="top")
notices()
_page.run()
