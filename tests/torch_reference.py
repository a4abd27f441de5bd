"""The same models and training steps in plain torch.nn, one model after another: what stacked training must equal."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from engine.recipe import Adam, DecoupledWeightDecay, L2Penalty, Logistic, Lstm, Mlp, Recipe, Sgd
from engine.training.batches import Batch


class LastState(nn.Module):
    """An LSTM and a linear layer on its last hidden state."""

    def __init__(self, lstm: nn.Module, outputs: nn.Module):
        super().__init__()
        self.lstm, self.out = lstm, outputs

    def forward(self, inputs: Tensor) -> Tensor:
        return self.out(self.lstm(inputs)[0][:, -1])


def reference_model(recipe: Recipe, lstm_class: type[nn.Module] = nn.LSTM) -> nn.Module:
    """One untrained torch.nn model of the recipe's architecture, its parameters in the order of the network's."""
    info = recipe.population.info
    match recipe.architecture:
        case Logistic():
            return nn.Sequential(nn.Linear(info.features, info.classes))
        case Mlp(width=width, depth=depth, activation=activation):
            layers: list[nn.Module] = []
            sizes = [info.features, *[width] * depth]
            for inputs, outputs in itertools.pairwise(sizes):
                layers += [nn.Linear(inputs, outputs), nn.ReLU() if activation == "relu" else nn.Tanh()]
            return nn.Sequential(*layers, nn.Linear(width, info.classes))
        case Lstm(hidden=hidden):
            lstm = lstm_class(info.picture[1], hidden, batch_first=True)
            return LastState(lstm, nn.Linear(hidden, info.classes))


def load(model: nn.Module, weights: dict[str, Tensor], index: int) -> None:
    """Copy the parameters of one of the stacked models, both in their own order."""
    with torch.no_grad():
        for parameter, value in zip(ordered_parameters(model), weights.values(), strict=True):
            parameter.copy_(value[index])


def ordered_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters in the order of torch.nn, also for Opacus's DPLSTM, which has biases between its weights."""
    named = dict(model.named_parameters())
    lstm = ("lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0")
    return [named.pop(name) for name in lstm if name in named] + list(named.values())


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
