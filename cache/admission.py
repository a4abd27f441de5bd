"""Who may have what trained: asked where jobs are accepted, so that no page can forget to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cache.address import PATIENCE
from engine.recipe import Recipe


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
class Limits:
    """What may be asked of the workers, and how long they are waited for.

    A visitor has one job at a time in any case: asking for another setting takes him off the one before.

    Attributes:
        training: what may be trained.
        jobs: settings that visitors may have in work or in the queue, all together; sweeps are not counted.
        patience: seconds that what is in work waits for lost processes to come back; then it fails with a sentence.
        grace: seconds after the last look of its last visitor at which a job stops. Browsers let the pages of
            hidden tabs look once a minute only.
    """

    training: Training = EVERYTHING
    jobs: int = 200
    patience: float = PATIENCE
    grace: float = 150.0


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


def full(waiting: int, limits: Limits) -> str | None:
    """Why no further setting is queued, one sentence; None when there is room."""
    if waiting < limits.jobs:
        return None
    are = "setting is in work or waits" if waiting == 1 else "settings are in work or wait"
    return f"{waiting:,} {are} already; try again in a while."
