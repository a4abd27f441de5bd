"""Dropout for M models: a layer that exists in training only, and the place where it goes in a network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.models.layers import Layer, ParameterFree, Relu, Tanh, Tap, Weights
from engine.models.network import Network
from engine.models.recurrent import Pool


@dataclass(frozen=True)
class DropoutLayer(ParameterFree):
    """Inverted dropout: x ∘ m/(1 − rate), with m drawn anew for every forward pass, model and record.

    Source: Srivastava et al. 2014, section 4; whole channels, Tompson et al. 2015, section 3.2.

    Attributes:
        rate: the probability that an activation is dropped.
        draws: CPU generator of the masks on every device.
        channels: drop all positions of a channel (the last axis) together.
    """

    rate: float
    draws: torch.Generator
    channels: bool = False

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """(M, B, …), any shape."""
        shape = inputs.shape
        drawn = (*shape[:2], *[1] * (len(shape) - 3), shape[-1]) if self.channels else shape
        kept = torch.rand(drawn, generator=self.draws) >= self.rate
        mask = kept.to(inputs) / (1 - self.rate)
        return inputs * mask, mask

    def backward(
        self, weights: Weights, saved: Tensor, deltas: Tensor, *, inputs_too: bool
    ) -> tuple[Tensor, list[Tap]]:
        """Deltas times the mask."""
        return deltas * saved, []


def with_dropout(net: Network, dropout: DropoutLayer) -> Network:
    """The network with a layer after every hidden activation, block of convolution, or pool of states."""
    layers: list[Layer] = []
    for layer in net.layers:
        layers.append(layer)
        if isinstance(layer, Relu | Tanh | Pool):
            layers.append(dropout)
    return Network(tuple(layers), net.view)
