"""Tabs of which the open one stands in the URL."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from dashboard.state.beside import begin_choice, keep_choice


def tabs(part: str, titles: Mapping[str, str], *, key: str) -> dict[str, TabContainer]:
    """Draw tabs; whether one is open is its ``open``.

    Args:
        part: of the URL.
        titles: of the tabs, by their names in the URL; the first one is open where the URL names none.
        key: of the tabs.
    """
    names = {title: name for name, title in titles.items()}
    first, *_ = names
    opened = begin_choice(part, key, tuple(names), first, text=names.__getitem__)
    keep_choice(part, opened, first, text=names.__getitem__)
    return dict(zip(titles, st.tabs(list(names), key=key, on_change="rerun"), strict=True))
