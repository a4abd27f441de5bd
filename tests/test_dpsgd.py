"""DP-SGD: per-record clipped gradients equal Opacus's, the noise is what the accountant is told."""

from __future__ import annotations

import dataclasses
import itertools
import warnings
from typing import get_args

import numpy as np
import pytest
import torch

from engine.architectures import Architecture, Cnn2d, Gru, Logistic, Lstm
from engine.models.evaluation import view_tensor
from engine.models.layers import per_record_is_cheaper
from engine.models.network import network
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training import loop
from engine.training.batches import Batch
from engine.training.clipping import clip_factors, squared_norms, sum_gradients
from engine.training.labels import one_hot
from engine.training.loop import add_noise, noise_generator, train, write_gradients
from engine.training.parameters import parameters
from tests.benchmarks import memory, training
from tests.torch_reference import ARCHITECTURES, as_torch, load, record_gradients, reference_model

DIGITS = PopulationChoice(name="digits", contested=120)
MODELS, RECORDS = 3, 16


def setting(architecture, dtype=torch.float32, **changes):
    """A recipe, its network, fresh parameters, and one batch of different records for each model."""
    recipe = Recipe(population=DIGITS, architecture=architecture, optimizer=Sgd(), batch=16, **changes)
    net = network(architecture, DIGITS.info)
    records = split(DIGITS).contested
    rng = generator(0, "dp test")
    params = parameters({name: 3 * value for name, value in net.initial(MODELS, rng).items()}, dtype=dtype)
    chosen = np.stack([rng.permutation(120)[:RECORDS] for _ in range(MODELS)])
    batch = Batch(records=chosen, real=np.ones(chosen.shape, dtype=np.float32))
    return recipe, net, params, view_tensor(net, records).to(dtype), one_hot(records.labels, 10).to(dtype), batch


def taps_of(net, params, inputs, targets, batch):
    with torch.no_grad():
        picked = torch.from_numpy(batch.records)
        logits, saved = net.forward(params.weights, inputs[picked])
        return net.backward(params.weights, saved, torch.softmax(logits, dim=2) - targets[picked])


def opacus_gradients(recipe, params, index, inputs, targets, batch):
    """Per-record gradients of one model by Opacus's hooks, by parameter name, each (B, …)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Opacus and torch warn about each other's hooks
        from opacus.grad_sample import GradSampleModule

        model = reference_model(recipe, opacus=True)
        load(model, params.weights, index)
        sampled = GradSampleModule(model, loss_reduction="sum")
        records = torch.from_numpy(batch.records[index])
        loss = torch.nn.functional.cross_entropy(sampled(inputs[records]), targets[records], reduction="sum")
        loss.backward()
    return {name: vars(parameter)["grad_sample"].detach() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_per_record_clipped_gradients_equal_opacus(architecture):
    clip = 1.0
    recipe, net, params, inputs, targets, batch = setting(architecture)
    taps = taps_of(net, params, inputs, targets, batch)
    norms, factors = squared_norms(taps).sqrt(), clip_factors(taps, clip)
    assert (factors < 1).any()
    for index in range(MODELS):
        theirs = opacus_gradients(recipe, params, index, inputs, targets, batch)
        their_norms = torch.stack([g.flatten(1).norm(dim=1) for g in theirs.values()]).norm(dim=0)
        torch.testing.assert_close(norms[index], their_norms, rtol=1e-5, atol=1e-6)
        their_factors = (clip / their_norms).clamp_max(1.0)
        for record in range(RECORDS):
            only = torch.zeros(MODELS, RECORDS)
            only[index, record] = factors[index, record]
            sum_gradients(taps_of(net, params, inputs, targets, batch), params.gradients, only)
            for name, ours in params.gradients.items():
                expected = their_factors[record] * theirs[name][record]
                assert (as_torch(ours[index], expected) - expected).norm() <= 1e-5 * max(1.0, float(expected.norm()))


def test_a_first_convolution_forms_gradients_of_single_records_and_a_wide_linear_layer_never_does():
    """On 8 × 8, T = 64: 2T² = 8,192 numbers against 9 · 16 and, on 4 × 4, 512 against 144 · 32."""
    _, net, params, inputs, targets, batch = setting(Cnn2d(width=16, depth=2))
    taps = {name: tap for tap in taps_of(net, params, inputs, targets, batch) for name in tap.weights}
    assert taps["conv1.weight"].per_record["conv1.weight"].shape == (MODELS, RECORDS, 16, 9)
    assert not taps["conv2.weight"].per_record
    assert not taps["out.weight"].per_record
    assert per_record_is_cheaper(784, 16, 9)  # the first convolution on 28 × 28
    assert not per_record_is_cheaper(28, 1024, 1024)  # a wide linear map over 28 steps


def test_both_biases_of_an_lstm_count_in_the_norm():
    recipe, _, params, inputs, targets, batch = setting(Lstm(hidden=9))
    assert {"rnn.bias_ih_l0", "rnn.bias_hh_l0"} <= set(params.gradients)
    theirs = opacus_gradients(recipe, params, 0, inputs, targets, batch)
    assert len(theirs) == len(params.gradients) == 6


def test_norms_equal_those_of_gradients_one_record_at_a_time_by_autograd():
    recipe, net, params, inputs, targets, batch = setting(Lstm(hidden=5))
    norms = squared_norms(taps_of(net, params, inputs, targets, batch)).sqrt()
    model = reference_model(recipe)
    load(model, params.weights, 1)
    for record in range(RECORDS):
        model.zero_grad()
        chosen = batch.records[1, record : record + 1]
        torch.nn.functional.cross_entropy(model(inputs[chosen]), targets[chosen]).backward()
        expected = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm()
        torch.testing.assert_close(norms[1, record], expected, rtol=1e-5, atol=1e-6)


def test_a_hand_computed_clip():
    """Logistic regression, zero weights, two classes in use: δ = p − y, ‖g‖² = ‖δ‖² (‖x‖² + 1)."""
    _, net, params, inputs, targets, batch = setting(Logistic())
    params.flat.zero_()
    squared = squared_norms(taps_of(net, params, inputs, targets, batch))
    pixels = inputs[torch.from_numpy(batch.records)]
    expected = (0.9**2 + 9 * 0.1**2) * (pixels.square().sum(dim=2) + 1)
    torch.testing.assert_close(squared, expected, rtol=1e-5, atol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_changing_one_record_leaves_the_clipped_gradients_of_others_bit_identical(architecture):
    _, net, params, inputs, targets, batch = setting(architecture)
    changed = batch.records.copy()
    changed[:, 4] = (changed[:, 4] + 1) % 120
    only = torch.ones(MODELS, RECORDS)
    only[:, 4] = 0

    def rest(records):
        taps = taps_of(net, params, inputs, targets, Batch(records=records, real=batch.real))
        formed = record_gradients(taps, clip_factors(taps, 1.0) * only)
        assert set(formed) == set(params.gradients)
        summed = {name: torch.empty_like(value) for name, value in params.gradients.items()}
        sum_gradients(taps, summed, clip_factors(taps, 1.0) * only)
        return {name: value[:, torch.arange(RECORDS) != 4] for name, value in formed.items()}, summed

    (first, sums), (second, other_sums) = rest(batch.records), rest(changed)
    for name, value in first.items():
        assert value.any()
        assert torch.equal(value, second[name])
        assert torch.equal(sums[name], other_sums[name])


def test_formed_gradients_of_single_records_are_those_of_opacus_and_show_a_coupling_of_activations():
    recipe, net, params, inputs, targets, batch = setting(Gru(hidden=5))
    taps = taps_of(net, params, inputs, targets, batch)
    formed = record_gradients(taps, torch.ones(MODELS, RECORDS))
    theirs = opacus_gradients(recipe, params, 1, inputs, targets, batch)
    for name, ours in formed.items():
        for record in range(RECORDS):
            expected = theirs[name][record]
            torch.testing.assert_close(as_torch(ours[1, record], expected), expected, rtol=1e-4, atol=1e-6)
    coupled = [
        dataclasses.replace(
            tap, weights={name: value + value.mean(dim=1, keepdim=True) for name, value in tap.weights.items()}
        )
        for tap in taps
    ]
    for name, ours in record_gradients(coupled, torch.ones(MODELS, RECORDS)).items():
        assert torch.equal(ours, formed[name]) == ("bias" in name)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_a_clip_that_never_binds_and_no_noise_is_no_clip(architecture):
    results = []
    for privacy in (DpSgd(clip=None), DpSgd(clip=1e6)):
        recipe, net, params, inputs, targets, batch = setting(architecture, torch.float64, privacy=privacy)
        train(net, recipe, params, inputs, targets, [[batch] * 5])
        results.append(params.flat)
    torch.testing.assert_close(results[0], results[1], rtol=1e-11, atol=1e-12)


def test_the_sum_is_divided_by_the_expected_batch_never_by_the_drawn_one():
    recipe, net, params, inputs, targets, batch = setting(Logistic(), privacy=DpSgd(clip=None))
    write_gradients(net, recipe, params, inputs, targets, batch)
    full = params.gradient.clone()
    half = Batch(records=batch.records, real=np.where(np.arange(RECORDS) < 8, 1, 0) * batch.real)
    write_gradients(net, recipe, params, inputs, targets, half)
    first = params.gradient.clone()
    rest = Batch(records=batch.records, real=batch.real - half.real)
    write_gradients(net, recipe, params, inputs, targets, rest)
    torch.testing.assert_close(first + params.gradient, full, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("privacy", [None, DpSgd(clip=1.0, noise_multiplier=1.0)])
def test_a_few_models_at_a_time_get_the_gradients_of_all_at_once(privacy, monkeypatch):
    """Draws of different sizes, the first model's empty: then a part also has less padding than the whole."""
    recipe, net, params, inputs, targets, batch = setting(Cnn2d(width=3, depth=2), torch.float64, privacy=privacy)
    real = (np.arange(RECORDS) < np.array([[0], [5], [RECORDS]])).astype(np.float32)
    drawn = Batch(records=batch.records, real=real, sizes=np.array([1, 5, RECORDS], dtype=np.float32))
    found = []
    for numbers in (2**30, 2 * RECORDS * net.numbers, 1):  # all three, two and one, one by one
        monkeypatch.setattr(loop, "NUMBERS_AT_ONCE", numbers)
        write_gradients(net, recipe, params, inputs, targets, drawn, noise=noise_generator(0, 0))
        found.append(params.gradient.clone())
    for parts in found[1:]:
        torch.testing.assert_close(parts, found[0], rtol=1e-11, atol=1e-13)


def test_an_empty_draw_still_receives_noise():
    recipe, net, params, inputs, targets, batch = setting(Logistic(), privacy=DpSgd(noise_multiplier=2.0))
    empty = Batch(records=batch.records, real=np.zeros_like(batch.real))
    write_gradients(net, recipe, params, inputs, targets, empty, noise=noise_generator(0, 0))
    assert params.gradient.std() == pytest.approx(2.0 / recipe.batch, rel=0.1)


def test_noise_has_standard_deviation_sigma_times_clip_independent_for_models_and_steps():
    privacy = DpSgd(noise_multiplier=1.5, clip=0.4)
    source = noise_generator(3, 1)
    steps = []
    for _ in range(400):
        gradient = torch.zeros(2, 500)
        add_noise(gradient, privacy, source)
        steps.append(gradient.double())
    noise = torch.stack(steps).numpy()  # (steps, models, weights)
    count = noise.size
    assert abs(noise.std() / 0.6 - 1) < 4 / np.sqrt(2 * count)
    assert abs(noise.mean()) < 4 * 0.6 / np.sqrt(count)
    between_models = np.mean(noise[:, 0] * noise[:, 1]) / 0.36
    between_steps = np.mean(noise[1:] * noise[:-1]) / 0.36
    assert abs(between_models) < 4 / np.sqrt(count / 2)
    assert abs(between_steps) < 4 / np.sqrt(count)


def test_noise_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="training noise must have a generator, got None"):
        add_noise(torch.zeros(3), DpSgd(noise_multiplier=1.0), None)


@pytest.mark.parametrize("case", memory.CASES, ids=lambda case: case.name)
def test_a_step_of_sixteen_models_stays_within_the_memory_that_issue_3_allows(case: memory.Case):
    before, peak, parameters_of_one = memory.measured(case)
    all_weights = 4 * memory.MODELS * parameters_of_one / 2**30
    assert before + all_weights < peak < case.limit  # what was measured is a step, and not what came before it


def test_the_benchmark_of_training_names_both_populations_of_a_convolution_and_which_has_the_target():
    convolutions = [row for row in training.rows() if row.name.startswith("CNN 2-D") and row.recipe.privacy]
    assert [(row.name, row.recipe.population.name) for row in convolutions] == [
        ("CNN 2-D 16-32, digits 8 × 8, DP-SGD", "digits"),
        ("CNN 2-D 16-32, mnist5k 28 × 28, DP-SGD", "mnist5k"),
    ]
    targets = [{rival.name: rival.target for rival in row.rivals} for row in convolutions]
    assert targets == [{"Opacus hooks": 4, "Opacus ghost": 4}, {"Opacus hooks": None, "Opacus ghost": None}]


def test_the_benchmark_of_training_has_every_family_with_and_without_dp():
    measured = {(type(row.recipe.architecture), row.recipe.privacy is not None) for row in training.rows()}
    assert measured == set(itertools.product(get_args(Architecture), (False, True)))


def test_the_benchmark_of_training_holds_stacking_to_the_ratios_of_the_issues():
    """Those of perceptrons are issue 1's; its 1.3 of an LSTM is within issue 3's 1.5, which asks for the rest."""
    targets: dict[tuple[str, bool], dict[str, float]] = {}
    for row in training.rows():
        asked = {rival.name: rival.target for rival in row.rivals if rival.target is not None}
        name = type(row.recipe.architecture).__name__
        targets.setdefault((name, row.recipe.privacy is not None), {}).update(asked)
    assert {family: asked for family, asked in targets.items() if asked} == {
        ("Mlp", False): {"torch.nn": 6},
        ("Mlp", True): {"Opacus hooks": 15, "Opacus ghost": 10},
        ("Gru", False): {"torch.nn": 1.5},
        ("Gru", True): {"Opacus hooks": 12},
        ("Lstm", False): {"torch.nn": 1.5},
        ("Lstm", True): {"Opacus hooks": 12},
        ("Cnn1d", True): {"Opacus hooks": 4, "Opacus ghost": 4},
        ("Cnn2d", True): {"Opacus hooks": 4, "Opacus ghost": 4},
    }
