"""The controls that pin a setting, and the pins themselves, each a button that takes it away."""

from __future__ import annotations

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from dashboard.results.settings import short_words
from dashboard.results.words import unmarked
from dashboard.state.pins import (
    LETTERS,
    by_letter,
    is_full,
    is_pinned,
    keep_pins,
    this_pins,
    with_first,
    with_pin,
    without_pin,
)
from dashboard.state.view import View, refusal

_ABOUT = f"Keep up to {len(LETTERS)} settings and see them side by side on the page Compare."
_FIRST = "It becomes A, and the others move up behind it."


def pinning(view: View, *, compared_on: StreamlitPage) -> None:
    """Draw the row on Explore: pin or unpin its setting, a chip for each pin, and the way to where they are compared.

    Args:
        view: the setting.
        compared_on: the page that compares pins.
    """
    with st.container(key="pins", horizontal=True, gap="small"):
        if is_pinned(this_pins(), view):
            st.button("Unpin this setting", icon=":material/keep_off:", key="unpin", on_click=_remove, args=(view,))
        else:
            _pin("Pin this setting", view, about=_ABOUT)
        _chips()
        if len(this_pins()) > 1:
            st.page_link(compared_on, label="Compare these", icon=":material/compare_arrows:")


def adding(view: View) -> None:
    """Draw the row on other pages: a chip for each pin, and a button for the setting of Explore if it is no pin."""
    with st.container(key="pins", horizontal=True, gap="small"):
        _chips()
        if not is_pinned(this_pins(), view):
            _pin(f"Add what Explore shows: {unmarked(short_words(view))}", view, about=_ABOUT)


def choosing_first() -> None:
    """Draw the row that says which of the pins the others are compared with: a button for each that is not A."""
    with st.container(key="first-pin", horizontal=True, gap="small"):
        for letter, pin in list(by_letter(this_pins()).items())[1:]:
            label = f"Compare all with **{letter}**"
            st.button(label, key=f"first-{letter}", on_click=_make_first, args=(pin,), help=_FIRST)


def _pin(label: str, view: View, *, about: str) -> None:
    closed = is_full(this_pins()) or refusal(view) is not None
    st.button(label, icon=":material/keep:", key="pin", on_click=_add, args=(view,), disabled=closed, help=about)


def _chips() -> None:
    for letter, pin in by_letter(this_pins()).items():
        label = f"*Unpin* **{letter}** {unmarked(short_words(pin))}"
        st.button(label, key=f"unpin-{letter}", on_click=_remove, args=(pin,))


def _add(view: View) -> None:
    keep_pins(with_pin(this_pins(), view))


def _remove(view: View) -> None:
    keep_pins(without_pin(this_pins(), view))


def _make_first(view: View) -> None:
    keep_pins(with_first(this_pins(), view))
