"""Which settings ship with the package: the default page with every stop of its four dials, and what Start shows."""

from __future__ import annotations

from cache.keys import Point
from dashboard.state.stops import ARCHITECTURE, DP, NOISE, REGULARIZATION, STOP_AFTER
from dashboard.state.view import View, point, refusal

_ALONE = (("label_smoothing", "0.6"), (STOP_AFTER.name, "10"), (ARCHITECTURE.name, "lstm-64"))
_DIALS = (REGULARIZATION.name, DP.name, NOISE.name, ARCHITECTURE.name, STOP_AFTER.name)


def starter_points() -> tuple[Point, ...]:
    """The settings in the order of their importance, each once: the default, single ones, then dial after dial."""
    default = View()
    turned = (*_ALONE, *((name, stop) for name in _DIALS for stop in default.stops(name)))
    views = [default, *(default.turned(name, stop) for name, stop in turned)]
    return tuple(dict.fromkeys(point(view) for view in views if refusal(view) is None))
