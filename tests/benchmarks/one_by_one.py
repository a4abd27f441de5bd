"""The other side of the benchmark: M models trained one after the other with torch.nn and Opacus.

They are the reference models that stacked training must equal, and get the very batches of the stacked side, as
index tensors made beforehand: faster than any data loader.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.recipe import Recipe, Sgd
from engine.training.batches import Batch
from tests.torch_reference import reference_model

Work = Callable[[], object]


def optimizer(recipe: Recipe, model: nn.Module) -> torch.optim.Optimizer:
    """The recipe's rule, fused."""
    rule = recipe.optimizer
    if isinstance(rule, Sgd):
        return torch.optim.SGD(model.parameters(), lr=rule.learning_rate, momentum=rule.momentum, fused=True)
    return torch.optim.Adam(model.parameters(), lr=rule.learning_rate, fused=True)


def indices(batches: Sequence[Batch], model: int) -> list[Tensor]:
    """The records of each step of one model, without padding."""
    return [torch.from_numpy(batch.records[model][batch.real[model] > 0]) for batch in batches]


def plain(recipe: Recipe, inputs: Tensor, labels: Tensor, batches: Sequence[Batch]) -> Work:
    """Training of all models by torch.nn and autograd."""
    runs = []
    for index in range(len(batches[0].records)):
        model = reference_model(recipe)
        runs.append((model, optimizer(recipe, model), nn.CrossEntropyLoss(), indices(batches, index)))
    return _ready(runs, inputs, labels)


def opacus(
    recipe: Recipe, inputs: Tensor, labels: Tensor, batches: Sequence[Batch], mode: Literal["hooks", "ghost"]
) -> Work:
    """Training of all models by Opacus's PrivacyEngine."""
    models = range(len(batches[0].records))
    runs = [(*_private(recipe, inputs, labels, mode), indices(batches, model)) for model in models]
    return _ready(runs, inputs, labels)


def _ready(runs: list[tuple[Any, Any, Any, list[Tensor]]], inputs: Tensor, labels: Tensor) -> Work:
    """The training of all models; their first step, which makes the optimizers' state, is already done."""
    for model, rule, criterion, steps in runs:
        _train(model, rule, criterion, steps[:1], inputs, labels)
    return lambda: [_train(*run, inputs, labels) for run in runs]


def _private(recipe: Recipe, inputs: Tensor, labels: Tensor, mode: Literal["hooks", "ghost"]) -> tuple[Any, Any, Any]:
    """Opacus's module, optimizer and criterion; its data loader only tells it the sampling rate."""
    from opacus import PrivacyEngine

    assert recipe.privacy is not None
    model = reference_model(recipe, opacus=True)
    members = torch.utils.data.TensorDataset(inputs[: len(inputs) // 2], labels[: len(labels) // 2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its random numbers are not cryptographic
        parts = PrivacyEngine(accountant="rdp").make_private(
            module=model,
            optimizer=optimizer(recipe, model),
            data_loader=torch.utils.data.DataLoader(members, batch_size=recipe.batch),
            criterion=nn.CrossEntropyLoss(),
            noise_multiplier=recipe.privacy.noise_multiplier,
            max_grad_norm=recipe.privacy.clip or 1.0,
            poisson_sampling=True,
            grad_sample_mode=mode,
        )
    return parts[0], parts[1], parts[2] if mode == "ghost" else nn.CrossEntropyLoss()


def _train(model: Any, rule: Any, criterion: Any, steps: list[Tensor], inputs: Tensor, labels: Tensor) -> None:
    """One model over its batches."""
    for index in steps:
        rule.zero_grad()
        criterion(model(inputs[index]), labels[index]).backward()
        rule.step()
