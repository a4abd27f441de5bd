"""The component that brings the visitor to the place that an address names behind its #.

The page arrives after the browser has looked for it.
"""

from __future__ import annotations

from pathlib import Path

from streamlit.components.v2 import component

_place = component(
    "privacydial_place",
    html='<span class="pd-place" aria-hidden="true" hidden></span>',
    js=(Path(__file__).parent / "place.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def go_to_place() -> None:
    """Scroll to the named place, once it is there; draw this last."""
    _place(key="place", data={}, height="content")
