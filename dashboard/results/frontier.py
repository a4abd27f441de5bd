"""The frontier in the figure: its band, diamonds on what no other setting beats, its knee."""

from __future__ import annotations

from typing import Any

import numpy as np

from dashboard.state.landscape import Landscape, Standing

_LAST = 1001  # in the legend: others have 1000


def standing_words(standing: Standing | None) -> str:
    """How sure it is that no other setting beats one, as the end of a phrase; empty where none is compared."""
    return f", on the frontier with a probability of {standing.probability:.0%}" if standing else ""


def diamonds(found: Landscape) -> list[dict[str, Any]]:
    """A diamond around each setting that no other one measured alike beats."""
    on = [spot.headline for spot in found.spots if spot.view in found.standings and found.standings[spot.view].on]
    if not on:
        return []
    return [
        {
            "type": "scatter",
            "name": "on the frontier",
            "mode": "markers",
            "x": [head.auc.estimate for head in on],
            "y": [head.test_accuracy.estimate for head in on],
            "marker": {"color": "@ink", "size": 18, "symbol": "diamond-open", "line": {"width": 1.5}},
            "hoverinfo": "skip",
        }
    ]


def band(found: Landscape) -> list[dict[str, Any]]:
    """The frontier as a band: at each AUC the best accuracy that leaks at most this, a staircase."""
    made = found.band
    if made is None:
        return []
    across = np.repeat(made.leakage, 2)[1:]
    low, high = (np.repeat(side, 2)[:-1] for side in (made.low, made.high))
    return [
        {
            "type": "scatter",
            "name": "frontier, 95 %",
            "mode": "lines",
            "x": np.concatenate([across, across[::-1]]).round(4).tolist(),
            "y": np.concatenate([high, low[::-1]]).round(4).tolist(),
            "fill": "toself",
            "fillcolor": "@band",
            "line": {"color": "@path-soft", "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
            "legendrank": _LAST,
        }
    ]


def knee(found: Landscape) -> list[dict[str, Any]]:
    """An arrow to where the frontier bends most, where that can be told from its neighbours."""
    return [
        {
            "text": "knee",
            "x": spot.headline.auc.estimate,
            "y": spot.headline.test_accuracy.estimate,
            "ax": -34,
            "ay": -34,
            "showarrow": True,
            "arrowhead": 2,
            "arrowcolor": "@ink",
            "font": {"size": 13, "color": "@ink"},
        }
        for spot in found.spots
        if (standing := found.standings.get(spot.view)) is not None and standing.knee
    ][:1]
