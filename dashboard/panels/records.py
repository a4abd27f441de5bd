"""The component that shows records as buttons with their pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.panels.scripts import script
from dashboard.results.people import Named
from dashboard.results.words import DASH, short

_cards = component(
    "privacydial_records",
    html='<div class="pd-cards" role="group" aria-label="Records"></div>',
    js=script("records", "records.js"),
    isolate_styles=False,
)


def records(listed: Sequence[Named], *, key: str, chosen: int, on_pick: Callable[[int], None]) -> None:
    """Draw the records as buttons.

    Args:
        listed: at least one.
        key: of the component.
        chosen: the record whose button is pressed; it need not be among them.
        on_pick: called with the record that somebody chooses, before the page runs again.
    """

    def picked() -> None:
        value = st.session_state[key].get("pick")
        # It comes from the browser, and the list may have changed since.
        known = [one.record for one in listed if str(one.record) == value]
        if known:
            on_pick(known[0])

    _cards(
        key=key,
        data={"cards": [_card(each) for each in listed], "chosen": str(chosen)},
        height="content",
        on_pick_change=picked,
    )


def _card(one: Named) -> dict[str, Any]:
    return {
        "id": str(one.record),
        "title": one.title,
        "caption": f"risk {short(one.member[0])}",
        "interval": f"{short(one.member[1])} {DASH} {short(one.member[2])}",
        "picture": picture_data(one),
    }


def picture_data(one: Named) -> dict[str, Any] | None:
    """The picture as the browser draws it, None where the record is not kept as one."""
    if one.picture is None:
        return None
    rows, columns = one.picture.shape
    return {"rows": rows, "columns": columns, "ink": b64encode(one.picture.tobytes()).decode()}
