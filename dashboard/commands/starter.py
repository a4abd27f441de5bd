"""What ships with the package: the settings of the story on the page Start and how some of them compare."""

from __future__ import annotations

from itertools import permutations

from cache import remote
from cache.keys import Point, Versus
from cache.location import CacheError
from cache.store import Store
from dashboard.state.readymade import ready_made
from dashboard.state.story import PRESETS, settings
from dashboard.state.view import View, point
from engine.recipe import Recipe


def starter_points() -> tuple[Point, ...]:
    """The settings in the order of their importance, each once."""
    return tuple(dict.fromkeys(map(point, settings())))


def starter_comparisons() -> tuple[Versus, ...]:
    """Every two presets either way, and the ready-made comparisons of settings that ship."""
    presets, shipped = [point(preset.view) for preset in PRESETS], set(starter_points())
    made = [tuple(map(point, one.pins)) for one in ready_made(View())]
    ready = [pair for pins in made if shipped.issuperset(pins) for pair in permutations(pins, 2)]
    return tuple(dict.fromkeys(Versus(first=one, second=two) for one, two in [*permutations(presets, 2), *ready]))


def compared(store: Store, versus: Versus) -> bytes:
    """A comparison made of stored waves, here: the process comes to use torch.

    Raises:
        CacheError: when a wave is not stored.
    """
    waves, others = (_waves(store, recipe, versus.waves) for recipe in (versus.recipe, versus.shadow_recipe))
    return remote.run("compare", versus, waves, others)


def _waves(store: Store, recipe: Recipe, count: int) -> list[bytes]:
    found = [store.wave(recipe, wave) for wave in range(count)]
    kept = [blob for blob in found if blob is not None]
    if len(kept) < count:
        raise CacheError(f"The starter results cannot be built: models of {recipe} are not in {store.file}.")
    return kept
