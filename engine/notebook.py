"""The pipeline in few calls, for notebooks and scripts: train models, then assess what they give away.

``from engine import Recipe, train, assess`` loads this, and torch with it, when ``train`` or ``assess`` is named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine import pipeline
from engine.assessment.values import Assessment
from engine.calibration import shadow_recipe
from engine.recipe import Recipe
from engine.release.answers import released_logits
from engine.release.knowledge import why_no_release, why_not
from engine.release.values import Release
from engine.training.values import EpochReport, TrainedWave
from engine.validate import InvalidValueError, whole


def train(
    recipe: Recipe, *, waves: int = 2, report: Callable[[EpochReport], None] | None = None, device: str = "cpu"
) -> tuple[TrainedWave, ...]:
    """The models of a cohort: wave 0, 1, … of the recipe, eight models each.

    Args:
        recipe: how to train.
        waves: how many, at least 1; an attacker with more shadow models finds more.
        report: called about ten times in each wave, with how its models stand.
        device: where to train; it decides no number on purpose.

    Raises:
        InvalidValueError: for no wave.
    """
    count = whole("waves", waves, at_least=1)
    return tuple(pipeline.train_wave(recipe, wave, report=report, device=device) for wave in range(count))


def assess(
    recipe: Recipe,
    trained: Sequence[TrainedWave],
    *,
    release: Release | None = None,
    attack: str = "lira",
    undefended: Sequence[TrainedWave] = (),
    device: str = "cpu",
) -> Assessment:
    """Utility and leakage of a cohort under an attack, each number with its interval; nothing is trained.

    Args:
        recipe: of the cohort.
        trained: its waves, as ``train`` returns them.
        release: what its owner publishes; None is the model itself after the last epoch.
        attack: a name in ``engine.attacks.catalogue.CATALOGUE``.
        undefended: as many waves of the recipe without its defences (``plain_recipe``): the attacker then does not
            adapt and calibrates on these.
        device: where to evaluate.

    Raises:
        InvalidValueError: when the recipe cannot be released so, or the attack cannot be made on the release, with
            one sentence that says why.
    """
    published = release or Release()
    refused = why_no_release(recipe, published) or why_not(attack, recipe, published)
    if refused is not None:
        raise InvalidValueError(refused)
    return pipeline.assess(
        recipe,
        published,
        attack,
        trained,
        calibration="undefended" if undefended else "adaptive",
        shadows=undefended,
        device=device,
    )


def logits(
    recipe: Recipe, trained: Sequence[TrainedWave], *, release: Release | None = None, device: str = "cpu"
) -> NDArray[np.float32]:
    """What the models of a cohort answer on the contested records, (models, records, classes); nothing is trained.

    Args:
        recipe: of the cohort.
        trained: its waves, as ``train`` returns them.
        release: what its owner publishes; None is the model itself after the last epoch.
        device: where to evaluate.

    Raises:
        InvalidValueError: when the recipe cannot be released so.
    """
    published = release or Release()
    refused = why_no_release(recipe, published)
    if refused is not None:
        raise InvalidValueError(refused)
    return released_logits(recipe, published, trained, device=device)


def plain_recipe(recipe: Recipe) -> Recipe:
    """The recipe without its defences, trained on the same masks: what an attacker who does not adapt trains."""
    return shadow_recipe(recipe, "undefended")
