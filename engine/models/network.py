"""Networks: chains of stacked layers, and the families of architectures built of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.architectures import Architecture, Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn, blocks
from engine.models.convolution import Convolution, Flatten, MaxPool
from engine.models.layers import Layer, Linear, Relu, Tanh, Tap, Weights
from engine.models.recurrent import Bidirectional, GruLayer, LstmLayer, Pool, RnnLayer
from engine.populations.catalogue import PopulationInfo, View


@dataclass(frozen=True)
class Network:
    """A chain of layers for M models at once.

    Attributes:
        layers: from the records to the logits.
        view: which view of a record the first layer reads.
        numbers: how many numbers a training step keeps of one record in one model, where they are so many that it
            pays to take few models through the network at a time; 0 where it does not.
    """

    layers: tuple[Layer, ...]
    view: View
    numbers: int = 0

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
        taps: list[Tap] = []
        current: Tensor | None = deltas
        for depth, (layer, kept) in reversed(list(enumerate(zip(self.layers, saved, strict=True)))):
            assert current is not None  # noqa: S101 - only the first layer is not asked for its inputs' deltas
            current, new = layer.backward(weights, kept, current, inputs_too=depth > 0)
            taps += new
        return taps


def network(architecture: Architecture, population: PopulationInfo) -> Network:
    """The network of an architecture for the records of a population.

    Raises:
        InvalidValueError: when the population lacks the view that the architecture reads.
    """
    match architecture:
        case Logistic():
            return Network((Linear("out", population.features, population.classes),), architecture.view)
        case Mlp():
            return _perceptron(architecture, population)
        case Rnn() | Gru() | Lstm():
            return _recurrent(architecture, population)
        case Cnn1d() | Cnn2d():
            return _convolutional(architecture, population)


def _perceptron(architecture: Mlp, population: PopulationInfo) -> Network:
    """Hidden layers of equal width, each with its activation."""
    layers: list[Layer] = []
    sizes = [population.features, *[architecture.width] * architecture.depth]
    for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
        activation = Relu() if architecture.activation == "relu" else Tanh()
        layers += [Linear(f"hidden{index}", inputs, outputs), activation]
    return Network((*layers, Linear("out", architecture.width, population.classes)), architecture.view)


def _recurrent(architecture: Rnn | Gru | Lstm, population: PopulationInfo) -> Network:
    """Recurrent layers over the steps, a pool, and a linear layer."""
    kind = {Rnn: RnnLayer, Gru: GruLayer, Lstm: LstmLayer}[type(architecture)]
    hidden, directions = architecture.hidden, 2 if architecture.bidirectional else 1
    layers: list[Layer] = []
    for index in range(architecture.layers):
        inputs = population.shape_of("sequence")[1] if index == 0 else directions * hidden
        layer = kind(inputs, hidden, f"l{index}")
        layers.append(
            Bidirectional(layer, kind(inputs, hidden, f"l{index}_reverse", reverse=True))
            if architecture.bidirectional
            else layer
        )
    pool = Pool(architecture.pooling, hidden)
    return Network((*layers, pool, Linear("out", directions * hidden, population.classes)), architecture.view)


def _convolutional(architecture: Cnn1d | Cnn2d, population: PopulationInfo) -> Network:
    """Blocks of convolution, ReLU and pooling that double the channels and halve the positions, then linear."""
    axes, walk = architecture.axes, blocks(architecture, population)
    layers: list[Layer] = []
    for index, block in enumerate(walk, start=1):
        convolution = Convolution(f"conv{index}", block.channels, block.outputs, architecture.kernel, axes)
        # max and ReLU commute, and ReLU after the pool has a quarter of the work
        layers += [convolution, MaxPool(axes), Relu()]
    out = Linear("out", walk[-1].left, population.classes)
    return Network((*layers, Flatten(), out), architecture.view, sum(block.numbers for block in walk))


def tensors(arrays: dict[str, np.ndarray], *, device: str = "cpu") -> Weights:
    """Parameters as tensors on a device."""
    return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
