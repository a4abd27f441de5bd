"""What released models answer to what an attacker asks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from engine.architectures import Cnn2d, Logistic, Mlp
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE, AttackInfo, Knowledge
from engine.attacks.leave_pair_out import cohort_scores
from engine.mechanisms import Cutout, GaussianInput, RandomCrop
from engine.models.evaluation import logits, view_tensor
from engine.models.network import network, tensors
from engine.pipeline import assess, train_wave
from engine.populations.records import split
from engine.recipe import PopulationChoice, Recipe
from engine.release.answers import release_signals
from engine.release.knowledge import gives, why_not
from engine.release.queries import COPIES, NOISE_DRAWS, NOISE_LEVELS, SHIFTS, changed, noisy, queries
from engine.release.values import LabelOnly, MemGuard, Outputs, Release, Rounding, Temperature, TopK, WeightNoise
from engine.signals import Signals, signals, together
from engine.training.values import TrainedWave

DIGITS = PopulationChoice(name="digits", contested=60)
RECIPE = Recipe(population=DIGITS, architecture=Mlp(width=16), epochs=10, batch=20)
EVERYTHING: tuple[Knowledge, ...] = ("labels", "outputs", "shadows", "public", "augmented", "noisy", "weights")
TREATMENTS: tuple[Outputs, ...] = (
    Temperature(temperature=3.0),
    Rounding(decimals=1),
    TopK(k=2),
    LabelOnly(),
    MemGuard(budget=1.0),
)


@pytest.fixture(scope="module")
def waves() -> list[TrainedWave]:
    return [train_wave(RECIPE, wave) for wave in range(2)]


def plain_signals(waves: list[TrainedWave], inputs: torch.Tensor, labels: np.ndarray) -> Signals:
    net = network(RECIPE.architecture, DIGITS.info)
    return signals(np.concatenate([logits(net, tensors(wave.parameters), inputs) for wave in waves]), labels)


def same(one: Signals, other: Signals) -> bool:
    return np.array_equal(one.phi, other.phi) and np.array_equal(one.top, other.top)


def test_who_asks_for_nothing_more_gets_the_answers_on_contested_records(waves):
    (found,) = release_signals(RECIPE, Release(), waves)
    records = split(DIGITS).contested
    assert same(found, plain_signals(waves, torch.tensor(records.flat), records.labels))
    assert found.public is None
    assert (found.augmented, found.noisy) == ((), ())
    assert found.gradient_norm is found.distance_l2 is found.distance_linf is None


def test_public_answers_are_those_on_the_attackers_records_alone(waves):
    (found,) = release_signals(RECIPE, Release(), waves, knows=("public",))
    records = split(DIGITS).public["attacker"]
    assert found.public is not None
    assert found.public.phi.shape == (16, len(records.labels))
    assert same(found.public, plain_signals(waves, torch.tensor(records.flat), records.labels))
    assert np.array_equal(found.public.labels, records.labels)


def test_changed_and_noisy_copies_are_asked_of_every_model(waves):
    (found,) = release_signals(RECIPE, Release(), waves, knows=("augmented", "noisy"))
    net = network(RECIPE.architecture, DIGITS.info)
    asked = queries(net, RECIPE, ("augmented", "noisy"))
    assert len(found.augmented) == 1 + COPIES
    assert len(found.noisy) == len(NOISE_LEVELS) * NOISE_DRAWS
    assert same(found.augmented[0], found)
    for inputs, answers in zip(asked.augmented + asked.noisy, found.augmented + found.noisy, strict=True):
        assert same(answers, plain_signals(waves, inputs, found.labels))


def test_weights_give_gradient_norms_and_distances(waves):
    (found,) = release_signals(RECIPE, Release(), waves, knows=("weights",))
    for values in (found.gradient_norm, found.distance_l2, found.distance_linf):
        assert values is not None
        assert values.shape == found.phi.shape
        assert np.isfinite(values).all()


def test_each_noisy_draw_of_weights_is_asked_by_itself(waves):
    release = Release(weight_noise=WeightNoise(sigma=0.1, draws=2))
    first, second = release_signals(RECIPE, release, waves, knows=EVERYTHING)
    for name in ("phi", "gradient_norm", "distance_l2"):
        assert not np.array_equal(getattr(first, name), getattr(second, name))
    assert first.public is not None
    assert second.public is not None
    assert not same(first.public, second.public)


@pytest.mark.parametrize("outputs", TREATMENTS, ids=repr)
def test_every_answer_of_a_treated_release_is_treated_and_names_the_same_class(waves, outputs: Outputs):
    knows: tuple[Knowledge, ...] = ("public", "augmented", "noisy")
    if isinstance(outputs, MemGuard):  # a search for each set of answers
        waves, knows = waves[:1], knows[:1]
    (clean,) = release_signals(RECIPE, Release(), waves, knows=knows)
    (found,) = release_signals(RECIPE, Release(outputs=outputs), waves, knows=knows)
    assert clean.public is not None
    assert found.public is not None
    pairs = zip(
        (clean, clean.public, *clean.augmented, *clean.noisy),
        (found, found.public, *found.augmented, *found.noisy),
        strict=True,
    )
    for before, after in pairs:
        assert np.array_equal(before.correct, after.correct)
        assert not np.array_equal(before.phi, after.phi)
        assert np.isfinite(after.phi).all()
    assert all(same(unchanged, found) for unchanged in found.augmented[:1])


@pytest.mark.parametrize("release", [Release(), *(Release(outputs=outputs) for outputs in TREATMENTS)], ids=repr)
def test_a_cohort_begins_with_the_signals_of_a_smaller_one(waves, release: Release):
    (one,) = release_signals(RECIPE, release, waves[:1], knows=("public",))
    (two,) = release_signals(RECIPE, release, waves, knows=("public",))
    assert same(one, two.of_models(slice(0, 8)))


def test_signals_of_groups_of_models_are_put_together_as_they_were_taken_apart(waves):
    (found,) = release_signals(RECIPE, Release(), waves, knows=EVERYTHING)
    again = together([found.of_models(slice(0, 3)), found.of_models(slice(3, 16))])
    assert again.public is not None
    assert found.public is not None
    for one, other in zip(
        (again, again.public, *again.augmented, *again.noisy),
        (found, found.public, *found.augmented, *found.noisy),
        strict=True,
    ):
        assert same(one, other)
    for name in ("correct", "entropy", "modified_entropy", "gradient_norm", "distance_l2", "distance_linf"):
        assert np.array_equal(getattr(again, name), getattr(found, name))


def test_shifts_move_a_picture_by_one_pixel_in_each_direction():
    contested = view_tensor(network(Cnn2d(), DIGITS.info), split(DIGITS).contested)
    copies = changed(contested, RECIPE)
    padded = np.pad(contested[..., 0].numpy(), ((0, 0), (1, 1), (1, 1)))
    assert len(copies) == len(SHIFTS) == 8
    for (row, column), copy in zip(SHIFTS, copies, strict=True):
        assert np.array_equal(copy[..., 0].numpy(), padded[:, 1 + row : 9 + row, 1 + column : 9 + column])


@pytest.mark.parametrize("mechanism", [RandomCrop(padding=2), GaussianInput(sigma=0.3), Cutout(size=3)], ids=repr)
def test_a_recipe_that_changes_inputs_has_copies_changed_its_own_way(mechanism):
    recipe = Recipe(population=DIGITS, architecture=Logistic(), batch=20, mechanisms=(mechanism,))
    contested = view_tensor(network(Logistic(), DIGITS.info), split(DIGITS).contested)
    copies = changed(contested, recipe)
    assert len(copies) == COPIES
    assert len({copy.numpy().tobytes() for copy in copies}) == COPIES
    again = changed(contested, recipe)
    assert all(torch.equal(one, other) for one, other in zip(copies, again, strict=True))
    moved = torch.stack([copy != contested for copy in copies]).float().mean(dim=2)
    assert (moved.amax(dim=0) > 0).all()
    if isinstance(mechanism, Cutout):
        assert all(((copy == contested) | (copy == 0)).all() for copy in copies)


def test_noise_is_normal_with_the_standard_deviation_of_its_level():
    contested = torch.zeros(500, 64)
    copies = noisy(contested, RECIPE)
    spreads = [float(copy.std()) for copy in copies]
    assert_allclose(spreads, np.repeat(NOISE_LEVELS, NOISE_DRAWS), rtol=0.02)
    assert_allclose(copies[0] / NOISE_LEVELS[0], copies[NOISE_DRAWS] / NOISE_LEVELS[1], rtol=1e-5)


def test_what_a_release_gives_away():
    everything = gives(Release())
    assert everything == gives(Release(weight_noise=WeightNoise(sigma=1.0))) == set(EVERYTHING)
    for outputs in TREATMENTS:
        kept = {"weights", "outputs"} if isinstance(outputs, LabelOnly) else {"weights"}
        assert everything - gives(Release(outputs=outputs)) == kept


def info(*knows: Knowledge) -> AttackInfo:
    return AttackInfo(name="made", title="Made up", about="", source="", knows=knows, ranks_without_shadows=False)


@pytest.mark.parametrize(
    ("knows", "population", "release", "sentence"),
    [
        (
            "weights",
            "digits",
            Release(outputs=TopK(k=3)),
            "this release gives answers only",
        ),
        (
            "outputs",
            "digits",
            Release(outputs=LabelOnly()),
            "this release gives labels only",
        ),
        (
            "public",
            "breast-cancer",
            Release(),
            "Breast cancer has 50 public records for the attacker, and at least 300 are needed",
        ),
        (
            "augmented",
            "mnist1d",
            Release(),
            "a record of MNIST-1D curves is a curve of 40 points, which cannot be shifted, this recipe changes none",
        ),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(monkeypatch, knows, population, release, sentence):
    monkeypatch.setitem(CATALOGUE, "made", info("labels", knows))
    recipe = Recipe(population=PopulationChoice(name=population, contested=100), architecture=Logistic())
    assert why_not("made", recipe, release) == f"attack Made up needs {KNOWLEDGE[knows]}; {sentence}"
    monkeypatch.setitem(CATALOGUE, "made", info("labels"))
    assert why_not("made", recipe, release) is None


def test_a_table_whose_recipe_changes_its_records_has_changed_copies(monkeypatch):
    monkeypatch.setitem(CATALOGUE, "made", info("augmented"))
    recipe = Recipe(
        population=PopulationChoice(name="mnist1d", contested=100), mechanisms=(GaussianInput(sigma=0.1),)
    )
    assert why_not("made", recipe, Release()) is None


@pytest.mark.parametrize("release", [Release(), *(Release(outputs=outputs) for outputs in TREATMENTS)], ids=repr)
def test_every_attack_runs_on_every_release_that_gives_it_what_it_needs(waves, release: Release):
    asked = tuple(
        sorted(gives(release) - ({"augmented", "noisy"} if isinstance(release.outputs, MemGuard) else set()))
    )
    (found,) = release_signals(RECIPE, release, waves, knows=asked)
    masks = np.concatenate([wave.masks for wave in waves])
    made = [name for name, info in CATALOGUE.items() if set(info.knows) <= set(asked)]
    assert len(made) >= (3 if isinstance(release.outputs, LabelOnly) else 20)
    for name in made:
        assert why_not(name, RECIPE, release) is None
        assert np.isfinite(cohort_scores(ATTACKS[name], found, masks)).all()


def test_a_release_of_labels_is_assessed_whole(waves):
    found = assess(RECIPE, Release(outputs=LabelOnly()), "correctness", waves)
    plain = assess(RECIPE, Release(), "correctness", waves)
    assert found.headline == plain.headline
    assert np.isfinite(found.risk.member).all()


def test_an_assessment_carries_the_pictures_of_the_records_that_it_names(waves):
    found = assess(RECIPE, Release(), "loss", waves)
    assert found.riskiest is not None
    assert found.pictures is not None
    assert found.pictures.record.tolist() == found.riskiest.record.tolist()
    contested = split(RECIPE.population).contested
    for record, pixels in zip(found.pictures.record, found.pictures.pixels, strict=True):
        assert_allclose(pixels, contested.pictures[record] * 255, atol=0.5)
