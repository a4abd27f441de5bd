"""Who may have what trained: asked where jobs are accepted, so that no page can forget to."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from cache.address import PATIENCE
from cache.sizes import size_argument, size_text
from engine.memory import retraining_memory, wave_memory
from engine.recipe import Recipe
from engine.release.values import NEIGHBOURS


@dataclass(frozen=True, kw_only=True)
class Everything:
    """Whatever a visitor asks for is trained."""


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """What is stored is shown, and nothing is trained."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Only some recipes are trained.

    Attributes:
        waves: how many waves of each.
    """

    waves: Mapping[Recipe, int]


Training = Everything | Nothing | Listed
"""What may be trained."""

EVERYTHING = Everything()
NOTHING = "Nothing is trained here: whoever started this dashboard shows stored results only."
LISTED = "This setting is not trained here: whoever started this dashboard allows listed settings only."


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever asks, as far as he can be told from others.

    Attributes:
        name: the same in all his tabs, and nobody else's.
        here: whether he sits at the machine that serves the dashboard.
    """

    name: str
    here: bool = False


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may be asked of the workers, and how long they are waited for.

    A visitor, which is a tab, has one job at a time in any case: asking for another setting takes him off the one
    before.

    Attributes:
        training: what may be trained.
        jobs: settings that visitors may have in work or in the queue, all together; what only sweeps want is not
            counted, until a visitor asks for it.
        own: of them, those of one person in all his tabs.
        memory: bytes that a wave may take while it is trained, by the engine's estimate; None is any number.
        patience: seconds that what is in work waits for lost processes to come back; then it fails with a sentence.
        grace: seconds after the last look of its last visitor at which a job stops. Browsers let the pages of
            hidden tabs look once a minute only.
    """

    training: Training = EVERYTHING
    jobs: int = 200
    own: int = 2
    memory: int | None = None
    patience: float = PATIENCE
    grace: float = 150.0


def add_memory_option(parser: argparse.ArgumentParser) -> None:
    """The option that says how much memory training may take, shared by all commands that train many settings."""
    parser.add_argument(
        "--wave-memory",
        type=size_argument,
        metavar="SIZE",
        help="memory that the eight models of a wave may need while they train, by estimate; a setting beyond it is "
        "refused (half of the memory of the machine that runs this command, wherever the workers are)",
    )


def allowed_memory(given: int | None) -> int:
    """Bytes that a wave may take: those of the option, else half of this machine's."""
    from distributed.system import MEMORY_LIMIT

    return MEMORY_LIMIT // 2 if given is None else given


def refusal(training: Training, recipe: Recipe, waves: int) -> str | None:
    """Why the waves of a recipe are not trained, one sentence; None when they are."""
    match training:
        case Everything():
            return None
        case Nothing():
            return NOTHING
        case Listed(waves=listed) if recipe not in listed:
            return LISTED
        case Listed(waves=listed) if listed[recipe] < waves:
            return f"Only {8 * listed[recipe]} models of this setting are trained here."
    return None


def too_large(recipe: Recipe, memory: int | None) -> str | None:
    """Why a wave of a recipe is not trained for want of memory, one sentence that names the dials; None when it is.

    Args:
        recipe: how it would be trained.
        memory: bytes that it may take.
    """
    return _beyond("Eight models of this setting need", wave_memory(recipe), memory)


def too_large_again(recipe: Recipe, memory: int | None) -> str | None:
    """The same of one model of the recipe and its neighbours, each trained again without one record."""
    several = f"{1 + NEIGHBOURS} models of this setting, which are trained for this at once, need"
    return _beyond(several, retraining_memory(recipe), memory)


def _beyond(several: str, needed: int, memory: int | None) -> str | None:
    """The sentence on models that need some bytes, with its beginning; None when so many are allowed."""
    if memory is None or needed <= memory:
        return None
    return (
        f"{several} about {size_text(needed)} of memory while they train, and {size_text(memory)} are allowed here "
        "(--wave-memory): choose a smaller Architecture, with fewer units or layers."
    )


def full(waiting: int, own: int, limits: Limits) -> str | None:
    """Why no further setting is queued, one sentence; None when there is room.

    Args:
        waiting: settings that are in work or in the queue already.
        own: of them, those of the person who asks, in his other tabs.
        limits: how many there may be.
    """
    if own >= limits.own:
        return f"{_waiting(own)} in other tabs of yours already; cancel one or let one end first."
    if waiting >= limits.jobs:
        return f"{_waiting(waiting)} already; try again in a while."
    return None


def _waiting(count: int) -> str:
    return "1 setting is in work or waits" if count == 1 else f"{count:,} settings are in work or wait"
