"""How much memory it takes to train a wave, or a model and its neighbours, estimated before that is done."""

from __future__ import annotations

import math

from engine.architectures import Architecture, Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn, blocks, parameter_count
from engine.mechanisms import AdversarialRegularization, L1Penalty, SoftLabels
from engine.populations.catalogue import PopulationInfo
from engine.recipe import MODELS_PER_WAVE, Adam, Recipe
from engine.release.values import NEIGHBOURS

RECORDS_AT_ONCE = 512
"""How many records are evaluated at a time."""
NUMBERS_AT_ONCE = 2**22
"""How many numbers of activations are kept at a time in training, where that makes a difference: 16 MiB."""
_NUMBER = 4  # bytes
_PART = 4  # times what the models taken together keep: with their deltas, and as much of those before, freed later
_COMPARED = 4  # numbers for a weight that is compared with another model's: itself and its change, as doubles
_BATCHES = 2.5  # of records alone: those of the step before go when they happen to, and a product has its own
_OF_A_LAYER = 3  # numbers that a pass keeps for an activation of a feed-forward network: before, after and its delta


def wave_memory(recipe: Recipe) -> int:
    """About as many bytes as the eight models of a wave take at the peak, beyond the program and the population.

    Copies of all weights: the initial ones, those in training, their gradients, what the optimizer remembers, one
    more for noise or the signs of an L1 penalty, three more while teachers train, and every kept epoch three times,
    as arrays, as a message and on the way from one to the other. To that come the activations of the larger of a
    batch and an evaluation and, with a clip, what tells the norms of per-record gradients. In the cases of
    ``tests/test_memory.py``, of every family, it is within a factor of 2 of what is measured.
    """
    evaluated = min(RECORDS_AT_ONCE, recipe.population.contested)
    return _memory(recipe, models=MODELS_PER_WAVE, beside=3 * len(recipe.kept_epochs), evaluated=evaluated)


def retraining_memory(recipe: Recipe) -> int:
    """About as many bytes as a model and its neighbours take at the peak while a sensitivity is measured, likewise.

    All are trained as one stack; nothing is evaluated or kept on the way, and at the end their weights are compared.
    """
    return _memory(recipe, models=1 + NEIGHBOURS, beside=_COMPARED, evaluated=0)


def _memory(recipe: Recipe, *, models: int, beside: int, evaluated: int) -> int:
    """Bytes for a stack of models.

    Args:
        recipe: how they are trained.
        models: how many.
        beside: numbers for each weight beside those that training takes.
        evaluated: records that are evaluated at once.
    """
    weights = models * parameter_count(recipe.architecture, recipe.population.info)
    evaluation = models * evaluated * _activations(recipe.architecture, recipe.population.info)
    return round(_NUMBER * (weights * (_copies(recipe) + beside) + max(_of_a_step(recipe, models), evaluation)))


def _of_a_step(recipe: Recipe, models: int) -> float:
    """How many numbers training keeps of the records of a step.

    A processor takes few models of convolutions through the network at a time (``engine.training.loop``), unless
    inference networks learn from all of them. A graphics processor takes all, in memory of its own.
    """
    batch = recipe.batch if recipe.privacy is None else recipe.batch + 4 * math.sqrt(recipe.batch)  # a Poisson draw
    each = _activations(recipe.architecture, recipe.population.info)
    if recipe.privacy is not None and recipe.privacy.clip is not None:
        each += _norms(recipe.architecture, recipe.population.info)
    at_once = models * batch * each
    if any(isinstance(part, AdversarialRegularization) for part in recipe.mechanisms):
        return 2 * at_once  # as many public records
    if isinstance(recipe.architecture, Cnn1d | Cnn2d):
        return min(at_once, _PART * max(NUMBERS_AT_ONCE, batch * each))
    return at_once


def _copies(recipe: Recipe) -> int:
    """How many numbers training takes for each weight."""
    rule = recipe.optimizer
    remembered = 2 if isinstance(rule, Adam) else int(rule.momentum > 0)
    noisy = recipe.privacy is not None and recipe.privacy.noise_multiplier > 0
    signs = any(isinstance(part, L1Penalty) for part in recipe.mechanisms)
    taught = any(isinstance(part, SoftLabels) for part in recipe.mechanisms)
    return 3 + remembered + (noisy or signs) + 3 * taught


def _activations(architecture: Architecture, info: PopulationInfo) -> float:
    """How many numbers a pass keeps of one record in one model."""
    match architecture:
        case Logistic():
            return _BATCHES * info.features
        case Mlp():
            return info.features + _OF_A_LAYER * architecture.width * architecture.depth
        case Rnn() | Gru() | Lstm():
            steps, inputs = info.shape_of("sequence")
            directions = 2 if architecture.bidirectional else 1
            # The states of a layer, and of every gate what its inputs and states give it, itself and its delta.
            state = (4 * architecture.gates + 1) * architecture.hidden
            return steps * (inputs + directions * architecture.layers * state)
        case Cnn1d() | Cnn2d():
            return sum(block.numbers for block in blocks(architecture, info))


def _norms(architecture: Architecture, info: PopulationInfo) -> float:
    """How many numbers tell the norms of one record's gradients (``engine.training.clipping``)."""
    match architecture:
        case Logistic() | Mlp():
            return 0
        case Rnn() | Gru() | Lstm():
            directions = 2 if architecture.bidirectional else 1
            return 4 * directions * architecture.layers * info.shape_of("sequence")[0] ** 2
        case Cnn1d() | Cnn2d():
            walk = blocks(architecture, info)
            return sum(min(2 * block.positions**2, block.patch * block.outputs) for block in walk)
