"""Stacked convolutions: a sum over patches is an affine map of unfolded patches, so one linear rule serves all.

Activations have channels last: (M, B, *positions, channels) with one or two axes of positions. Kernels are odd,
padded so that the positions stay.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.models.layers import ParameterFree, Tap, Weights, affine

_aten = torch.ops.aten


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
        """Weight (out, kernel^axes · in), torch.nn's weight with its channels moved to the end, and bias (out,)."""
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
        """(…, B, *positions, in) → (…, B, positions, kernel^axes · in), channels fastest as in the inputs."""
        margin = self.kernel // 2
        windows = torch.nn.functional.pad(inputs, (0, 0) + (margin, margin) * self.axes)
        first = inputs.dim() - 1 - self.axes
        for axis in range(first, first + self.axes):
            windows = windows.unfold(axis, self.kernel, 1)
        windows = windows.movedim(first + self.axes, -1)  # the channels, behind the axes of the kernel
        return windows.flatten(-1 - self.axes).flatten(first, first + self.axes - 1)

    def _fold(self, patches: Tensor) -> Tensor:
        """The adjoint of ``_unfold``: (M, B, *positions, kernel^axes · in) → (M, B, *positions, in)."""
        margin, positions = self.kernel // 2, patches.shape[2:-1]
        parts = patches.unflatten(-1, (self.kernel**self.axes, self.inputs))
        padded = parts.new_zeros(*patches.shape[:2], *(size + 2 * margin for size in positions), self.inputs)
        for part, offset in enumerate(itertools.product(range(self.kernel), repeat=self.axes)):
            window = tuple(slice(start, start + size) for start, size in zip(offset, positions, strict=True))
            padded[(slice(None), slice(None), *window)] += parts[..., part, :]
        inner = tuple(slice(margin, margin + size) for size in positions)
        return padded[(slice(None), slice(None), *inner)]


@dataclass(frozen=True)
class MaxPool(ParameterFree):
    """The largest of every two neighbours along each axis of positions; an odd last position is dropped."""

    axes: int

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, *positions, channels) → (M, B, *half the positions, channels)."""
        pictures = self._pictures(inputs)
        pooled, winners = _aten.max_pool2d_with_indices(pictures, self._kernel, self._kernel)
        return self._channels_last(pooled, inputs.shape), (inputs, winners)

    def backward(self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool) -> tuple[Tensor, list[Tap]]:
        """Each delta goes to the position that was largest, the first one among equals."""
        inputs, winners = saved
        result = _aten.max_pool2d_with_indices_backward(
            self._pictures(deltas), self._pictures(inputs), self._kernel, self._kernel, [0, 0], [1, 1], False, winners
        )
        return self._channels_last(result, inputs.shape), []

    @property
    def _kernel(self) -> list[int]:
        """A sequence is a picture of one column."""
        return [2, 2] if self.axes == 2 else [2, 1]

    def _pictures(self, values: Tensor) -> Tensor:
        """(M, B, *positions, channels) → (M · B, channels, rows, columns), without a copy."""
        columns = values if self.axes == 2 else values.unsqueeze(3)
        return columns.flatten(0, 1).permute(0, 3, 1, 2)

    def _channels_last(self, pictures: Tensor, shape: torch.Size) -> Tensor:
        """The way back; torch keeps channels last in memory, so this is no copy either."""
        values = pictures.permute(0, 2, 3, 1).unflatten(0, shape[:2])
        return (values if self.axes == 2 else values.squeeze(3)).contiguous()


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
