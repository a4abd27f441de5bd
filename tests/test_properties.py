"""What goes with the risk of records, in models that were really trained."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.assessment.ranks import rank_correlation
from engine.models.evaluation import view_tensor
from engine.models.network import network, tensors
from engine.pipeline import assess, train_wave
from engine.populations.records import split
from engine.properties import record_properties
from engine.recipe import PopulationChoice, Recipe
from engine.release.answers import release_signals
from engine.release.values import LabelOnly, Release, WeightNoise
from engine.training.values import TrainedWave

RECIPE = Recipe(population=PopulationChoice(name="mnist5k", contested=300), epochs=30)


@pytest.fixture(scope="module")
def waves() -> list[TrainedWave]:
    return [train_wave(RECIPE, wave) for wave in range(2)]


def _properties(release: Release, waves: list[TrainedWave]) -> dict[str, np.ndarray]:
    masks = np.concatenate([wave.masks for wave in waves])
    return record_properties(RECIPE, release, waves, release_signals(RECIPE, release, waves)[0], masks)


def test_an_assessment_says_what_goes_with_the_risk_of_its_records(waves):
    found = assess(RECIPE, Release(), "loss", waves)
    properties = _properties(Release(), waves)
    assert [reason.name for reason in found.reasons] == list(properties)
    for reason, values in zip(found.reasons, properties.values(), strict=True):
        assert values.shape == (8, 300)
        expected = float(rank_correlation(found.risk.member, values.mean(axis=0)))
        assert reason.correlation.estimate == pytest.approx(expected)
        assert reason.correlation.low < expected < reason.correlation.high
    sensitivity, disagreement = found.reasons[1].correlation, found.reasons[3].correlation
    assert sensitivity.low > 0.2  # these models memorize the records near a boundary
    assert disagreement.low > 0.2


def test_sensitivity_is_of_the_model_of_the_first_pair_that_trained_on_the_record(waves):
    found = list(_properties(Release(), waves).values())[1][0]
    net, records = network(RECIPE.architecture, RECIPE.population.info), split(RECIPE.population).contested
    weights = {name: value.double() for name, value in tensors(waves[0].parameters).items()}
    inputs = view_tensor(net, records).double()
    for record in range(4):
        model = 0 if waves[0].masks[0, record] else 1
        own = {name: value[[model]] for name, value in weights.items()}

        def probabilities(x: torch.Tensor, own: dict[str, torch.Tensor] = own) -> torch.Tensor:
            return torch.softmax(net.forward(own, x[None, None])[0], dim=2)[0, 0]

        norm = torch.autograd.functional.jacobian(probabilities, inputs[record]).square().sum().sqrt()
        assert found[record] == pytest.approx(float(norm), rel=1e-3)


def test_the_look_inside_is_at_the_weights_that_are_released(waves):
    plain = list(_properties(Release(), waves).values())
    early = list(_properties(Release(epoch=RECIPE.kept_epochs[0]), waves).values())
    noisy = list(_properties(Release(weight_noise=WeightNoise(sigma=0.1)), waves).values())
    labels = list(_properties(Release(outputs=LabelOnly()), waves).values())
    for at in (1, 2):
        assert not np.array_equal(plain[at], early[at])
        assert not np.array_equal(plain[at], noisy[at])
        assert np.array_equal(plain[at], labels[at])  # the analyst sees more than the attacker
