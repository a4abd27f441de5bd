"""The cards of the page Start as one picture in a file: the scores of each preset with its name and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from dashboard.results.palette import PALETTES

if TYPE_CHECKING:
    from dashboard.results.opening import Card

_WIDTH, _HEIGHT = 640, 72  # of a histogram, in pixels
_MARGIN, _ABOVE, _GAP = 24, 44, 20  # around all, above a histogram for its words, below it
_COLOURS = PALETTES["light"]  # files are printed and put on slides


def svg(listed: Sequence[Card], title: str, finding: str) -> bytes:
    """The histograms of scores on the cards as an SVG file that stands by itself, in the colours of the light theme.

    Args:
        listed: the cards; those without scores are left out.
        title: what the picture is called.
        finding: what its curves are, in words.
    """
    shown = [card for card in listed if card.members]
    width = _WIDTH + 2 * _MARGIN
    height = 2 * _MARGIN + _ABOVE + len(shown) * (_ABOVE + _HEIGHT + _GAP)
    root = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width} {height}",
            "width": f"{width}",
            "height": f"{height}",
            "role": "img",
            "font-family": _COLOURS["font"],
        },
    )
    SubElement(root, "title").text = title
    SubElement(root, "desc").text = finding
    SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": _COLOURS["paper"]})
    _words(root, _MARGIN + 6, title, size=17, weight="bold")
    _words(root, _MARGIN + 28, finding, size=12, fill=_COLOURS["soft"])
    for row, card in enumerate(shown):
        _card(root, _MARGIN + _ABOVE + row * (_ABOVE + _HEIGHT + _GAP), card)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def _card(root: Element, top: float, card: Card) -> None:
    """A preset: its name, its numbers, and both histograms on one floor."""
    _words(root, top + 16, card.title, size=14, weight="bold")
    _words(root, top + 34, " · ".join(f"{name} {value}" for name, value in card.numbers), size=12)
    floor = top + _ABOVE + _HEIGHT
    member = {"fill": _COLOURS["member"], "fill-opacity": "0.75"}
    outsider = {"fill": "none", "stroke": _COLOURS["outsider"], "stroke-width": "1.6"}
    SubElement(root, "path", {"d": _outline(card.members, floor), **member})
    SubElement(root, "path", {"d": _outline(card.outsiders, floor), **outsider})
    ends = {"x1": f"{_MARGIN}", "x2": f"{_MARGIN + _WIDTH}", "y1": f"{floor}", "y2": f"{floor}"}
    SubElement(root, "line", {**ends, "stroke": _COLOURS["line"]})


def _words(root: Element, baseline: float, text: str, *, size: int, fill: str = "", weight: str = "normal") -> None:
    at = {"x": f"{_MARGIN}", "y": f"{baseline}", "font-size": f"{size}", "font-weight": weight}
    SubElement(root, "text", {**at, "fill": fill or _COLOURS["ink"]}).text = text


def _outline(heights: Sequence[float], floor: float) -> str:
    """A histogram as one path of steps, from the floor up and back."""
    step = _WIDTH / len(heights)
    ups = [
        f"L{_MARGIN + i * step:.2f},{floor - _HEIGHT * each:.2f}L{_MARGIN + (i + 1) * step:.2f},"
        f"{floor - _HEIGHT * each:.2f}"
        for i, each in enumerate(heights)
    ]
    return f"M{_MARGIN},{floor}{''.join(ups)}L{_MARGIN + _WIDTH},{floor}"
