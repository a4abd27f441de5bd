"""The control that pins the setting on the page, and the pins themselves, each a button that takes it away."""

from __future__ import annotations

import streamlit as st

from dashboard.results.settings import short_words
from dashboard.results.words import unmarked
from dashboard.state.pins import LETTERS, by_letter, is_full, is_pinned, keep_pins, this_pins, with_pin, without_pin
from dashboard.state.view import View, refusal


def pinning(view: View) -> None:
    """Draw the row: pin or unpin this setting, and a chip for each pin."""
    pins = this_pins()
    with st.container(key="pins", horizontal=True, gap="small"):
        if is_pinned(pins, view):
            st.button("Unpin this setting", icon=":material/keep_off:", key="unpin", on_click=_remove, args=(view,))
        else:
            st.button(
                "Pin this setting",
                icon=":material/keep:",
                key="pin",
                on_click=_add,
                args=(view,),
                disabled=is_full(pins) or refusal(view) is not None,
                help=f"Keep up to {len(LETTERS)} settings and see them side by side on the page Compare.",
            )
        for letter, pin in by_letter(pins).items():
            label = f"*Unpin* **{letter}** {unmarked(short_words(pin))}"
            st.button(label, key=f"unpin-{letter}", on_click=_remove, args=(pin,))


def _add(view: View) -> None:
    keep_pins(with_pin(this_pins(), view))


def _remove(view: View) -> None:
    keep_pins(without_pin(this_pins(), view))
