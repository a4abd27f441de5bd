"""In which order a sweep measures: breadth first, as far as the store has room for what is not finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cache.keys import Point
from cache.sweeps.values import Plan
from engine.architectures import parameter_count
from engine.recipe import MODELS_PER_WAVE, Recipe

_SHARE = 0.8  # of the room for waves: assessments to come and what others look at need some, too
_NUMBER = 4  # bytes of a parameter


def in_turn(plan: Plan, room: Callable[[], int]) -> Iterator[tuple[int, int]]:
    """All measurements, as (place of a setting, waves): first waves, then second ones, and so on.

    A setting needs its earlier waves for every further one. Where those of all settings have no room together, only
    as many settings as have room take turns, and then the next ones: otherwise a wave would be gone whenever it is
    needed, and trained again.

    Args:
        plan: the settings.
        room: the bytes that waves have room in, asked for whenever the next settings begin: assessments stay
            where waves go, so what is measured leaves ever less of it.
    """
    for block in _blocks(plan, room):
        for waves in range(1, plan.waves + 1):
            for place in block:
                yield place, waves


def _blocks(plan: Plan, room: Callable[[], int]) -> Iterator[list[int]]:
    """Settings next to each other whose waves have room together, by their places; at least one setting each."""
    block: list[int] = []
    left = _SHARE * room()
    for place, setting in enumerate(plan.settings):
        size = plan.waves * _size(setting.point)
        if block and size > left:
            yield block
            block, left = [], _SHARE * room()
        block.append(place)
        left -= size
    if block:
        yield block


def _size(point: Point) -> int:
    """About as many bytes as a wave of a setting takes, that of its shadow models included."""
    recipes = {point.recipe, point.shadow_recipe}
    return sum(MODELS_PER_WAVE * _NUMBER * _parameters(recipe) * len(recipe.kept_epochs) for recipe in recipes)


def _parameters(recipe: Recipe) -> int:
    return parameter_count(recipe.architecture, recipe.population.info)
