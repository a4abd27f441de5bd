"""Settings, or two attacks, trained and compared pair by pair, in the sentences that a shell prints."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.assessment.comparison import Recommendation, compare_attacks, recommended
from engine.assessment.values import Comparison, Interval
from engine.attacks.catalogue import CATALOGUE, Knowledge
from engine.pipeline import compare, release_signals, train_wave
from engine.recipe import PAIRS_PER_WAVE, Recipe
from engine.release.knowledge import why_no_release, why_not
from engine.release.values import Release
from engine.signals import Signals
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError, number, whole
from engine.written import estimated, signed

Setting = tuple[Recipe, Release]


def compared(first: Setting, second: Setting, attack: str, *, waves: int) -> str:
    """Whether the second setting leaks less, with paired differences, in eight lines.

    Both are trained here; settings that differ only in what is released share the training.

    Args:
        first: recipe and release.
        second: likewise, on the same population.
        attack: a key of ``CATALOGUE``.
        waves: of eight models, for each cohort.

    Raises:
        InvalidValueError: without a wave, or where the attack cannot be made on one of the two.
    """
    _refuse(first, (attack,), waves)
    _refuse(second, (attack,), waves)

    @functools.cache
    def cohort(recipe: Recipe) -> tuple[TrainedWave, ...]:
        return _trained(recipe, waves)

    found = compare(first, second, attack, (cohort(first[0]), cohort(second[0])))
    behind = f"{found.pairs} pairs of models, with 95 % intervals; attack: {CATALOGUE[attack].title}"
    return "\n".join(
        [
            f"Second minus first on the same {behind}.",
            f"Train accuracy: {signed(found.train_accuracy)}.",
            f"Test accuracy: {signed(found.test_accuracy)}.",
            f"Attack AUC: {signed(found.auc)}.",
            f"TPR at 1 % FPR: {signed(found.tpr)}.",
            f"p = {found.p_value:.2g} of “both have the same AUC”, for one look at these pairs.",
            f"Rank correlation of the members' losses: {signed(found.loss_rank)}.",
            f"Does the second leak less? {_verdict(found)}",
        ]
    )


def compared_attacks(setting: Setting, first: str, second: str, *, waves: int) -> str:
    """How much more the second attack finds, in three lines.

    Args:
        setting: recipe and release, trained here.
        first: a key of ``CATALOGUE``.
        second: likewise.
        waves: of eight models.

    Raises:
        InvalidValueError: without a wave, or where one of the attacks cannot be made on the setting.
    """
    _refuse(setting, (first, second), waves)
    cohort = _trained(setting[0], waves)
    found = compare_attacks(_signals(setting, cohort, (first, second)), _masks(cohort), first, second)
    difference = (
        f"Second minus first on the same {waves * PAIRS_PER_WAVE} pairs of models: {signed(found.difference)}."
    )
    return "\n".join([_against_guessing(first, found.first), _against_guessing(second, found.second), difference])


def recommendation(settings: Mapping[str, Setting], attack: str, *, least_accuracy: float, waves: int) -> str:
    """The setting that leaks least among those accurate enough, in two lines; one where none is.

    All are trained here on the same masks. The choice is made on one half of the pairs and reported on the other, so
    that the lowest of several AUCs does not flatter the setting that has it.

    Args:
        settings: recipe and release by name, all on the same population.
        attack: a key of ``CATALOGUE``.
        least_accuracy: test accuracy in [0, 1] that a setting needs on the half that chooses.
        waves: of eight models, for each cohort; at least two.

    Raises:
        InvalidValueError: for fewer than two waves, or where the attack cannot be made on one of the settings.
    """
    number("least test accuracy", least_accuracy, at_least=0, at_most=1)
    whole("waves", waves, at_least=2)
    for setting in settings.values():
        _refuse(setting, (attack,), waves)
    cohorts = {recipe: _trained(recipe, waves) for recipe in {recipe for recipe, _ in settings.values()}}
    signals = {name: _signals(each, cohorts[each[0]], (attack,)) for name, each in settings.items()}
    masks = _masks(next(iter(cohorts.values())))
    found = recommended(signals, masks, attack, least_accuracy=least_accuracy)
    if found is None:
        return f"None of {len(settings)} settings reaches a test accuracy of {least_accuracy:g}."
    return _recommended(found, len(settings), attack, least_accuracy)


def _recommended(found: Recommendation, settings: int, attack: str, least_accuracy: float) -> str:
    chosen = (
        f"Recommended of {settings} settings: {found.name}. With a test accuracy of at least {least_accuracy:g} it "
        f"had the lowest AUC, {found.chosen_auc:.3f}, on the half of the models that chose; "
        f"attack: {CATALOGUE[attack].title}."
    )
    reported = (
        f"On the other half, {found.pairs} pairs that had no part in the choice: AUC {estimated(found.auc)}, "
        f"test accuracy {estimated(found.test_accuracy)}."
    )
    return f"{chosen}\n{reported}"


def _refuse(setting: Setting, attacks: Collection[str], waves: int) -> None:
    """Refuse before anything is trained."""
    whole("waves", waves, at_least=1)
    recipe, release = setting
    refusals = [why_no_release(recipe, release), *(why_not(attack, recipe, release) for attack in attacks)]
    for refused in filter(None, refusals):
        raise InvalidValueError(refused)


def _trained(recipe: Recipe, waves: int) -> tuple[TrainedWave, ...]:
    return tuple(train_wave(recipe, wave) for wave in range(waves))


def _signals(setting: Setting, cohort: tuple[TrainedWave, ...], attacks: Collection[str]) -> tuple[Signals, ...]:
    """The draws of a cohort with all that the attacks ask for."""
    knows: set[Knowledge] = {needed for attack in attacks for needed in CATALOGUE[attack].knows}
    return release_signals(*setting, cohort, knows=knows)


def _masks(cohort: tuple[TrainedWave, ...]) -> NDArray[np.bool_]:
    return np.concatenate([wave.masks for wave in cohort])


def _verdict(found: Comparison) -> str:
    """The plain answer, at 5 % over all looks."""
    if found.verdict == "yes":
        return "Yes."
    if found.verdict == "no":
        return "No, it leaks more."
    if found.more_waves is None:
        return "Cannot tell yet, and the difference looks too small for 64 waves to tell."
    waves = "1 more wave" if found.more_waves == 1 else f"{found.more_waves} more waves"
    return f"Cannot tell yet: it needs about {waves}, if the difference is as it looks."


def _against_guessing(attack: str, auc: Interval) -> str:
    """One attack's AUC and whether it beats guessing."""
    beats = "better than guessing" if auc.low > 0.5 else "cannot be told from guessing"
    beats = "worse than guessing" if auc.high < 0.5 else beats
    return f"{CATALOGUE[attack].title}: AUC {estimated(auc)}, {beats}."
