"""All parameters of M models in one flat tensor, so that one fused optimizer call moves every weight."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.adam import adam

from engine.mechanisms import DecoupledWeightDecay, L1Penalty, L2Penalty, Mechanism
from engine.models.layers import Weights
from engine.recipe import Adam, Optimizer, Sgd


@dataclass(frozen=True)
class Parameters:
    """Weights and gradients of M models.

    Attributes:
        flat: (total,) all weights.
        gradient: (total,) all gradients.
        weights: (M, …) views into ``flat`` by parameter name.
        gradients: (M, …) views into ``gradient`` by parameter name.
    """

    flat: Tensor
    gradient: Tensor
    weights: Weights
    gradients: Weights


def parameters(
    initial: dict[str, np.ndarray], *, device: str = "cpu", dtype: torch.dtype = torch.float32
) -> Parameters:
    """Initial weights (M, …) by name, copied into one flat tensor; gradients are zero."""
    flat = torch.cat([torch.from_numpy(array).flatten() for array in initial.values()]).to(device, dtype)
    gradient = torch.zeros_like(flat)
    return Parameters(flat, gradient, _views(flat, initial), _views(gradient, initial))


def _views(flat: Tensor, like: dict[str, np.ndarray]) -> Weights:
    """Consecutive pieces of the flat tensor in the shapes of the arrays."""
    pieces = flat.split([math.prod(array.shape) for array in like.values()])
    return {name: piece.view(array.shape) for (name, array), piece in zip(like.items(), pieces, strict=True)}


class Steps(Protocol):
    """What training needs of an optimizer."""

    def step(self) -> object:
        """Move the weights along the gradients."""
        ...


@dataclass(frozen=True)
class _FusedAdam:
    """torch.optim.Adam by torch's functional form: its class costs more time in Python at every step."""

    params: Parameters
    rule: Adam
    penalty: float
    first: Tensor  # running means of the gradient …
    second: Tensor  # … and of its square
    done: Tensor  # () steps

    def step(self) -> None:
        """Move the weights along the gradients."""
        adam(
            [self.params.flat],
            [self.params.gradient],
            [self.first],
            [self.second],
            [],
            [self.done],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=self.rule.learning_rate,
            weight_decay=self.penalty,
            eps=1e-8,
            maximize=False,
        )


def optimizer(params: Parameters, rule: Optimizer, mechanisms: tuple[Mechanism, ...]) -> Steps:
    """The fused torch optimizer over all models at once, weight decay and L2 penalty included.

    Every operation is elementwise, so stacking models changes nothing for any of them.
    """
    penalty = sum(part.strength for part in mechanisms if isinstance(part, L2Penalty))
    params.flat.grad = params.gradient
    match rule:
        case Adam():
            first, second = torch.zeros_like(params.flat), torch.zeros_like(params.flat)
            done = torch.zeros((), device=params.flat.device)
            return _FusedAdam(params, rule, penalty, first, second, done)
        case Sgd(learning_rate=rate, momentum=momentum):
            made = torch.optim.SGD([params.flat], lr=rate, momentum=momentum, weight_decay=penalty, fused=True)
            if momentum:  # at once, not in the first step as torch does, so that models may rest in that one
                made.state[params.flat]["momentum_buffer"] = torch.zeros_like(params.flat)
            return made


@contextmanager
def left_alone(params: Parameters, rule: Steps, models: NDArray[np.bool_]) -> Iterator[None]:
    """Whatever is done within, the weights of some models stay, and so does what the optimizer remembers of them.

    Only Adam's count of steps, which all models share, goes on.

    Args:
        params: of M models.
        rule: their optimizer.
        models: (M,) those that stay.
    """
    chosen = torch.from_numpy(models)
    rows = torch.cat([chosen.repeat_interleave(weight[0].numel()) for weight in params.weights.values()])
    before = [tensor[rows] for tensor in (params.flat, *_memory(params, rule))]
    yield
    after = (params.flat, *_memory(params, rule))
    for tensor, kept in zip(after, before, strict=True):
        tensor[rows] = kept


def _memory(params: Parameters, rule: Steps) -> tuple[Tensor, ...]:
    """What an optimizer remembers of each weight, in the order of ``flat``."""
    match rule:
        case _FusedAdam(first=first, second=second):
            return first, second
        case torch.optim.SGD(state=state) if "momentum_buffer" in state[params.flat]:
            return (state[params.flat]["momentum_buffer"],)
        case _:
            return ()


def shrinkage(rule: Optimizer, mechanisms: tuple[Mechanism, ...]) -> float:
    """The factor 1 − learning rate × strength by which decoupled weight decay multiplies all weights each step.

    Loshchilov & Hutter 2019, algorithm 2, in the form of torch.optim.AdamW: before the optimizer's own step.
    """
    decay = sum(part.strength for part in mechanisms if isinstance(part, DecoupledWeightDecay))
    return 1.0 - rule.learning_rate * decay


def add_l1_penalty(params: Parameters, mechanisms: tuple[Mechanism, ...]) -> None:
    """Add strength · sign(θ), the gradient of strength · Σ|θ|, to the gradients; 0 at θ = 0.

    Source: Tibshirani 1996, section 2.1.
    """
    for part in mechanisms:
        if isinstance(part, L1Penalty):
            params.gradient.add_(params.flat.sign(), alpha=part.strength)
