"""Every mechanism: its limit is no mechanism, it computes what can be computed by hand, its parameters change the
hash of the recipe, and with DP-SGD it leaves other records alone or is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
import torch
from scipy import stats

from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.canonical import plain
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
    Mechanism,
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
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd, recipe_from_json
from engine.seeds import generator
from engine.training.adversary import adversary
from engine.training.augmentation import cropped, cut_out, mixed, noisy
from engine.training.batches import Batch, epochs
from engine.training.clipping import clip_factors, sum_gradients
from engine.training.labels import disturbed, one_hot, smoothed, softened
from engine.training.loop import record_taps, train
from engine.training.parameters import parameters
from engine.training.regularization import beta, permutations, regularization, training_network
from engine.training.relaxation import relaxed
from engine.validate import InvalidValueError

DIGITS = PopulationChoice(name="digits", contested=80)
ALL: tuple[Any, ...] = get_args(Mechanism)

# One value of every mechanism that does something.
ACTIVE: dict[type, Any] = {
    type(part): part
    for part in (
        DecoupledWeightDecay(strength=1.0),
        L2Penalty(strength=0.1),
        L1Penalty(strength=0.01),
        Dropout(rate=0.5),
        SpatialDropout(rate=0.5),
        LabelSmoothing(alpha=0.3),
        DisturbLabel(theta=0.5),
        GaussianInput(sigma=0.1),
        RandomCrop(padding=1),
        Cutout(size=3),
        Mixup(alpha=0.5),
        SoftLabels(temperature=3.0),
        RelaxLoss(alpha=1.5),
        AdversarialRegularization(strength=3.0),
    )
}

# The value at which it does nothing. Weights of 1e-30 vanish beside every float32 weight; at a tiny temperature the
# answers of a teacher that knows its members by heart are their labels.
LIMITS: dict[type, Any] = {
    type(part): part
    for part in (
        DecoupledWeightDecay(strength=1e-30),
        L2Penalty(strength=1e-30),
        L1Penalty(strength=1e-30),
        Dropout(rate=0),
        SpatialDropout(rate=0),
        LabelSmoothing(alpha=0),
        DisturbLabel(theta=0),
        GaussianInput(sigma=0),
        RandomCrop(padding=0),
        Cutout(size=0),
        Mixup(alpha=1e-9),
        SoftLabels(temperature=1e-4),
        RelaxLoss(alpha=0),
        AdversarialRegularization(strength=0),
    )
}
ROUNDED = (Mixup, RelaxLoss)  # sums in another order, softmax by way of its logarithm

COUPLED = (Mixup, SoftLabels, RelaxLoss, AdversarialRegularization)

HAND: dict[type, Callable[[], None]] = {}


def by_hand(kind: type) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the hand-computed example of a mechanism."""

    def register(example: Callable[[], None]) -> Callable[[], None]:
        HAND[kind] = example
        return example

    return register


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def recipe_with(*mechanisms: Any, **changes: Any) -> Recipe:
    """A small recipe in which the mechanisms have something to act on."""
    convolutional = any(isinstance(part, SpatialDropout) for part in mechanisms)
    settings: dict[str, Any] = {
        "population": DIGITS,
        "architecture": Cnn2d(width=3, depth=1) if convolutional else Mlp(width=12),
        "optimizer": Sgd(learning_rate=0.1, momentum=0.5),
        "epochs": 4,
        "batch": 8,
    }
    return Recipe(**(settings | changes), mechanisms=mechanisms)


def run(recipe: Recipe, *, flat: np.ndarray | None = None, targets: torch.Tensor | None = None) -> dict[str, Any]:
    """Wave 0 trained from its parts, so that records or targets can be exchanged; weights by name."""
    net, parts, member = network(recipe.architecture, DIGITS.info), split(recipe.population), masks(DIGITS, 0, 0)
    contested = parts.contested if flat is None else dataclasses.replace(parts.contested, flat=flat)
    parts = dataclasses.replace(parts, contested=contested)
    params = parameters(net.initial(8, generator(recipe.seed, "initial weights", 0)))
    train(
        training_network(net, recipe, 0),
        recipe,
        params,
        view_tensor(net, contested),
        one_hot(contested.labels, 10) if targets is None else targets,
        epochs(recipe, 0, member),
        regularization=regularization(recipe, 0, parts),
    )
    return {name: value.numpy() for name, value in params.weights.items()}


@pytest.mark.parametrize("cells", [ACTIVE, LIMITS, HAND], ids=["active", "limit", "hand"])
def test_every_mechanism_of_the_union_has_its_cell(cells):
    assert set(cells) == set(ALL)


@pytest.mark.parametrize("kind", ALL)
def test_the_limit_is_no_mechanism(kind):
    limit = LIMITS[kind]
    # A teacher must know its members by heart, so every case trains that long.
    recipe = recipe_with(limit, epochs=40)
    assert recipe.mechanisms == (limit,)
    with_it, without = train_wave(recipe, 0), train_wave(dataclasses.replace(recipe, mechanisms=()), 0)
    for name, value in with_it.parameters.items():
        if kind in ROUNDED:
            np.testing.assert_allclose(value, without.parameters[name], rtol=0, atol=1e-3)
        else:
            assert np.array_equal(value, without.parameters[name]), name


@pytest.mark.parametrize("kind", ALL)
def test_a_hand_computed_example(kind):
    HAND[kind]()


@pytest.mark.parametrize(
    ("kind", "field"), [(kind, field.name) for kind in ALL for field in dataclasses.fields(kind)]
)
def test_the_hash_changes_with_each_parameter_and_json_keeps_it(kind, field):
    one = ACTIVE[kind]
    value = getattr(one, field)
    other = dataclasses.replace(one, **{field: value + 1 if isinstance(value, int) else value / 2})
    recipes = [recipe_with(part) for part in (one, other)]
    assert len({recipe.hash for recipe in recipes} | {dataclasses.replace(recipes[0], mechanisms=()).hash}) == 3
    assert [recipe_from_json(plain(recipe)) for recipe in recipes] == recipes


@pytest.mark.parametrize("kind", ALL)
def test_with_dp_other_records_keep_their_clipped_gradients_bit_by_bit_or_the_recipe_is_refused(kind):
    mechanism = ACTIVE[kind]
    if kind in COUPLED:
        with pytest.raises(InvalidValueError) as caught:
            recipe_with(mechanism, privacy=DpSgd())
        assert str(caught.value) == f"{kind.title} must be off with DP-SGD: {kind.coupling}"
        assert len(kind.coupling) > 30
        return
    recipe = recipe_with(mechanism, privacy=DpSgd())
    first, second = clipped_gradients(recipe, exchanged=False), clipped_gradients(recipe, exchanged=True)
    for one, other in zip(first, second, strict=True):
        rest = torch.arange(one.shape[1]) != 5
        assert torch.equal(one[:, rest], other[:, rest])
        assert not torch.equal(one[:, 5], other[:, 5])


def clipped_gradients(recipe: Recipe, *, exchanged: bool) -> list[torch.Tensor]:
    """Clipped deltas of each tap on one batch, in which record 5 of 16 may be exchanged for another one."""
    net, parts = network(recipe.architecture, DIGITS.info), split(DIGITS)
    params = parameters({name: 3 * value for name, value in net.initial(3, generator(0, "test")).items()})
    records = np.stack([generator(model, "test").permutation(80)[:16] for model in range(3)])
    records[:, 5] = (records[:, 5] + (17 if exchanged else 0)) % 80
    batch = Batch(records=records, real=np.ones(records.shape, dtype=np.float32))
    with torch.no_grad():
        ((_, taps),) = record_taps(
            training_network(net, recipe, 0),
            params,
            view_tensor(net, parts.contested),
            one_hot(parts.contested.labels, 10),
            batch,
            means=regularization(recipe, 0, parts),
            epoch=1,
            shares=torch.ones(records.shape),
        )
    factors = clip_factors(taps, 1.0)
    assert (factors < 1).any()
    return [tap.deltas * factors[:, :, None, None] for tap in taps]


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind is not SoftLabels])
def test_a_record_that_a_model_did_not_train_on_changes_nothing_of_it(kind):
    recipe, member = recipe_with(ACTIVE[kind]), masks(DIGITS, 0, 0)
    flat = split(DIGITS).contested.flat.copy()
    flat[0] = flat[0, ::-1]  # record 0 is also what batches are padded with
    before, after = run(recipe), run(recipe, flat=flat)
    out = ~member[:, 0]
    for name, value in before.items():
        assert np.array_equal(value[out], after[name][out])
        assert not np.array_equal(value[~out], after[name][~out])


def test_a_teachers_answers_on_others_than_its_members_are_never_learned():
    recipe = recipe_with(SoftLabels(temperature=3.0))
    targets = wave_targets(recipe, 0, split(DIGITS).contested)
    poisoned = torch.where(torch.from_numpy(masks(DIGITS, 0, 0)).unsqueeze(2), targets, 1 - targets)
    for name, value in run(recipe, targets=targets).items():
        assert np.array_equal(value, run(recipe, targets=poisoned)[name])
        assert np.array_equal(value, train_wave(recipe, 0).parameters[name])


@pytest.mark.parametrize("kind", ALL)
def test_a_mechanism_does_something_and_a_wave_stays_a_pure_function(kind):
    recipe = recipe_with(ACTIVE[kind])
    first, again = train_wave(recipe, 1), train_wave(recipe, 1)
    without = train_wave(dataclasses.replace(recipe, mechanisms=()), 1)
    assert np.array_equal(first.masks, without.masks)
    for name, value in first.parameters.items():
        assert np.array_equal(value, again.parameters[name])
        assert np.isfinite(value).all()
        for model in range(8):
            assert not np.array_equal(value[model], without.parameters[name][model])


@pytest.mark.parametrize("privacy", [None, DpSgd(noise_multiplier=0.5)], ids=["plain", "dp"])
def test_all_mechanisms_work_together(privacy):
    parts = [part for kind, part in ACTIVE.items() if privacy is None or kind not in COUPLED]
    recipe = recipe_with(*parts, architecture=Cnn2d(width=3, depth=2), privacy=privacy)
    wave = train_wave(recipe, 0)
    assert all(np.isfinite(value).all() for value in wave.parameters.values())


# Hand-computed examples


def one_step(mechanism: Any) -> tuple[np.ndarray, np.ndarray]:
    """All weights before and after one step of plain SGD at rate .1 with a clip so small that no record has a say."""
    recipe = recipe_with(
        mechanism, optimizer=Sgd(learning_rate=0.1, momentum=0), privacy=DpSgd(clip=1e-12), architecture=Logistic()
    )
    net, records = network(recipe.architecture, DIGITS.info), split(DIGITS).contested
    params = parameters(net.initial(8, generator(0, "test")))
    before = params.flat.clone().numpy()
    batches = next(epochs(recipe, 0, masks(DIGITS, 0, 0)))[:1]
    train(net, recipe, params, view_tensor(net, records), one_hot(records.labels, 10), [batches])
    return before, params.flat.numpy()


@by_hand(DecoupledWeightDecay)
def _decay_multiplies_by_one_minus_rate_times_strength():
    before, after = one_step(DecoupledWeightDecay(strength=2.0))
    np.testing.assert_allclose(after, 0.8 * before, rtol=1e-6, atol=1e-9)


@by_hand(L2Penalty)
def _l2_adds_strength_times_weight_outside_the_clip():
    before, after = one_step(L2Penalty(strength=0.5))
    np.testing.assert_allclose(after, before - 0.1 * 0.5 * before, rtol=1e-6, atol=1e-9)


@by_hand(L1Penalty)
def _l1_adds_strength_times_sign_outside_the_clip():
    before, after = one_step(L1Penalty(strength=0.5))
    np.testing.assert_allclose(after, before - 0.1 * 0.5 * np.sign(before), rtol=1e-5, atol=1e-8)


@by_hand(Dropout)
def _dropout_keeps_or_drops_and_divides_what_stays():
    layer = DropoutLayer(0.75, torch.Generator().manual_seed(0))
    outputs, mask = layer.forward({}, torch.full((2, 50, 40), 3.0))
    assert set(outputs.unique().tolist()) == {0.0, 12.0}
    assert abs((outputs > 0).float().mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 4000)
    deltas, taps = layer.backward({}, mask, torch.full((2, 50, 40), 5.0), inputs_too=True)
    assert torch.equal(deltas, torch.where(outputs > 0, 20.0, 0.0))
    assert taps == []


@by_hand(SpatialDropout)
def _spatial_dropout_takes_whole_channels():
    layer = DropoutLayer(0.5, torch.Generator().manual_seed(0), channels=True)
    outputs, _ = layer.forward({}, torch.ones(3, 20, 4, 4, 6))
    channels = outputs.flatten(2, 3)
    assert set(outputs.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(channels.amin(dim=2), channels.amax(dim=2))
    assert channels[:, :, 0].unique(dim=1).shape[1] > 10, "each record must have channels of its own dropped"


@by_hand(LabelSmoothing)
def _smoothing_gives_a_share_to_every_class():
    label = torch.tensor([[[0.0, 1.0, 0.0, 0.0]]])
    torch.testing.assert_close(smoothed(label, 0.2), torch.tensor([[[0.05, 0.85, 0.05, 0.05]]]))


@by_hand(DisturbLabel)
def _disturbed_labels_are_one_hot_and_as_frequent_as_the_paper_says():
    labels = torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]])
    changed = disturbed(labels, torch.tensor([[True, False]]), torch.tensor([[2, 2]]))
    assert changed.tolist() == [[[0, 0, 1], [1, 0, 0]]]
    means = regularization(recipe_with(DisturbLabel(theta=0.6)), 0, split(DIGITS))
    truth = one_hot(np.full(20_000, 3), 10).unsqueeze(0)
    _, shown = means.examples(truth, truth, truth[..., 3])
    expected = np.full(10, 0.6 / 10)
    expected[3] = 1 - (9 / 10) * 0.6
    assert stats.chisquare(shown.sum(dim=(0, 1)).numpy(), 20_000 * expected).pvalue > 1e-3


@by_hand(GaussianInput)
def _noise_is_scaled_and_cut():
    shown = noisy(torch.tensor([[[0.5, 0.1, 0.9]]]), torch.tensor([[[1.0, -2.0, 2.0]]]), 0.1)
    torch.testing.assert_close(shown, torch.tensor([[[0.6, 0.0, 1.0]]]))


@by_hand(RandomCrop)
def _a_crop_moves_the_picture():
    picture = torch.arange(1.0, 7).view(1, 1, 6).repeat(1, 3, 1)  # 1 2 3 over 4 5 6
    shown = cropped(picture, torch.tensor([[[0, 0], [1, 0], [-1, 2]]]), (2, 3))
    assert shown.tolist() == [[[1, 2, 3, 4, 5, 6], [4, 5, 6, 0, 0, 0], [0, 0, 0, 3, 0, 0]]]


@by_hand(Cutout)
def _a_square_is_cut_out_and_may_lie_partly_outside():
    picture = torch.ones(1, 2, 3, 4, 1)
    shown = cut_out(picture, torch.tensor([[[1, 2], [0, 0]]]), 2, (3, 4)).view(2, 3, 4)
    assert shown[0].tolist() == [[1, 0, 0, 1], [1, 0, 0, 1], [1, 1, 1, 1]]
    assert shown[1].tolist() == [[0, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]


@by_hand(Mixup)
def _two_records_are_blended_with_the_weight_of_their_model():
    values = torch.tensor([[[0.0, 1.0], [1.0, 0.0]], [[2.0, 4.0], [6.0, 8.0]]])
    shown = mixed(values, torch.tensor([[1, 0], [1, 1]]), torch.tensor([0.75, 0.5]))
    assert shown.tolist() == [[[0.25, 0.75], [0.75, 0.25]], [[4.0, 6.0], [6.0, 8.0]]]


@by_hand(SoftLabels)
def _temperature_two_takes_the_square_root_of_the_odds():
    answers = softened(torch.log(torch.tensor([[[16.0, 4.0, 1.0]]])), 2.0)
    torch.testing.assert_close(answers, torch.tensor([[[4 / 7, 2 / 7, 1 / 7]]]))


@by_hand(RelaxLoss)
def _below_the_level_the_gradient_turns_or_the_posterior_is_flattened():
    # Both models answer (.7, .2, .1) where the first, or the last, class is true: losses .357 and 2.303.
    answers = torch.log(torch.tensor([0.7, 0.2, 0.1])).repeat(2, 1, 1)
    targets = torch.eye(3)[[0, 2]].unsqueeze(1)
    real = torch.ones(2, 1)
    up = relaxed(answers, targets, real, 1.0, ascend=True)
    flat = relaxed(answers, targets, real, 1.0, ascend=False)
    torch.testing.assert_close(up, torch.tensor([[[0.3, -0.2, -0.1]], [[0.7, 0.2, -0.9]]]))
    torch.testing.assert_close(flat, torch.tensor([[[0.0, 0.05, -0.05]], [[0.7, 0.2, -0.9]]]))


@by_hand(AdversarialRegularization)
def _a_hand_made_adversary_is_deceived():
    # h is the sigmoid of the first probability; at p = (½, ½) that probability has the gradient (¼, −¼), and
    # log sigmoid has the slope sigmoid(−½) at ½.
    against = small_adversary(strength=2.0)
    for name in ("inference1", "inference2", "inference3"):
        against.params.weights[f"{name}.weight"].zero_()[:, 0, 0] = 1
        against.params.weights[f"{name}.bias"].zero_()
    push = against.push(torch.zeros(8, 1, 2), torch.eye(2)[[1]].repeat(8, 1, 1))
    slope = 2.0 * 0.25 / (1 + np.exp(0.5))
    torch.testing.assert_close(push, torch.tensor([slope, -slope]).float().repeat(8, 1, 1))


def small_adversary(strength: float = 1.0):
    labels = torch.eye(2)
    return adversary(
        strength,
        generator(0, "test"),
        labels=labels,
        others=torch.zeros(2, 3),
        other_labels=labels,
        draws=torch.Generator(),
    )


# What the examples do not say


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


# What is refused


@pytest.mark.parametrize(
    ("mechanism", "architecture", "sentence"),
    [
        (Dropout(rate=0.1), Logistic(), "dropout must have hidden activations, which logistic regression has not"),
        *(
            (SpatialDropout(rate=0.1), family, "spatial dropout must have the channels of a convolutional network")
            for family in (Logistic(), Mlp(), Rnn(), Gru(), Lstm())
        ),
    ],
)
def test_a_mechanism_without_anything_to_act_on_is_refused(mechanism, architecture, sentence):
    with pytest.raises(InvalidValueError) as caught:
        Recipe(architecture=architecture, mechanisms=(mechanism,))
    assert str(caught.value) == sentence


TABLE = PopulationChoice(name="breast-cancer", contested=80)


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind.needs_picture])
def test_a_mechanism_for_pictures_is_refused_where_records_are_none(kind):
    with pytest.raises(InvalidValueError) as caught:
        Recipe(population=TABLE, mechanisms=(ACTIVE[kind],))
    assert str(caught.value) == f"{kind.title} must have pictures, which breast-cancer has not"


def test_adversarial_regularization_is_refused_where_the_defender_has_too_few_public_records():
    with pytest.raises(InvalidValueError) as caught:
        Recipe(population=TABLE, mechanisms=(AdversarialRegularization(strength=1),))
    sentence = "adversarial regularization must have 300 public records for the defender alone, breast-cancer has 50"
    assert str(caught.value) == sentence


def test_input_noise_is_refused_where_features_have_no_range():
    with pytest.raises(InvalidValueError) as caught:
        Recipe(population=TABLE, mechanisms=(GaussianInput(sigma=0.1),))
    assert str(caught.value) == "input noise must have features between 0 and 1, which breast-cancer has not"


@pytest.mark.parametrize(
    ("kind", "choices", "sentence"),
    [
        (L1Penalty, {"strength": 0}, "L1 penalty must be above 0, got 0"),
        (Dropout, {"rate": 1}, "dropout must be below 1, got 1"),
        (SpatialDropout, {"rate": -0.1}, "spatial dropout must be at least 0, got -0.1"),
        (LabelSmoothing, {"alpha": 1.0}, "label smoothing must be below 1, got 1.0"),
        (DisturbLabel, {"theta": 1.5}, "DisturbLabel must be at most 1, got 1.5"),
        (GaussianInput, {"sigma": -1}, "input noise must be at least 0, got -1"),
        (RandomCrop, {"padding": 1.5}, "random crop must be a whole number, got 1.5"),
        (Cutout, {"size": 65}, "cutout must be at most 64, got 65"),
        (Mixup, {"alpha": 0}, "mixup must be above 0, got 0"),
        (SoftLabels, {"temperature": 0}, "temperature of soft labels must be above 0, got 0"),
        (RelaxLoss, {"alpha": -1}, "RelaxLoss must be at least 0, got -1"),
        (
            AdversarialRegularization,
            {"strength": -1},
            "adversarial regularization must be at least 0, got -1",
        ),
    ],
)
def test_a_value_out_of_range_gives_one_sentence(kind, choices, sentence):
    with pytest.raises(InvalidValueError) as caught:
        kind(**choices)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("kind", ALL)
def test_a_docstring_begins_with_one_sentence_for_the_screen(kind):
    first = (kind.__doc__ or "").split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first
    assert 40 < len(first) < 118
    assert kind.title
