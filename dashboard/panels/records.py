"""The component that shows the riskiest records as buttons with their pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.results.people import Named
from dashboard.results.words import short

_HERE = Path(__file__).parent

_cards = component(
    "privacydial_records",
    html='<div class="pd-cards" role="group" aria-label="The riskiest records"></div>',
    css=(_HERE / "records.css").read_text(encoding="utf-8"),
    js=(_HERE / "records.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def records(listed: Sequence[Named], *, key: str) -> Named:
    """Draw the records, and say which one is chosen: the first until somebody chooses another.

    Args:
        listed: at least one.
        key: of the component; the choice is remembered under it.
    """
    chosen = f"{key}-chosen"

    def picked() -> None:
        value = st.session_state[key].get("pick")
        if isinstance(value, str):
            st.session_state[chosen] = value

    # It comes from the browser, and the list may have changed since.
    one = next((one for one in listed if str(one.record) == st.session_state.get(chosen)), listed[0])
    _cards(
        key=key,
        data={"cards": [_card(each) for each in listed], "chosen": str(one.record)},
        height="content",
        on_pick_change=picked,
    )
    return one


def _card(one: Named) -> dict[str, Any]:
    return {
        "id": str(one.record),
        "title": one.title,
        "caption": f"risk {short(one.member[0])}",
        "picture": _picture(one),
    }


def _picture(one: Named) -> dict[str, Any] | None:
    if one.picture is None:
        return None
    rows, columns = one.picture.shape
    return {"rows": rows, "columns": columns, "ink": b64encode(one.picture.tobytes()).decode()}
