"""Colours that must be told from what they stand on, with contrast as WCAG 2.2 defines it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dashboard.results.figures import Figure
from dashboard.results.palette import PALETTES, Theme, coloured
from dashboard.serving.theme import DARK, LIGHT
from tests.all_figures import all_figures

THEMES = {"light": LIGHT, "dark": DARK}
DASHBOARD = Path(__file__).parent.parent / "dashboard"
STYLE = (DASHBOARD / "app.css").read_text(encoding="utf-8")
CARDS = (DASHBOARD / "panels" / "cards.css").read_text(encoding="utf-8")
SEE_THROUGH = "rgba(0,0,0,0)"
PAIRS = re.findall(r"light-dark\((#\w{6}), (#\w{6})\)", STYLE)
ON_PRIMARY = re.search(r"stBaseButton-primary.*?color: light-dark\((#\w{6}), (#\w{6})\)", STYLE)


SIGHTS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
"""What becomes of linear RGB in an eye (Machado, Oliveira & Fernandes 2009, severity 1)."""
APART = 20
"""Colours so far apart in CIELAB are told apart at a glance, in thin lines and small marks, too."""


def linear(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def lab(colour: str, sight: str = "usual") -> np.ndarray:
    """A colour in CIELAB (D65), as somebody sees it."""
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    white = np.sum(to_xyz, axis=1)
    share = to_xyz @ np.clip(SIGHTS[sight] @ linear(colour), 0, 1) / white
    x, y, z = np.where(share > (6 / 29) ** 3, np.cbrt(share), share / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def far(one: str, other: str) -> float:
    """How far two colours are apart for those who see them most alike."""
    return min(float(np.linalg.norm(lab(one, sight) - lab(other, sight))) for sight in SIGHTS)


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def over(colour: str, paper: str, opacity: float = 1.0) -> str:
    """A colour, ``#rrggbb`` or ``rgba(…)``, as it looks when it lies on the paper."""
    if colour.startswith("rgba"):
        *parts, alpha = map(float, colour[5:-1].split(","))
        opacity *= alpha
    else:
        parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    below = [int(paper[place : place + 2], 16) for place in (1, 3, 5)]
    mixed = (round(opacity * part + (1 - opacity) * under) for part, under in zip(parts, below, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def marks(trace: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    """What of a trace tells something, each with its colour and its opacity; the fill of an area does not count."""
    whole, mode = trace.get("opacity", 1), trace.get("mode", "")
    for whisker in ("error_x", "error_y"):
        if whisker in trace:
            yield whisker, trace[whisker]["color"], whole
    if "lines" in mode and trace["line"].get("width") != 0:
        yield "line", trace["line"]["color"], whole
    marker = trace.get("marker", {})
    if ("markers" in mode or trace["type"] == "bar") and "color" in marker:
        hollow = marker["color"] in {SEE_THROUGH, trace["paper"]}
        yield "marker", (marker["line"] if hollow else marker)["color"], whole * marker.get("opacity", 1)


def texts(figure: Figure) -> Iterator[tuple[str, str]]:
    """The words that stand inside the axes, each with its colour."""
    for trace in figure["data"]:
        if "text" in trace.get("mode", ""):
            yield trace["name"], trace["textfont"]["color"]
    for note in figure["layout"].get("annotations", []):
        yield note["text"], note["font"]["color"]


def parts(figure: Figure) -> Iterator[Figure]:
    """The figure on each of its axes: most have one pair of them."""
    for axis in {trace.get("xaxis"): None for trace in figure["data"]}:
        yield {**figure, "data": [trace for trace in figure["data"] if trace.get("xaxis") == axis]}


def surfaces(figure: Figure, paper: str) -> set[str]:
    """What marks and words can stand on: the paper, each area, and areas over each other in the order drawn."""
    below = [shape["fillcolor"] for shape in figure["layout"].get("shapes", []) if "fillcolor" in shape]
    found = [paper]
    for fill in [*below, *(trace["fillcolor"] for trace in figure["data"] if "fillcolor" in trace)]:
        found += [over(fill, under) for under in found]
    return set(found)


def colours(trace: dict[str, Any]) -> set[str]:
    """All colours that a trace is drawn in, by role."""
    return {colour for _, colour, _ in marks(trace | {"paper": "@paper"})}


def cues(trace: dict[str, Any]) -> dict[str, object]:
    """What a trace is told by without its colour, except for its size."""
    mode, marker, line = trace.get("mode", ""), trace.get("marker", {}), trace.get("line", {})
    drawn = "lines" in mode and line.get("width") != 0
    symbols = {marker.get("symbol", "circle")} if isinstance(marker.get("symbol", ""), str) else {*marker["symbol"]}
    hollow = marker.get("color") in {SEE_THROUGH, "@paper"} or any(each.endswith("-open") for each in symbols)
    return {
        "type": trace["type"],
        "dash": line.get("dash", "solid") if drawn else None,
        "symbols": {each.removesuffix("-open") for each in symbols} if "markers" in mode else None,
        "hollow": hollow if "markers" in mode else None,
        "pattern": marker.get("pattern", {}).get("shape"),
        "fill": trace.get("fill"),
        "words": "text" in mode,
    }


def larger(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the points of one trace are half as large again as those of the other."""
    small, large = sorted(float(np.max(trace.get("marker", {}).get("size", 0))) for trace in (one, other))
    return large >= 1.5 * small > 0


def pairs(figure: Figure) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The traces, two by two, that stand on the same axes and differ in colour."""
    for part in parts(figure):
        for one, other in combinations(part["data"], 2):
            if colours(one) and colours(other) and colours(one) != colours(other):
                yield one, other


def test_traces_of_different_colours_differ_in_more_than_colour(store):
    found = [(name, *pair) for name, figure in all_figures(store).items() for pair in pairs(figure)]
    assert len(found) > 40
    alike = [
        (name, one.get("name"), other.get("name"))
        for name, one, other in found
        if cues(one) == cues(other) and not larger(one, other)
    ]
    assert alike == []


def test_colours_and_their_distances_by_hand():
    assert lab("#ffffff") == pytest.approx([100, 0, 0], abs=1e-6)
    assert lab("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.01)  # Lindbloom's calculator, D65
    for sight in SIGHTS:
        assert lab("#808080", sight)[1:] == pytest.approx([0, 0], abs=0.01)  # grey is grey to everybody
    red, green = "#c00000", "#006000"
    assert np.linalg.norm(lab(red) - lab(green)) > 100
    assert far(red, green) < APART


@pytest.mark.parametrize("theme", THEMES)
def test_the_two_sides_of_a_comparison_are_told_apart_by_colour_alone_in_every_eye(theme: Theme):
    palette = PALETTES[theme]
    for one, other in (("member", "outsider"), ("path", "accent"), ("member", "ghost"), ("accent", "ghost")):
        assert far(palette[one], palette[other]) >= APART, (one, other)


@pytest.mark.parametrize("theme", THEMES)
def test_colours_in_one_figure_that_somebody_sees_alike_have_another_cue(store, theme: Theme):
    paper, near = PALETTES[theme]["paper"], set()
    for name, figure in all_figures(store).items():
        for one, other in pairs(figure):
            here, there = colours(one), colours(other)
            roles = product(here - there, there - here)
            close = [pair for pair in roles if far(*(over(coloured(role, theme), paper) for role in pair)) < APART]
            near |= {frozenset(pair) for pair in close}
            assert not close or cues(one) != cues(other), (name, one.get("name"), other.get("name"))
    assert {"@member", "@proved"} in near  # blue and green, to people with tritanopia


def test_contrast_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the guidelines' own near miss


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("role", ["member", "outsider", "path", "accent", "ghost", "proved"])
def test_marks_stand_out_from_every_paper(theme: Theme, role: str):
    papers = {PALETTES[theme]["paper"], str(THEMES[theme]["backgroundColor"])}
    for paper in papers:
        assert contrast(PALETTES[theme][role], paper) >= 3


def test_a_colour_over_paper_by_hand():
    assert over("#000000", "#ffffff", 0.5) == "#808080"
    assert over("rgba(0,114,178,0.45)", "#ffffff") == "#8cc0dc"
    assert contrast("#8cc0dc", "#ffffff") == pytest.approx(1.96, abs=0.005)  # what whiskers once had


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("paper", ["a file", "the page"])
def test_marks_and_words_of_every_figure_stand_out_from_paper_and_areas(store, theme: Theme, paper: str):
    own = PALETTES[theme]["paper"]
    below = own if paper == "a file" else str(THEMES[theme]["backgroundColor"])
    kinds, most = set(), {}
    for name, figure in coloured(all_figures(store), theme).items():
        for part in parts(figure):
            found = surfaces(part, below)
            most[name] = max(most.get(name, 0), len(found))
            for surface in found:
                for trace in part["data"]:
                    for kind, colour, opacity in marks({**trace, "paper": own}):
                        stands_out = contrast(over(colour, surface, opacity), surface)
                        assert stands_out >= 3, (name, trace.get("name"), kind, colour, opacity, surface)
                        kinds.add((trace["type"], kind))
                for shape in part["layout"].get("shapes", []):
                    line = shape["line"].get("color", PALETTES[theme]["line"])
                    of_axes = line == PALETTES[theme]["line"]
                    assert of_axes or contrast(line, surface) >= 3, (name, line, surface)
                for words, colour in texts(part):
                    assert contrast(colour, surface) >= 4.5, (name, words, colour, surface)
    assert kinds == {("bar", "marker"), *(("scatter", kind) for kind in ("error_x", "error_y", "line", "marker"))}
    assert {name for name, count in most.items() if count > 1} == {
        "tradeoff",
        *(f"ROC{of}, {scale}" for of in ("", " curves") for scale in ("logarithmic", "linear")),
    }
    assert most["tradeoff"] == 4  # the area that is allowed, the band of the frontier, and both


def test_areas_lie_below_all_marks(store):
    for name, figure in all_figures(store).items():
        filled = [place for place, trace in enumerate(figure["data"]) if "fillcolor" in trace]
        pointed = [place for place, trace in enumerate(figure["data"]) if "markers" in trace.get("mode", "")]
        assert max(filled, default=-1) < min(pointed, default=len(figure["data"])), name


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("stop", ["", ".pd-on", ".pd-no"])
def test_the_dots_of_a_dials_stops_stand_out_from_the_sidebar(theme: Theme, stop: str):
    rule = re.search(rf"\.pd-mark{re.escape(stop)} {{.*?opacity: ([\d.]+);", STYLE)
    assert rule is not None
    side = str(THEMES[theme]["secondaryBackgroundColor"])
    assert contrast(over(str(THEMES[theme]["textColor"]), side, float(rule[1])), side) >= 3


@pytest.mark.parametrize(("place", "theme"), list(enumerate(THEMES)))
def test_the_histograms_on_cards_have_the_figures_colours_and_stand_out(place: int, theme: Theme):
    members = re.findall(r"\.pd-members {.*?fill: (#\w{6})", CARDS)[place]
    outsiders = re.findall(r"\.pd-outsiders {.*?stroke: (#\w{6})", CARDS)[place]
    assert [members, outsiders] == [PALETTES[theme][role] for role in ("member", "outsider")]
    (opacity,) = map(float, re.findall(r"fill-opacity: ([\d.]+)", CARDS))
    paper = str(THEMES[theme]["backgroundColor"])
    assert contrast(over(members, paper, opacity), paper) >= 3
    assert contrast(outsiders, paper) >= 3


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
