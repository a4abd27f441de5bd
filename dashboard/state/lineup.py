"""The settings that are compared: the pins, all attacked alike and on as many models as the first of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cache.jobs import Jobs
from cache.keys import Asked, Versus
from cache.store import Store
from dashboard.state.pins import Pins, by_letter
from dashboard.state.view import View, key, point, refusal
from engine.assessment.values import Comparison
from engine.attacks.catalogue import CATALOGUE
from engine.populations.catalogue import POPULATIONS
from engine.recipe import MODELS_PER_WAVE

_ALIKE = ("attack", "models", "calibration")


@dataclass(frozen=True, kw_only=True)
class Lineup:
    """Settings that can be compared pair by pair, by letter: the others with the first.

    Attributes:
        settings: by the letter of their pins.
        sentences: what was changed or left out so that they compare, one sentence each.
    """

    settings: Mapping[str, View]
    sentences: tuple[str, ...]

    @property
    def first(self) -> str:
        """The letter of the setting that the others are compared with."""
        return next(iter(self.settings))

    @property
    def others(self) -> tuple[str, ...]:
        """The letters of those compared with it."""
        return tuple(self.settings)[1:]

    def versus(self, letter: str) -> Versus:
        """What is asked about one of the others: it minus the first."""
        return Versus(first=point(self.settings[self.first]), second=point(self.settings[letter]))


def lineup(pins: Pins) -> Lineup:
    """The pins as they are compared.

    Models, attack and attacker are those of the first, so that the others' numbers compare with its own; the
    attacker adapts. A setting of other records, or one that this attack cannot be made on, is left out.
    """
    settings: dict[str, View] = {}
    sentences: list[str] = []
    for letter, pin in by_letter(pins).items():
        first = next(iter(settings.values()), pin)
        view = _alike(pin, first)
        why = _left_out(letter, view, first)
        if why is None:
            settings[letter] = view
            sentences += _changed(letter, pin, view)
        else:
            sentences.append(why)
    return Lineup(settings=settings, sentences=tuple(sentences))


def _alike(pin: View, first: View) -> View:
    attacked = pin.turned("attack", first.attack).turned("models", first.models)
    return attacked.turned("calibration", View.calibration)


def _left_out(letter: str, view: View, first: View) -> str | None:
    """Why a setting is not compared, None where it is."""
    if (view.population, view.contested) != (first.population, first.contested):
        return (
            f"{letter} is left out: it is about other records ({POPULATIONS[view.population].title}, "
            f"N {view.contested:,}), and only models trained on the same ones can be compared pair by pair."
        )
    refused = refusal(view)
    return None if refused is None else f"{letter} is left out: {refused.rstrip('.')}."


def _changed(letter: str, pin: View, view: View) -> list[str]:
    """What is compared otherwise than it was pinned."""
    if all(getattr(pin, name) == getattr(view, name) for name in _ALIKE):
        return []
    attack = CATALOGUE[view.attack].title
    return [
        f"{letter} is compared under {attack}, whose attacker adapts, on {view.models} models, so that all compare."
    ]


def missing(found: Lineup, store: Store, jobs: Jobs | None) -> tuple[Asked, ...]:
    """What is not measured yet: settings first, then comparisons; nothing where there is nothing to compare."""
    if len(found.settings) < 2:
        return ()
    points = {key(view, view.waves): point(view) for view in found.settings.values()}
    measured = store.measured(points)
    versus = [found.versus(letter) for letter in found.others]
    return (
        *(of for at, of in points.items() if at not in measured),
        *(of for of in versus if comparison(of, store, jobs) is None),
    )


def comparison(of: Versus, store: Store, jobs: Jobs | None) -> Comparison | None:
    """How two settings compare, as far as it is known: what ships is while the workers are still starting."""
    return jobs.comparison(of) if jobs else store.comparison(of)


def models_to_train(asked: tuple[Asked, ...], store: Store) -> int:
    """How many models must be trained to answer what is missing; what is stored needs none."""
    needed = {recipe: of.waves for of in asked for recipe in (of.recipe, of.shadow_recipe)}
    return sum(MODELS_PER_WAVE * waves for recipe, waves in needed.items() if not store.trained(recipe, waves))
