"""The same models and training steps in plain torch.nn, one model after another: what stacked training must equal."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn

from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.mechanisms import DecoupledWeightDecay, L2Penalty
from engine.models.layers import Tap
from engine.recipe import Adam, Recipe, Sgd
from engine.training.batches import Batch

# Every family and option, small: what stacked training and DP-SGD are held to.
ARCHITECTURES = (
    Logistic(),
    Mlp(width=20),
    Mlp(width=12, depth=3, activation="tanh"),
    *(
        variant
        for family in (Rnn, Gru, Lstm)
        for variant in (
            family(hidden=7),
            family(hidden=7, bidirectional=True),
            family(hidden=7, layers=2, pooling="mean"),
            family(hidden=7, layers=2, bidirectional=True, pooling="mean"),
        )
    ),
    Cnn1d(width=4, depth=1),
    Cnn1d(width=4, depth=3),
    Cnn2d(width=3, depth=1),
    Cnn2d(width=3, depth=2),
)


def record_gradients(taps: list[Tap], factors: Tensor) -> dict[str, Tensor]:
    """The gradient of every single record formed, times its factor (M, B): by parameter name, (M, B, …)."""
    formed: dict[str, Tensor] = {}
    for tap in taps:
        deltas = tap.deltas * factors[:, :, None, None]
        for name, inputs in tap.weights.items():
            formed[name] = (deltas.unsqueeze(4) * inputs.unsqueeze(3)).sum(dim=2)
        for name in tap.biases:
            formed[name] = deltas.sum(dim=2)
    return formed


class Perceptron(nn.Sequential):
    """Linear layers with activations between them, named as in the stacked network."""

    def __init__(self, features: int, classes: int, architecture: Mlp):
        sizes = [features, *[architecture.width] * architecture.depth]
        layers: dict[str, nn.Module] = {}
        for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
            layers[f"hidden{index}"] = nn.Linear(inputs, outputs)
            layers[f"activation{index}"] = nn.ReLU() if architecture.activation == "relu" else nn.Tanh()
        super().__init__(OrderedDict(**layers, out=nn.Linear(sizes[-1], classes)))


class Recurrent(nn.Module):
    """torch's (or Opacus's) recurrent layers, a pool, and a linear layer."""

    def __init__(self, rnn: nn.Module, architecture: Rnn | Gru | Lstm, classes: int):
        super().__init__()
        self.rnn, self.architecture = rnn, architecture
        self.out = nn.Linear(architecture.hidden * (2 if architecture.bidirectional else 1), classes)

    def forward(self, inputs: Tensor) -> Tensor:
        states, hidden = self.rnn(inputs)[0], self.architecture.hidden
        if self.architecture.pooling == "mean":
            return self.out(states.mean(dim=1))
        if not self.architecture.bidirectional:
            return self.out(states[:, -1])
        return self.out(torch.cat([states[:, -1, :hidden], states[:, 0, hidden:]], dim=1))


class Convolutional(nn.Module):
    """torch's convolutions on channels first, flattened with channels last as the stacked network does."""

    def __init__(self, architecture: Cnn1d | Cnn2d, rows: int, columns: int, classes: int):
        super().__init__()
        self.axes = 1 if isinstance(architecture, Cnn1d) else 2
        positions, channels = ([rows], columns) if self.axes == 1 else ([rows, columns], 1)
        kind = nn.Conv1d if self.axes == 1 else nn.Conv2d
        self.depth = architecture.depth
        for index in range(architecture.depth):
            outputs = architecture.width * 2**index
            self.add_module(f"conv{index + 1}", kind(channels, outputs, 3, padding=1))
            positions, channels = [size // 2 for size in positions], outputs
        self.out = nn.Linear(channels * int(torch.tensor(positions).prod()), classes)

    def forward(self, inputs: Tensor) -> Tensor:
        # Opacus's gradients of a convolution are wrong for inputs that are not contiguous (seen with 1.6.0: up to
        # a factor of three against autograd), so the reference never shows it any.
        values = inputs.movedim(-1, 1).contiguous()
        pool = nn.functional.max_pool1d if self.axes == 1 else nn.functional.max_pool2d
        for index in range(self.depth):
            values = pool(self.get_submodule(f"conv{index + 1}")(values).relu(), 2).contiguous()
        return self.out(values.movedim(1, -1).flatten(1))


def reference_model(recipe: Recipe, *, opacus: bool = False) -> nn.Module:
    """One untrained torch.nn model of the recipe's architecture, its parameters named as the stacked ones."""
    info, architecture = recipe.population.info, recipe.architecture
    match architecture:
        case Logistic():
            return nn.Sequential(OrderedDict(out=nn.Linear(info.features, info.classes)))
        case Mlp():
            return Perceptron(info.features, info.classes, architecture)
        case Cnn1d() | Cnn2d():
            rows, columns = info.shape_of(architecture.view)
            return Convolutional(architecture, rows, columns, info.classes)
    family: Any = nn
    if opacus:
        from opacus import layers as family
    name = {Rnn: "RNN", Gru: "GRU", Lstm: "LSTM"}[type(architecture)]
    kind = getattr(family, f"DP{name}" if opacus else name)
    rnn = kind(
        info.shape_of("sequence")[1],
        architecture.hidden,
        num_layers=architecture.layers,
        bidirectional=architecture.bidirectional,
        batch_first=True,
    )
    return Recurrent(rnn, architecture, info.classes)


def load(model: nn.Module, weights: dict[str, Tensor], index: int) -> None:
    """Copy the parameters of one of the stacked models by name."""
    own = dict(model.named_parameters())
    assert set(own) == set(weights)
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(as_torch(value[index], own[name]))


def as_torch(value: Tensor, like: Tensor) -> Tensor:
    """A parameter in torch.nn's shape: convolutions are stored flattened, with their channels last."""
    if value.shape == like.shape:
        return value
    return value.view(like.shape[0], *like.shape[2:], like.shape[1]).movedim(-1, 1)


def reference_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The optimizer of torch, as its documentation would set it up for the recipe."""
    l2 = sum(part.strength for part in recipe.mechanisms if isinstance(part, L2Penalty))
    decay = sum(part.strength for part in recipe.mechanisms if isinstance(part, DecoupledWeightDecay))
    match recipe.optimizer:
        case Adam(learning_rate=rate) if decay:
            return torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=decay)
        case Adam(learning_rate=rate):
            return torch.optim.Adam(model.parameters(), lr=rate, weight_decay=l2)
        case Sgd(learning_rate=rate, momentum=momentum):
            return torch.optim.SGD(model.parameters(), lr=rate, momentum=momentum, weight_decay=l2)


def train_one(
    model: nn.Module, recipe: Recipe, index: int, inputs: Tensor, labels: Tensor, batches: list[Batch]
) -> None:
    """Train one model on its own rows of the batches by autograd."""
    rule = reference_optimizer(model, recipe)
    for batch in batches:
        records = torch.from_numpy(batch.records[index][batch.real[index] > 0])
        rule.zero_grad()
        nn.functional.cross_entropy(model(inputs[records]), labels[records]).backward()
        rule.step()
