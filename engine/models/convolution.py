"""Stacked convolutions: a sum over patches is an affine map of unfolded patches, so one linear rule serves all.

Activations have channels last: (M, B, *positions, channels) with one or two axes of positions. Kernels are odd,
padded so that the positions stay. Parameters have the layout of torch.nn.Conv1d and Conv2d with M in front.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.models.layers import ParameterFree, Tap, Weights, affine


@dataclass(frozen=True)
class Convolution:
    """M convolutions with bias, stride 1, torch.nn.Conv1d or Conv2d stacked.

    Attributes:
        name: start of the parameter names.
        inputs: channels in.
        outputs: channels out.
        kernel: odd width of the kernel.
        axes: 1 for a sequence, 2 for a picture.
    """

    name: str
    inputs: int
    outputs: int
    kernel: int
    axes: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Weight (out, in · kernel^axes), which is torch.nn's weight flattened, and bias (out,)."""
        return {f"{self.name}.weight": (self.outputs, self._patch), f"{self.name}.bias": (self.outputs,)}

    @property
    def _patch(self) -> int:
        """Numbers in a patch."""
        return self.inputs * self.kernel**self.axes

    @property
    def bound(self) -> float:
        """1/√(in · kernel^axes)."""
        return 1 / math.sqrt(self._patch)

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, *positions, in), or (B, *positions, in) seen by all models → (M, B, *positions, out)."""
        patches = self._unfold(inputs)
        rows = patches.flatten(-3, -2)
        weight, bias = weights[f"{self.name}.weight"], weights[f"{self.name}.bias"]
        outputs = affine(rows, weight, bias)
        return outputs.view(len(bias), *inputs.shape[-2 - self.axes : -1], self.outputs), patches

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas (M, B, *positions, out) → (M, B, *positions, in)."""
        flat = deltas.flatten(2, -2)
        weight = f"{self.name}.weight"
        tap = Tap(flat, {weight: saved}, (f"{self.name}.bias",))
        if not inputs_too:
            return None, [tap]
        patches = torch.bmm(flat.flatten(1, 2), weights[weight])
        return self._fold(patches.view(*deltas.shape[:-1], self._patch)), [tap]

    def _unfold(self, inputs: Tensor) -> Tensor:
        """(…, B, *positions, in) → (…, B, positions, in · kernel^axes), channels slowest as in torch.nn's weight."""
        margin = self.kernel // 2
        windows = torch.nn.functional.pad(inputs, (0, 0) + (margin, margin) * self.axes)
        first = inputs.dim() - 1 - self.axes
        for axis in range(first, first + self.axes):
            windows = windows.unfold(axis, self.kernel, 1)
        return windows.flatten(-1 - self.axes).flatten(first, first + self.axes - 1)

    def _fold(self, patches: Tensor) -> Tensor:
        """The adjoint of ``_unfold``: (M, B, *positions, in · kernel^axes) → (M, B, *positions, in)."""
        margin, positions = self.kernel // 2, patches.shape[2:-1]
        parts = patches.unflatten(-1, (self.inputs, self.kernel**self.axes))
        padded = parts.new_zeros(*patches.shape[:2], *(size + 2 * margin for size in positions), self.inputs)
        for part, offset in enumerate(itertools.product(range(self.kernel), repeat=self.axes)):
            window = tuple(slice(start, start + size) for start, size in zip(offset, positions, strict=True))
            padded[(slice(None), slice(None), *window)] += parts[..., part]
        inner = tuple(slice(margin, margin + size) for size in positions)
        return padded[(slice(None), slice(None), *inner)]


@dataclass(frozen=True)
class MaxPool(ParameterFree):
    """The largest of every two neighbours along each axis of positions; an odd last position is dropped."""

    axes: int

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, *positions, channels) → (M, B, *half the positions, channels)."""
        outputs, winners = self._windows(inputs).max(dim=-1)
        return outputs, (inputs.shape, winners)

    def backward(self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool) -> tuple[Tensor, list[Tap]]:
        """Each delta goes to the position that was largest, the first one among equals."""
        shape, winners = saved
        result = deltas.new_zeros(shape)
        windows = deltas.new_zeros(*deltas.shape, 2**self.axes)
        windows.scatter_(-1, winners.unsqueeze(-1), deltas.unsqueeze(-1))
        for part, offset in enumerate(itertools.product(range(2), repeat=self.axes)):
            strided = tuple(
                slice(start, start + 2 * size, 2) for start, size in zip(offset, deltas.shape[2:-1], strict=True)
            )
            result[(slice(None), slice(None), *strided)] = windows[..., part]
        return result, []

    def _windows(self, inputs: Tensor) -> Tensor:
        """(M, B, *half the positions, channels, 2^axes), positions of a window in torch.nn's order."""
        for axis in range(2, 2 + self.axes):
            inputs = inputs.unfold(axis, 2, 2)
        return inputs.flatten(-self.axes)


@dataclass(frozen=True)
class Flatten(ParameterFree):
    """Positions and channels in one row, channels fastest."""

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, torch.Size]:
        """(M, B, *positions, channels) → (M, B, positions · channels)."""
        return inputs.flatten(2), inputs.shape

    def backward(
        self, weights: Weights, saved: torch.Size, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor, list[Tap]]:
        """The same numbers in the shape of the inputs."""
        return deltas.view(saved), []
