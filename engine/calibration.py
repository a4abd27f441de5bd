"""What an attacker calibrates on: shadow models of the same recipe and release, of an undefended one, or the target.

Song & Mittal 2021, section 4, show that defences were judged by attackers who did not adapt to them. Both attackers
are here, so that their numbers can stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from engine.attacks.catalogue import CATALOGUE
from engine.recipe import Recipe
from engine.release.values import Release

Calibration = Literal["adaptive", "undefended", "known-members", "oracle"]

CALIBRATIONS: Mapping[Calibration, str] = {
    "adaptive": "shadow models of the same recipe and release: the attacker adapts to the defence",
    "undefended": "shadow models without any defence, as earlier papers assumed: the attacker does not adapt",
    "known-members": "half of the target's own members and as many other records, which the attacker knows; "
    "the rest is judged",
    "oracle": "all of the target's own records, the very ones that are judged: an upper bound, no attacker",
}
"""What an attacker can calibrate on, in words."""

OF_THE_TARGET: frozenset[Calibration] = frozenset({"known-members", "oracle"})
"""Where thresholds come from the target's own records, without shadow models."""


def calibrations(attack: str) -> tuple[Calibration, ...]:
    """What the attacker of a listed attack can calibrate on; only thresholds can be learned of the target."""
    return tuple(each for each in CALIBRATIONS if each not in OF_THE_TARGET or CATALOGUE[attack].threshold)


def why_not_calibrated(attack: str, calibration: Calibration) -> str | None:
    """Why an attack cannot be calibrated so, in one sentence; None where it can."""
    if calibration in calibrations(attack):
        return None
    return (
        f"calibration {calibration} must go with an attack that learns a threshold on one statistic, "
        f"got {CATALOGUE[attack].title}"
    )


def undefended(recipe: Recipe) -> Recipe:
    """The recipe without its defences: no mechanism, no DP-SGD.

    Population, architecture, epochs and seed stay, so members, initial weights and (without DP) batches are the same.
    The optimizer and the batch size stay, too, unless they were DP-SGD's: those go back to a recipe's defaults.
    """
    if recipe.privacy is None:
        return replace(recipe, mechanisms=())
    batch = min(Recipe.batch, recipe.population.contested // 2)
    return Recipe(
        population=recipe.population,
        architecture=recipe.architecture,
        epochs=recipe.epochs,
        batch=batch,
        seed=recipe.seed,
    )


def shadow_recipe(recipe: Recipe, calibration: Calibration) -> Recipe:
    """How the shadow models of an attacker on a recipe are trained."""
    return undefended(recipe) if calibration == "undefended" else recipe


def shadow_release(release: Release, calibration: Calibration) -> Release:
    """What an attacker reads of his shadow models: the same release, or full probabilities after the last epoch."""
    return Release() if calibration == "undefended" else release
