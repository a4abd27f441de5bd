"""Every mechanism: its limit is no mechanism, it computes what can be computed by hand, its parameters change the
hash of the recipe, and with DP-SGD it leaves other records alone or is refused.
"""

import dataclasses
import re

import numpy as np
import pytest
import torch

from engine.architectures import Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.canonical import plain
from engine.mechanisms import (
    AdversarialRegularization,
    Cutout,
    DisturbLabel,
    Dropout,
    GaussianInput,
    L1Penalty,
    LabelSmoothing,
    Mixup,
    RandomCrop,
    RelaxLoss,
    SoftLabels,
    SpatialDropout,
)
from engine.models.dropout import DropoutLayer
from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.pipeline import targets as wave_targets
from engine.pipeline import train_wave
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, recipe_from_json
from engine.seeds import generator
from engine.training.adversary import Adversary
from engine.training.augmentation import cropped, cut_out, mixed, noisy
from engine.training.batches import Batch
from engine.training.clipping import clip_factors
from engine.training.labels import disturbed, one_hot, smoothed, softened
from engine.training.loop import add_noise, record_taps
from engine.training.parameters import add_l1_penalty, parameters, shrinkage
from engine.training.regularization import beta, regularization, training_network
from engine.training.relaxation import flattened, relaxed
from engine.validate import InvalidValueError
from tests.mechanism_cells import (
    ACTIVE,
    ALL,
    COUPLED,
    DIGITS,
    HAND,
    LIMITS,
    ROUNDED,
    recipe_with,
    run,
)
from tests.torch_reference import record_gradients

pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        *((kind, Cnn2d(width=3, depth=1) if kind is SpatialDropout else Mlp(width=12)) for kind in ALL),
        *((kind, Gru(hidden=5, bidirectional=True)) for kind in ALL if kind is not SpatialDropout),
    ],
)
def test_with_dp_other_records_keep_their_clipped_gradients_bit_by_bit_or_the_recipe_is_refused(kind, family):
    mechanism = ACTIVE[kind]
    if kind in COUPLED:
        with pytest.raises(InvalidValueError) as caught:
            recipe_with(mechanism, privacy=DpSgd(), architecture=family)
        assert str(caught.value) == f"{kind.title} must be off with DP-SGD: {kind.coupling}"
        assert len(kind.coupling) > 30
        return
    recipe = recipe_with(mechanism, privacy=DpSgd(), architecture=family)
    first, second = clipped_gradients(recipe, exchanged=False), clipped_gradients(recipe, exchanged=True)
    for name, one in first.items():
        other, rest = second[name], torch.arange(one.shape[1]) != 5
        assert torch.equal(one[:, rest], other[:, rest])
        assert not torch.equal(one[:, 5], other[:, 5])


def clipped_gradients(recipe: Recipe, *, exchanged: bool) -> dict[str, torch.Tensor]:
    """Clipped gradients (M, B, …) of single records, by parameter, on a batch; record 5 of 16 may be another one."""
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
    formed = record_gradients(taps, factors)
    assert set(formed) == set(params.gradients)
    return formed


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


PLACE = re.compile(r"\b(?:section|algorithm|equation|theorem) \d")
PAPER = re.compile(r"\b[A-Z][a-z]+(?: et al\.| & [A-Z][a-z]+)?(?:, [A-Z][a-z]+ & [A-Z][a-z]+)? (?:19|20)\d\d\b")


AT_WORK = (
    noisy,
    cropped,
    cut_out,
    mixed,
    beta,
    smoothed,
    disturbed,
    softened,
    relaxed,
    flattened,
    shrinkage,
    add_l1_penalty,
    clip_factors,
    add_noise,
    DropoutLayer,
    Adversary,
)
"""What computes the mechanisms, each with a formula of a paper."""


@pytest.mark.parametrize("said", [*ALL, DpSgd, *AT_WORK], ids=lambda said: said.__name__)
def test_a_docstring_names_a_paper_and_the_place_in_it(said):
    text = " ".join((said.__doc__ or "").split())
    assert PAPER.search(text)
    assert PLACE.search(text)


def test_the_place_of_early_stopping_is_a_file_of_settings():
    """The paper itself tells no epochs."""
    text = " ".join((Recipe.kept_epochs.__doc__ or "").split())
    assert PAPER.search(text)
    assert "config.json" in text


@pytest.mark.parametrize("kind", ALL)
def test_a_docstring_begins_with_one_sentence_for_the_screen(kind):
    first = (kind.__doc__ or "").split("\n\n")[0]
    assert first.endswith(".")
    assert "\n" not in first
    assert 40 < len(first) < 118
    assert kind.title
