"""What an attacker calibrates on: shadow models of the same recipe and release, or of an undefended one.

Song & Mittal 2021, section 4, show that defences were judged by attackers who did not adapt to them. Both attackers
are here, so that their numbers can stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from engine.recipe import Recipe
from engine.release.values import Release

Calibration = Literal["adaptive", "undefended"]

CALIBRATIONS: Mapping[Calibration, str] = {
    "adaptive": "shadow models of the same recipe and release: the attacker adapts to the defence",
    "undefended": "shadow models without any defence, as earlier papers assumed: the attacker does not adapt",
}
"""What an attacker can calibrate on, in words."""


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
    return recipe if calibration == "adaptive" else undefended(recipe)


def shadow_release(release: Release, calibration: Calibration) -> Release:
    """What an attacker reads of his shadow models: the same release, or full probabilities after the last epoch."""
    return release if calibration == "adaptive" else Release()
