"""The engine: configuration in, result out; no screen, no files, no globals, no printing.

What a notebook needs is here by name, loaded when it is first named: ``from engine import Recipe, train, assess``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
    from engine.assessment.values import Assessment
    from engine.mechanisms import (
        AdversarialRegularization,
        Cutout,
        DecoupledWeightDecay,
        DisturbLabel,
        Dropout,
        GaussianInput,
        L1Penalty,
        L2Penalty,
        LabelSmoothing,
        Mixup,
        RandomCrop,
        RelaxLoss,
        SoftLabels,
        SpatialDropout,
    )
    from engine.notebook import assess, logits, plain_recipe, train
    from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
    from engine.release.values import LabelOnly, MemGuard, Release, Rounding, Temperature, TopK, WeightNoise
    from engine.validate import InvalidValueError

__all__ = [
    "Adam",
    "AdversarialRegularization",
    "Assessment",
    "Cnn1d",
    "Cnn2d",
    "Cutout",
    "DecoupledWeightDecay",
    "DisturbLabel",
    "DpSgd",
    "Dropout",
    "GaussianInput",
    "Gru",
    "InvalidValueError",
    "L1Penalty",
    "L2Penalty",
    "LabelOnly",
    "LabelSmoothing",
    "Logistic",
    "Lstm",
    "MemGuard",
    "Mixup",
    "Mlp",
    "PopulationChoice",
    "RandomCrop",
    "Recipe",
    "RelaxLoss",
    "Release",
    "Rnn",
    "Rounding",
    "Sgd",
    "SoftLabels",
    "SpatialDropout",
    "Temperature",
    "TopK",
    "WeightNoise",
    "assess",
    "logits",
    "plain_recipe",
    "train",
]

_HOMES = (
    "engine.recipe",
    "engine.release.values",
    "engine.architectures",
    "engine.mechanisms",
    "engine.assessment.values",
    "engine.validate",
    "engine.notebook",  # last: it alone loads torch
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for home in map(import_module, _HOMES):
            if hasattr(home, name):
                return getattr(home, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
