"""What the store knows of a plan: how many waves of each setting are assessed, and their numbers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cache.admission import too_large
from cache.keys import Point, assessment_key
from cache.store import Store
from cache.sweeps.values import Plan, Refused, Setting
from engine.assessment.values import Headline

_AT_ONCE = 2000  # keys in one query


@dataclass(frozen=True, kw_only=True)
class Result:
    """A setting that has been measured.

    Attributes:
        setting: what was measured.
        waves: on how many waves, perhaps fewer than asked for.
        headline: its numbers.
    """

    setting: Setting
    waves: int
    headline: Headline


def assessed_waves(store: Store, plan: Plan) -> list[int]:
    """For each setting the most waves, of those asked for, whose assessment is stored; 0 where none is."""
    most = [0] * len(plan.settings)
    for waves in range(plan.waves, 0, -1):
        open_ = [place for place, found in enumerate(most) if not found]
        for start in range(0, len(open_), _AT_ONCE):
            keys = {key_of(plan, place, waves): place for place in open_[start : start + _AT_ONCE]}
            for key in store.measured(keys):
                most[keys[key]] = waves
    return most


def use(store: Store, plan: Plan, waves: Sequence[int]) -> None:
    """Count what is stored of a plan as used now: who asks for it again wants it kept like what is measured today.

    Its waves are not: those of finished settings would crowd out the ones that settings further on still build on.

    Args:
        store: the cache.
        plan: what is asked for.
        waves: for each setting how many waves are assessed, as ``assessed_waves`` says.
    """
    store.use(key_of(plan, place, count) for place, count in enumerate(waves) if count)


def within(plan: Plan, store: Store, memory: int | None) -> Plan:
    """The plan with the settings refused that would need too much memory; what is stored stays.

    Args:
        plan: of all settings.
        store: the cache.
        memory: bytes that a wave may take while it is trained; None is any number.

    Raises:
        InvalidValueError: when no setting is left.
    """
    reasons = [_too_large(setting.point, store, memory) for setting in plan.settings]
    if not any(reasons):
        return plan
    kept: list[Setting] = []
    refused = list(plan.refused)
    for setting, reason, waves in zip(plan.settings, reasons, assessed_waves(store, plan), strict=True):
        if reason is None or waves == plan.waves:
            kept.append(setting)
        else:
            refused.append(Refused(values=setting.values, reason=reason))
    return replace(plan, settings=tuple(kept), refused=tuple(refused))


def _too_large(point: Point, store: Store, memory: int | None) -> str | None:
    """Why one of a point's recipes is not trained, unless all of its waves are stored."""
    for recipe in (point.recipe, point.shadow_recipe):
        reason = too_large(recipe, memory)
        if reason is not None and not store.trained(recipe, point.waves):
            return reason
    return None


def results(store: Store, plan: Plan, waves: Sequence[int]) -> list[Result]:
    """The numbers of the settings that have been measured, in the order of the sweep.

    Args:
        store: the cache.
        plan: what was to be measured.
        waves: for each setting how many waves are assessed, as ``assessed_waves`` says.
    """
    return list(_by_place(store, plan, waves).values())


class Gathered:
    """The numbers of a plan as they come: of thousands of settings, only what is new is read at every look."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store = store
        self._plan = plan
        self._lock = threading.Lock()
        self._known: dict[int, Result] = {}

    def results(self, waves: Sequence[int]) -> list[Result]:
        """What ``results`` says, in the order of the sweep."""
        with self._lock:
            known = {place: found.waves for place, found in self._known.items()}
            self._known |= _by_place(
                self._store,
                self._plan,
                [0 if known.get(place) == count else count for place, count in enumerate(waves)],
            )
            return [self._known[place] for place in sorted(self._known)]


def _by_place(store: Store, plan: Plan, waves: Sequence[int]) -> dict[int, Result]:
    """The numbers of the settings with waves, by their places."""
    keys = {place: key_of(plan, place, count) for place, count in enumerate(waves) if count}
    found = store.headlines(keys.values())
    return {
        place: Result(setting=plan.settings[place], waves=waves[place], headline=found[key])
        for place, key in keys.items()
        if key in found
    }


def key_of(plan: Plan, place: int, waves: int) -> str:
    """The key of the assessment of a setting, by its place in the plan, on that many waves."""
    return assessment_key(plan.settings[place].point.with_waves(waves))
