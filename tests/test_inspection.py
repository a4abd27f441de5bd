"""Activations before the last layer and input sensitivity, against autograd, for every architecture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.models.evaluation import logits
from engine.models.network import Network, network, tensors
from engine.populations.catalogue import POPULATIONS
from engine.seeds import generator
from engine.whitebox.inspection import jacobian_norms, penultimate
from tests.torch_reference import ARCHITECTURES

INFO = POPULATIONS["digits"]


def _models(architecture) -> tuple[Network, dict, torch.Tensor]:
    net = network(architecture, INFO)
    shape = (INFO.features,) if net.view == "flat" else INFO.shape_of(net.view)
    shape = (*shape, 1) if net.view == "picture" else shape
    inputs = torch.from_numpy(np.random.default_rng(0).random((7, *shape), dtype=np.float32))
    return net, tensors(net.initial(3, generator(0, "inspection"))), inputs


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_the_last_layer_makes_logits_of_the_penultimate_activations(architecture):
    net, weights, inputs = _models(architecture)
    before = torch.from_numpy(penultimate(net, weights, inputs))
    made = net.layers[-1].forward(weights, before)[0].numpy()
    assert before.shape[:2] == (3, 7)
    assert made == pytest.approx(logits(net, weights, inputs), abs=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_jacobian_norms_equal_small_differences_of_the_probabilities(architecture):
    net, weights, inputs = _models(architecture)
    double = {name: value.double() for name, value in weights.items()}

    def probabilities(records: torch.Tensor) -> torch.Tensor:
        return torch.softmax(net.forward(double, records)[0], dim=2)

    found = jacobian_norms(net, double, inputs.double())
    squares = torch.zeros(3, 7, dtype=torch.float64)
    flat = inputs.double().flatten(1)
    for feature in range(flat.shape[1]):
        step = torch.zeros_like(flat)
        step[:, feature] = 1e-6
        there, back = ((flat + sign * step).view(inputs.shape) for sign in (1, -1))
        slope = (probabilities(there) - probabilities(back)) / 2e-6
        squares += slope.square().sum(dim=2)
    assert found == pytest.approx(squares.sqrt().numpy(), rel=1e-3)
