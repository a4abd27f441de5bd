"""A budget in pictures: what is allowed, which measured settings keep to it, and the best of those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard.results.words import short
from dashboard.state.budget import Budget, Verdict
from dashboard.state.landscape import Landscape, Spot

WORDS: Mapping[Verdict, str] = {"yes": "for certain", "perhaps": "perhaps", "no": "no"}
"""A verdict in a table."""

_FAR = 2.0  # beyond every axis


def limits_words(budget: Budget) -> str:
    """The limits in words, empty where there are none."""
    auc, accuracy, epsilon = budget.most_auc, budget.least_accuracy, budget.most_epsilon
    parts = (
        "" if auc is None else f"attack AUC at most {short(auc)}",
        "" if accuracy is None else f"accuracy at least {100 * accuracy:g} %",
        "" if epsilon is None else f"ε at most {epsilon:g}",
    )
    return ", ".join(filter(None, parts))


def judged(found: Landscape) -> tuple[tuple[Spot, Verdict], ...]:
    """The settings drawn that were measured alike, each with whether it is allowed; none without a budget."""
    budget = found.view.budget
    if budget.open:
        return ()
    return tuple((spot, budget.verdict(spot.headline)) for spot in found.spots if found.alike(spot))


def best(found: Landscape) -> Spot | None:
    """The best of the settings drawn that are allowed for certain, None where there is none.

    With a limit on what leaks or is proved that is the most accurate one, with one on accuracy alone the one that
    leaks least. Between equals a stop of the path is named, the first on the dial.
    """
    verdicts = judged(found)
    on_path = sorted(verdicts, key=lambda judged: judged[0] not in found.path)  # stable, so in the order of the dial
    allowed = [spot for spot, verdict in on_path if verdict == "yes"]
    if found.view.budget.most_auc is None and found.view.budget.most_epsilon is None:
        return min(allowed, key=lambda spot: spot.headline.auc.estimate, default=None)
    return max(allowed, key=lambda spot: spot.headline.test_accuracy.estimate, default=None)


def shapes(budget: Budget) -> list[dict[str, Any]]:
    """The allowed part of the plane, shaded, with a line where it ends; ε is not on the plane."""
    if budget.most_auc is None and budget.least_accuracy is None:
        return []
    right, bottom = budget.most_auc or _FAR, budget.least_accuracy or -_FAR
    area = {"type": "rect", "x0": -_FAR, "x1": right, "y0": bottom, "y1": _FAR, "layer": "below"}
    edges = [{"x0": right, "x1": right, "y0": bottom, "y1": _FAR}] if budget.most_auc is not None else []
    if budget.least_accuracy is not None:
        edges.append({"x0": -_FAR, "x1": right, "y0": bottom, "y1": bottom})
    line = {"color": "@proved", "width": 2, "dash": "dash"}
    return [
        {**area, "fillcolor": "@allowed", "line": {"width": 0}},
        *({"type": "line", "layer": "below", "line": line, **edge} for edge in edges),
    ]


def notes(budget: Budget) -> list[dict[str, Any]]:
    """The words of the limits on the plane, in the corner where their lines meet."""
    lines = limits_words(replace(budget, most_epsilon=None)).replace(", ", "<br>")
    if not lines:
        return []
    right, bottom = budget.most_auc, budget.least_accuracy
    across = {"xref": "paper", "x": 0.99} if right is None else {"x": right}
    upwards = {"yref": "paper", "y": 0.01} if bottom is None else {"y": bottom}
    text = {"text": f"allowed:<br>{lines}", "showarrow": False, "font": {"size": 12, "color": "@proved"}}
    return [{**text, **across, **upwards, "xanchor": "right", "yanchor": "bottom", "align": "right"}]


def marks(found: Landscape) -> list[dict[str, Any]]:
    """A cross on what is not allowed and a square around what perhaps is: colour is not the only cue."""
    looks = {"no": ("not allowed", "x-thin", 17), "perhaps": ("perhaps allowed", "square-open", 20)}
    verdicts = judged(found)
    return [
        _mark([spot for spot, verdict in verdicts if verdict == of], *look)
        for of, look in looks.items()
        if any(verdict == of for _, verdict in verdicts)
    ]


def _mark(spots: list[Spot], name: str, symbol: str, size: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "name": name,
        "mode": "markers",
        "x": [spot.headline.auc.estimate for spot in spots],
        "y": [spot.headline.test_accuracy.estimate for spot in spots],
        "marker": {"color": "@ink", "size": size, "symbol": symbol, "line": {"color": "@ink", "width": 1.5}},
        "hoverinfo": "skip",
    }
