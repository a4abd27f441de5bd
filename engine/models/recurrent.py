"""Stacked recurrent layers with a hand-written backward pass through time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.models.layers import Tap, Weights, affine


@dataclass(frozen=True)
class _LstmPass:
    """What the backward pass needs: shapes (M, B, T, ·), gates in torch's order i, f, g, o after activation."""

    inputs: Tensor
    gates: Tensor
    cells: Tensor
    cell_tanhs: Tensor
    previous: Tensor


@dataclass(frozen=True)
class LstmLayer:
    """M LSTMs from the sequence to the last hidden state, torch.nn.LSTM (one layer, one direction) stacked."""

    inputs: int
    hidden: int

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The four parameters of torch.nn.LSTM, gates in the order i, f, g, o."""
        gates = 4 * self.hidden
        return {
            "lstm.weight_ih_l0": (gates, self.inputs),
            "lstm.weight_hh_l0": (gates, self.hidden),
            "lstm.bias_ih_l0": (gates,),
            "lstm.bias_hh_l0": (gates,),
        }

    @property
    def bound(self) -> float:
        """1/√hidden."""
        return 1 / math.sqrt(self.hidden)

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, _LstmPass]:
        """(M, B, T, in) or (B, T, in) → last hidden state (M, B, hidden)."""
        bias = weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"]
        models, (records, steps, size) = len(bias), inputs.shape[-3:]
        flat = inputs.reshape(*inputs.shape[:-3], records * steps, size)
        gates = affine(flat, weights["lstm.weight_ih_l0"], bias).view(models, records, steps, -1)
        recurrent = weights["lstm.weight_hh_l0"].transpose(1, 2)
        cells, cell_tanhs, previous = gates.new_empty(3, models, records, steps, self.hidden).unbind()
        previous[:, :, 0] = 0
        state = cell = gates.new_zeros(models, records, self.hidden)
        for step in range(steps):
            now = gates[:, :, step]
            if step:
                now.baddbmm_(state, recurrent)
            i, f, g, o = now.chunk(4, dim=-1)
            now[..., : 2 * self.hidden].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            cell = torch.addcmul(i * g, f, cell) if step else i * g
            cells[:, :, step] = cell
            tanh = torch.tanh(cell)
            cell_tanhs[:, :, step] = tanh
            state = o * tanh
            if step + 1 < steps:
                previous[:, :, step + 1] = state
        return state, _LstmPass(inputs, gates, cells, cell_tanhs, previous)

    def backward(
        self, weights: Weights, saved: _LstmPass, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor | None, Tap]:
        """Deltas of the last hidden state (M, B, hidden) → deltas of the sequence (M, B, T, in)."""
        steps = saved.gates.shape[2]
        recurrent = weights["lstm.weight_hh_l0"]
        gate_deltas = torch.empty_like(saved.gates)
        state_delta, cell_delta = deltas, torch.zeros_like(deltas)
        for step in reversed(range(steps)):
            now = gate_deltas[:, :, step]
            before = saved.cells[:, :, step - 1] if step else None
            cell_delta = _step_back(
                saved.gates[:, :, step], saved.cell_tanhs[:, :, step], before, state_delta, cell_delta, now
            )
            if step:
                state_delta = torch.bmm(now, recurrent)
        tap = Tap(
            gate_deltas,
            {"lstm.weight_ih_l0": saved.inputs, "lstm.weight_hh_l0": saved.previous},
            ("lstm.bias_ih_l0", "lstm.bias_hh_l0"),
        )
        if not inputs_too:
            return None, tap
        flat = gate_deltas.flatten(1, 2)
        return torch.bmm(flat, weights["lstm.weight_ih_l0"]).view(*saved.gates.shape[:3], -1), tap


def _step_back(
    gates: Tensor,
    cell_tanh: Tensor,
    before: Tensor | None,
    state_delta: Tensor,
    cell_delta: Tensor,
    out: Tensor,
) -> Tensor:
    """Write one step's gate deltas (M, B, 4 · hidden) into ``out``; return the delta of the cell before it."""
    i, f, g, o = gates.chunk(4, dim=-1)
    out_i, out_f, out_g, out_o = out.chunk(4, dim=-1)
    aten = torch.ops.aten
    aten.sigmoid_backward.grad_input(state_delta * cell_tanh, o, grad_input=out_o)
    cell_delta = cell_delta + aten.tanh_backward(state_delta * o, cell_tanh)
    aten.sigmoid_backward.grad_input(cell_delta * g, i, grad_input=out_i)
    aten.tanh_backward.grad_input(cell_delta * i, g, grad_input=out_g)
    if before is None:
        out_f.zero_()
    else:
        aten.sigmoid_backward.grad_input(cell_delta * before, f, grad_input=out_f)
    return cell_delta * f
