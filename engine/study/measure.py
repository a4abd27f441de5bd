"""The study measured: train both architectures once for each defence, then match and compare."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from engine.architectures import Gru, Lstm, Mlp, Rnn
from engine.assessment.assess import accuracy
from engine.assessment.comparison import compare
from engine.matching import match_both
from engine.pipeline import assess, release_signals, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.study.defences import DEFENCES, Defence
from engine.study.values import MATCHES, MatchedBy, Row, Side, Study, nearest_epochs
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError, choice, whole

ATTACK = "lira"

Cohort = tuple[TrainedWave, ...]
Trainer = Callable[[Recipe], Cohort]


def study(
    population: PopulationChoice,
    recurrent: Rnn | Gru | Lstm,
    *,
    feed_forward: Mlp | None = None,
    matched_by: MatchedBy = "parameters",
    waves: int = 2,
    epochs: int = 30,
    defences: Sequence[Defence] = DEFENCES,
    check: Callable[[], None] | None = None,
) -> Study:
    """Recurrent against feed-forward under each defence, on the same masks.

    The recurrent network gets as many hidden units as match its parameters with the perceptron's, whatever is
    matched besides; with ``matched_by`` "accuracy" each row releases the kept epochs at which the mean train
    accuracies of what is released are nearest.

    Args:
        population: the records.
        recurrent: the family; its number of hidden units is set here.
        feed_forward: the perceptron, by default one hidden layer of 128 units.
        matched_by: "parameters" or "accuracy".
        waves: of each cohort.
        epochs: of each training.
        defences: one row each.
        check: called after every step; what it raises ends the study.

    Raises:
        InvalidValueError: for an unknown ``matched_by``, no wave, or a population without a sequence view.
    """
    choice("matched_by", matched_by, MATCHES)
    whole("waves", waves, at_least=1)
    sizes = match_both(feed_forward or Mlp(), recurrent, population.info)
    recipes = (
        Recipe(population=population, architecture=sizes.first, epochs=epochs),
        Recipe(population=population, architecture=sizes.second, epochs=epochs),
    )

    @functools.cache  # defences after training share the training
    def cohort(recipe: Recipe) -> Cohort:
        return tuple(train_wave(recipe, wave, check=check) for wave in range(waves))

    return Study(
        population=population.name,
        epochs=epochs,
        matched_by=matched_by,
        feed_forward=recipes[0].architecture,
        recurrent=recipes[1].architecture,
        feed_forward_parameters=sizes.first_parameters,
        recurrent_parameters=sizes.second_parameters,
        rows=tuple(_row(defence, recipes, cohort, matched_by) for defence in defences),
    )


def _row(defence: Defence, plain: tuple[Recipe, Recipe], cohort: Trainer, matched_by: MatchedBy) -> Row:
    """Both architectures under a defence."""
    recipes = [defence.recipe(recipe) for recipe in plain]
    cohorts = [cohort(recipe) for recipe in recipes]
    masks, others = (np.concatenate([wave.masks for wave in waves]) for waves in cohorts)
    if not np.array_equal(masks, others):
        raise InvalidValueError("masks must be the same on both sides of a comparison")
    kept = (recipes[0].epochs, recipes[1].epochs)
    if matched_by == "accuracy":
        first, second = map(functools.partial(_train_accuracies, defence), recipes, cohorts)
        kept = nearest_epochs(first, second)
    sides = list(zip(recipes, map(defence.release, recipes, kept), cohorts, strict=True))
    one, two = (
        Side(epoch=recipe.kept(release), headline=assess(recipe, release, ATTACK, waves).headline)
        for recipe, release, waves in sides
    )
    first_signals, second_signals = (release_signals(*side) for side in sides)
    difference = compare(first_signals, second_signals, masks, ATTACK)
    return Row(defence=defence.title, feed_forward=one, recurrent=two, difference=difference)


def _train_accuracies(defence: Defence, recipe: Recipe, waves: Cohort) -> dict[int, float]:
    """Mean train accuracy of what is released, by kept epoch."""
    masks = np.concatenate([wave.masks for wave in waves])
    return {
        epoch: accuracy(release_signals(recipe, defence.release(recipe, epoch), waves), masks).estimate
        for epoch in recipe.kept_epochs
    }
