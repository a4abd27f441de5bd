"""What the cache knows around a view: the setting itself, the path along one dial, the marks of every dial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cache.store import Store
from dashboard.stops import DIALS, WAVES
from dashboard.view import SWEEPS, View, key
from engine.assessment.values import Headline

Marks = Mapping[str, bool] | Mapping[int, bool]
"""By stop of a dial, whether it has been measured."""

GHOSTS = 4
"""Settings visited before that are drawn."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A setting that has been measured.

    Attributes:
        view: the setting, as a view that loads it.
        headline: its numbers.
        label: its stop on the traced dial, or what else tells it from its neighbours.
    """

    view: View
    headline: Headline
    label: str


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What has been measured around a view.

    Attributes:
        view: the view.
        current: the setting itself with the most models there are so far, at most as many as asked for.
        waves: of ``current``; 0 when nothing has been measured.
        path: the measured stops of the traced dial, in the order of the dial, all with as many models as asked.
        ghosts: measured settings visited before, most recent first, at most ``GHOSTS``.
        marks: by dial, whether each stop has been measured with as many models as asked, the others fixed.
    """

    view: View
    current: Spot | None
    waves: int
    path: tuple[Spot, ...]
    ghosts: tuple[Spot, ...]
    marks: Mapping[str, Marks]

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Everything that is drawn, this setting first; each setting once."""
        own = (self.current,) if self.current else ()
        rest = (spot for spot in (*self.path, *self.ghosts) if not same_setting(spot.view, self.view))
        return (*own, *rest)

    @property
    def complete(self) -> bool:
        """Whether the setting has been measured with as many models as asked."""
        return self.waves == self.view.waves


def stop_label(name: str, stop: str | int) -> str:
    """A stop's name on screen."""
    return DIALS[name].label(str(stop)) if name in DIALS else f"{stop:,}"


def landscape(store: Store, view: View, before: Sequence[View] = ()) -> Landscape:
    """Everything that the page shows of the cache, by one query.

    Args:
        store: the cache.
        view: what the visitor has chosen.
        before: views visited before, most recent first.
    """
    known = store.headlines(list(_keys(view, before)))
    waves = next((w for w in range(view.waves, 0, -1) if key(view, w) in known), 0)
    along = tuple(_along(view, view.sweep))
    return Landscape(
        view=view,
        current=_spot(view, known[key(view, waves)]) if waves else None,
        waves=waves,
        path=tuple(_spot(at, known[key(at, at.waves)]) for at in along if key(at, at.waves) in known),
        ghosts=tuple(
            _spot(at, known[key(at, at.waves)])
            for at in before
            if key(at, at.waves) in known and not any(same_setting(at, on) for on in along)
        )[:GHOSTS],
        marks={name: {getattr(at, name): key(at, at.waves) in known for at in _along(view, name)} for name in SWEEPS},
    )


def best_key(found: Landscape) -> str | None:
    """The cache key of the assessment that is shown, None when there is none."""
    return key(found.view, found.waves) if found.waves else None


def _spot(view: View, headline: Headline) -> Spot:
    return Spot(view=view, headline=headline, label=stop_label(view.sweep, getattr(view, view.sweep)))


def _along(view: View, name: str) -> Iterator[View]:
    """The view at every stop of one dial, in order."""
    return (view.turned(name, stop) for stop in view.stops(name))


def _keys(view: View, before: Sequence[View]) -> set[str]:
    """Every key that the page asks the cache for."""
    around = {key(at, at.waves) for name in SWEEPS for at in _along(view, name)}
    own = {key(view, waves) for waves in range(1, view.waves + 1)}
    return around | own | {key(at, at.waves) for at in before}


def models_of(waves: int) -> int:
    """Models in that many waves."""
    return waves * next(models for models, count in WAVES.items() if count == 1)


def same_setting(one: View, other: View) -> bool:
    """Whether two views ask for the same numbers; only what is traced may differ."""
    return replace(one, sweep=other.sweep) == other
