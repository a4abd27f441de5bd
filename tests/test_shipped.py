import dataclasses
import os
import random

import numpy as np
import pytest

from cache.codec import assessment_from_bytes, comparison_from_bytes
from cache.keys import Point, Versus, assessment_key, comparison_key, comparison_question
from cache.starter import LARGEST, SHIPPED, Starter, first_batch_sum
from cache.store import Store
from dashboard.commands.starter import starter_comparisons, starter_points
from dashboard.state.readymade import ready_made
from dashboard.state.stops import FOUR
from dashboard.state.story import EXAMPLE, OVERFIT, PRESETS, REGULARIZED, SMOOTHED
from dashboard.state.view import View, point, refusal
from engine.architectures import Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.assessment.values import Comparison
from engine.canonical import canonical_json
from engine.pipeline import compare
from engine.populations.membership import masks
from engine.release.values import Release
from tests.remeasured import answers_of, faults, shipped_points, trained

SAMPLED = 10
FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"


def shipped() -> Starter:
    assert SHIPPED.exists(), "the package has no starter results: privacydial cache build-starter"
    return Starter()


def sampled(points: list[Point], *, full: bool = FULL) -> list[Point]:
    """The presets and others: by default fully connected networks, for the rest would take minutes.

    In the full run they are drawn from all, with a recurrent and a convolutional one beside those of the presets.
    """
    chance, found = random.Random(20261122), [point(preset.view) for preset in PRESETS]  # noqa: S311
    for families in ((Rnn, Gru, Lstm), (Cnn1d, Cnn2d)) if full else ():
        others = [one for one in points if one not in found and isinstance(one.recipe.architecture, families)]
        found += [chance.choice(others)]
    drawn = [
        one for one in points if one not in found and (full or isinstance(one.recipe.architecture, Mlp | Logistic))
    ]
    return [*found, *chance.sample(drawn, SAMPLED - len(found))]


def test_the_package_ships_the_presets_and_the_stops_of_the_dials_that_everybody_sees():
    starter = shipped()
    points = shipped_points(starter)
    assert SHIPPED.stat().st_size < LARGEST
    assert points == list(starter_points())[: len(points)]
    default = View()
    for name in FOUR:
        turned = [default.turned(name, stop) for stop in default.stops(name)]
        assert {point(view) for view in turned if refusal(view) is None} <= set(points)
    starter.close()


def test_the_package_ships_how_every_setting_was_trained_by_epoch(tmp_path):
    starter = shipped()
    store, alone = Store(tmp_path, below=starter), Store(tmp_path)
    for one in shipped_points(starter):
        trace = store.reports.trace(one.recipe)
        assert {heard.epoch for heard in trace} >= set(one.recipe.kept_epochs)
        assert trace[-1].epoch == one.recipe.epochs
        assert alone.reports.trace(one.recipe) == ()
        ends = store.assessment(assessment_key(one))
        if one.release == Release():  # what is published is what the training ended with, here of one wave in two
            assert ends is not None
            assert trace[-1].test_accuracy == pytest.approx(ends.headline.test_accuracy.estimate, abs=0.06)
    for of in (store, alone, starter):
        of.close()


def test_all_shipped_results_are_of_this_engine_and_have_its_masks_and_first_batches():
    starter = shipped()
    for one in shipped_points(starter):
        recipe = one.recipe
        ((blob,),) = starter.rows("SELECT blob FROM assessment WHERE key = ?", assessment_key(one))
        drawn = [masks(recipe.population, recipe.seed, wave) for wave in range(one.waves)]
        assert np.array_equal(answers_of(assessment_from_bytes(blob)).masks, np.concatenate(drawn))
        assert starter.first_batch(recipe) == first_batch_sum(recipe)
    starter.close()


def test_ten_shipped_results_come_out_the_same_when_they_are_measured_again():
    starter = shipped()
    sample = sampled(shipped_points(starter))
    assert len(set(sample)) == SAMPLED
    assert {assessment_key(one): faults(starter, one) for one in sample} == {
        assessment_key(one): [] for one in sample
    }
    starter.close()


def test_the_full_run_measures_recurrent_and_convolutional_networks_again_too():
    starter = shipped()
    sample = sampled(shipped_points(starter), full=True)
    assert len(set(sample)) == SAMPLED
    assert {point(preset.view) for preset in PRESETS} < set(sample)
    beside = [one.recipe.architecture for one in sample[len(PRESETS) :]]
    for families in ((Rnn, Gru, Lstm), (Cnn1d, Cnn2d)):
        assert any(isinstance(architecture, families) for architecture in beside)
    starter.close()


def shipped_comparison(starter: Starter, versus: Versus) -> Comparison:
    ((question, blob),) = starter.rows("SELECT question, blob FROM comparison WHERE key = ?", comparison_key(versus))
    assert question == comparison_question(versus)
    return comparison_from_bytes(blob)


def compared_anew(versus: Versus) -> Comparison:
    settings = [(one.recipe, one.release) for one in (versus.first, versus.second)]
    cohorts = [[trained(recipe, wave) for wave in range(versus.waves)] for recipe, _ in settings]
    return compare(settings[0], settings[1], versus.first.attack, (cohorts[0], cohorts[1]))


def test_the_package_ships_how_the_presets_compare_for_this_engine():
    starter, points = shipped(), starter_points()
    held = {row[0] for row in starter.rows("SELECT key FROM comparison WHERE ? = 0", 0)}
    expected = starter_comparisons()
    assert held == {comparison_key(one) for one in expected}
    assert {(one.first, one.second) for one in expected} >= {
        (point(one.view), point(other.view)) for one in PRESETS for other in PRESETS if one is not other
    }
    made = [tuple(map(point, one.pins)) for one in ready_made(View())]
    assert {pins for pins in made if set(pins) <= set(points)} == set(made)
    assert {(one.first, one.second) for one in expected} >= {*made, *((two, one) for one, two in made)}
    assert set(map(point, EXAMPLE)) <= set(shipped_points(starter))
    for versus in expected:
        there, back = (
            shipped_comparison(starter, one) for one in (versus, Versus(first=versus.second, second=versus.first))
        )
        assert there.pairs == 4 * versus.waves
        assert there.auc.estimate == pytest.approx(-back.auc.estimate)
        assert there.p_value == pytest.approx(back.p_value)
    starter.close()


@pytest.mark.parametrize("other", [REGULARIZED, SMOOTHED])
def test_a_shipped_comparison_comes_out_the_same_when_it_is_made_again(other):
    starter, versus = shipped(), Versus(first=point(OVERFIT.view), second=point(other.view))
    before, again = shipped_comparison(starter, versus), compared_anew(versus)
    assert (again.verdict, again.pairs) == (before.verdict, before.pairs)
    for name in ("train_accuracy", "test_accuracy", "auc", "tpr", "loss_rank"):
        one, two = getattr(before, name), getattr(again, name)
        # Equal on the machine that built it; elsewhere sums round otherwise, and few models answer otherwise.
        assert one.low <= two.estimate <= one.high, name
    starter.close()


def test_the_points_are_the_default_page_and_its_dials_each_once():
    points = starter_points()
    assert points[0] == point(View())
    assert len(points) == len({canonical_json(one) for one in points}) > 40
    assert {one.waves for one in points} == {View().waves}
    for changed in ({"dp": "1"}, {"noise": "0.05"}, {"regularization": "10"}, {"architecture": "logistic"}):
        assert point(dataclasses.replace(View(), **changed)) in points
