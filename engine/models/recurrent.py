"""Stacked recurrent layers with hand-written backward passes through time.

Each class is one layer in one direction, from a sequence to the sequence of its states, with the equations,
parameters and names of the torch.nn layer of the same kind. ``Bidirectional`` joins two of them; ``Pool`` takes
the last state or the mean.

Shapes: M models, B records, T steps, H hidden units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from engine.models.layers import ParameterFree, Tap, Weights, affine

_aten = torch.ops.aten


@dataclass(frozen=True)
class _Recurrent:
    """What all recurrent layers share.

    Attributes:
        inputs: features of a step.
        hidden: H.
        suffix: end of the parameter names, such as ``l0`` or ``l1_reverse``.
        reverse: whether the sequence is read from its end.
    """

    inputs: int
    hidden: int
    suffix: str = "l0"
    reverse: bool = False

    gates: ClassVar[int]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The four parameters of torch.nn's layer, in its order."""
        rows = self.gates * self.hidden
        return {
            f"rnn.weight_ih_{self.suffix}": (rows, self.inputs),
            f"rnn.weight_hh_{self.suffix}": (rows, self.hidden),
            f"rnn.bias_ih_{self.suffix}": (rows,),
            f"rnn.bias_hh_{self.suffix}": (rows,),
        }

    @property
    def bound(self) -> float:
        """1/√hidden."""
        return 1 / math.sqrt(self.hidden)

    def _names(self) -> list[str]:
        """Names of input weight, recurrent weight, input bias, recurrent bias."""
        return list(self.shapes)

    def _order(self, steps: int) -> Sequence[int]:
        """The steps in the order in which they are read."""
        return range(steps - 1, -1, -1) if self.reverse else range(steps)

    def _inputs_part(self, weights: Weights, inputs: Tensor, bias: Tensor) -> Tensor:
        """The part of the pre-activations that comes from the inputs, (M, B, T, gates · H)."""
        records, steps, size = inputs.shape[-3:]
        flat = inputs.reshape(*inputs.shape[:-3], records * steps, size)
        return affine(flat, weights[self._names()[0]], bias).view(len(bias), records, steps, -1)

    def _inputs_deltas(self, weights: Weights, gate_deltas: Tensor) -> Tensor:
        """Loss gradient with respect to the inputs, (M, B, T, in)."""
        flat = torch.bmm(gate_deltas.flatten(1, 2), weights[self._names()[0]])
        return flat.view(*gate_deltas.shape[:3], -1)


@dataclass(frozen=True)
class RnnLayer(_Recurrent):
    """M simple recurrent layers, torch.nn.RNN with tanh stacked: h = tanh(W x + b + V h + c)."""

    gates: ClassVar[int] = 1

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, T, in) or (B, T, in) → states (M, B, T, H)."""
        _, recurrent, bias, recurrent_bias = (weights[name] for name in self._names())
        states = self._inputs_part(weights, inputs, bias + recurrent_bias)
        previous = torch.zeros_like(states)
        state = None
        for step in self._order(states.shape[2]):
            now = states[:, :, step]
            if state is not None:
                previous[:, :, step] = state
                now.baddbmm_(state, recurrent.transpose(1, 2))
            state = now.tanh_()
        return states, (inputs, states, previous)

    def backward(
        self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas of the states (M, B, T, H) → deltas of the inputs (M, B, T, in)."""
        inputs, states, previous = saved
        names = self._names()
        gate_deltas = torch.empty_like(states)
        carried = None
        for step in reversed(self._order(states.shape[2])):
            now = gate_deltas[:, :, step]
            total = deltas[:, :, step] if carried is None else carried + deltas[:, :, step]
            _aten.tanh_backward.grad_input(total, states[:, :, step], grad_input=now)
            carried = torch.bmm(now, weights[names[1]])
        tap = Tap(gate_deltas, {names[0]: inputs, names[1]: previous}, (names[2], names[3]))
        return (self._inputs_deltas(weights, gate_deltas) if inputs_too else None), [tap]


@dataclass(frozen=True)
class GruLayer(_Recurrent):
    """M gated recurrent layers, torch.nn.GRU stacked; gates in the order r, z, n.

    n = tanh(W x + b + r ∘ (V h + c)) multiplies the recurrent part by r, so the recurrent weight sees other deltas
    than the input weight, and the layer has two taps.
    """

    gates: ClassVar[int] = 3

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, T, in) or (B, T, in) → states (M, B, T, H)."""
        _, recurrent, bias, recurrent_bias = (weights[name] for name in self._names())
        gates = self._inputs_part(weights, inputs, bias)
        models, records, steps, _ = gates.shape
        states, previous, candidates = gates.new_zeros(3, models, records, steps, self.hidden).unbind()
        state = gates.new_zeros(models, records, self.hidden)
        for step in self._order(steps):
            r, z, n = gates[:, :, step].chunk(3, dim=-1)
            previous[:, :, step] = state
            part = torch.baddbmm(recurrent_bias.unsqueeze(1), state, recurrent.transpose(1, 2))
            part_r, part_z, part_n = part.chunk(3, dim=-1)
            r.add_(part_r).sigmoid_()
            z.add_(part_z).sigmoid_()
            candidates[:, :, step] = part_n
            n.addcmul_(r, part_n).tanh_()
            state = torch.lerp(n, state, z)
            states[:, :, step] = state
        return states, (inputs, gates, previous, candidates)

    def backward(
        self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas of the states (M, B, T, H) → deltas of the inputs (M, B, T, in)."""
        inputs, gates, previous, candidates = saved
        names, size = self._names(), self.hidden
        input_deltas, recurrent_deltas = torch.empty_like(gates), torch.empty_like(gates)
        carried = None
        for step in reversed(self._order(gates.shape[2])):
            r, z, n = gates[:, :, step].chunk(3, dim=-1)
            out_r, out_z, out_n = input_deltas[:, :, step].chunk(3, dim=-1)
            total = deltas[:, :, step] if carried is None else carried + deltas[:, :, step]
            _aten.tanh_backward.grad_input(total * (1 - z), n, grad_input=out_n)
            _aten.sigmoid_backward.grad_input(total * (previous[:, :, step] - n), z, grad_input=out_z)
            _aten.sigmoid_backward.grad_input(out_n * candidates[:, :, step], r, grad_input=out_r)
            hidden_deltas = recurrent_deltas[:, :, step]
            hidden_deltas[..., : 2 * size] = input_deltas[:, :, step, : 2 * size]
            torch.mul(out_n, r, out=hidden_deltas[..., 2 * size :])
            carried = torch.baddbmm(total * z, hidden_deltas, weights[names[1]])
        taps = [
            Tap(input_deltas, {names[0]: inputs}, (names[2],)),
            Tap(recurrent_deltas, {names[1]: previous}, (names[3],)),
        ]
        return (self._inputs_deltas(weights, input_deltas) if inputs_too else None), taps


@dataclass(frozen=True)
class LstmLayer(_Recurrent):
    """M long short-term memory layers, torch.nn.LSTM stacked; gates in the order i, f, g, o."""

    gates: ClassVar[int] = 4

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, T, in) or (B, T, in) → states (M, B, T, H)."""
        _, recurrent, bias, recurrent_bias = (weights[name] for name in self._names())
        gates = self._inputs_part(weights, inputs, bias + recurrent_bias)
        models, records, steps, _ = gates.shape
        shape = (models, records, steps, self.hidden)
        states, cell_tanhs, cells, previous = (gates.new_empty(shape) for _ in range(4))
        state = cell = gates.new_zeros(models, records, self.hidden)
        for count, step in enumerate(self._order(steps)):
            now = gates[:, :, step]
            cells[:, :, step], previous[:, :, step] = cell, state
            if count:
                now.baddbmm_(state, recurrent.transpose(1, 2))
            i, f, g, o = now.chunk(4, dim=-1)
            now[..., : 2 * self.hidden].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            cell = torch.addcmul(i * g, f, cell)
            tanh = torch.tanh(cell)
            state = o * tanh
            cell_tanhs[:, :, step], states[:, :, step] = tanh, state
        return states, (inputs, gates, cells, cell_tanhs, previous)

    def backward(
        self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas of the states (M, B, T, H) → deltas of the inputs (M, B, T, in)."""
        inputs, gates, cells, cell_tanhs, previous = saved
        names = self._names()
        gate_deltas = torch.empty_like(gates)
        carried, cell_delta = None, torch.zeros_like(cells[:, :, 0])
        for step in reversed(self._order(gates.shape[2])):
            now = gate_deltas[:, :, step]
            total = deltas[:, :, step] if carried is None else carried + deltas[:, :, step]
            cell_delta = _lstm_step_back(
                gates[:, :, step], cell_tanhs[:, :, step], cells[:, :, step], total, cell_delta, now
            )
            carried = torch.bmm(now, weights[names[1]])
        tap = Tap(gate_deltas, {names[0]: inputs, names[1]: previous}, (names[2], names[3]))
        return (self._inputs_deltas(weights, gate_deltas) if inputs_too else None), [tap]


def _lstm_step_back(
    gates: Tensor, cell_tanh: Tensor, cell_before: Tensor, state_delta: Tensor, cell_delta: Tensor, out: Tensor
) -> Tensor:
    """Write one step's gate deltas (M, B, 4 · H) into ``out``; return the delta of the cell before it."""
    i, f, g, o = gates.chunk(4, dim=-1)
    out_i, out_f, out_g, out_o = out.chunk(4, dim=-1)
    _aten.sigmoid_backward.grad_input(state_delta * cell_tanh, o, grad_input=out_o)
    cell_delta = cell_delta + _aten.tanh_backward(state_delta * o, cell_tanh)
    _aten.sigmoid_backward.grad_input(cell_delta * g, i, grad_input=out_i)
    _aten.sigmoid_backward.grad_input(cell_delta * cell_before, f, grad_input=out_f)
    _aten.tanh_backward.grad_input(cell_delta * i, g, grad_input=out_g)
    return cell_delta * f


@dataclass(frozen=True)
class Bidirectional:
    """Two recurrent layers over the same sequence, one from each end; their states side by side, (M, B, T, 2H)."""

    onward: RnnLayer | GruLayer | LstmLayer
    backward_layer: RnnLayer | GruLayer | LstmLayer

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The parameters of both directions."""
        return self.onward.shapes | self.backward_layer.shapes

    @property
    def bound(self) -> float:
        """1/√hidden."""
        return self.onward.bound

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Any]:
        """(M, B, T, in) or (B, T, in) → states (M, B, T, 2H)."""
        first, saved_first = self.onward.forward(weights, inputs)
        second, saved_second = self.backward_layer.forward(weights, inputs)
        return torch.cat([first, second], dim=3), (saved_first, saved_second)

    def backward(
        self, weights: Weights, saved: Any, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, list[Tap]]:
        """Deltas of the states (M, B, T, 2H) → deltas of the inputs, summed over directions."""
        first, second = deltas.chunk(2, dim=3)
        one, taps = self.onward.backward(weights, saved[0], first, inputs_too=inputs_too)
        two, more = self.backward_layer.backward(weights, saved[1], second, inputs_too=inputs_too)
        return (None if one is None or two is None else one + two), taps + more


@dataclass(frozen=True)
class Pool(ParameterFree):
    """From the states of all steps to one vector: the last state (of each direction), or the mean of all.

    Attributes:
        kind: ``last`` or ``mean``.
        hidden: H, the width of one direction.
    """

    kind: Literal["last", "mean"]
    hidden: int

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, torch.Size]:
        """(M, B, T, H or 2H) → (M, B, H or 2H)."""
        if self.kind == "mean":
            return inputs.mean(dim=2), inputs.shape
        ends = (inputs[:, :, -1, : self.hidden], inputs[:, :, 0, self.hidden :])
        return torch.cat(ends, dim=2), inputs.shape

    def backward(
        self, weights: Weights, saved: torch.Size, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor, list[Tap]]:
        """Deltas of the vector → deltas of the states."""
        if self.kind == "mean":
            return (deltas / saved[2]).unsqueeze(2).expand(saved), []
        states = deltas.new_zeros(saved)
        states[:, :, -1, : self.hidden] = deltas[..., : self.hidden]
        states[:, :, 0, self.hidden :] = deltas[..., self.hidden :]
        return states, []
