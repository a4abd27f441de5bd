"""Colours by role, light and dark: what ``plot.js`` and the figures for notebooks put in the place of ``@role``.

Blues, vermilion and orange are Okabe and Ito's, which people who see colours differently can tell apart: ``#0072B2``,
``#56B4E9``, ``#D55E00`` and ``#E69F00``. Three are ours, of hues like theirs, for the sake of contrast: the vermilion
``#E8743B`` of the dark theme, where theirs is dim, and the greens ``#007355`` and ``#2fbf94``, because ``#009E73`` is
too light for words on white and too dim for them on a dark area. Greys are ours, too. No figure relies on colour
alone: what it tells apart differs in a symbol, a dash or the like as well.

Marks have a contrast of at least 3 : 1, whiskers and bars included, and words one of 4.5 : 1, to the paper and to
every area that they can stand on, also where two overlap: only the grid, axes and the fills of areas are softer.
Paper, ink and font follow the theme of the page in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Theme = Literal["light", "dark"]

PALETTES: Mapping[Theme, Mapping[str, str]] = {
    "light": {
        "member": "#0072B2",
        "outsider": "#D55E00",
        "path": "#0072B2",
        "path-soft": "rgba(0,114,178,0.85)",
        "accent": "#D55E00",
        "ghost": "#807d76",
        "band": "rgba(0,114,178,0.09)",
        "proved": "#007355",
        "allowed": "rgba(0,115,85,0.06)",
        "soft": "#65625b",
        "grid": "rgba(0,0,0,0.07)",
        "line": "rgba(0,0,0,0.25)",
        "paper": "#ffffff",
        "ink": "#222222",
        "font": "sans-serif",
    },
    "dark": {
        "member": "#56B4E9",
        "outsider": "#E8743B",
        "path": "#56B4E9",
        "path-soft": "rgba(86,180,233,0.7)",
        "accent": "#E69F00",
        "ghost": "#9d9a94",
        "band": "rgba(86,180,233,0.16)",
        "proved": "#2fbf94",
        "allowed": "rgba(47,191,148,0.09)",
        "soft": "#a8a49c",
        "grid": "rgba(255,255,255,0.08)",
        "line": "rgba(255,255,255,0.25)",
        "paper": "#171614",
        "ink": "#eeeeee",
        "font": "sans-serif",
    },
}


def coloured(value: Any, theme: Theme) -> Any:
    """A copy of a figure, or of a part of it, with every ``@role`` replaced."""
    if isinstance(value, str):
        return PALETTES[theme][value.removeprefix("@")] if value.startswith("@") else value
    if isinstance(value, Mapping):
        return {name: coloured(item, theme) for name, item in value.items()}
    return [coloured(item, theme) for item in value] if isinstance(value, list | tuple) else value
