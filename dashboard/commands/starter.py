"""Which settings ship with the package: those of the story on the page Start, most looked at first."""

from __future__ import annotations

from cache.keys import Point
from dashboard.state.story import settings
from dashboard.state.view import point


def starter_points() -> tuple[Point, ...]:
    """The settings in the order of their importance, each once."""
    return tuple(dict.fromkeys(map(point, settings())))
