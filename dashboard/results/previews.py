"""The measured numbers of every stop of the dials on the page, for a browser to show while a dial is dragged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dashboard.results.tiles import tiles
from dashboard.results.words import finding
from dashboard.state.landscape import Landscape, stop_label
from dashboard.state.view import View
from engine.assessment.values import Headline

Previews = dict[str, dict[str, Any]]
Bars = tuple[tuple[int, ...], ...]
"""Heights of bars, by trace of a figure."""


def previews(found: Landscape, widgets: Mapping[str, str], risk: Mapping[View, Bars]) -> Previews:
    """By a dial's key on the page: where it stands, and what is to be shown at each of its measured stops.

    Only what was measured with as many models as asked for is there; at any other stop nothing is known.

    Args:
        found: what has been measured.
        widgets: the key of each dial, by its name.
        risk: the bars of the figure of each record's utility and risk, by setting, as far as they are at hand.
    """
    return {
        key: {
            "here": list(found.view.stops(name)).index(getattr(found.view, name)),
            "stops": {
                place: _preview(spots[stop].headline, spots[stop].view.stopped, stop_label(name, stop))
                | {"risk": risk.get(spots[stop].view)}
                for place, stop in enumerate(found.view.stops(name))
                if stop in spots
            },
        }
        for name, key in widgets.items()
        if (spots := found.measured.get(name)) is not None
    }


@lru_cache(maxsize=2048)
def _preview(head: Headline, stopped: bool, label: str) -> dict[str, Any]:
    return {
        "x": round(head.auc.estimate, 4),
        "y": round(head.test_accuracy.estimate, 4),
        "label": label,
        "sentence": finding(head),
        "tiles": [[tile.value, tile.interval] for tile in tiles(head, stopped=stopped)],
    }
