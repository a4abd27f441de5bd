"""The pipeline, each arrow one call: recipe → wave → signals → scores → assessment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assessment import assess as assess_signals
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Assessment
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network, tensors
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Recipe, Release
from engine.release.weights import released
from engine.seeds import generator
from engine.signals import Signals, signals
from engine.training.accounting import claim
from engine.training.batches import epochs
from engine.training.loop import noise_generator, one_hot, train
from engine.training.parameters import parameters
from engine.training.values import EpochReport, TrainedWave

REPORTS = 10


def train_wave(
    recipe: Recipe,
    wave: int,
    *,
    report: Callable[[EpochReport], None] | None = None,
    check: Callable[[], None] | None = None,
    device: str = "cpu",
) -> TrainedWave:
    """The eight models of a wave: a pure function of (recipe, wave), the other arguments change no number.

    Args:
        recipe: how to train.
        wave: which wave, from 0.
        report: called after about ``REPORTS`` of the epochs, the last included; each call costs an evaluation.
        check: called after every step and must be cheap; what it raises ends the training.
        device: where to train.
    """
    net = network(recipe.architecture, recipe.population.info)
    records = split(recipe.population).contested
    member = masks(recipe.population, recipe.seed, wave)
    inputs = view_tensor(net, records, device=device)
    initial = net.initial(len(member), generator(recipe.seed, "initial weights", wave))
    params = parameters(initial, device=device)

    def after_epoch(epoch: int) -> None:
        if report is not None and epoch * REPORTS // recipe.epochs > (epoch - 1) * REPORTS // recipe.epochs:
            answers = signals(logits(net, params.weights, inputs), records.labels)
            report(epoch_report(answers, member, epoch, recipe.epochs))

    train(
        net,
        recipe,
        params,
        inputs,
        one_hot(records.labels, records.info.classes, device=device),
        epochs(recipe, wave, member),
        noise=noise_generator(recipe.seed, wave),
        after_step=check,
        after_epoch=after_epoch,
    )
    weights = {name: value.cpu().numpy().copy() for name, value in params.weights.items()}
    return TrainedWave(parameters=weights, masks=member)


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
    answers = [
        [
            logits(net, tensors(copy, device=device), inputs)
            for copy in released(wave.parameters, release, seed=recipe.seed, wave=number)
        ]
        for number, wave in enumerate(waves)
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
        claim=claim(recipe),
        seed=recipe.seed,
    )
