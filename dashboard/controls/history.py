"""Undo and redo: one step back or forth among the views that the visitor chose."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from dashboard.state.visit import redo, this_visit, undo

_keys = component(
    "privacydial_keys",
    html="<span hidden></span>",
    js=Path(__file__).with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def history() -> None:
    """Draw the two buttons; their keys work everywhere but in text fields, which have an undo of their own."""
    visit = this_visit()
    back, forth = "Ctrl+Z", "Ctrl+Shift+Z"
    with st.container(key="history", horizontal=True, gap="small"):
        st.button("Undo", key="undo", on_click=undo, disabled=not visit.past, shortcut=back, help=back)
        st.button("Redo", key="redo", on_click=redo, disabled=not visit.future, shortcut=forth, help=forth)
        _keys(key="history-keys", height="content")
