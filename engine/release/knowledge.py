"""What a release gives away, and why an attack that needs more cannot be made on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE, Knowledge
from engine.mechanisms import (
    AdversarialRegularization,
    Cutout,
    Dropout,
    GaussianInput,
    Mechanism,
    Mixup,
    RandomCrop,
    RelaxLoss,
    SoftLabels,
    SpatialDropout,
)
from engine.recipe import Recipe
from engine.release.values import LabelOnly, MemGuard, Release

OWN_CHANGES = (RandomCrop, GaussianInput, Cutout)
"""The mechanisms that change inputs in training; where a recipe has them, changed copies are changed that way."""

LABEL = "measured sensitivity, not a proof"
"""What stands wherever a measured sensitivity is shown, or what follows from one."""

_DROPPED = "it draws while models go through the network, a few at a time, and neighbours would not draw the same"
_BEYOND_THE_RECORD: Mapping[type[Mechanism], str] = {
    Dropout: _DROPPED,
    SpatialDropout: _DROPPED,
    Mixup: "it blends the record into others, and draws which",
    SoftLabels: "its teachers would have to be trained again without the record, too",
    RelaxLoss: "it goes by the loss of the whole batch, which every record changes",
    AdversarialRegularization: "its inference networks carry one record into the gradients of others, and draw",
}
"""Why neighbours would differ by more than one record's gradients, for every mechanism with which they would."""

_EVERYTHING: frozenset[Knowledge] = frozenset(get_args(Knowledge))


def gives(release: Release) -> frozenset[Knowledge]:
    """What an attacker knows who has a release.

    A release without a treatment of outputs is the model itself, weights and all. A treated one answers queries and
    keeps the weights; one that tells labels only keeps the probabilities, too. Shadow models, records of his own and
    changed copies of a record are the attacker's affair: what he learns of them is treated like every other answer.
    """
    match release.outputs:
        case None:
            return _EVERYTHING
        case LabelOnly():
            return _EVERYTHING - {"weights", "outputs"}
        case _:
            return _EVERYTHING - {"weights"}


def why_not(attack: str, recipe: Recipe, release: Release) -> str | None:
    """Why an attack of the catalogue cannot be made on a release of a recipe, in one sentence; None where it can."""
    info = CATALOGUE[attack]
    for needed in info.knows:
        if needed not in gives(release):
            given = "labels only" if isinstance(release.outputs, LabelOnly) else "answers only"
            return f"attack {info.title} needs {KNOWLEDGE[needed]}; this release gives {given}"
        missing = _why_not_known(needed, recipe)
        if missing is not None:
            return f"attack {info.title} needs {KNOWLEDGE[needed]}; {missing}"
    return None


def why_not_measured(recipe: Recipe) -> str | None:
    """Why the sensitivity of a recipe's weights cannot be measured, in one sentence; None where it can.

    Neighbours must differ from a model by one record's gradients and by nothing that is drawn in training. Penalties,
    decay and label smoothing draw nothing and treat each record, or the weights, by themselves. What changes a record
    or its label at every step draws once for a model and all its neighbours, who have the same batches.
    """
    if recipe.privacy is not None and recipe.privacy.noise_multiplier > 0:
        return "measured sensitivity must be of training without noise: DP-SGD proves its ε for every record"
    for mechanism in recipe.mechanisms:
        reason = _BEYOND_THE_RECORD.get(type(mechanism))
        if reason is not None:
            return f"measured sensitivity must be of training without {mechanism.title}: {reason}"
    return None


def why_no_release(recipe: Recipe, release: Release) -> str | None:
    """Why models of a recipe cannot be released so, in one sentence; None where they can.

    MemGuard trains a classifier on the members, without DP, and all answers depend on it: what DP-SGD proves of the
    weights does not hold for them.
    """
    if not isinstance(release.outputs, MemGuard):
        return None
    if recipe.privacy is not None:
        return "MemGuard must be off with DP-SGD: its classifier learns from the members without DP"
    missing = recipe.population.info.why_no_part("defender")
    return missing and f"MemGuard needs public records for its classifier; {missing}"


def _why_not_known(needed: Knowledge, recipe: Recipe) -> str | None:
    """Why an attacker cannot know something whatever the release, as the end of a sentence; None where he can."""
    info = recipe.population.info
    if needed == "public":
        return info.why_no_part("attacker")
    changed = any(isinstance(mechanism, OWN_CHANGES) for mechanism in recipe.mechanisms)
    if needed == "augmented" and info.picture is None and not changed:
        return f"a record of {info.title} is {info.shape}, which cannot be shifted, this recipe changes none"
    return None
