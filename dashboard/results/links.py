"""The link "How is this measured?" from a number to its definition on the page Methods."""

from __future__ import annotations

from html import escape

from dashboard.results.chapters import anchors

HOW = "How is this measured?"


def how_html(anchor: str, name: str) -> str:
    """The link to an entry of the page Methods, in a tab of its own so that the visitor's view stays.

    Args:
        anchor: of the entry.
        name: what is measured, for those who hear the link without seeing where it stands.

    Raises:
        KeyError: when the page has no such entry.
    """
    if anchor not in anchors():
        raise KeyError(anchor)
    heard = f"How is this measured: {name} (opens a new tab)"
    return f'<a class="pd-how" href="methods#{anchor}" target="_blank" aria-label="{escape(heard)}">{HOW}</a>'
