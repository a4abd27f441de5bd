"""Populations, their split, and membership masks."""

from __future__ import annotations

import hashlib
import itertools

import numpy as np
import pytest

from engine.pipeline import train_wave
from engine.populations.catalogue import POPULATIONS
from engine.populations.membership import masks
from engine.populations.records import PUBLIC_PARTS, Records, split
from engine.recipe import PAIRS_PER_WAVE, Adam, DpSgd, L2Penalty, Logistic, Lstm, PopulationChoice, Recipe, Sgd

NAMES = sorted(POPULATIONS)
SMALL = PopulationChoice(name="digits", contested=200)


def everything(name: str, seed: int = 0) -> tuple[Records, dict[str, Records]]:
    """All contested records that a population can have, and its public ones."""
    parts = split(PopulationChoice(name=name, contested=POPULATIONS[name].contested_limit, seed=seed))
    return parts.contested, parts.public


def rows(records: Records) -> np.ndarray:
    """Pixels and label of each record in one row, so that records can be compared as rows."""
    return np.column_stack([records.flat, records.labels])


@pytest.mark.parametrize(("name", "records"), [("digits", 1797), ("mnist5k", 5000)])
def test_a_population_has_the_records_and_labels_that_its_entry_says(name: str, records: int):
    contested, public = everything(name)
    labels = np.concatenate([contested.labels, *(part.labels for part in public.values())])
    assert len(labels) == records == POPULATIONS[name].records
    assert np.array_equal(np.unique(labels), np.arange(POPULATIONS[name].classes))
    assert labels.dtype == np.int64


def test_mnist5k_has_500_records_of_each_class():
    contested, public = everything("mnist5k")
    labels = np.concatenate([contested.labels, *(part.labels for part in public.values())])
    assert np.bincount(labels).tolist() == [500] * 10


@pytest.mark.parametrize("name", NAMES)
def test_the_flat_view_is_float32_in_0_to_1_and_uses_both_ends(name: str):
    flat = everything(name)[0].flat
    assert flat.dtype == np.float32
    assert flat.shape[1] == POPULATIONS[name].features
    assert flat.min() == 0
    assert flat.max() == 1


@pytest.mark.parametrize("name", NAMES)
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
def test_each_public_part_has_at_least_300_records(name: str):
    public = everything(name)[1]
    assert tuple(public) == PUBLIC_PARTS
    assert min(len(part.labels) for part in public.values()) >= 300


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


@pytest.mark.parametrize("name", NAMES)
def test_the_sequence_view_and_the_picture_show_the_flat_view(name: str):
    contested = split(PopulationChoice(name=name, contested=50)).contested
    steps, step = POPULATIONS[name].picture
    assert contested.sequence.shape == (50, steps, step)
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
