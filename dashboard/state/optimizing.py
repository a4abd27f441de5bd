"""How a view's DP training is set up, and for what that was tuned."""

from __future__ import annotations

from collections.abc import Iterable

from dashboard.state.view import View, point
from engine.populations.catalogue import POPULATIONS
from engine.recipe import Recipe
from engine.tuning.table import EPOCHS, POPULATION_SEED, Tuned, tuned, tuned_on_contested


def training_words(view: View) -> str:
    """How DP training is set up and for what that was tuned, in one sentence; empty without DP.

    The table was tuned on public records, with a clip, without other mechanisms and for the last epoch. A batch is a
    share of the records, so that σ and, but for rounding, ε are those of another N; the best rate need not be.
    """
    asked = point(view)
    recipe = asked.recipe
    if recipe.privacy is None:
        return ""
    row = tuned(view.population, recipe.architecture, recipe.privacy.noise_multiplier)
    clip = "no clip" if recipe.privacy.clip is None else f"clip {recipe.privacy.clip:g}"
    return (
        f"DP optimizer {_tuned_for(row, recipe, recipe.kept(asked.release)) if row else 'not tuned'}: "
        f"rate {recipe.optimizer.learning_rate:g}, {clip}, {recipe.batch} records expected in a batch."
    )


def replicate_words(recipes: Iterable[Recipe]) -> str:
    """What tuning has seen of recipes with other population seeds, in one sentence; empty where it saw nothing.

    A view has the seed of the table, whose tuning records are public; replicates of a sweep have others.
    """
    if not any(map(tuned_on_contested, recipes)):
        return ""
    return (
        f"DP settings were tuned on public records of population seed {POPULATION_SEED}; at the other seeds some of "
        "those are contested, so tuning has looked at them."
    )


def _tuned_for(row: Tuned, recipe: Recipe, kept: int) -> str:
    """On what a row was tuned, where the setting is another one what for, and whether its batch is held back."""
    unclipped = recipe.privacy is not None and recipe.privacy.clip is None
    others = _listed([mechanism.title for mechanism in recipe.mechanisms])
    conditions = [
        *(["with a clip"] if unclipped else []),
        *([f"without {others}"] if others else []),
        *([f"up to epoch {EPOCHS}"] if kept != EPOCHS else []),
    ]
    records, here = POPULATIONS[row.population].public_part("tuning"), recipe.population.contested
    return "".join(
        [
            f"tuned for training {', '.join(conditions)}, on" if conditions else "tuned on",
            f" public records at N = {records:,}",
            f" (here {here:,})" if here != records else "",
            ", with the largest batch allowed with noise (larger may buy accuracy with ε)" if row.capped else "",
        ]
    )


def _listed(names: list[str]) -> str:
    """Names as a sentence lists them."""
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part) if names else ""
