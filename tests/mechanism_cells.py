"""The cells of the matrix of mechanisms: a value that acts, one that does nothing, and an example by hand."""

import dataclasses
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import torch
from scipy import stats

from engine.architectures import Cnn2d, Logistic, Mlp
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
from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.adversary import adversary
from engine.training.augmentation import cropped, cut_out, mixed, noisy
from engine.training.batches import epochs
from engine.training.labels import disturbed, one_hot, smoothed, softened
from engine.training.loop import train
from engine.training.parameters import parameters
from engine.training.regularization import regularization, training_network
from engine.training.relaxation import relaxed

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
    sure = one_hot(np.arange(5), 5).unsqueeze(0)  # the limit of hard targets: at T = 1 a teacher that has no doubt
    assert torch.equal(softened(torch.where(sure > 0, 1e4, -1e4), 1.0), sure)


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
