"""Colours by role, light and dark: what ``plot.js`` and the figures for notebooks put in the place of ``@role``.

Okabe and Ito's colours, which people who see colours differently can tell apart; marks have a contrast of at least
3 : 1 to the paper, whiskers and bars included: only the grid, axes and the fills of areas are softer. Paper, ink and
font follow the theme of the page in the browser.
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
        "path-soft": "rgba(0,114,178,0.75)",
        "accent": "#D55E00",
        "ghost": "#8a8780",
        "band": "rgba(0,114,178,0.16)",
        "proved": "#007a5a",
        "allowed": "rgba(0,122,90,0.10)",
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
        "path-soft": "rgba(86,180,233,0.6)",
        "accent": "#E69F00",
        "ghost": "#9d9a94",
        "band": "rgba(86,180,233,0.2)",
        "proved": "#2fbf94",
        "allowed": "rgba(47,191,148,0.13)",
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
