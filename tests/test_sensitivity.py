"""Measured sensitivity: neighbours trained as one stack, against retraining one by one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from engine.architectures import Cnn2d, Gru, Logistic, Mlp
from engine.mechanisms import (
    Cutout,
    DecoupledWeightDecay,
    DisturbLabel,
    Dropout,
    GaussianInput,
    L1Penalty,
    L2Penalty,
    LabelSmoothing,
    RandomCrop,
    SpatialDropout,
)
from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.pipeline import train_wave
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.gaussian import delta_of
from engine.release.knowledge import LABEL, why_not_measured
from engine.release.sensitivity import _alike, _without, measured_sensitivity, noise_for_measured
from engine.seeds import generator
from engine.training.batches import Batch, epochs
from engine.training.labels import one_hot
from engine.training.loop import train
from engine.training.regularization import regularization
from engine.validate import InvalidValueError
from tests.mechanism_cells import ACTIVE, ALL, COUPLED, recipe_with
from tests.torch_reference import load, reference_model, reference_optimizer

pytestmark = pytest.mark.usefixtures("one_thread")

DIGITS = PopulationChoice(name="digits", contested=60)
BASE = Recipe(population=DIGITS, architecture=Mlp(width=8), optimizer=Sgd(learning_rate=0.1), epochs=3, batch=7)
RECIPES = {
    "perceptron": BASE,
    "recurrent": replace(BASE, architecture=Gru(hidden=5)),
    "adam with decay": replace(BASE, optimizer=Adam(), mechanisms=(DecoupledWeightDecay(strength=3),)),
    "L2 penalty": replace(BASE, mechanisms=(L2Penalty(strength=0.1),)),
    "L1 penalty": replace(BASE, mechanisms=(L1Penalty(strength=0.01),)),
    "label smoothing": replace(BASE, mechanisms=(LabelSmoothing(alpha=0.3),)),
    "convolutions": replace(BASE, architecture=Cnn2d(width=3)),
    "clipped gradients": replace(BASE, privacy=DpSgd(clip=0.5)),
    "Poisson batches": replace(BASE, privacy=DpSgd(clip=None)),
    "disturbed labels": replace(BASE, mechanisms=(DisturbLabel(theta=0.5),)),
    "input noise": replace(BASE, mechanisms=(GaussianInput(sigma=0.2),)),
    "crop and cutout": replace(BASE, mechanisms=(RandomCrop(padding=2), Cutout(size=3), LabelSmoothing(alpha=0.3))),
    "crop of Poisson batches": replace(BASE, privacy=DpSgd(clip=None), mechanisms=(RandomCrop(padding=2),)),
}


def retrained(recipe: Recipe, model: int, dropped: int | None) -> dict[str, torch.Tensor]:
    """One torch.nn model trained by autograd without a record, sums divided by the sizes with it.

    What it is shown is its own row of what the wave's eight models are shown.
    """
    member = masks(recipe.population, recipe.seed, 0)
    records = split(recipe.population).contested
    net = network(recipe.architecture, recipe.population.info)
    inputs, labels = view_tensor(net, records), one_hot(records.labels, 10)
    means = regularization(recipe, 0, split(recipe.population))
    initial = net.initial(8, generator(recipe.seed, "initial weights", 0))
    own = reference_model(recipe)
    load(own, {name: torch.from_numpy(value) for name, value in initial.items()}, model)
    decay = sum(part.strength for part in recipe.mechanisms if isinstance(part, DecoupledWeightDecay))
    lasso = sum(part.strength for part in recipe.mechanisms if isinstance(part, L1Penalty))
    rule = reference_optimizer(own, replace(recipe, mechanisms=recipe.mechanisms))
    assert not decay or isinstance(rule, torch.optim.AdamW)
    for batch in itertools.chain.from_iterable(epochs(recipe, 0, member)):
        everybody = torch.from_numpy(batch.records)
        shown, wanted = means.examples(inputs[everybody], labels[everybody], torch.from_numpy(batch.real))
        real = batch.real[model] > 0
        kept = torch.from_numpy(np.flatnonzero(real & (batch.records[model] != dropped)))
        rule.zero_grad()
        size = recipe.batch if recipe.privacy else int(real.sum())
        loss = cross_entropy(own(shown[model][kept]), wanted[model][kept], reduction="none")
        if recipe.privacy is not None and recipe.privacy.clip is not None:
            accumulate_clipped(own, loss, recipe.privacy.clip, size)
        else:
            penalty = lasso * torch.cat([weight.flatten() for weight in own.parameters()]).abs().sum()
            (loss.sum() / size + penalty).backward()
        rule.step()
    return {name: parameter.detach().double() for name, parameter in own.named_parameters()}


def accumulate_clipped(own: torch.nn.Module, losses: torch.Tensor, clip: float, size: int) -> None:
    """Gradients of the mean loss, each record's scaled down to the clip."""
    weights = list(own.parameters())
    sums = [torch.zeros_like(weight) for weight in weights]
    for loss in losses:
        of_one = torch.autograd.grad(loss, weights, retain_graph=True)
        norm = float(torch.cat([part.flatten() for part in of_one]).norm())
        for total, part in zip(sums, of_one, strict=True):
            total.add_(part, alpha=min(1.0, clip / norm) / size)
    for weight, total in zip(weights, sums, strict=True):
        weight.grad = total


@pytest.mark.parametrize("name", RECIPES)
def test_changes_are_those_of_retraining_one_by_one(name: str):
    recipe = RECIPES[name]
    found = measured_sensitivity(recipe, model=3, neighbours=5)
    whole = retrained(recipe, 3, None)
    for position, record in enumerate(found.dropped):
        other = retrained(recipe, 3, int(record))
        by_tensor = {key: float((other[key] - whole[key]).norm()) for key in whole}
        joint = float(torch.cat([(other[key] - whole[key]).flatten() for key in whole]).norm())
        assert found.changes[position] == pytest.approx(joint, rel=2e-3)
        for key, change in by_tensor.items():
            assert found.by_tensor[key][position] == pytest.approx(change, rel=5e-3, abs=1e-5)


def test_a_hand_computed_change():
    """One step of gradient descent on all members: the change is rate / n · ‖p − y‖ · √(‖x‖² + 1)."""
    recipe = replace(
        BASE, architecture=Logistic(), optimizer=Sgd(learning_rate=0.5, momentum=0.0), epochs=1, batch=30
    )
    found = measured_sensitivity(recipe, model=2, neighbours=6)
    records = split(DIGITS).contested
    initial = network(Logistic(), DIGITS.info).initial(8, generator(0, "initial weights", 0))
    pixels, labels = records.flat[found.dropped].astype(np.float64), records.labels[found.dropped]
    logits = pixels @ initial["out.weight"][2].T.astype(np.float64) + initial["out.bias"][2]
    error = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) - np.eye(10)[labels]
    expected = 0.5 / found.members * np.linalg.norm(error, axis=1) * np.sqrt(np.square(pixels).sum(axis=1) + 1)
    assert found.changes == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["perceptron", "disturbed labels", "input noise", "crop and cutout"])
def test_neighbours_drop_different_members_and_the_model_itself_is_that_of_the_wave(name: str):
    recipe = RECIPES[name]
    found = measured_sensitivity(recipe, wave=1, model=5, neighbours=10)
    member = masks(DIGITS, 0, 1)[5]
    assert len(set(found.dropped)) == 10
    assert member[found.dropped].all()
    assert found.members == member.sum()
    assert (found.changes > 0).all()
    params = _alike(network(recipe.architecture, DIGITS.info), recipe, 1, 5, 2, device="cpu")
    run(params, recipe, 5, dropped=np.flatnonzero(~member)[:1], wave=1)
    trained = train_wave(recipe, 1).parameters
    for name, value in params.weights.items():
        np.testing.assert_allclose(value[0], trained[name][5], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": Sgd(learning_rate=0.1, momentum=0.9)},
        {"optimizer": Adam()},
        {"optimizer": Sgd(learning_rate=0.1, momentum=0.0), "mechanisms": (DecoupledWeightDecay(strength=0.5),)},
    ],
    ids=["momentum", "adam", "decay"],
)
def test_the_model_itself_rests_where_the_waves_rests(changes: dict):
    recipe = replace(BASE, architecture=Logistic(), epochs=2, batch=1, **changes)
    sizes = masks(DIGITS, 0, 0).sum(axis=1)
    model, outsider = int(sizes.argmin()), np.flatnonzero(~masks(DIGITS, 0, 0)[sizes.argmin()])[:1]
    assert sizes[model] < len(next(epochs(recipe, 0, masks(DIGITS, 0, 0)))), "some of its batches must be empty"
    params = _alike(network(recipe.architecture, DIGITS.info), recipe, 0, model, 2, device="cpu")
    run(params, recipe, model, dropped=outsider)
    trained = train_wave(recipe, 0).parameters
    for name, value in params.weights.items():
        np.testing.assert_allclose(value[0], trained[name][model], rtol=0, atol=1e-6)


def run(params, recipe: Recipe, model: int, *, dropped: np.ndarray, wave: int = 0) -> None:
    """Train the copies of a model without the dropped records."""
    net, records = network(recipe.architecture, DIGITS.info), split(DIGITS).contested
    batches = epochs(recipe, wave, masks(DIGITS, 0, wave))
    train(
        net,
        recipe,
        params,
        view_tensor(net, records),
        one_hot(records.labels, 10),
        _without(dropped, model, batches),
        regularization=replace(regularization(recipe, wave, split(DIGITS)), copied=model),
    )


@pytest.mark.parametrize("name", RECIPES)
def test_a_neighbour_that_drops_no_member_is_the_model_to_rounding(name: str):
    recipe = RECIPES[name]
    outsiders = np.flatnonzero(~masks(DIGITS, 0, 0)[0])[:4]
    params = _alike(network(recipe.architecture, DIGITS.info), recipe, 0, 0, 5, device="cpu")
    run(params, recipe, 0, dropped=outsiders)
    for value in params.weights.values():  # vectorized tails round differently from model to model
        assert (value[1:] - value[:1]).abs().max() < 2e-7 * max(1.0, float(value.abs().max()))


def test_the_size_of_a_batch_is_kept_when_a_record_is_dropped():
    whole = Batch(records=np.array([[4, 9, 2], [1, 0, 0]]), real=np.array([[1, 1, 1], [1, 0, 0]], dtype=np.float32))
    assert whole.divisors.tolist() == [[3], [1]]
    (batch,) = next(_without(np.array([9, 5]), 0, iter([[whole]])))
    assert batch.records.tolist() == [[4, 9, 2]] * 3
    assert batch.real.tolist() == [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
    assert batch.divisors.tolist() == [[3]] * 3


def test_a_neighbour_rests_in_an_empty_batch_and_steps_where_its_only_record_is_dropped():
    whole = Batch(
        records=np.array([[4, 9], [0, 0], [2, 0]]), real=np.array([[1, 1], [0, 0], [1, 0]], dtype=np.float32)
    )
    assert whole.nothing.tolist() == [False, True, False]
    (empty,), (alone,) = (next(_without(np.array([2]), model, iter([[whole]]))) for model in (1, 2))
    assert empty.nothing.tolist() == [True, True]
    assert alone.real.tolist() == [[1, 0], [0, 0]]
    assert alone.nothing.tolist() == [False, False]


def test_the_joint_change_is_that_of_all_tensors_together_and_the_largest_counts():
    found = measured_sensitivity(BASE, neighbours=8)
    assert found.changes == pytest.approx(np.linalg.norm(list(found.by_tensor.values()), axis=0), rel=1e-12)
    assert found.largest == found.changes.max()
    assert (found.changes < np.sum(list(found.by_tensor.values()), axis=0)).all()


def test_a_kept_epoch_is_a_shorter_training():
    early = measured_sensitivity(BASE, neighbours=4, epoch=2)
    assert np.array_equal(early.changes, measured_sensitivity(replace(BASE, epochs=2), neighbours=4).changes)
    assert not np.array_equal(early.changes, measured_sensitivity(BASE, neighbours=4).changes)


def test_the_same_question_has_the_same_answer_and_another_model_another():
    first, again = measured_sensitivity(BASE, neighbours=4), measured_sensitivity(BASE, neighbours=4)
    assert np.array_equal(first.changes, again.changes)
    assert not np.array_equal(first.dropped, measured_sensitivity(BASE, neighbours=4, model=1).dropped)


def test_more_weight_decay_means_less_sensitivity():
    decayed = replace(BASE, mechanisms=(DecoupledWeightDecay(strength=3),), epochs=10)
    plain = measured_sensitivity(replace(BASE, epochs=10), neighbours=10)
    assert measured_sensitivity(decayed, neighbours=10).largest < plain.largest


def test_noise_for_a_target_satisfies_the_analytic_gaussian_mechanism_at_the_largest_change():
    found = measured_sensitivity(BASE, neighbours=4)
    noise = noise_for_measured(found, epsilon=3.0, delta=1e-5)
    assert delta_of(3.0, sensitivity=found.largest, sigma=noise.sigma) == pytest.approx(1e-5, rel=1e-9)
    assert (noise.tensors, noise.scale) == ("all", "absolute")


def test_the_label_says_that_it_is_no_proof():
    assert measured_sensitivity(BASE, neighbours=1).label == LABEL == "measured sensitivity, not a proof"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"neighbours": 0}, "neighbours must be at least 1, got 0"),
        ({"neighbours": 60}, r"neighbours must be at most \d\d, got 60"),
        ({"model": 8}, "model of a wave must be at most 7, got 8"),
        ({"epoch": 4}, "kept epoch must be at most 3, got 4"),
    ],
)
def test_what_is_out_of_range_is_refused(changes: dict, sentence: str):
    with pytest.raises(InvalidValueError, match=sentence):
        measured_sensitivity(BASE, **changes)


def test_training_with_noise_is_refused():
    noisy = replace(BASE, privacy=DpSgd(noise_multiplier=1.0))
    with pytest.raises(InvalidValueError, match="must be of training without noise: DP-SGD proves its ε"):
        measured_sensitivity(noisy)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_what_treats_each_record_by_itself_can_be_measured_and_the_rest_says_why_not(kind: type):
    refused = why_not_measured(recipe_with(ACTIVE[kind]))
    if kind not in {*COUPLED, Dropout, SpatialDropout}:
        assert refused is None
    else:
        assert refused is not None
        assert refused.startswith(f"measured sensitivity must be of training without {ACTIVE[kind].title}: it")
        assert ("neighbours would not draw the same" in refused) == (kind not in COUPLED)


def test_what_a_check_raises_ends_the_measurement():
    def check():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measured_sensitivity(BASE, neighbours=2, check=check)
