"""The component that shows the presets as cards, each a link into Explore with its measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import streamlit as st
from streamlit.components.v2 import component

from dashboard.panels.kept import kept
from dashboard.panels.scripts import script
from dashboard.results.opening import Card

_cards = component(
    "privacydial_cards",
    html='<ul class="pd-presets" aria-label="Five settings to start from"></ul>',
    js=script("cards", "kept.js", "cards.js"),
    isolate_styles=False,
)


def preset_cards(listed: Sequence[Card], *, key: str, page: str, on_pick: Callable[[str], None]) -> None:
    """Draw the cards.

    Args:
        listed: what stands on them.
        key: of the component.
        page: the path of the page that a card opens, for those who open it in another tab.
        on_pick: called with the address of the chosen card. It comes from the browser, so it is to be checked.
    """

    def picked() -> None:
        value = st.session_state[key].get("pick")
        if isinstance(value, str):
            on_pick(value)

    shown = [asdict(one) for one in listed]
    _cards(key=key, data=kept("cards", {"cards": shown, "page": page}), height="content", on_pick_change=picked)
