"""The tuned DP settings: what ships, where it is used, and that a fresh run finds it again."""

from __future__ import annotations

import datetime

import pytest
import torch

from dashboard.state.stops import DP
from engine.architectures import Lstm, Mlp
from engine.populations.catalogue import PUBLIC_PARTS
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.tuning.search import COMMAND, NOISE_MULTIPLIERS, POPULATIONS, best, said, validation_accuracy
from engine.tuning.table import BATCH_SHARES, CLIPS, LEARNING_RATES, Tuned, tuned, tuned_table, with_tuned_dp


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


def of(rate: float, clip: float, share: float) -> Tuned:
    """A row with these settings."""
    return Tuned(
        population="digits",
        architecture={"kind": "Mlp"},
        noise_multiplier=1.0,
        learning_rate=rate,
        clip=clip,
        batch_share=share,
        accuracy=0.9,
    )


def test_a_row_tells_where_it_lies_on_an_edge_of_its_grid_and_so_does_the_command():
    assert of(0.25, 1.0, 0.128).edges == ()
    assert of(0.06, 3.0, 0.064).edges == ("smallest rate", "largest clip", "smallest batch")
    assert of(1.0, 0.3, 0.256).edges == ("largest rate", "smallest clip", "largest batch")
    within = "digits, Mlp, σ 1: rate 0.25, clip 1, batch 0.128 of the training records, accuracy 0.900"
    assert said(of(0.25, 1.0, 0.128)) == within
    assert said(of(0.25, 1.0, 0.256)).endswith("accuracy 0.900 (at the edge of what was tried: largest batch)")


def test_the_table_is_of_the_grid_and_its_noisy_rows_all_lie_on_an_edge_of_it():
    for row in tuned_table().rows:
        assert row.learning_rate in LEARNING_RATES
        assert row.clip in CLIPS
        assert row.batch_share in BATCH_SHARES
        assert row.noise_multiplier == 0 or "largest batch" in row.edges


def test_a_tuned_recipe_has_the_rate_clip_and_share_of_its_row():
    row = tuned("mnist5k", Mlp(width=128), 1.0)
    assert row is not None
    recipe = with_tuned_dp(Recipe(), row)
    assert recipe.privacy == DpSgd(clip=row.clip, noise_multiplier=1.0)
    assert recipe.optimizer == Sgd(learning_rate=row.learning_rate)
    assert recipe.sampling_rate == pytest.approx(row.batch_share, abs=1e-9)


@pytest.mark.parametrize("population", POPULATIONS)
def test_a_fresh_run_reaches_the_accuracy_in_the_table(population):
    torch.set_num_threads(1)
    row = tuned(population, Mlp(width=128), 2.0)
    assert row is not None
    records = len(split(PopulationChoice(name=population, contested=40)).public["tuning"].labels)
    recipe = with_tuned_dp(Recipe(population=PopulationChoice(name=population, contested=records)), row)
    assert validation_accuracy(recipe) == pytest.approx(row.accuracy, abs=0.01)


def test_the_best_of_a_grid_is_found():
    found = best(
        "digits", Mlp(width=16), 0.0, learning_rates=(1e-6, 0.5), clips=(1.0,), batch_shares=(0.256,), epochs=3
    )
    assert found.learning_rate == 0.5
    assert found.accuracy > 0.2


def test_tuning_sees_no_contested_record():
    parts = split(PopulationChoice(name="digits", contested=600))
    own = {row.tobytes() for row in parts.public["tuning"].flat}
    others = [parts.contested, *(parts.public[part] for part in PUBLIC_PARTS if part != "tuning")]
    assert not own & {row.tobytes() for records in others for row in records.flat}
