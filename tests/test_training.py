"""Stacked training equals torch.nn, model by model; a wave is a pure function of recipe and number."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from engine.architectures import Cnn2d, Logistic, Lstm, Mlp, parameter_count
from engine.mechanisms import AdversarialRegularization, DecoupledWeightDecay, L2Penalty, Mixup, RelaxLoss
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network
from engine.pipeline import train_wave
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.batches import deal, epochs, pad, poisson
from engine.training.labels import one_hot
from engine.training.loop import train
from engine.training.parameters import parameters
from tests.torch_reference import ARCHITECTURES, as_torch, load, reference_model, train_one

pytestmark = pytest.mark.usefixtures("one_thread")

DIGITS = PopulationChoice(name="digits", contested=120)
RULES = {
    "adam": {"optimizer": Adam()},
    "adamw": {"optimizer": Adam(), "mechanisms": (DecoupledWeightDecay(strength=5.0),)},
    "adam with L2": {"optimizer": Adam(), "mechanisms": (L2Penalty(strength=0.1),)},
    "sgd": {"optimizer": Sgd(learning_rate=0.05)},
    "sgd with L2": {"optimizer": Sgd(learning_rate=0.05, momentum=0.0), "mechanisms": (L2Penalty(strength=0.1),)},
}


def steps_of(recipe, count):
    member = masks(recipe.population, recipe.seed, 0)
    return member, list(itertools.islice(itertools.chain.from_iterable(epochs(recipe, 0, member)), count))


def stacked(recipe, batches, dtype):
    """Train the stack on the batches; return network, weights before and after, inputs and labels."""
    net = network(recipe.architecture, recipe.population.info)
    records = split(recipe.population).contested
    inputs = view_tensor(net, records).to(dtype)
    params = parameters(net.initial(8, generator(recipe.seed, "test")), dtype=dtype)
    before = {name: value.clone() for name, value in params.weights.items()}
    train(net, recipe, params, inputs, one_hot(records.labels, 10).to(dtype), [batches])
    return before, params.weights, inputs, torch.from_numpy(records.labels)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_stacked_training_equals_torch_nn_one_by_one(architecture, rule, dtype, tolerance):
    recipe = Recipe(population=DIGITS, architecture=architecture, batch=8, **RULES[rule])
    member, batches = steps_of(recipe, 20)
    assert len(set(member.sum(axis=1))) > 1, "member counts must differ for this test to mean something"
    before, after, inputs, labels = stacked(recipe, batches, dtype)
    for index in range(8):
        model = reference_model(recipe).to(dtype)
        load(model, before, index)
        train_one(model, recipe, index, inputs, labels, batches)
        trained = dict(model.named_parameters())
        for name, value in after.items():
            expected = trained[name]
            error = (as_torch(value[index], expected) - expected).norm() / expected.norm()
            assert error <= tolerance, f"{name} of model {index}"


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_logits_equal_torch_nn(architecture):
    recipe = Recipe(population=PopulationChoice(name="digits", contested=700), architecture=architecture)
    net = network(architecture, recipe.population.info)
    params = parameters(net.initial(3, generator(1, "test")))
    inputs = view_tensor(net, split(recipe.population).contested)
    answers = logits(net, params.weights, inputs)
    assert answers.dtype == np.float64
    for index in range(3):
        model = reference_model(recipe)
        load(model, params.weights, index)
        np.testing.assert_allclose(answers[index], model(inputs).detach().numpy(), rtol=0, atol=2e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES, ids=str)
def test_parameter_count_and_shapes_are_those_of_torch_nn(architecture):
    recipe = Recipe(population=DIGITS, architecture=architecture)
    net, model = network(architecture, recipe.population.info), reference_model(recipe)
    theirs = {name: p.numel() for name, p in model.named_parameters()}
    assert theirs == {name: math.prod(shape) for name, shape in net.shapes.items()}
    assert parameter_count(architecture, DIGITS.info) == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("kind", [nn.Linear, nn.LSTM])
def test_initial_weights_have_the_distribution_of_torch_nn(kind):
    torch.manual_seed(0)
    if kind is nn.Linear:
        recipe = Recipe(population=DIGITS, architecture=Logistic())
        theirs = torch.cat([p.flatten() for _ in range(300) for p in nn.Linear(64, 10).parameters()])
    else:
        recipe = Recipe(population=DIGITS, architecture=Lstm(hidden=16))
        theirs = torch.cat([p.flatten() for _ in range(100) for p in nn.LSTM(8, 16).parameters()])
    drawn = network(recipe.architecture, DIGITS.info).initial(100, generator(0, "test"))
    ours = np.concatenate([v.ravel() for name, v in drawn.items() if kind is nn.Linear or name.startswith("rnn")])
    assert np.asarray(stats.ks_2samp(ours, theirs.detach().numpy()))[1] > 1e-3
    assert np.unique(drawn["out.weight"]).size > 0.99 * drawn["out.weight"].size, "models must not share weights"


def test_a_wave_is_a_pure_function_of_recipe_and_number():
    recipe = Recipe(population=DIGITS, architecture=Mlp(width=8), epochs=3, batch=16)
    first, again, other = train_wave(recipe, 1), train_wave(recipe, 1, report=lambda _: None), train_wave(recipe, 2)
    for name, value in first.parameters.items():
        assert np.array_equal(value, again.parameters[name])
        assert not np.array_equal(value, other.parameters[name])
    assert np.array_equal(first.masks, masks(DIGITS, 0, 1))


def test_a_wave_reports_after_kept_epochs_too_and_the_last_report_is_of_the_last_epoch():
    seen = []
    recipe = Recipe(population=DIGITS, architecture=Mlp(width=32), epochs=25, batch=16)
    train_wave(recipe, 0, report=seen.append)
    assert [report.epoch for report in seen] == [3, 5, 8, 9, 10, 13, 15, 17, 18, 20, 23, 25]
    assert seen[-1].train_accuracy.mean() > seen[0].train_accuracy.mean() > 0.2
    assert seen[-1].loss_auc.mean() > 0.55
    assert all(report.test_accuracy.shape == (8,) for report in seen)


def test_what_a_check_raises_ends_the_training():
    calls = []

    def check():
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_wave(Recipe(population=DIGITS, architecture=Logistic(), batch=16), 0, check=check)
    assert len(calls) == 3


def test_members_are_dealt_evenly_and_each_once():
    members = np.arange(100, 203)
    parts = deal(members, 9, generator(0, "test"))
    assert sorted(np.concatenate(parts)) == list(members)
    assert {len(part) for part in parts} == {11, 12}


def test_poisson_draws_are_independent_and_never_truncated():
    members = np.arange(400)
    draws = poisson(members, 0.1, 2000, generator(0, "test"))
    sizes = np.array([len(draw) for draw in draws])
    assert abs(sizes.mean() - 40) < 4 * np.sqrt(400 * 0.1 * 0.9 / 2000)
    assert sizes.var() == pytest.approx(36, rel=0.15)
    assert sizes.max() > 55
    together = np.mean([(0 in draw[:1]) and (1 in draw[:2]) for draw in draws])
    assert abs(together - 0.01) < 4 * np.sqrt(0.01 / 2000)


def test_padding_has_no_weight_and_an_empty_draw_is_allowed():
    batch = pad((np.array([5, 7, 9]), np.array([], dtype=np.int64), np.array([2])))
    assert batch.records.tolist() == [[5, 7, 9], [0, 0, 0], [2, 0, 0]]
    assert batch.real.tolist() == [[1, 1, 1], [0, 0, 0], [1, 0, 0]]


PLAIN_ONLY = (Mixup(alpha=0.4), RelaxLoss(alpha=0.5), AdversarialRegularization(strength=1.0))


@pytest.mark.parametrize("mechanism", [None, *PLAIN_ONLY])
def test_a_model_with_fewer_members_than_steps_rests_in_a_step_without_a_record(mechanism):
    """Of a pair of models one has fewer than half of the records, so batches of one are too many for it."""
    mechanisms = () if mechanism is None else (mechanism,)
    wave = train_wave(Recipe(population=DIGITS, mechanisms=mechanisms, epochs=1, batch=1), 0)
    assert wave.masks.sum(axis=1).min() < wave.masks.shape[1] / 2
    assert all(np.isfinite(value).all() for value in wave.parameters.values())


@pytest.mark.parametrize("decay", [(), (L2Penalty(strength=0.1),), (DecoupledWeightDecay(strength=0.1),)])
@pytest.mark.parametrize("rule", [Sgd(learning_rate=0.1, momentum=0.9), Sgd(learning_rate=0.1), Adam()])
@pytest.mark.parametrize("empty", [0, 1])
def test_nothing_of_a_model_moves_in_a_step_that_has_no_record_for_it(rule, decay, empty):
    recipe = Recipe(population=DIGITS, architecture=Logistic(), optimizer=rule, mechanisms=decay)
    records = split(DIGITS).contested
    net = network(recipe.architecture, records.info)
    inputs, targets = view_tensor(net, records), one_hot(records.labels, records.info.classes)
    draws = [np.array([3, 4]), np.array([5]), np.array([6, 7])]

    def second_model(batches):
        """Its weights before the first step and after each."""
        params, seen = parameters(net.initial(2, generator(0, "initial weights"))), []

        def look():
            seen.append(torch.cat([weight[1].flatten() for weight in params.weights.values()]))

        look()
        train(net, recipe, params, inputs, targets, [batches], after_step=look)
        return seen

    no_record = np.array([], dtype=np.int64)
    rests = second_model([pad((own, no_record if step == empty else own)) for step, own in enumerate(draws)])
    assert [torch.equal(*both) for both in itertools.pairwise(rests)] == [step == empty for step in range(3)]
    if isinstance(rule, Sgd):  # Adam's count of steps is one for all models
        never_asked = second_model([pad((own, own)) for step, own in enumerate(draws) if step != empty])
        assert torch.allclose(rests[-1], never_asked[-1], rtol=0, atol=1e-7)


@pytest.mark.parametrize("privacy", [None, DpSgd()])
def test_batches_hold_members_only_and_the_number_of_steps_of_the_recipe(privacy):
    recipe = Recipe(population=DIGITS, epochs=4, batch=16, privacy=privacy)
    member = masks(DIGITS, 0, 0)
    batches = [batch for epoch in epochs(recipe, 0, member) for batch in epoch]
    assert len(batches) == recipe.steps
    for batch in batches:
        for own, records, real in zip(member, batch.records, batch.real, strict=True):
            assert own[records[real > 0]].all()


def test_batches_do_not_depend_on_the_architecture():
    recipe = Recipe(population=DIGITS, epochs=1, batch=16)
    other = dataclasses.replace(recipe, architecture=Lstm(), optimizer=Sgd())
    member = masks(DIGITS, 0, 0)
    for (first,), (second,) in zip(
        zip(*epochs(recipe, 0, member), strict=True), zip(*epochs(other, 0, member), strict=True), strict=True
    ):
        assert np.array_equal(first.records, second.records)


# Recorded before mechanisms acted on examples and losses: beginning of the recipe's hash, sum of |weights| of wave 1.
RECORDED = {
    "mlp": ({"architecture": Mlp(width=8)}, "fceae6cd580d1e9f", 390.1659114165777),
    "decays": (
        {
            "architecture": Mlp(width=8),
            "mechanisms": (DecoupledWeightDecay(strength=5.0), L2Penalty(strength=0.1)),
        },
        "cbab1f2237952570",
        337.0086670180899,
    ),
    "dp": (
        {"architecture": Mlp(width=8), "optimizer": Sgd(), "privacy": DpSgd(noise_multiplier=1.0)},
        "5aedf6fc88205873",
        1053.2682687949855,
    ),
    "lstm": ({"architecture": Lstm(hidden=5)}, "e83e850a591c1139", 642.8166380722541),
    "cnn": ({"architecture": Cnn2d(width=3, depth=1)}, "7069537218f9e75a", 322.3230006773665),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recipes_without_new_mechanisms_have_the_numbers_they_had(name):
    settings, recipe_hash, total = RECORDED[name]
    recipe = Recipe(population=DIGITS, epochs=3, batch=16, **settings)
    assert recipe.hash.startswith(recipe_hash)
    wave = train_wave(recipe, 1)
    sums = [np.abs(value.astype(float)).sum() for value in wave.parameters.values()]
    assert sum(sums) == pytest.approx(total, rel=1e-5)
