"""Mechanisms at work: what their hand-computed examples do not say."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy import stats

from engine.architectures import Cnn1d, Cnn2d, Logistic, Lstm, Mlp
from engine.mechanisms import (
    AdversarialRegularization,
    Cutout,
    DisturbLabel,
    Dropout,
    GaussianInput,
    LabelSmoothing,
    Mixup,
    RandomCrop,
    RelaxLoss,
    SoftLabels,
    SpatialDropout,
)
from engine.models.dropout import DropoutLayer
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network, tensors
from engine.pipeline import targets as wave_targets
from engine.pipeline import train_wave
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Sgd
from engine.seeds import generator
from engine.training.augmentation import cropped, cut_out
from engine.training.batches import Batch, epochs
from engine.training.clipping import sum_gradients
from engine.training.labels import one_hot, smoothed
from engine.training.parameters import parameters
from engine.training.regularization import beta, permutations, regularization, training_network
from engine.training.relaxation import relaxed
from tests.mechanism_cells import (
    ACTIVE,
    DIGITS,
    recipe_with,
    run,
    small_adversary,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def test_dropout_stands_behind_hidden_activations_blocks_and_pooled_states_and_nowhere_else():
    def kinds(architecture):
        recipe = recipe_with(Dropout(rate=0.1), architecture=architecture)
        plain_net = network(architecture, DIGITS.info)
        assert not any(isinstance(layer, DropoutLayer) for layer in plain_net.layers)
        return [type(layer).__name__ for layer in training_network(plain_net, recipe, 0).layers]

    assert kinds(Mlp(depth=2, activation="tanh")) == ["Linear", "Tanh", "DropoutLayer"] * 2 + ["Linear"]
    block = ["Convolution", "MaxPool", "Relu", "DropoutLayer"]
    assert kinds(Cnn2d(depth=2)) == [*block, *block, "Flatten", "Linear"]
    assert kinds(Lstm(layers=2)) == ["LstmLayer", "LstmLayer", "Pool", "DropoutLayer", "Linear"]


def test_teachers_are_reported_apart_while_they_train_and_the_models_only_afterwards():
    recipe, order = recipe_with(SoftLabels(temperature=3.0), epochs=3), []
    told = train_wave(
        recipe,
        0,
        report=lambda epoch: order.append(("models", epoch.epoch)),
        report_teachers=lambda epoch: order.append(("teachers", epoch.epoch)),
    )
    assert order == [(who, epoch) for who in ("teachers", "models") for epoch in (1, 2, 3)]
    for name, value in train_wave(recipe, 0).parameters.items():
        assert np.array_equal(value, told.parameters[name])
    order.clear()
    train_wave(recipe_with(epochs=3), 0, report_teachers=order.append)
    assert not order


@pytest.mark.parametrize("kind", [Dropout, SpatialDropout])
def test_dropout_is_off_when_models_are_evaluated(kind):
    reports = []
    recipe = recipe_with(ACTIVE[kind], epochs=2)
    wave = train_wave(recipe, 0, report=reports.append)
    net, records = network(recipe.architecture, DIGITS.info), split(DIGITS).contested
    answers = logits(net, tensors(wave.parameters), view_tensor(net, records))
    right = answers.argmax(axis=2) == records.labels
    expected = [correct[member].mean() for correct, member in zip(right, wave.masks, strict=True)]
    assert reports[-1].train_accuracy.tolist() == expected


@pytest.mark.parametrize("architecture", [Mlp(width=9, depth=2), Cnn1d(width=4, depth=2), Cnn2d(width=3, depth=2)])
def test_gradients_through_dropout_equal_finite_differences(architecture):
    kind = SpatialDropout if isinstance(architecture, Cnn1d | Cnn2d) else Dropout
    recipe = recipe_with(kind(rate=0.4), architecture=architecture)
    net, records = network(architecture, DIGITS.info), split(DIGITS).contested
    params = parameters(net.initial(2, generator(0, "test")), dtype=torch.float64)
    inputs, labels = view_tensor(net, records).double(), one_hot(records.labels, 10).double()
    batch = Batch(records=np.arange(10).reshape(2, 5), real=np.ones((2, 5), dtype=np.float32))
    shown, wanted = inputs[torch.from_numpy(batch.records)], labels[torch.from_numpy(batch.records)]

    def loss() -> torch.Tensor:
        answers, _ = training_network(net, recipe, 0).forward(params.weights, shown)  # the same masks each time
        return -(wanted * torch.log_softmax(answers, dim=2)).sum()

    training = training_network(net, recipe, 0)
    answers, saved = training.forward(params.weights, shown)
    taps = training.backward(params.weights, saved, torch.softmax(answers, dim=2) - wanted)
    direction = torch.from_numpy(generator(1, "test").standard_normal(params.flat.numel()))
    sum_gradients(taps, params.gradients)
    params.flat.add_(direction, alpha=1e-6)
    ahead = loss()
    params.flat.add_(direction, alpha=-2e-6)
    slope = (ahead - loss()) / 2e-6
    torch.testing.assert_close(slope, params.gradient @ direction, rtol=1e-5, atol=1e-6)


def test_crops_reach_every_place_within_the_padding_and_no_other():
    means = regularization(recipe_with(RandomCrop(padding=2)), 0, split(DIGITS))
    picture = torch.zeros(1, 4000, 8, 8)
    picture[..., 4, 4] = 1
    shown, _ = means.examples(picture.flatten(2), torch.zeros(1, 4000, 10), torch.ones(1, 4000))
    counts = shown.sum(dim=(0, 1)).view(8, 8)
    assert torch.equal(counts > 0, torch.nn.functional.pad(torch.ones(5, 5), (2, 1, 2, 1)) > 0)
    assert stats.chisquare(counts[counts > 0].numpy()).pvalue > 1e-3


def test_squares_are_centred_on_every_pixel_alike():
    means = regularization(recipe_with(Cutout(size=1)), 0, split(DIGITS))
    shown, _ = means.examples(torch.ones(1, 20_000, 64), torch.zeros(1, 20_000, 10), torch.ones(1, 20_000))
    assert torch.equal(shown.sum(dim=2), torch.full((1, 20_000), 63.0))
    assert stats.chisquare((1 - shown).sum(dim=(0, 1)).numpy()).pvalue > 1e-3


@pytest.mark.parametrize("view", [(64,), (8, 8), (8, 8, 1)])
def test_every_view_of_a_picture_is_treated_alike(view):
    rng = generator(0, "views")
    flat = torch.from_numpy(rng.random((2, 3, 64)))
    shifts = torch.from_numpy(rng.integers(-2, 3, (2, 3, 2)))
    seen = flat.view(2, 3, *view)
    assert torch.equal(cropped(seen, shifts, (8, 8)).flatten(2), cropped(flat, shifts, (8, 8)))
    assert torch.equal(cut_out(seen, shifts, 3, (8, 8)).flatten(2), cut_out(flat, shifts, 3, (8, 8)))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_mixing_weights_follow_the_beta_distribution(alpha):
    weights = beta(alpha, 3000, torch.Generator().manual_seed(1)).numpy()
    assert np.asarray(stats.kstest(weights, stats.beta(alpha, alpha).cdf))[1] > 1e-3


def test_partners_are_permutations_of_the_real_records():
    real = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 0]])
    draws = torch.Generator().manual_seed(0)
    seen = [permutations(real, draws) for _ in range(200)]
    for model, count in enumerate((4, 2, 3)):
        assert all(sorted(order[model, :count].tolist()) == list(range(count)) for order in seen)
    assert len({tuple(p[0].tolist()) for p in seen}) == 24


def test_a_relaxed_gradient_is_that_of_the_loss_by_autograd():
    rng = torch.Generator().manual_seed(0)
    answers = 3 * torch.randn(4, 6, 5, generator=rng, dtype=torch.float64)
    answers[:, 4:] *= 20  # padding, whose losses must not count
    answers.requires_grad_()
    targets = smoothed(one_hot(np.arange(24) % 5, 5).view(4, 6, 5).double(), 0.1)
    real = torch.ones(4, 6, dtype=torch.float64)
    real[:, 4:] = 0
    losses = torch.nn.functional.cross_entropy(answers.view(-1, 5), targets.view(-1, 5), reduction="none")
    means = (losses.view(4, 6) * real).sum(dim=1) / 4
    level = float(means.detach().sort().values[1:3].mean())
    truth = targets.argmax(dim=2)
    with torch.no_grad():
        confidence = torch.softmax(answers, dim=2).gather(2, truth.unsqueeze(2))
        flat = torch.where(one_hot(truth.numpy(), 5) > 0, confidence, (1 - confidence) / 4)
    softly = torch.nn.functional.cross_entropy(answers.view(-1, 5), flat.view(-1, 5), reduction="none").view(4, 6)
    for ascend, below in ((True, -losses.view(4, 6)), (False, softly)):
        chosen = torch.where((means < level).unsqueeze(1), below, losses.view(4, 6))
        expected = torch.autograd.grad(chosen.sum(), answers, retain_graph=True)[0]
        ours = relaxed(answers.detach(), targets, real, level, ascend=ascend)
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-9)


def test_odd_epochs_ascend_and_even_ones_flatten():
    recipe = recipe_with(
        RelaxLoss(alpha=100), architecture=Logistic(), optimizer=Sgd(learning_rate=0.1, momentum=0), epochs=3
    )
    trained = run(recipe)
    net, parts = network(recipe.architecture, DIGITS.info), split(DIGITS)
    params = parameters(net.initial(8, generator(recipe.seed, "initial weights", 0)))
    inputs, labels = view_tensor(net, parts.contested), one_hot(parts.contested.labels, 10)
    for epoch, batches in enumerate(epochs(recipe, 0, masks(DIGITS, 0, 0)), start=1):
        for batch in batches:
            picked, real = torch.from_numpy(batch.records), torch.from_numpy(batch.real)
            answers, saved = net.forward(params.weights, inputs[picked])
            deltas = relaxed(answers, labels[picked], real, 100, ascend=epoch in (1, 3))
            share = (real / real.sum(dim=1, keepdim=True)).unsqueeze(2)
            sum_gradients(net.backward(params.weights, saved, deltas * share), params.gradients)
            params.flat.sub_(0.1 * params.gradient)
    for name, value in params.weights.items():
        np.testing.assert_allclose(trained[name], value.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", [RandomCrop, GaussianInput, Cutout, DisturbLabel, Mixup, Dropout])
def test_every_wave_draws_anew(kind):
    recipe, records = recipe_with(ACTIVE[kind]), split(DIGITS).contested
    inputs = torch.from_numpy(records.flat[:64].copy()).view(8, 8, 64)
    targets = one_hot(records.labels[:64], 10).view(8, 8, 10)
    weights = tensors(network(recipe.architecture, DIGITS.info).initial(8, generator(0, "test")))

    def shown(wave: int) -> torch.Tensor:
        means = regularization(recipe, wave, split(DIGITS))
        net = training_network(network(recipe.architecture, DIGITS.info), recipe, wave)
        seen, wanted = means.examples(inputs, targets, torch.ones(8, 8))
        return torch.cat([net.forward(weights, seen)[0], wanted], dim=2)

    assert torch.equal(shown(0), shown(0))
    assert not torch.equal(shown(0), shown(1))


def test_relaxed_training_keeps_the_loss_near_its_level():
    level = 0.8
    recipe = recipe_with(RelaxLoss(alpha=level), epochs=60)
    records = split(DIGITS).contested
    net = network(recipe.architecture, DIGITS.info)

    def member_loss(mechanisms):
        wave = train_wave(dataclasses.replace(recipe, mechanisms=mechanisms), 0)
        answers = logits(net, tensors(wave.parameters), view_tensor(net, records))
        losses = -torch.log_softmax(torch.from_numpy(answers), dim=2).numpy()[:, np.arange(80), records.labels]
        return losses[wave.masks].mean()

    assert member_loss(()) < 0.3
    assert 0.5 * level < member_loss(recipe.mechanisms) < 1.5 * level


def test_the_adversary_learns_the_gradient_of_its_gain():
    against = small_adversary()
    rng = torch.Generator().manual_seed(0)
    members, others = torch.rand(8, 3, 4, generator=rng), torch.rand(8, 5, 4, generator=rng)
    real = torch.tensor([1.0, 1, 0]).repeat(8, 1)
    leaf = {name: value.clone().requires_grad_() for name, value in against.params.weights.items()}
    h_members, h_others = (torch.sigmoid(against.net.forward(leaf, seen)[0][..., 0]) for seen in (members, others))
    gain = (0.5 * torch.log(h_members[:, :2]).mean(dim=1) + 0.5 * torch.log(1 - h_others).mean(dim=1)).sum()
    expected = torch.autograd.grad(-gain, list(leaf.values()))
    against.learn(members, real, others)
    for ours, theirs in zip(against.params.gradients.values(), expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)


def test_an_inference_network_rests_while_its_model_has_no_member_in_a_step():
    against = small_adversary()
    rng = torch.Generator().manual_seed(0)
    real = torch.ones(8, 3)
    real[2] = 0
    before = {name: value.clone() for name, value in against.params.weights.items()}
    for _ in range(2):
        against.learn(torch.rand(8, 3, 4, generator=rng), real, torch.rand(8, 5, 4, generator=rng))
    for name, value in against.params.weights.items():
        stayed = [torch.equal(*both) for both in zip(value, before[name], strict=True)]
        assert stayed == [model == 2 for model in range(8)]


def test_the_adversary_sees_public_records_of_the_defender_alone():
    recipe = recipe_with(AdversarialRegularization(strength=1.0))
    against = regularization(recipe, 0, split(DIGITS)).adversary
    assert against is not None
    assert np.array_equal(against.others.numpy(), split(DIGITS).public["defender"].flat)


def test_a_student_learns_from_the_wave_of_the_recipe_without_soft_labels():
    recipe = recipe_with(SoftLabels(temperature=4.0), LabelSmoothing(alpha=0.1))
    teachers = train_wave(dataclasses.replace(recipe, mechanisms=(LabelSmoothing(alpha=0.1),)), 3)
    records, net = split(DIGITS).contested, network(recipe.architecture, DIGITS.info)
    answers = logits(net, tensors(teachers.parameters), view_tensor(net, records))
    powers = np.exp((answers - answers.max(axis=2, keepdims=True)) / 4)
    expected = powers / powers.sum(axis=2, keepdims=True)
    np.testing.assert_allclose(wave_targets(recipe, 3, records).numpy(), expected, rtol=1e-5, atol=1e-7)
