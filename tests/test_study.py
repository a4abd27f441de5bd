"""Recurrent against feed-forward: what is matched, what is said about it, what is printed."""

from __future__ import annotations

import functools
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.architectures import Gru, Lstm, Mlp, Rnn
from engine.assessment.comparison import compare
from engine.canonical import canonical_json
from engine.pipeline import assess, release_signals, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from engine.study.__main__ import CONTESTED, table
from engine.study.defences import DEFENCES, DP_BATCH, DP_OPTIMIZER
from engine.study.measure import study
from engine.study.values import LONGEST, MatchedBy, Row, Side, Study, first_fitting, nearest_epochs
from engine.training.accounting import claim as proved_of
from engine.validate import InvalidValueError
from tests import test_directions
from tests.handmade import claim, headline, interval

POPULATION = PopulationChoice(name="digits", contested=140)
EPOCHS = 4
TITLES = [
    "no defence",
    "weight decay 0.3",
    "weight decay 1",
    "weight decay 3",
    "weight decay 10",
    "DP-SGD, clip only",
    "DP-SGD, σ 0.7",
    "DP-SGD, σ 1",
    "DP-SGD, σ 2",
    "weight noise 0.01",
    "weight noise 0.03",
    "weight noise 0.05",
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


def test_matched_in_fit_the_recurrent_network_trains_on_to_the_first_epoch_within_one_point():
    first, last = DEFENCES[0], DEFENCES[-1]
    found = study(
        POPULATION,
        Lstm(),
        feed_forward=Mlp(width=16),
        matched_by="fit",
        waves=1,
        epochs=EPOCHS,
        defences=[first, last],
    )
    plain, noisy = found.rows
    assert [each.feed_forward.epoch for each in found.rows] == [EPOCHS, EPOCHS]
    stop = plain.recurrent.epoch
    assert EPOCHS < stop < LONGEST * EPOCHS
    recipe = Recipe(population=POPULATION, architecture=found.recurrent, epochs=stop)
    ended = assess(recipe, Release(), "lira", [train_wave(recipe, 0)]).headline
    assert plain.close
    assert ended == plain.recurrent.headline
    before = replace(recipe, epochs=stop - 1)
    earlier = assess(before, Release(), "lira", [train_wave(before, 0)]).headline.train_accuracy.estimate
    assert abs(earlier - plain.feed_forward.train_accuracy) > 0.01
    assert noisy.recurrent.epoch != stop  # what is released decides, noise included
    assert f"by training the recurrent network for up to {LONGEST * EPOCHS} epochs, in " in found.caption


def test_the_first_fitting_epoch_by_hand_and_the_nearest_where_none_fits():
    asked: list[int] = []

    def accuracies(*of_epochs: float) -> Iterator[tuple[int, float]]:
        for epoch, accuracy in enumerate(of_epochs, start=1):
            asked.append(epoch)
            yield epoch, accuracy

    assert first_fitting(0.9, accuracies(0.5, 0.895, 0.9)) == 2
    assert asked == [1, 2]
    assert first_fitting(0.9, accuracies(0.5, 0.85, 0.7)) == 2


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


@pytest.mark.parametrize("matched_by", ["parameters", "accuracy", "fit"])
def test_so_does_the_row_of_the_table_where_epochs_were_chosen(matched_by: MatchedBy):
    proved = row(side(0.9, epsilon=5.0), side(0.9, epsilon=5.0), "DP-SGD, σ 1")
    (line,) = (
        line for line in table(by_hand((proved,), matched_by=matched_by)).splitlines() if line.startswith("| DP")
    )
    assert ("choosing the epoch by private accuracy not covered" in line) == (matched_by != "parameters")


def test_the_caption_says_both_parameter_counts_and_the_gap():
    made = by_hand((row(side(0.97), side(0.96)),), matched_by="parameters")
    assert "Matched in parameters: 10,000 (feed-forward) and 10,100 (recurrent), a gap of +1.0 %." in made.caption
    assert "train accuracy" not in made.caption
    assert "Parameters not matched" in replace(made, recurrent_parameters=10_300).caption


def test_the_caption_says_that_dp_settings_are_not_tuned_where_a_row_has_dp():
    plain, private = row(side(0.9), side(0.9)), row(side(0.9, epsilon=5.0), side(0.9, epsilon=5.0), "DP-SGD, σ 1")
    assert "DP settings" not in by_hand((plain,)).caption
    assert "; DP settings not tuned. Matched" in by_hand((plain, private)).caption
    assert "; DP settings not tuned. Matched" in replace(measured("parameters"), rows=(clipped_only(),)).caption


def clipped_only() -> Row:
    """The row of DP-SGD without noise, of which no ε is finite."""
    return next(each for each in measured("parameters").rows if each.defence == "DP-SGD, clip only")


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
        assert each.release == Release(weight_noise=each.weight_noise)


@pytest.mark.parametrize("family", [Rnn(), Gru()])
def test_other_recurrent_families_are_matched_within_2_per_cent_at_full_size(family: Rnn | Gru):
    population = PopulationChoice(name="digits", contested=80)
    assert abs(study(population, family, waves=1, epochs=1, defences=DEFENCES[:1]).gap) <= 0.02


def test_a_population_without_a_sequence_is_refused_with_the_reason():
    with pytest.raises(InvalidValueError, match=r"reads a sequence view, and .* has no sequence view"):
        study(PopulationChoice(name="breast-cancer", contested=80), Lstm())


def test_an_unknown_match_and_no_waves_are_refused():
    with pytest.raises(InvalidValueError, match="matched_by must be one of accuracy, fit, parameters, got 'loss'"):
        study(POPULATION, Lstm(), matched_by="loss")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InvalidValueError, match=r"waves must be .*, got 0"):
        study(POPULATION, Lstm(), waves=0)


def test_the_table_has_a_line_for_each_row_and_the_epsilon_of_dp():
    printed = table(measured("parameters")).splitlines()
    assert printed[0] == measured("parameters").caption
    assert len(printed) == 4 + len(TITLES)
    assert [line for line in printed if "ε" in line] == [
        line for line in printed if re.match(r"\| DP-SGD, σ [\d.]+ \(ε [\d.]+, δ 1e-05\) \|", line)
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


README = (Path(__file__).parent.parent / "engine/study/README.md").read_text(encoding="utf-8")
FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"
REPEATED = TITLES if FULL else ["no defence", "weight decay 3", "weight noise 0.03"]


def rows_of(text: str) -> dict[str, str]:
    """The rows of the first table of a text, by the title of their defence."""
    first = re.search(r"^\| (?:defence|population) .*\n\|---.*\n((?:\|.*\n?)+)", text, flags=re.MULTILINE)
    assert first is not None
    lines = first[1].splitlines()
    return {re.sub(r" \(ε.*", "", line.split(" | ")[0].removeprefix("| ")): line for line in lines}


def reported(command: str) -> dict[str, str]:
    """The rows that the README says a command prints."""
    _, found, after = README.partition(f": `{command}`\n")
    assert found
    return rows_of(after)


def intervals(line: str) -> list[tuple[float, float]]:
    """The estimates of a row, each with half its interval."""
    plain = [(float(m[1]), float(m[2])) for m in re.finditer(r"(\d\.\d+) ± (\d\.\d+)", line)]
    signs = [tuple(map(float, m.groups())) for m in re.finditer(r"([+-]\S+) \(([+-]\S+) to ([+-]\S+)\)", line)]
    return plain + [(estimate, (high - low) / 2) for estimate, low, high in signs]


def agree(report: str, again: str) -> None:
    """Every estimate is within the interval that was reported, and every interval about as wide."""
    pairs = list(zip(intervals(report), intervals(again), strict=True))
    assert len(pairs) == 8
    for (estimate, half), (estimate_again, half_again) in pairs:
        assert abs(estimate - estimate_again) <= half
        assert half / 2 <= half_again <= 2 * half


@pytest.mark.parametrize("population", ["digits", "mnist1d"])
def test_what_is_reported_has_every_defence_and_the_epsilon_of_its_recipe(population: str):
    rows = reported(f"python -m engine.study {population}")
    assert list(rows) == TITLES
    choice = PopulationChoice(name=population, contested=CONTESTED[population])
    for defence in DEFENCES:
        proved = proved_of(defence.recipe(Recipe(population=choice)))
        epsilon = None if proved is None or proved.epsilon is None else f"(ε {proved.epsilon:.3g}, δ 1e-05)"
        assert ("ε" in rows[defence.title]) == (epsilon is not None)
        assert (epsilon or "") in rows[defence.title]


@pytest.mark.parametrize(
    "population",
    ["digits", pytest.param("mnist1d", marks=pytest.mark.skipif(not FULL, reason="PRIVACYDIAL_FULL=1 trains it"))],
)
def test_what_is_reported_is_found_again(population: str):
    choice = PopulationChoice(name=population, contested=CONTESTED[population])
    found = study(choice, Lstm(), defences=[each for each in DEFENCES if each.title in REPEATED])
    again, report = rows_of(table(found)), reported(f"python -m engine.study {population}")
    assert list(again) == REPEATED
    for title, line in again.items():
        agree(report[title], line)
    sizes = f"{found.feed_forward_parameters:,} parameters (MLP) and {found.recurrent_parameters:,} (LSTM), 8 pairs"
    assert sizes in README


def test_the_report_keeps_its_protocol_whole_and_confesses_the_looks_before_the_last():
    protocol = README.partition("The protocol, written down and committed before the only run")[2]
    assert "Digits with every defence, mnist1d without one." in protocol.partition("| population |")[0]
    clipping = README.partition("## Clipping alone")[2].partition("| population |")[0]
    told = (test_directions.__doc__ or "").partition("clipping on digits")[2].replace("−", "-")
    looks = re.findall(r"(-\.\d+) ?[,(] ?(-\.\d+) to ([+-]\.\d+)", told)
    assert len(looks) == 2
    for figure in itertools.chain.from_iterable(looks):
        assert figure.replace(".", "0.") in clipping


@pytest.mark.skipif(not FULL, reason="300 epochs of the LSTM take a minute; PRIVACYDIAL_FULL=1 trains them")
def test_so_is_what_is_reported_of_an_lstm_that_fits_as_well():
    population = PopulationChoice(name="digits", contested=CONTESTED["digits"])
    found = study(population, Lstm(), matched_by="fit", defences=DEFENCES[:1])
    report = rows_of(README.partition("## Does the lesser fit explain the lesser leak?")[2])
    agree(report["digits"], rows_of(table(found))["no defence"])
