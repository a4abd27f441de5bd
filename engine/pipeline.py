"""The pipeline, each arrow one call: recipe → wave → signals → scores → assessment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.assessment import assess as assess_signals
from engine.assessment.comparison import compare as compare_signals
from engine.assessment.informed import Informed
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Assessment, Comparison, Pictures, Riskiest
from engine.attacks import THRESHOLDED
from engine.attacks.catalogue import CATALOGUE, Knowledge
from engine.attacks.informed import KnownMembers, Oracle
from engine.calibration import OF_THE_TARGET, Calibration, shadow_recipe, shadow_release, why_not_calibrated
from engine.mechanisms import SoftLabels
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network, tensors
from engine.populations.membership import masks
from engine.populations.records import Records, split
from engine.proofs import with_proofs
from engine.properties import record_properties
from engine.recipe import Recipe
from engine.release.answers import release_signals
from engine.release.values import Release
from engine.seeds import generator
from engine.signals import Signals, signals
from engine.training.accounting import claim
from engine.training.batches import epochs
from engine.training.labels import one_hot, softened
from engine.training.loop import noise_generator, train
from engine.training.parameters import parameters
from engine.training.regularization import regularization, training_network
from engine.training.values import EpochReport, TrainedWave
from engine.validate import InvalidValueError
from engine.whitebox.distance import search_of

REPORTS = 10


def train_wave(
    recipe: Recipe,
    wave: int,
    *,
    keep: Collection[int] = (),
    report: Callable[[EpochReport], None] | None = None,
    report_teachers: Callable[[EpochReport], None] | None = None,
    check: Callable[[], None] | None = None,
    device: str = "cpu",
) -> TrainedWave:
    """The eight models of a wave: a pure function of (recipe, wave), the other arguments change no number.

    Args:
        recipe: how to train.
        wave: which wave, from 0.
        keep: epochs whose weights are kept besides those that the recipe keeps.
        report: called after about ``REPORTS`` of the epochs and after those whose weights are kept, the last
            included; each call costs an evaluation.
        report_teachers: with soft labels called likewise while the teachers train, with how they stand.
        check: called after every step and must be cheap; what it raises ends the training.
        device: where to train.
    """
    net = network(recipe.architecture, recipe.population.info)
    parts = split(recipe.population)
    records = parts.contested
    member = masks(recipe.population, recipe.seed, wave)
    inputs = view_tensor(net, records, device=device)
    initial = net.initial(len(member), generator(recipe.seed, "initial weights", wave))
    params = parameters(initial, device=device)

    checkpoints: dict[int, dict[str, NDArray[np.float32]]] = {}

    def after_epoch(epoch: int) -> None:
        if epoch in recipe.kept_epochs or epoch in keep:
            checkpoints[epoch] = {name: value.cpu().numpy().copy() for name, value in params.weights.items()}
        due = epoch * REPORTS // recipe.epochs > (epoch - 1) * REPORTS // recipe.epochs
        if report is not None and (due or epoch in recipe.kept_epochs):
            answers = signals(logits(net, params.weights, inputs), records.labels)
            report(epoch_report(answers, member, epoch, recipe.epochs))

    train(
        training_network(net, recipe, wave),
        recipe,
        params,
        inputs,
        targets(recipe, wave, records, report=report_teachers, check=check, device=device),
        epochs(recipe, wave, member),
        regularization=regularization(recipe, wave, parts, device=device),
        noise=noise_generator(recipe.seed, wave),
        after_step=check,
        after_epoch=after_epoch,
    )
    return TrainedWave(parameters=checkpoints.pop(recipe.epochs), masks=member, checkpoints=checkpoints)


def targets(
    recipe: Recipe,
    wave: int,
    records: Records,
    *,
    report: Callable[[EpochReport], None] | None = None,
    check: Callable[[], None] | None = None,
    device: str = "cpu",
) -> Tensor:
    """What the models of a wave learn: labels (N, C), or with soft labels each teacher's answers (M, N, C).

    The teachers are the same wave of the recipe without soft labels and are trained here: model m of it has the
    members, the initial weights and the batches of model m.
    """
    soft = next((part for part in recipe.mechanisms if isinstance(part, SoftLabels)), None)
    if soft is None:
        return one_hot(records.labels, records.info.classes, device=device)
    plain = replace(recipe, mechanisms=tuple(part for part in recipe.mechanisms if part is not soft))
    teachers = train_wave(plain, wave, report=report, check=check, device=device)
    net = network(recipe.architecture, recipe.population.info)
    answers = logits(net, tensors(teachers.parameters, device=device), view_tensor(net, records, device=device))
    return softened(torch.from_numpy(answers), soft.temperature).to(device, torch.float32)


def epoch_report(answers: Signals, masks: NDArray[np.bool_], epoch: int, epochs: int) -> EpochReport:
    """How a wave stands: accuracies and the AUC of the loss threshold, which needs no shadows."""
    pairs = list(zip(answers.correct, masks, strict=True))
    return EpochReport(
        epoch=epoch,
        epochs=epochs,
        train_accuracy=np.array([correct[member].mean() for correct, member in pairs]),
        test_accuracy=np.array([correct[~member].mean() for correct, member in pairs]),
        loss_auc=auc(sweep(answers.phi, masks)),
    )


def assess(
    recipe: Recipe,
    release: Release,
    attack: str,
    waves: Sequence[TrainedWave],
    *,
    calibration: Calibration = "adaptive",
    shadows: Sequence[TrainedWave] = (),
    device: str = "cpu",
) -> Assessment:
    """Utility and leakage of a release of a cohort under an attack: fast, nothing is trained.

    Args:
        recipe: of the cohort.
        release: what its owner publishes.
        attack: a name in the catalogue of attacks.
        waves: waves 0, 1, … of the recipe, at least one.
        calibration: what the attacker calibrates on.
        shadows: as many waves of ``shadow_recipe(recipe, calibration)``; looked at only where the
            attacker does not adapt.
        device: where to evaluate.

    Raises:
        InvalidValueError: when the shadow models have other masks than the targets, or the attack cannot be
            calibrated so.
    """
    refused = why_not_calibrated(attack, calibration)
    if refused is not None:
        raise InvalidValueError(refused)
    knows = CATALOGUE[attack].knows
    masks = np.concatenate([wave.masks for wave in waves])
    draws = release_signals(recipe, release, waves, knows=knows, device=device)
    others = (
        None
        if calibration != "undefended"
        else _shadow_signals(recipe, release, calibration, masks, shadows, knows=knows, device=device)
    )
    assessment = assess_signals(
        draws,
        masks,
        attack,
        classes=recipe.population.info.classes,
        claim=claim(replace(recipe, epochs=recipe.kept(release))),
        seed=recipe.seed,
        shadows=others,
        properties=record_properties(recipe, release, waves, draws[0], masks, device=device),
        informed=_informed(attack, calibration, recipe.seed),
    )
    if calibration not in OF_THE_TARGET:  # audits bound what leaks without knowledge of the masks
        assessment = with_proofs(assessment, recipe, release, draws[0], masks, others[0] if others else None)
    return replace(
        assessment,
        pictures=_pictures(split(recipe.population).contested, assessment.riskiest),
        search=search_of(attack, draws[0], recipe.population.info.features),
    )


def compare(
    first: tuple[Recipe, Release],
    second: tuple[Recipe, Release],
    attack: str,
    cohorts: tuple[Sequence[TrainedWave], Sequence[TrainedWave]],
    *,
    device: str = "cpu",
) -> Comparison:
    """Paired comparison of two settings, second minus first: nothing is trained.

    Args:
        first: recipe and release.
        second: likewise.
        attack: a name in the catalogue of attacks; every cohort is attacked with itself as shadows.
        cohorts: waves 0, 1, … of either recipe, as many of the second as of the first.
        device: where to evaluate.

    Raises:
        InvalidValueError: when the two cohorts were not trained on the same masks.
    """
    masks, others = (np.concatenate([wave.masks for wave in waves]) for waves in cohorts)
    if not np.array_equal(masks, others):
        raise InvalidValueError("settings to be compared must be trained on the same masks")
    knows = CATALOGUE[attack].knows
    draws = [
        release_signals(*setting, waves, knows=knows, device=device)
        for setting, waves in zip((first, second), cohorts, strict=True)
    ]
    return compare_signals(draws[0], draws[1], masks, attack)


def _informed(attack: str, calibration: Calibration, seed: int) -> Informed | None:
    """Who takes thresholds from the target itself; None where they come from shadow models."""
    match calibration:
        case "known-members":
            return KnownMembers(attack=THRESHOLDED[attack], seed=seed)
        case "oracle":
            return Oracle(attack=THRESHOLDED[attack])
        case _:
            return None


def _pictures(contested: Records, named: Riskiest | None) -> Pictures | None:
    """The named records as pictures; None where none is named or records are no pictures."""
    if named is None or contested.info.picture is None:
        return None
    return Pictures(record=named.record, pixels=np.stack([contested.picture(record) for record in named.record]))


def _shadow_signals(
    recipe: Recipe,
    release: Release,
    calibration: Calibration,
    masks: NDArray[np.bool_],
    shadows: Sequence[TrainedWave],
    *,
    knows: Collection[Knowledge],
    device: str,
) -> tuple[Signals, ...]:
    """The signals of a cohort that an attacker calibrates on instead of the target's, trained on the same masks."""
    if not shadows or not np.array_equal(np.concatenate([wave.masks for wave in shadows]), masks):
        raise InvalidValueError("shadow models must be trained on the masks of the targets")
    trained, published = shadow_recipe(recipe, calibration), shadow_release(release, calibration)
    return release_signals(trained, published, shadows, knows=knows, device=device)
