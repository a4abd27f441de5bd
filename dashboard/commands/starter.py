"""Which settings ship with the package: the default page with every stop of its dials, most looked at first."""

from __future__ import annotations

from cache.keys import Point
from dashboard.state.stops import ARCHITECTURE, DP, NOISE, REGULARIZATION
from dashboard.state.view import View, point, refusal

_DIALS = (REGULARIZATION.name, NOISE.name, DP.name, ARCHITECTURE.name, "label_smoothing", "dropout")


def starter_points() -> tuple[Point, ...]:
    """The settings in the order of their importance, each once: the default, then one dial after another turned."""
    default = View()
    views = [default, *(default.turned(name, stop) for name in _DIALS for stop in default.stops(name))]
    return tuple(dict.fromkeys(point(view) for view in views if refusal(view) is None))
