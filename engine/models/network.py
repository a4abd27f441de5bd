"""Networks: chains of stacked layers, and the families of architectures built of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.models.layers import Layer, Linear, Relu, Tanh, Tap, Weights
from engine.models.recurrent import LstmLayer
from engine.populations.catalogue import PopulationInfo
from engine.recipe import Architecture, Logistic, Lstm, Mlp


@dataclass(frozen=True)
class Network:
    """A chain of layers for M models at once.

    Attributes:
        layers: from the records to the logits.
        view: which view of a record the first layer reads.
    """

    layers: tuple[Layer, ...]
    view: Literal["flat", "sequence"]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one model, in order."""
        return {name: shape for layer in self.layers for name, shape in layer.shapes.items()}

    def initial(self, models: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Initial parameters, float32, with the distribution of torch.nn for each of the models."""
        return {
            name: rng.uniform(-layer.bound, layer.bound, (models, *shape)).astype(np.float32)
            for layer in self.layers
            for name, shape in layer.shapes.items()
        }

    def forward(self, weights: Weights, inputs: Tensor) -> tuple[Tensor, list[Any]]:
        """Logits (M, B, C), and what ``backward`` needs."""
        saved = []
        for layer in self.layers:
            inputs, kept = layer.forward(weights, inputs)
            saved.append(kept)
        return inputs, saved

    def backward(self, weights: Weights, saved: list[Any], deltas: Tensor) -> list[Tap]:
        """The taps of all layers with parameters, from loss gradients with respect to the logits (M, B, C)."""
        taps = []
        current: Tensor | None = deltas
        for depth, (layer, kept) in reversed(list(enumerate(zip(self.layers, saved, strict=True)))):
            assert current is not None  # noqa: S101 - only the first layer is not asked for its inputs' deltas
            current, tap = layer.backward(weights, kept, current, inputs_too=depth > 0)
            if tap is not None:
                taps.append(tap)
        return taps


def network(architecture: Architecture, population: PopulationInfo) -> Network:
    """The network of an architecture for the records of a population."""
    match architecture:
        case Logistic():
            return Network((Linear("out", population.features, population.classes),), "flat")
        case Mlp(width=width, depth=depth, activation=activation):
            layers: list[Layer] = []
            sizes = [population.features, *[width] * depth]
            for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
                layers += [
                    Linear(f"hidden{index}", inputs, outputs),
                    Relu() if activation == "relu" else Tanh(),
                ]
            return Network((*layers, Linear("out", width, population.classes)), "flat")
        case Lstm(hidden=hidden):
            lstm = LstmLayer(population.picture[1], hidden)
            return Network((lstm, Linear("out", hidden, population.classes)), "sequence")


def parameter_count(net: Network) -> int:
    """Trainable numbers of one model."""
    return sum(int(np.prod(shape)) for shape in net.shapes.values())


def tensors(arrays: dict[str, np.ndarray], *, device: str = "cpu") -> Weights:
    """Parameters as tensors on a device."""
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
