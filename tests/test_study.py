"""Recurrent against feed-forward: what is matched, what is said about it, what is printed."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from engine.architectures import Gru, Lstm, Mlp, Rnn
from engine.assessment.comparison import compare
from engine.canonical import canonical_json
from engine.pipeline import release_signals, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from engine.study.__main__ import table
from engine.study.defences import DEFENCES, DP_BATCH, DP_OPTIMIZER
from engine.study.measure import study
from engine.study.values import MatchedBy, Row, Side, Study, nearest_epochs
from engine.validate import InvalidValueError
from tests.handmade import claim, headline, interval

POPULATION = PopulationChoice(name="digits", contested=140)
EPOCHS = 4
TITLES = [
    "no defence",
    "weight decay 3",
    "weight decay 10",
    "DP-SGD, clip only",
    "DP-SGD, σ 1",
    "weight noise 0.03",
    "weight noise 0.1",
]


@functools.cache
def measured(matched_by: MatchedBy) -> Study:
    torch.set_num_threads(1)
    return study(POPULATION, Lstm(), feed_forward=Mlp(width=16), matched_by=matched_by, waves=1, epochs=EPOCHS)


def side(train: float, *, epoch: int = 30, epsilon: float | None = None) -> Side:
    proved = None if epsilon is None else claim(epsilon)
    return Side(epoch=epoch, headline=headline(train_accuracy=interval(train, train, train), claim=proved))


def row(one: Side, two: Side, defence: str = "no defence") -> Row:
    return Row(defence=defence, feed_forward=one, recurrent=two, difference=measured("parameters").rows[0].difference)


def by_hand(rows: tuple[Row, ...], **changes: object) -> Study:
    made = Study(
        population="digits",
        epochs=30,
        matched_by="accuracy",
        feed_forward=Mlp(),
        recurrent=Lstm(hidden=43),
        feed_forward_parameters=10_000,
        recurrent_parameters=10_100,
        rows=rows,
    )
    return replace(made, **changes)


@pytest.mark.parametrize("matched_by", ["parameters", "accuracy"])
def test_every_defence_has_its_row(matched_by: MatchedBy):
    assert [each.defence for each in measured(matched_by).rows] == TITLES == [each.title for each in DEFENCES]


def test_both_sides_train_on_the_same_masks_and_the_difference_is_that_of_the_pipeline():
    found = measured("parameters")
    recipes = [
        Recipe(population=POPULATION, architecture=each, epochs=EPOCHS)
        for each in (found.feed_forward, found.recurrent)
    ]
    one, two = (train_wave(recipe, 0) for recipe in recipes)
    assert np.array_equal(one.masks, two.masks)
    answers = [release_signals(r, Release(), [w]) for r, w in zip(recipes, (one, two), strict=True)]
    assert found.rows[0].difference == compare(answers[0], answers[1], one.masks, "lira")


def test_differences_are_recurrent_minus_feed_forward():
    for each in measured("parameters").rows:
        for name in ("train_accuracy", "test_accuracy", "auc"):
            one, two = (getattr(s.headline, name).estimate for s in (each.feed_forward, each.recurrent))
            assert getattr(each.difference, name).estimate == pytest.approx(two - one, abs=1e-12)


def test_matched_in_parameters_all_rows_keep_the_last_epoch():
    assert {s.epoch for each in measured("parameters").rows for s in (each.feed_forward, each.recurrent)} == {EPOCHS}


def test_matched_in_accuracy_no_kept_epoch_brings_the_train_accuracies_nearer():
    found = measured("accuracy")
    recipes = [
        Recipe(population=POPULATION, architecture=each, epochs=EPOCHS)
        for each in (found.feed_forward, found.recurrent)
    ]
    means = []
    for recipe in recipes:
        waves = [train_wave(recipe, 0)]
        for kept in recipe.kept_epochs:
            right = release_signals(recipe, Release(epoch=None if kept == EPOCHS else kept), waves)[0].correct
            means.append(np.mean([c[m].mean() for c, m in zip(right, waves[0].masks, strict=True)]))
    each = len(means) // 2
    nearest = min(abs(a - b) for a in means[:each] for b in means[each:])
    assert found.rows[0].apart == pytest.approx(nearest, abs=1e-12)


def test_the_nearest_epochs_by_hand_and_the_latest_of_equally_near():
    assert nearest_epochs({3: 0.5, 10: 0.8, 30: 1.0}, {3: 0.2, 10: 0.6, 30: 0.79}) == (10, 30)
    assert nearest_epochs({3: 0.5, 10: 1.0, 30: 1.0}, {10: 0.5, 30: 1.0}) == (30, 30)


@pytest.mark.parametrize(("second", "close"), [(0.909, True), (0.891, True), (0.911, False), (0.889, False)])
def test_above_one_point_train_accuracies_are_not_matched(second: float, close: bool):
    made = row(side(0.9, epoch=10), side(second))
    assert made.close == close
    assert ("not matched" in made.caption) == (not close)


def test_the_caption_says_both_accuracies_their_epochs_and_how_many_rows_match():
    rows = (row(side(0.97, epoch=10), side(0.965)), row(side(0.95), side(0.85), "weight decay 3"))
    caption = by_hand(rows).caption
    assert "no defence: train accuracy 0.970 at epoch 10 (feed-forward) and 0.965 at epoch 30 (recurrent)" in caption
    assert "0.5 points apart; weight decay 3:" in caption
    assert "10.0 points apart, not matched." in caption
    assert "by the epoch kept, in 1 of 2 rows" in caption


def test_an_epoch_chosen_by_private_accuracy_says_so_beside_epsilon():
    chosen = row(side(0.9, epsilon=5.0), side(0.9, epsilon=5.0), "DP-SGD, σ 1")
    assert "chosen by looking at private accuracy" in by_hand((chosen,)).caption
    assert "private accuracy" not in by_hand((row(side(0.9), side(0.9)),)).caption


@pytest.mark.parametrize("matched_by", ["parameters", "accuracy"])
def test_so_does_the_row_of_the_table_where_epochs_were_chosen(matched_by: MatchedBy):
    proved = row(side(0.9, epsilon=5.0), side(0.9, epsilon=5.0), "DP-SGD, σ 1")
    (line,) = (
        line for line in table(by_hand((proved,), matched_by=matched_by)).splitlines() if line.startswith("| DP")
    )
    assert ("choosing the epoch by private accuracy not covered" in line) == (matched_by == "accuracy")


def test_the_caption_says_both_parameter_counts_and_the_gap():
    made = by_hand((row(side(0.97), side(0.96)),), matched_by="parameters")
    assert "Matched in parameters: 10,000 (feed-forward) and 10,100 (recurrent), a gap of +1.0 %." in made.caption
    assert "train accuracy" not in made.caption
    assert "Parameters not matched" in replace(made, recurrent_parameters=10_300).caption


def test_defences_change_one_thing_and_dp_brings_its_optimizer():
    plain = Recipe(population=POPULATION)
    for each in DEFENCES:
        defended = each.recipe(plain)
        changed = {f.name for f in fields(Recipe) if getattr(defended, f.name) != getattr(plain, f.name)}
        if each.privacy is not None:
            assert (defended.optimizer, defended.batch) == (DP_OPTIMIZER, DP_BATCH)
            assert changed == {"privacy", "optimizer", "batch"}
        else:
            assert changed == ({"mechanisms"} if each.mechanism else set())
        assert each.release(plain, 30) == Release(weight_noise=each.weight_noise)


@pytest.mark.parametrize("family", [Rnn(), Gru()])
def test_other_recurrent_families_are_matched_within_2_per_cent_at_full_size(family: Rnn | Gru):
    population = PopulationChoice(name="digits", contested=80)
    assert abs(study(population, family, waves=1, epochs=1, defences=DEFENCES[:1]).gap) <= 0.02


def test_a_population_without_a_sequence_is_refused_with_the_reason():
    with pytest.raises(InvalidValueError, match=r"reads a sequence view, and .* has no sequence view"):
        study(PopulationChoice(name="breast-cancer", contested=80), Lstm())


def test_an_unknown_match_and_no_waves_are_refused():
    with pytest.raises(InvalidValueError, match="matched_by must be one of accuracy, parameters, got 'loss'"):
        study(POPULATION, Lstm(), matched_by="loss")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidValueError, match=r"waves must be .*, got 0"):
        study(POPULATION, Lstm(), waves=0)


def test_the_table_has_a_line_for_each_row_and_the_epsilon_of_dp():
    printed = table(measured("parameters")).splitlines()
    assert printed[0] == measured("parameters").caption
    assert len(printed) == 4 + len(TITLES)
    assert [line for line in printed if "ε" in line] == [
        line for line in printed if re.match(r"\| DP-SGD, σ 1 \(ε [\d.]+, δ 1e-05\) \|", line)
    ]


def test_a_study_has_a_canonical_json():
    data = json.loads(canonical_json(measured("accuracy")))
    assert (data["kind"], data["matched_by"], len(data["rows"])) == ("Study", "accuracy", len(TITLES))


def test_the_command_refuses_an_unknown_population_and_no_waves():
    for wrong in (["iris"], ["digits", "--waves", "0"]):
        done = subprocess.run(
            [sys.executable, "-m", "engine.study", *wrong], capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_the_command_measures_the_rows_that_are_asked_for():
    asked = ["digits", "--waves", "1", "--epochs", "1", "--recurrent", "rnn", "--defence", "weight decay 3"]
    done = subprocess.run([sys.executable, "-m", "engine.study", *asked], capture_output=True, text=True, check=True)
    assert [line.split(" | ")[0] for line in done.stdout.splitlines()[4:]] == ["| weight decay 3"]
