"""Figures as plain Plotly dictionaries, colours by role: ``plot.js`` replaces ``@role`` by the theme's colour.

Only measured values are drawn, each with its interval; a line joins measured points and is labelled as such.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dashboard.results import budget, frontier
from dashboard.results.words import between, decimals, percent, percent_between
from dashboard.state.landscape import Landscape, Spot
from dashboard.state.stops import DIALS, FOUR
from engine.assessment.values import Headline, Interval

Figure = dict[str, Any]

HEIGHT = 460
_LABELS = (20, 24)  # names of stops that have room beside and above each other


def layout(*, height: int, **more: Any) -> dict[str, Any]:
    """The look that all figures share."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 16, "t": 36, "b": 52},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "@font", "color": "@ink", "size": 13},
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@line", "font": {"color": "@ink"}, "align": "left"},
        "hovermode": "closest",
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 12}},
        "uirevision": "keep",
        **more,
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """One axis in the shared look."""
    return {
        "title": {"text": title, "standoff": 8, "font": {"size": 13}},
        "gridcolor": "@grid",
        "linecolor": "@line",
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": "@line",
        "automargin": True,
        "fixedrange": False,
        **more,
    }


def note(text: str, **where: Any) -> dict[str, Any]:
    """A text without an arrow, at a place in the figure."""
    return {"text": text, "showarrow": False, "font": {"size": 12, "color": "@soft"}, **where}


def identified(figure: Figure) -> Figure:
    """The figure with a ``uid`` on each trace: the role it plays, by default its name.

    Plotly knows by it which entries of the legend a visitor has hidden; without one it counts places, which shift
    when traces come and go. It also makes names of classes of it: all but letters and digits are spelled as numbers.
    """
    return {
        **figure,
        "data": [{**trace, "uid": _spelled(trace.get("uid") or trace["name"])} for trace in figure["data"]],
    }


def _spelled(role: str) -> str:
    return re.sub("[^A-Za-z0-9]", lambda found: f"-{ord(found[0]):x}-", role)


def setting_words(spot: Spot) -> str:
    """A setting in words, for hover texts, announcements and tables."""
    dials = ", ".join(
        f"{phrase(DIALS[name].title)} {DIALS[name].label(getattr(spot.view, name))}"
        for name in DIALS
        if name in FOUR or name in spot.view.in_use
    )
    return f"{dials}, N {spot.view.contested:,}"


def phrase(title: str) -> str:
    """A dial's title within a sentence: names such as RelaxLoss and abbreviations keep their capitals."""
    first = title.partition(" ")[0]
    return title[0].lower() + title[1:] if first.isalpha() and first.istitle() else title


def spot_words(spot: Spot) -> str:
    """A measured setting with its numbers, in words."""
    head = spot.headline
    return (
        f"{setting_words(spot)}: test accuracy {percent(head.test_accuracy)} "
        f"({percent_between(head.test_accuracy)}), "
        f"attack AUC {decimals(head.auc)} ({between(head.auc)}), {head.targets} models"
    )


def _hover(words: str) -> str:
    setting, numbers = words.split(": ", 1)
    return f"<b>{setting.replace(', ', '<br>')}</b><br>{numbers.replace('), ', ')<br>').replace(', on', '<br>on')}"


def whiskers(values: Sequence[Interval], colour: str) -> dict[str, Any]:
    """Intervals as error bars in one direction."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [value.high - value.estimate for value in values],
        "arrayminus": [value.estimate - value.low for value in values],
        "thickness": 1.2,
        "width": 3,
        "color": colour,
    }


def settings_trace(
    spots: Sequence[Spot], found: Landscape | None = None, *, name: str, colour: str, **more: Any
) -> dict[str, Any]:
    """Measured settings as one trace: AUC across, accuracy upwards, whiskers both ways.

    With ``found`` the words of a setting tell how likely it is on the frontier.
    """
    aucs = [spot.headline.auc for spot in spots]
    accuracies = [spot.headline.test_accuracy for spot in spots]
    standings = found.standings if found else {}
    words = [f"{spot_words(spot)}{frontier.standing_words(standings.get(spot.view))}" for spot in spots]
    return {
        "type": "scatter",
        "name": name,
        "x": [auc.estimate for auc in aucs],
        "y": [accuracy.estimate for accuracy in accuracies],
        "error_x": whiskers(aucs, colour),
        "error_y": whiskers(accuracies, colour),
        "customdata": [spot.view.address for spot in spots],
        "meta": words,
        "hovertext": list(map(_hover, words)),
        "hoverinfo": "text",
        **more,
    }


def tradeoff(found: Landscape) -> Figure:
    """Test accuracy against attack AUC: the path along one dial, the settings before, and this one in a ring.

    The frontier of those measured alike is drawn as a band with diamonds; what the budget allows is shaded; pins have
    a ring and their letter.
    """
    spots = [*found.path, *found.ghosts, *found.pins.values(), *([found.current] if found.current else [])]
    headlines = [spot.headline for spot in spots]
    data = [*frontier.band(found), *_path(found, headlines), *_ghosts(found), *frontier.diamonds(found)]
    data += [*_pins(found), *_current(found), *budget.marks(found)]  # drawn in this order: no area veils a mark
    made = plane(data, headlines)
    made["layout"]["shapes"] += budget.shapes(found.view.budget)
    made["layout"]["annotations"] += [*budget.notes(found.view.budget), *frontier.knee(found)]
    return made


def plane(data: list[dict[str, Any]], headlines: Sequence[Headline]) -> Figure:
    """Accuracy against attack AUC: axes that hold all intervals, and the line of guessing."""
    across, upwards = _ranges(headlines)
    notes = [
        note("guessing", x=0.5, yref="paper", y=0.5, textangle=-90, xanchor="right", yanchor="middle"),
    ]
    if not headlines:
        notes.append(
            note(
                "Nothing measured here yet",
                xref="paper",
                yref="paper",
                x=0.5,
                y=0.5,
                font={"size": 15, "color": "@soft"},
            )
        )
    return {
        "data": data,
        "layout": layout(
            height=HEIGHT,
            xaxis=axis("← more private · Attack AUC", range=across, tickformat=".2f"),
            yaxis=axis("Test accuracy · more accurate →", range=upwards, tickformat=".1~%"),
            shapes=[
                {
                    "type": "line",
                    "x0": 0.5,
                    "x1": 0.5,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "layer": "below",
                    "line": {"color": "@soft", "width": 1.5, "dash": "dot"},
                }
            ],
            annotations=notes,
        ),
    }


def _path(found: Landscape, headlines: Sequence[Headline]) -> list[dict[str, Any]]:
    if not found.path:
        return []
    title = DIALS[found.view.sweep].title if found.view.sweep in DIALS else "contested records"
    return [
        settings_trace(
            found.path,
            found,
            name=f"{title} turned",
            uid="path",
            colour="@path-soft",
            mode="lines+markers+text",
            text=_readable(found, *_ranges(headlines)),
            textposition="bottom right",
            textfont={"size": 11, "color": "@soft"},
            line={"color": "@path", "width": 1.5, "dash": "solid"},
            marker={"color": "@path", "size": 9, "symbol": "circle"},
        )
    ]


def _readable(found: Landscape, across: list[float], upwards: list[float]) -> list[str]:
    """Names of the stops on the path, empty where one would stand on another; this setting's stands in any case."""
    shown: list[tuple[float, float]] = []
    names = [""] * len(found.path)
    mine = [at for at, spot in enumerate(found.path) if spot.view == found.view]
    for at in [*mine, *(at for at in range(len(found.path)) if at not in mine)]:
        headline = found.path[at].headline
        x = (headline.auc.estimate - across[0]) / (across[1] - across[0]) * _LABELS[0]
        y = (headline.test_accuracy.estimate - upwards[0]) / (upwards[1] - upwards[0]) * _LABELS[1]
        if all(abs(x - other) >= 1 or abs(y - level) >= 1 for other, level in shown):
            shown.append((x, y))
            names[at] = found.path[at].label
    return names


def _ghosts(found: Landscape) -> list[dict[str, Any]]:
    if not found.ghosts:
        return []
    return [
        settings_trace(
            found.ghosts,
            found,
            name="before",
            colour="@ghost",
            mode="markers",
            marker={"color": "@paper", "size": 11, "symbol": "circle", "line": {"color": "@ghost", "width": 2}},
        )
    ]


def _pins(found: Landscape) -> list[dict[str, Any]]:
    if not found.pins:
        return []
    return [
        settings_trace(
            tuple(found.pins.values()),
            found,
            name="pinned",
            colour="@ghost",
            mode="markers+text",
            text=[f"<b>{letter}</b>" for letter in found.pins],
            textposition="top left",
            textfont={"size": 14, "color": "@ink"},
            marker={"color": "@ink", "size": 17, "symbol": "circle-open", "line": {"width": 2}},
        )
    ]


def _current(found: Landscape) -> list[dict[str, Any]]:
    if found.current is None:
        return []
    ring = {
        "type": "scatter",
        "uid": "ring",
        "mode": "markers",
        "x": [found.current.headline.auc.estimate],
        "y": [found.current.headline.test_accuracy.estimate],
        "marker": {"size": 24, "color": "rgba(0,0,0,0)", "line": {"color": "@accent", "width": 2.5}},
        "hoverinfo": "skip",
        "showlegend": False,
    }
    dot = settings_trace(
        [found.current],
        found,
        name="this setting",
        colour="@accent",
        mode="markers",
        marker={"color": "@accent", "size": 12, "symbol": "circle"},
    )
    return [ring, dot]


def _ranges(headlines: Sequence[Headline]) -> tuple[list[float], list[float]]:
    """Axis ranges that hold every interval, the chance line, and some air."""
    if not headlines:
        return [0.45, 0.9], [0.5, 1.0]
    right = max(head.auc.high for head in headlines)
    left = min(0.5, *(head.auc.low for head in headlines))
    low = min(head.test_accuracy.low for head in headlines)
    high = max(head.test_accuracy.high for head in headlines)
    air = max(0.04, 0.12 * (high - low))
    return [left - 0.03, max(0.65, right + 0.04)], [max(0.0, low - air), min(1.02, high + air)]
