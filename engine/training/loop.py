"""The one training loop: M models, different members each, plain or with DP-SGD."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from engine.models.network import Network
from engine.recipe import DpSgd, Recipe
from engine.seeds import entropy
from engine.training.allocation import keep_freed_memory
from engine.training.batches import Batch
from engine.training.clipping import clip_factors, sum_gradients
from engine.training.parameters import Parameters, optimizer, shrinkage


@torch.no_grad()
def train(
    net: Network,
    recipe: Recipe,
    params: Parameters,
    inputs: Tensor,
    targets: Tensor,
    epochs: Iterable[list[Batch]],
    *,
    noise: torch.Generator | None = None,
    after_step: Callable[[], None] | None = None,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train the M models in place.

    Args:
        net: the network.
        recipe: optimizer, mechanisms, batch size and privacy are read from it.
        params: weights of the M models; changed.
        inputs: (N, …) contested records in the network's view.
        targets: (N, C) their labels as probabilities.
        epochs: the batches of each epoch.
        noise: CPU generator of the noise of DP-SGD; needed where the noise multiplier is positive.
        after_step: called after every step; what it raises ends the training.
        after_epoch: called with the number of epochs done; likewise.
    """
    keep_freed_memory()
    rule = optimizer(params, recipe.optimizer, recipe.mechanisms)
    keep = shrinkage(recipe.optimizer, recipe.mechanisms)
    for done, batches in enumerate(epochs, start=1):
        for batch in batches:
            write_gradients(net, recipe, params, inputs, targets, batch, noise=noise)
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
    noise: torch.Generator | None = None,
) -> None:
    """Write the gradient that one step follows into ``params``.

    Plain: the mean over a model's own batch. With ``privacy``: the (clipped) sum, plus noise, divided by the
    expected batch size, never by the private count.
    """
    device, dtype = params.flat.device, params.flat.dtype
    records = torch.from_numpy(batch.records).to(device)
    real = torch.from_numpy(batch.real).to(device, dtype)
    models, size = records.shape
    picked = records.view(-1)
    logits, saved = net.forward(params.weights, inputs.index_select(0, picked).view(models, size, *inputs.shape[1:]))
    deltas = probabilities(logits).sub_(targets.index_select(0, picked).view_as(logits))
    if recipe.privacy is None:
        deltas *= (real / real.sum(dim=1, keepdim=True)).unsqueeze(2)
        sum_gradients(net.backward(params.weights, saved, deltas), params.gradients)
        return
    taps = net.backward(params.weights, saved, deltas * real.unsqueeze(2))
    clip = recipe.privacy.clip
    sum_gradients(taps, params.gradients, None if clip is None else clip_factors(taps, clip))
    add_noise(params.gradient, recipe.privacy, noise)
    params.gradient.div_(recipe.batch)


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over the last of the dimensions (M, B, C).

    Done with the classes in the middle: torch's softmax over a short last dimension takes five times as long.
    """
    return torch.softmax(logits.transpose(1, 2).contiguous(), dim=1).transpose(1, 2).contiguous()


def add_noise(gradient: Tensor, privacy: DpSgd, generator: torch.Generator | None) -> None:
    """Add N(0, (σC)²) to every coordinate of the summed gradients, independent for models and steps.

    The noise is drawn on the CPU on every device, so that it depends on the seed alone.

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


def one_hot(labels: np.ndarray, classes: int, *, device: str = "cpu") -> Tensor:
    """(N,) labels → (N, C) probabilities, float32."""
    return torch.nn.functional.one_hot(torch.from_numpy(labels), classes).to(device, torch.float32)
