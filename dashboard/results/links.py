"""The link "How is this measured?" from a number to its definition on the page Methods."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from dashboard.results.chapters import anchors

HOW = "How is this measured?"


About = str | Mapping[str, str]
"""An entry of the page Methods by its anchor; or several, by the names of numbers that stand together."""


def how_html(about: About, name: str) -> str:
    """The link to an entry of the page Methods, in a tab of its own so that the visitor's view stays.

    Args:
        about: the entry; where there are several, each has a link that bears its name.
        name: what is measured, for those who hear the link without seeing where it stands.

    Raises:
        KeyError: when the page has no such entry.
    """
    if isinstance(about, str):
        return _link(about, HOW, name)
    return f"{HOW} {', '.join(_link(anchor, each, each) for each, anchor in about.items())}"


def _link(anchor: str, shown: str, name: str) -> str:
    if anchor not in anchors():
        raise KeyError(anchor)
    heard = f"How is this measured: {name} (opens a new tab)"
    return (
        f'<a class="pd-how" href="methods#{anchor}" target="_blank" aria-label="{escape(heard)}">{escape(shown)}</a>'
    )
