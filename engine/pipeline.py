"""The pipeline, each arrow one call: recipe → wave → signals → scores → assessment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.assessment import assess as assess_signals
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Assessment
from engine.mechanisms import SoftLabels
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network, tensors
from engine.populations.membership import masks
from engine.populations.records import Records, split
from engine.recipe import Recipe
from engine.release.values import Release
from engine.release.weights import released
from engine.seeds import generator
from engine.signals import Signals, signals
from engine.training.accounting import claim
from engine.training.batches import epochs
from engine.training.labels import one_hot, softened
from engine.training.loop import noise_generator, train
from engine.training.parameters import parameters
from engine.training.regularization import regularization, training_network
from engine.training.values import EpochReport, TrainedWave

REPORTS = 10


def train_wave(
    recipe: Recipe,
    wave: int,
    *,
    report: Callable[[EpochReport], None] | None = None,
    report_teachers: Callable[[EpochReport], None] | None = None,
    check: Callable[[], None] | None = None,
    device: str = "cpu",
) -> TrainedWave:
    """The eight models of a wave: a pure function of (recipe, wave), the other arguments change no number.

    Args:
        recipe: how to train.
        wave: which wave, from 0.
        report: called after about ``REPORTS`` of the epochs, the last included; each call costs an evaluation.
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
        if epoch in recipe.kept_epochs:
            checkpoints[epoch] = {name: value.cpu().numpy().copy() for name, value in params.weights.items()}
        if report is not None and epoch * REPORTS // recipe.epochs > (epoch - 1) * REPORTS // recipe.epochs:
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


def release_signals(
    recipe: Recipe, release: Release, waves: Sequence[TrainedWave], *, device: str = "cpu"
) -> tuple[Signals, ...]:
    """What the released models of a cohort answer on the contested records, one value for each of the K draws.

    Args:
        recipe: of the cohort.
        release: what its owner publishes.
        waves: waves 0, 1, … of the recipe, at least one.
        device: where to evaluate.
    """
    net = network(recipe.architecture, recipe.population.info)
    records = split(recipe.population).contested
    inputs = view_tensor(net, records, device=device)
    kept = recipe.kept(release)
    published = [wave.parameters if kept == recipe.epochs else wave.checkpoints[kept] for wave in waves]
    answers = [
        [
            logits(net, tensors(copy, device=device), inputs)
            for copy in released(weights, release, seed=recipe.seed, wave=number)
        ]
        for number, weights in enumerate(published)
    ]
    return tuple(signals(np.concatenate(draw), records.labels) for draw in zip(*answers, strict=True))


def assess(
    recipe: Recipe, release: Release, attack: str, waves: Sequence[TrainedWave], *, device: str = "cpu"
) -> Assessment:
    """Utility and leakage of a release of a cohort under an attack: fast, nothing is trained.

    Args:
        recipe: of the cohort.
        release: what its owner publishes.
        attack: a name in the catalogue of attacks.
        waves: waves 0, 1, … of the recipe, at least one.
        device: where to evaluate.
    """
    return assess_signals(
        release_signals(recipe, release, waves, device=device),
        np.concatenate([wave.masks for wave in waves]),
        attack,
        classes=recipe.population.info.classes,
        claim=claim(replace(recipe, epochs=recipe.kept(release))),
        seed=recipe.seed,
    )
