"""Stacked convolutions: a sum over patches is an affine map of unfolded patches, so one linear rule serves all.

Activations have channels last: (M, B, *positions, channels) with one or two axes of positions. Kernels are odd,
padded so that the positions stay.
"""

from __future__ import annotations

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
        return {f"{self.name}.weight": (self.outputs, self.patch), f"{self.name}.bias": (self.outputs,)}

    @property
    def patch(self) -> int:
        """Numbers in a patch."""
        return self.inputs * self.kernel**self.axes

    @property
    def bound(self) -> float:
        """1/√(in · kernel^axes)."""
        return 1 / math.sqrt(self.patch)

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, *positions, in), or (B, *positions, in) seen by all models → (M, B, *positions, out)."""
        patches = self._unfold(inputs)
        weight, bias = weights[f"{self.name}.weight"], weights[f"{self.name}.bias"]
        outputs = self._affine(patches, weight, bias)
        return outputs.view(len(bias), *inputs.shape[-2 - self.axes : -1], self.outputs), patches

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas (M, B, *positions, out) → (M, B, *positions, in)."""
        flat = deltas.flatten(2, -2)
        weight = f"{self.name}.weight"
        tap = Tap(flat, {weight: saved}, (f"{self.name}.bias",))
        return (self._inputs_deltas(weights[weight], deltas) if inputs_too else None), [tap]

    def _inputs_deltas(self, weight: Tensor, deltas: Tensor) -> Tensor:
        """Loss gradient with respect to the inputs, (M, B, *positions, in): the deltas under the kernel turned round.

        Pictures go to torch's own convolution, model by model, which never writes their patches; sequences are so
        small that one product for all models is faster.
        """
        kernels = weight.unflatten(2, (*[self.kernel] * self.axes, self.inputs))
        if self.axes == 1:
            turned = kernels.flip(2).permute(0, 3, 2, 1).flatten(2)
            return torch.bmm(self._unfold(deltas).flatten(1, 2), turned.transpose(1, 2)).view(*deltas.shape[:-1], -1)
        pictures, margin = deltas.permute(0, 1, 4, 2, 3), self.kernel // 2
        pairs = zip(pictures, kernels.permute(0, 1, 4, 2, 3), strict=True)
        found = torch.stack([_aten.conv_transpose2d(*pair, padding=[margin, margin]) for pair in pairs])
        return found.permute(0, 1, 3, 4, 2)

    def _affine(self, patches: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """(M, B, positions, patch), or without M, → (M, B · positions, out)."""
        if patches.is_contiguous():
            return affine(patches.flatten(-3, -2), weight, bias)
        models, records = len(bias), patches.shape[-3]
        rows = patches.expand(models, *patches.shape[-3:]).flatten(0, 1)
        weights = weight.repeat_interleave(records, dim=0).transpose(1, 2)
        outputs = torch.baddbmm(bias.repeat_interleave(records, dim=0).unsqueeze(1), rows, weights)
        return outputs.view(models, -1, self.outputs)

    def _unfold(self, inputs: Tensor) -> Tensor:
        """(…, B, *positions, in) → (…, B, positions, kernel^axes · in), channels fastest as in the inputs.

        With one channel the positions are fastest in memory: then whole rows are copied at once.
        """
        margin = self.kernel // 2
        windows = torch.nn.functional.pad(inputs, (0, 0) + (margin, margin) * self.axes)
        first = inputs.dim() - 1 - self.axes
        for axis in range(first, first + self.axes):
            windows = windows.unfold(axis, self.kernel, 1)
        # (…, B, *positions, in, *kernel)
        if inputs.shape[-1] == 1:
            places = tuple(range(first, first + self.axes))
            windows = windows.squeeze(first + self.axes).movedim(places, tuple(range(-self.axes, 0)))
            return windows.flatten(-self.axes).flatten(first, -2).contiguous().transpose(-1, -2)
        windows = windows.movedim(first + self.axes, -1)  # the channels, behind the axes of the kernel
        return windows.flatten(-1 - self.axes).flatten(first, first + self.axes - 1).contiguous()


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
