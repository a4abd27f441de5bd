"""The one training loop: M models, different members each, plain or with DP-SGD."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.memory import NUMBERS_AT_ONCE
from engine.models.layers import Tap, Weights
from engine.models.network import Network
from engine.recipe import DpSgd, Recipe
from engine.seeds import entropy
from engine.training.batches import Batch
from engine.training.clipping import clip_factors, sum_gradients
from engine.training.parameters import Parameters, add_l1_penalty, left_alone, optimizer, shrinkage
from engine.training.regularization import Regularization

_ALL = slice(None)  # all models as one part


@torch.no_grad()
def train(
    net: Network,
    recipe: Recipe,
    params: Parameters,
    inputs: Tensor,
    targets: Tensor,
    epochs: Iterable[list[Batch]],
    *,
    regularization: Regularization | None = None,
    noise: torch.Generator | None = None,
    after_step: Callable[[], None] | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train the M models in place.

    Args:
        net: the network.
        recipe: optimizer, penalties, decay, batch size and privacy are read from it.
        params: weights of the M models; changed.
        inputs: (N, …) contested records in the network's view.
        targets: (N, C) their labels as probabilities, or (M, N, C) where models have targets of their own.
        epochs: the batches of each epoch.
        regularization: the mechanisms that act on examples and losses; None is none of them.
        noise: CPU generator of the noise of DP-SGD; needed where the noise multiplier is positive.
        after_step: called after every step; what it raises ends the training.
        after_epoch: called with the number of epochs done; likewise.
    """
    rule = optimizer(params, recipe.optimizer, recipe.mechanisms)
    keep = shrinkage(recipe.optimizer, recipe.mechanisms)
    means = regularization or Regularization()
    for done, batches in enumerate(epochs, start=1):
        for batch in batches:
            write_gradients(
                net, recipe, params, inputs, targets, batch, regularization=means, epoch=done, noise=noise
            )
            add_l1_penalty(params, recipe.mechanisms)
            resting = batch.nothing
            rests = recipe.privacy is None and resting.any()  # a private step is one, also on no record
            with left_alone(params, rule, resting) if rests else nullcontext():
                if keep != 1.0:
                    params.flat.mul_(keep)
                rule.step()
            if after_step is not None:
                after_step()
        if after_epoch is not None:
            after_epoch(done)


def write_gradients(
    net: Network,
    recipe: Recipe,
    params: Parameters,
    inputs: Tensor,
    targets: Tensor,
    batch: Batch,
    *,
    regularization: Regularization | None = None,
    epoch: int = 1,
    noise: torch.Generator | None = None,
) -> None:
    """Write the gradient that one step follows into ``params``.

    Plain: the mean over a model's own batch. With ``privacy``: the (clipped) sum, plus noise, divided by the
    expected batch size, never by the private count.
    """
    real = torch.from_numpy(batch.real).to(params.flat)
    privacy, shares = recipe.privacy, real
    if privacy is None:
        shares = real / torch.from_numpy(batch.divisors).to(real)
    clip = None if privacy is None else privacy.clip
    means = regularization or Regularization()
    for part, taps in record_taps(net, params, inputs, targets, batch, means=means, epoch=epoch, shares=shares):
        sum_gradients(taps, _of_models(params.gradients, part), None if clip is None else clip_factors(taps, clip))
    if privacy is not None:
        add_noise(params.gradient, privacy, noise)
        params.gradient.div_(recipe.batch)


def record_taps(
    net: Network,
    params: Parameters,
    inputs: Tensor,
    targets: Tensor,
    batch: Batch,
    *,
    means: Regularization,
    epoch: int,
    shares: Tensor,
) -> Iterator[tuple[slice, list[Tap]]]:
    """The taps of one pass over a batch, in which each record's loss counts with its share, (M, B).

    Models come in parts, each with its taps, in which M is the models of the part: all at once, or as many as keep
    the numbers of a step near the processor. The taps of a part are to be used before the next is asked for.
    """
    records = torch.from_numpy(batch.records).to(shares.device)
    real = torch.from_numpy(batch.real).to(shares)
    shown, wanted = means.examples(_rows(inputs, records), _rows(targets, records, own=targets.dim() == 3), real)
    for part in _parts(net, means, real):
        weights, cells = _of_models(params.weights, part), _cells(batch, part)
        logits, saved = net.forward(weights, shown[cells])
        deltas = means.deltas(logits, wanted[cells], real[cells], epoch)
        if means.adversary is not None:
            public, labels = means.public_examples(means.adversary, real)
            answers, _ = net.forward(weights, public)
            deltas += means.adversary.deceived(logits, records, real, answers, labels)
        yield part, net.backward(weights, saved, deltas * shares[cells].unsqueeze(2))


def _parts(net: Network, means: Regularization, real: Tensor) -> list[slice]:
    """The models (M of the real records, (M, B)) that are taken through the network together.

    Inference networks learn from all models at once, and a graphics processor has no use for parts.
    """
    models, records = real.shape
    at_once = max(1, NUMBERS_AT_ONCE // max(1, records * net.numbers))
    if at_once >= models or means.adversary is not None or not real.is_cpu:
        return [_ALL]
    return [slice(start, start + at_once) for start in range(0, models, at_once)]


def _of_models(values: Weights, part: slice) -> Weights:
    """The tensors (M, …) of a part's models; themselves where that is all, for cutting them costs small steps."""
    if part == _ALL:
        return values
    return {name: value[part] for name, value in values.items()}


def _cells(batch: Batch, part: slice) -> Any:
    """Where in (M, B) the records of a part are, padded to the largest number among its own models."""
    if part == _ALL:
        return ...
    return part, slice(int(np.flatnonzero(batch.real[part].sum(axis=0)).max(initial=0)) + 1)


def _rows(values: Tensor, records: Tensor, *, own: bool = False) -> Tensor:
    """(N, …) by (M, B) positions → (M, B, …); with ``own`` each model has values of its own, (M, N, …)."""
    if own:
        return values[torch.arange(len(values), device=values.device).unsqueeze(1), records]
    return values.index_select(0, records.view(-1)).view(*records.shape, *values.shape[1:])


def add_noise(gradient: Tensor, privacy: DpSgd, generator: torch.Generator | None) -> None:
    """Add N(0, (σC)²) to every coordinate of the summed gradients, independent for models and steps.

    Source: Abadi et al. 2016, algorithm 1. The noise is drawn on the CPU on every device, so that it depends on the
    seed alone.

    Raises:
        ValueError: when noise is asked for without a generator.
    """
    if privacy.clip is None or privacy.noise_multiplier == 0:
        return
    if generator is None:
        raise ValueError("training noise must have a generator, got None")
    draw = torch.randn(gradient.shape, generator=generator, dtype=gradient.dtype)
    gradient.add_(draw.to(gradient.device), alpha=privacy.noise_multiplier * privacy.clip)


def noise_generator(seed: int, wave: int) -> torch.Generator:
    """The generator of a wave's training noise."""
    return torch.Generator().manual_seed(entropy(seed, "noise", wave) % 2**63)
