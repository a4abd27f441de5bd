"""Stacked layers: every parameter and every activation holds M models, and one tensor operation serves them all.

Each layer comes with its own backward pass instead of autograd. That is faster for many small models, and a
backward pass that hands out inputs and output gradients (``Tap``) is all that DP-SGD needs: per-record gradient
norms follow from them without the gradients themselves (see ``engine.training.clipping``).

Shapes: M models, B records, T steps of a sequence. Parameters have the layout of the torch.nn layer of the same
name with M in front. Inputs are (M, B, …), or (B, …) where all models see the same records (evaluation only).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

Weights = dict[str, Tensor]


@dataclass(frozen=True)
class Tap:
    """The share of one backward pass from which a group of gradients is made.

    The gradient of record b is Σ_t deltas[:, b, t] ⊗ inputs[:, b, t] for a weight, Σ_t deltas[:, b, t] for a bias.

    Attributes:
        deltas: (M, B, T, out) loss gradients with respect to the outputs of linear maps; T is 1 without steps.
        weights: by parameter name, the inputs (M, B, T, in) of the linear map with that weight.
        biases: names of the biases added to those outputs.
    """

    deltas: Tensor
    weights: dict[str, Tensor]
    biases: tuple[str, ...]

    @functools.cached_property
    def per_record(self) -> Weights:
        """Gradients of single records, (M, B, out, in), of the weights for which that is the cheaper form."""
        steps, outputs = self.deltas.shape[2:]
        deltas = self.deltas.flatten(0, 1).transpose(1, 2)
        return {
            name: torch.bmm(deltas, inputs.flatten(0, 1)).unflatten(0, self.deltas.shape[:2])
            for name, inputs in self.weights.items()
            if per_record_is_cheaper(steps, outputs, inputs.shape[3])
        }

    @functools.cached_property
    def record_bias(self) -> Tensor:
        """Gradient of single records of each of the biases, (M, B, out)."""
        return self.deltas.sum(dim=2)


def per_record_is_cheaper(steps: int, outputs: int, inputs: int) -> bool:
    """Whether one record's gradient, out · in numbers, is smaller than the 2T² numbers of its Gram matrices.

    With one step the norm is a product of two norms, and neither is needed (Bu et al. 2022, "Scalable and efficient
    training of large convolutional neural networks with differential privacy", section 3).
    """
    return steps > 1 and 2 * steps**2 > outputs * inputs


class Layer(Protocol):
    """What a network needs of a layer."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one model, by name."""
        ...

    @property
    def bound(self) -> float:
        """Initial weights are uniform on (−bound, bound), as in torch.nn."""
        ...

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """The outputs, and what the backward pass needs of this pass."""
        ...

    def backward(
        self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """The loss gradient with respect to the inputs (None unless asked for), and the layer's taps."""
        ...


@dataclass(frozen=True)
class Linear:
    """M affine maps, torch.nn.Linear stacked."""

    name: str
    inputs: int
    outputs: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight (out, in) and bias (out,)."""
        return {f"{self.name}.weight": (self.outputs, self.inputs), f"{self.name}.bias": (self.outputs,)}

    @property
    def bound(self) -> float:
        """1/√in."""
        return 1 / math.sqrt(self.inputs)

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(M, B, in) or (B, in) → (M, B, out)."""
        return affine(inputs, weights[f"{self.name}.weight"], weights[f"{self.name}.bias"]), inputs

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas (M, B, out) → (M, B, in)."""
        weight = f"{self.name}.weight"
        tap = Tap(deltas.unsqueeze(2), {weight: saved.unsqueeze(2)}, (f"{self.name}.bias",))
        return (torch.bmm(deltas, weights[weight]) if inputs_too else None), [tap]


class ParameterFree:
    """A layer without parameters."""

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """None."""
        return {}

    @property
    def bound(self) -> float:
        """Nothing to draw."""
        return 0.0


@dataclass(frozen=True)
class Relu(ParameterFree):
    """max(0, x); overwrites its input."""

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Any shape."""
        outputs = inputs.relu_()
        return outputs, outputs

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor, list[Tap]]:
        """Deltas where the output is positive."""
        return torch.ops.aten.threshold_backward(deltas, saved, 0.0), []


@dataclass(frozen=True)
class Tanh(ParameterFree):
    """The hyperbolic tangent; overwrites its input."""

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Any shape."""
        outputs = inputs.tanh_()
        return outputs, outputs

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor, list[Tap]]:
        """Deltas times 1 − tanh²."""
        return torch.ops.aten.tanh_backward(deltas, saved), []


def affine(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Affine maps, inputs · weightᵀ + bias, of M models.

    Args:
        inputs: (M, n, in), or (n, in) seen by all models: then one matrix product serves all of them.
        weight: (M, out, in).
        bias: (M, out).

    Returns:
        (M, n, out).
    """
    if inputs.dim() == 3:
        return torch.baddbmm(bias.unsqueeze(1), inputs, weight.transpose(1, 2))
    models, outputs, features = weight.shape
    stacked = torch.addmm(bias.reshape(-1), inputs, weight.reshape(models * outputs, features).t())
    return stacked.view(-1, models, outputs).transpose(0, 1).contiguous()
