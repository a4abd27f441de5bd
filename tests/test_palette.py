"""Colours that must be told from what they stand on, with contrast as WCAG 2.2 defines it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.results.palette import PALETTES, Theme
from dashboard.serving.theme import DARK, LIGHT

THEMES = {"light": LIGHT, "dark": DARK}
STYLE = (Path(__file__).parent.parent / "dashboard" / "app.css").read_text(encoding="utf-8")
PAIRS = re.findall(r"light-dark\((#\w{6}), (#\w{6})\)", STYLE)
ON_PRIMARY = re.search(r"stBaseButton-primary.*?color: light-dark\((#\w{6}), (#\w{6})\)", STYLE)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the guidelines' own near miss


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("role", ["member", "outsider", "path", "accent", "ghost", "proved"])
def test_marks_stand_out_from_every_paper(theme: Theme, role: str):
    papers = {PALETTES[theme]["paper"], str(THEMES[theme]["backgroundColor"])}
    for paper in papers:
        assert contrast(PALETTES[theme][role], paper) >= 3


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_read_on_every_surface(theme: Theme):
    look = THEMES[theme]
    texts = [str(look["textColor"]), str(look["linkColor"]), PALETTES[theme]["ink"], PALETTES[theme]["soft"]]
    for surface in ("backgroundColor", "secondaryBackgroundColor"):
        for text in texts:
            assert contrast(text, str(look[surface])) >= 4.5, (text, surface)


@pytest.mark.parametrize(("place", "theme"), list(enumerate(THEMES)))
def test_the_style_sheet_repeats_the_theme_where_streamlit_does_not_hand_it_over(place: int, theme: str):
    assert ON_PRIMARY is not None
    on_primary = ON_PRIMARY.groups()
    primary = str(THEMES[theme]["primaryColor"])
    assert contrast(on_primary[place], primary) >= 4.5
    assert PAIRS
    for pair in PAIRS:
        assert pair == on_primary or pair[place] == primary
