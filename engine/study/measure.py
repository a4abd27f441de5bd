"""The study measured: train both architectures once for each defence, then match and compare."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.architectures import Gru, Lstm, Mlp, Rnn
from engine.assessment.assess import accuracy
from engine.matching import match_both
from engine.pipeline import assess, compare, release_signals, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from engine.study.defences import DEFENCES, Defence
from engine.study.values import LONGEST, MATCHES, MatchedBy, Row, Side, Study, first_fitting, nearest_epochs
from engine.training.values import TrainedWave
from engine.validate import choice, whole

ATTACK = "lira"


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """Trained models, and after which epochs their weights were kept."""

    recipe: Recipe
    waves: tuple[TrainedWave, ...]

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose weights there are, the last one included."""
        return (*self.waves[0].checkpoints, self.recipe.epochs)

    def after(self, epoch: int) -> Cohort:
        """The cohort of a training that ends after an epoch: the earlier epochs of a longer one are the same."""
        if epoch == self.recipe.epochs:
            return self
        ended = (replace(wave, parameters=wave.checkpoints[epoch], checkpoints={}) for wave in self.waves)
        return Cohort(recipe=replace(self.recipe, epochs=epoch), waves=tuple(ended))

    def train_accuracy(self, release: Release) -> float:
        """Mean over targets of what is released, in [0, 1]."""
        masks = np.concatenate([wave.masks for wave in self.waves])
        return accuracy(release_signals(self.recipe, release, self.waves), masks).estimate

    def train_accuracies(self, release: Release) -> Iterator[tuple[int, float]]:
        """Epochs with the train accuracies of a release of their weights, in order."""
        return ((epoch, self.after(epoch).train_accuracy(release)) for epoch in self.epochs)


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
    matched besides. With ``matched_by`` "accuracy" each row releases the kept epochs at which the mean train
    accuracies of what is released are nearest. With "fit" the perceptron is released after its last epoch, and the
    recurrent network, all else equal, trains on until it fits its training records as well: to the first of the
    epochs looked at, at which the mean train accuracy of what is released is within 1 point of the perceptron's, or
    the nearest where none is. The epochs looked at are those after every tenth of the perceptron's training, in
    whole epochs rounded down and at least one, and those that a recipe keeps anyway.

    Args:
        population: the records.
        recurrent: the family; its number of hidden units is set here.
        feed_forward: the perceptron, by default one hidden layer of 128 units.
        matched_by: "parameters", "accuracy" or "fit".
        waves: of each cohort.
        epochs: of each training; with "fit" the recurrent network's may be ``LONGEST`` times as long.
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
        Recipe(
            population=population,
            architecture=sizes.second,
            epochs=LONGEST * epochs if matched_by == "fit" else epochs,
        ),
    )

    @functools.cache  # defences after training share the training
    def cohort(recipe: Recipe) -> Cohort:
        step = max(1, epochs // 10)
        keep = range(step, recipe.epochs, step) if recipe.epochs > epochs else ()
        trained = (train_wave(recipe, wave, keep=keep, check=check) for wave in range(waves))
        return Cohort(recipe=recipe, waves=tuple(trained))

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


def _row(defence: Defence, plain: tuple[Recipe, Recipe], trained: Trainer, matched_by: MatchedBy) -> Row:
    """Both architectures under a defence."""
    release = defence.release
    first, second = (trained(defence.recipe(recipe)) for recipe in plain)
    one, two = _matched(first, second, release, matched_by)
    return Row(
        defence=defence.title,
        feed_forward=_side(one, release),
        recurrent=_side(two, release),
        difference=compare((one.recipe, release), (two.recipe, release), ATTACK, (one.waves, two.waves)),
    )


def _matched(one: Cohort, two: Cohort, release: Release, matched_by: MatchedBy) -> tuple[Cohort, Cohort]:
    """Both cohorts after the epochs that are to be compared."""
    match matched_by:
        case "parameters":
            return one, two
        case "accuracy":
            first, second = nearest_epochs(dict(one.train_accuracies(release)), dict(two.train_accuracies(release)))
            return one.after(first), two.after(second)
        case "fit":
            return one, two.after(first_fitting(one.train_accuracy(release), two.train_accuracies(release)))


def _side(cohort: Cohort, release: Release) -> Side:
    """What a cohort's release achieves."""
    headline = assess(cohort.recipe, release, ATTACK, cohort.waves).headline
    return Side(epoch=cohort.recipe.epochs, headline=headline)
