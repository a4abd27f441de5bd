"""The tuned DP settings: what ships, where it is used, and that a fresh run finds it again."""

from __future__ import annotations

import datetime
import itertools
import os
from dataclasses import replace
from typing import Any

import pytest

from dashboard.state.stops import DP
from engine.architectures import Lstm, Mlp
from engine.populations.catalogue import PUBLIC_PARTS
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.tuning.search import (
    COMMAND,
    NOISE_MULTIPLIERS,
    POPULATIONS,
    Setting,
    best,
    climbed,
    neighbours,
    said,
    tried,
    validation_accuracy,
)
from engine.tuning.table import (
    LARGEST_NOISY_SHARE,
    POPULATION_SEED,
    Tuned,
    ladders,
    tuned,
    tuned_on_contested,
    tuned_table,
    with_tuned_dp,
)

FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"


def test_the_table_says_when_and_by_which_command_it_was_written():
    assert tuned_table().command == COMMAND == "python -m engine.tuning.search"
    assert datetime.date.fromisoformat(tuned_table().date) >= datetime.date(2026, 11, 22)


@pytest.mark.parametrize("population", POPULATIONS)
def test_every_clipped_stop_of_the_dp_dial_is_tuned_for_the_default_architecture(population):
    wanted = [stop.value.noise_multiplier for stop in DP.stops.values() if stop.value and stop.value.clip]
    assert wanted == list(NOISE_MULTIPLIERS)
    assert all(tuned(population, Mlp(width=128), noise) is not None for noise in wanted)


def test_other_architectures_and_noise_multipliers_are_not_tuned():
    assert tuned("digits", Lstm(), 1.0) is None
    assert tuned("digits", Mlp(width=64), 1.0) is None
    assert tuned("digits", Mlp(width=128), 1.1) is None


def of(rate: float, clip: float, share: float, noise: float = 1.0) -> Tuned:
    """A row with these settings."""
    return Tuned(
        population="digits",
        architecture={"kind": "Mlp"},
        noise_multiplier=noise,
        learning_rate=rate,
        clip=clip,
        batch_share=share,
        accuracy=0.9,
    )


def test_a_row_tells_where_a_better_setting_may_lie_beyond_and_so_does_the_command():
    assert of(0.25, 1.0, 0.128).edges == ()
    assert of(0.004, 100.0, 0.016).edges == ("smallest rate", "largest clip", "smallest batch")
    assert of(8.0, 0.003, 0.256).edges == ("largest rate", "smallest clip", "largest batch")
    assert of(0.25, 1.0, 0.256, noise=0.0).edges == ()
    assert of(0.25, 1.0, 0.512, noise=0.0).edges == ("largest batch",)
    within = "digits, Mlp, σ 1: rate 0.25, clip 1, batch 0.128 of the training records, accuracy 0.900"
    assert said(of(0.25, 1.0, 0.128)) == within
    assert said(of(0.25, 1.0, 0.256)).endswith("accuracy 0.900 (at the edge of what may be tried: largest batch)")


def test_with_noise_no_batch_is_larger_than_the_one_that_the_proofs_are_of():
    assert of(0.25, 1.0, 0.256).capped
    assert not of(0.25, 1.0, 0.128).capped
    assert not of(0.25, 1.0, 0.512, noise=0.0).capped
    assert max(ladders(1.0)[2]) == LARGEST_NOISY_SHARE == 0.256 < max(ladders(0.0)[2])


def test_every_row_of_the_table_is_bracketed_but_for_the_batch_that_noise_holds_back():
    for row in tuned_table().rows:
        assert row.edges == (("largest batch",) if row.capped else ())


def test_there_is_a_recipe_of_every_rung():
    rates, clips, _ = ladders(1.0)
    assert all(Sgd(learning_rate=rate) for rate in rates)
    assert all(DpSgd(clip=clip, noise_multiplier=1.0) for clip in clips)


def test_the_walk_ends_where_no_neighbour_is_better_or_the_ladders_end():
    ladder = (1.0, 2.0, 4.0, 8.0)

    def accuracy(setting: Setting) -> float:
        return -abs(setting[0] - 4.0) - abs(setting[1] - 100.0)

    assert climbed([(1.0, 1.0), (2.0, 1.0)], (ladder, ladder), accuracy) == (4.0, 8.0)
    assert climbed([(1.0, 1.0)], (ladder, ladder), lambda _: 0.5) == (1.0, 1.0)
    assert set(neighbours((1.0, 4.0), (ladder, ladder))) == {(2.0, 4.0), (1.0, 2.0), (1.0, 8.0)}


ALWAYS = (("digits", 0.0), ("digits", 1.0))


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize(
    ("population", "noise"),
    [
        pytest.param(
            *row, marks=() if row in ALWAYS else pytest.mark.skipif(not FULL, reason="PRIVACYDIAL_FULL=1 measures it")
        )
        for row in itertools.product(POPULATIONS, NOISE_MULTIPLIERS)
    ],
)
def test_no_neighbour_of_a_row_is_better_when_it_is_measured_again(population, noise):
    row = tuned(population, Mlp(width=128), noise)
    assert row is not None
    setting = (row.learning_rate, row.clip, row.batch_share)
    again = [tried(population, Mlp(width=128), noise, one) for one in neighbours(setting, ladders(noise))]
    # Equal on the machine that wrote the table; elsewhere sums round otherwise.
    assert len(again) == (5 if row.capped else 6)
    assert max(one.accuracy for one in again) <= tried(population, Mlp(width=128), noise, setting).accuracy + 0.005


def test_a_tuned_recipe_has_the_rate_clip_and_share_of_its_row():
    row = tuned("mnist5k", Mlp(width=128), 1.0)
    assert row is not None
    recipe = with_tuned_dp(Recipe(), row)
    assert recipe.privacy == DpSgd(clip=row.clip, noise_multiplier=1.0)
    assert recipe.optimizer == Sgd(learning_rate=row.learning_rate)
    assert recipe.sampling_rate == pytest.approx(row.batch_share, abs=1e-9)


@pytest.mark.parametrize("population", POPULATIONS)
def test_a_fresh_run_reaches_the_accuracy_in_the_table(population):
    row = tuned(population, Mlp(width=128), 2.0)
    assert row is not None
    records = len(split(PopulationChoice(name=population, contested=40)).public["tuning"].labels)
    recipe = with_tuned_dp(Recipe(population=PopulationChoice(name=population, contested=records)), row)
    assert validation_accuracy(recipe) == pytest.approx(row.accuracy, abs=0.01)


def test_the_search_leaves_its_grid_for_a_better_neighbour_and_tries_nothing_twice(monkeypatch):
    asked = []

    def noted(*setting: Any) -> Tuned:
        asked.append(setting)
        return tried(*setting)

    monkeypatch.setattr("engine.tuning.search.tried", noted)
    grid = ((0.004, 1.0, 0.256), (0.125, 1.0, 0.256))
    rates, clips, shares = zip(*grid, strict=True)
    found = best(
        "digits", Mlp(width=16), 0.0, learning_rates=rates, clips=clips[:1], batch_shares=shares[:1], epochs=3
    )
    assert found.accuracy > max(tried("digits", Mlp(width=16), 0.0, one, 3).accuracy for one in grid)
    assert len(set(asked)) == len(asked) < 60


def test_with_noise_the_search_begins_at_the_largest_batch_and_does_not_pass_it(monkeypatch):
    def larger_is_better(population: str, architecture: Mlp, noise: float, setting: Setting, _: int) -> Tuned:
        rate, clip, share = setting
        return replace(of(rate, clip, share, noise), accuracy=share)

    monkeypatch.setattr("engine.tuning.search.tried", larger_is_better)
    assert best("digits", Mlp(width=16), 1.0).batch_share == 0.256
    assert best("digits", Mlp(width=16), 0.0).batch_share == 0.512


@pytest.mark.parametrize(("seed", "seen"), [(0, 0), (1, 101)])
def test_tuning_has_seen_contested_records_of_every_population_seed_but_its_own(seed: int, seen: int):
    tuning = split(PopulationChoice(name="digits", contested=40, seed=POPULATION_SEED)).public["tuning"]
    contested = split(PopulationChoice(name="digits", contested=600, seed=seed)).contested
    assert len(tuning.labels) == 300
    assert len({row.tobytes() for row in tuning.flat} & {row.tobytes() for row in contested.flat}) == seen
    row = tuned("digits", Mlp(width=128), 1.0)
    assert row is not None
    recipe = with_tuned_dp(Recipe(population=PopulationChoice(name="digits", contested=600, seed=seed)), row)
    assert tuned_on_contested(recipe) == (seen > 0)
    assert not tuned_on_contested(replace(recipe, optimizer=Sgd(learning_rate=0.01)))
    assert not tuned_on_contested(replace(recipe, architecture=Lstm()))
    assert not tuned_on_contested(replace(recipe, privacy=None))


def test_tuning_sees_no_contested_record_of_its_own_population_seed():
    parts = split(PopulationChoice(name="digits", contested=600))
    own = {row.tobytes() for row in parts.public["tuning"].flat}
    others = [parts.contested, *(parts.public[part] for part in PUBLIC_PARTS if part != "tuning")]
    assert not own & {row.tobytes() for records in others for row in records.flat}
