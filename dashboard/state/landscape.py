"""What the cache knows around a view: the setting itself, the path along one dial, the marks of every dial."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal

from cache.admission import EVERYTHING, Training
from cache.admission import refusal as not_trained
from cache.store import Store
from dashboard.state.budget import LIMITS
from dashboard.state.stops import DIALS, FOUR, STOP_AFTER, WAVES
from dashboard.state.view import View, key, point, refusal, setting
from engine.assessment.frontier import Band, band, frontier
from engine.assessment.values import Headline
from engine.recipe import PAIRS_PER_WAVE

Mark = Literal["measured", "open", "closed", "refused"]
"""What is known of a stop: measured, not yet, not and nobody may have it trained, or refused by the engine together
with the other dials."""

Marks = Mapping[str, Mark] | Mapping[int, Mark] | Mapping[str | int, Mark]
"""By stop of a dial, what is known of it."""

ALWAYS = (*FOUR, "contested")
"""The dials that are always on the page."""

_OTHERS = ("population", "attack", "calibration", "models")
"""The controls beside the dials."""

GHOSTS = 4
"""Settings visited before that are drawn."""


# A visitor who turns dials comes by the same frontiers again; each takes some tens of milliseconds.
_frontier = lru_cache(maxsize=256)(frontier)
_band = lru_cache(maxsize=256)(band)


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
class Standing:
    """Where a setting stands among those that were measured alike.

    Attributes:
        on: whether it is on their frontier: no other is at least as accurate and leaks at most as much.
        probability: of being there, given how wide the intervals are.
        knee: whether the frontier bends most here, and that can be told from its neighbours.
    """

    on: bool
    probability: float
    knee: bool


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """What has been measured around a view.

    Attributes:
        view: the view.
        refusal: why the engine refuses the setting, one sentence; None when it does not.
        current: the setting itself with the most models there are so far, at most as many as asked for.
        waves: of ``current``; 0 when nothing has been measured.
        path: the measured stops of the traced dial, in the order of the dial, all with as many models as asked.
        ghosts: measured settings visited before, most recent first, at most ``GHOSTS``.
        pins: the pinned settings that have been measured, by letter.
        marks: by dial on the page, what is known of each stop with as many models as asked, the others fixed.
        measured: by dial on the page, the settings at the stops that ``marks`` has as measured.
        limited: whether not everything is trained here, as in a class, so that only some stops can be chosen.
    """

    view: View
    refusal: str | None
    current: Spot | None
    waves: int
    path: tuple[Spot, ...]
    ghosts: tuple[Spot, ...]
    marks: Mapping[str, Marks]
    measured: Mapping[str, Mapping[str | int, Spot]]
    pins: Mapping[str, Spot] = field(default_factory=dict)
    limited: bool = False

    def offered(self, name: str) -> tuple[str | int, ...]:
        """The stops of a control that can be chosen: all; or those measured or trained here, and where it stands."""
        if not self.limited:
            return tuple(self.view.stops(name))
        at, marks = getattr(self.view, name), self.marks[name]
        return tuple(stop for stop, mark in marks.items() if mark in {"measured", "open"} or stop == at)

    def offered_marks(self, name: str) -> Marks:
        """What is known of the stops of a control that can be chosen."""
        return {stop: mark for stop, mark in self.marks[name].items() if stop in self.offered(name)}

    @property
    def spots(self) -> tuple[Spot, ...]:
        """Everything that is drawn, this setting first; each setting once."""
        own = (self.current,) if self.current else ()
        rest = [spot for spot in (*self.path, *self.ghosts) if not same_setting(spot.view, self.view)]
        shown = [*own, *rest]
        pinned = (pin for pin in self.pins.values() if not any(same_setting(pin.view, spot.view) for spot in shown))
        return (*shown, *pinned)

    @cached_property
    def standings(self) -> Mapping[View, Standing]:
        """The settings drawn that were measured alike, by view, each with where it stands; none if all are one.

        Alike are the same records, the same attacker and as many models as asked. Settings that a dial without
        effect tells apart are one setting.
        """
        headlines = self._compared
        if len(headlines) < 2:
            return {}
        found = _frontier(tuple(headlines.values()))
        of = {
            of: Standing(on=on, probability=probability, knee=place == found.clear_knee)
            for place, (of, on, probability) in enumerate(zip(headlines, found.on, found.probability, strict=True))
        }
        return {spot.view: of[key(spot.view, spot.view.waves)] for spot in self.spots if self.alike(spot)}

    @property
    def band(self) -> Band | None:
        """The frontier of the settings drawn that were measured alike, as a band; None if all are one."""
        headlines = self._compared
        return _band(tuple(headlines.values())) if len(headlines) > 1 else None

    @cached_property
    def _compared(self) -> Mapping[str, Headline]:
        """The numbers of the settings drawn that were measured alike, by key and in the order of the keys.

        That order is the same whichever of them the visitor is at, so that the same frontier is found again.
        """
        of = {key(spot.view, spot.view.waves): spot.headline for spot in self.spots if self.alike(spot)}
        return dict(sorted(of.items()))

    def alike(self, spot: Spot) -> bool:
        """Whether a setting was measured like this view asks for: only then do their numbers compare."""
        one, asked, head = spot.view, self.view, spot.headline
        return (
            (one.population, one.contested, one.attack, one.calibration)
            == (asked.population, asked.contested, asked.attack, asked.calibration)
            and head.attack == asked.attack
            and head.pairs == asked.waves * PAIRS_PER_WAVE
        )

    @property
    def complete(self) -> bool:
        """Whether the setting has been measured with as many models as asked."""
        return self.waves == self.view.waves


def stop_label(name: str, stop: str | int) -> str:
    """A stop's name on screen."""
    return DIALS[name].label(str(stop)) if name in DIALS else f"{stop:,}"


def landscape(
    store: Store,
    view: View,
    before: Sequence[View] = (),
    *,
    dials: Collection[str] = ALWAYS,
    pins: Mapping[str, View] | None = None,
    training: Training = EVERYTHING,
) -> Landscape:
    """Everything that the page shows of the cache, by one query.

    Args:
        store: the cache.
        view: what the visitor has chosen.
        before: views visited before, most recent first.
        dials: those whose stops are marked.
        pins: the pinned settings by letter.
        training: what visitors may have trained; where that is not everything, the other controls, early stopping,
            which is chosen on a figure, too, and the dials in use are marked as well.
    """
    before = [allowing_as(view, at) for at in before]
    pins = pins or {}
    limited = training != EVERYTHING
    dials = (*dict.fromkeys((*dials, *_OTHERS, STOP_AFTER.name, *view.in_use)),) if limited else dials
    around = {name: _along(view, name) for name in (*dials, view.sweep)}
    along = around[view.sweep]
    asked = {
        at: key(at, at.waves) for at in (*chain(*around.values()), *before, *pins.values()) if refusal(at) is None
    }
    own = {} if refusal(view) else {waves: key(view, waves) for waves in range(view.waves, 0, -1)}
    known = store.headlines({*asked.values(), *own.values()})
    measured = {at: _spot(at, known[asked[at]]) for at in asked if asked[at] in known}
    waves = next((waves for waves, of in own.items() if of in known), 0)
    return Landscape(
        view=view,
        refusal=refusal(view),
        current=_spot(view, known[own[waves]]) if waves else None,
        waves=waves,
        path=tuple(measured[at] for at in along if at in measured),
        ghosts=tuple(
            measured[at] for at in before if at in measured and not any(same_setting(at, on) for on in along)
        )[:GHOSTS],
        marks={
            name: {getattr(at, name): _mark(at, asked, measured, training) for at in around[name]} for name in dials
        },
        measured={name: {getattr(at, name): measured[at] for at in around[name] if at in measured} for name in dials},
        pins={letter: measured[at] for letter, at in pins.items() if at in measured},
        limited=limited,
    )


def allowing_as(view: View, other: View) -> View:
    """Another view under the budget of this one: it may have changed since."""
    return replace(other, **{name: getattr(view, name) for name in LIMITS})


def _mark(at: View, asked: Collection[View], measured: Collection[View], training: Training) -> Mark:
    if at in measured:
        return "measured"
    if at not in asked:
        return "refused"
    return "open" if training == EVERYTHING or not_trained(training, point(at).recipe, at.waves) is None else "closed"


def reachable(store: Store, views: Sequence[View], training: Training) -> tuple[View, ...]:
    """Those of some settings that are measured with as many models as they ask for, or may be trained here."""
    asked = {at: key(at, at.waves) for at in views if refusal(at) is None}
    stored = store.measured(asked.values())
    measured = {at for at, its in asked.items() if its in stored}
    return tuple(at for at in views if _mark(at, asked, measured, training) in {"measured", "open"})


def best_key(found: Landscape) -> str | None:
    """The cache key of the assessment that is shown, None when there is none."""
    return key(found.view, found.waves) if found.waves else None


def _spot(view: View, headline: Headline) -> Spot:
    return Spot(view=view, headline=headline, label=stop_label(view.sweep, getattr(view, view.sweep)))


def _along(view: View, name: str) -> tuple[View, ...]:
    """The view at every stop of one dial, in order."""
    return tuple(view.turned(name, stop) for stop in view.stops(name))


def models_of(waves: int) -> int:
    """Models in that many waves."""
    return waves * next(models for models, count in WAVES.items() if count == 1)


def same_setting(one: View, other: View) -> bool:
    """Whether two views ask for the same numbers; what is traced and what is allowed may differ."""
    return setting(one) == setting(other)
