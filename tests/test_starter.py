import contextlib
import dataclasses
import functools
import math
import random
import sqlite3

import numpy as np
import pytest

from cache.cluster import Cluster
from cache.codec import assessment_from_bytes, comparison_from_bytes, headline_from_json
from cache.jobs import Jobs
from cache.keys import Point, Versus, asked, assessment_key, comparison_key, comparison_question
from cache.location import CacheError
from cache.starter import LARGEST, SHIPPED, Starter, first_batch_sum, write_starter
from cache.store import Store
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.commands.starter import compared, starter_comparisons, starter_points
from dashboard.state.readymade import ready_made
from dashboard.state.stops import FOUR
from dashboard.state.story import EXAMPLE, OVERFIT, PRESETS, REGULARIZED, SMOOTHED
from dashboard.state.view import View, point, refusal
from engine.architectures import Logistic, Mlp
from engine.assessment.intervals import jackknife_error
from engine.assessment.parts import Answers
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Assessment, Comparison
from engine.canonical import canonical_json
from engine.pipeline import assess, compare, train_wave
from engine.populations.membership import masks
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release, WeightNoise
from engine.validate import InvalidValueError

SAMPLED = 10
ERRORS = 4  # standard errors of the paired difference


def quick(seed: int, epochs: int = 10) -> Point:
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=100),
        architecture=Logistic(),
        epochs=epochs,
        batch=20,
        seed=seed,
    )
    return Point(recipe=recipe, release=Release(), attack="loss", waves=2)


POINTS = (quick(1), quick(2))


def plan_of(points) -> Plan:
    return Plan(
        dials=(), settings=tuple(Setting(values=(), point=one) for one in points), refused=(), waves=points[0].waves
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A store in which real workers have measured the points."""
    store = Store(tmp_path_factory.mktemp("measured"))
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store)
        assert SweepRun(plan_of(POINTS), jobs, store).wait(120).state == "done"
        jobs.close()
    yield store
    store.close()


@pytest.fixture
def file(measured, tmp_path):
    file = tmp_path / "starter.sqlite"
    assert write_starter(measured, POINTS, {}, file) == 2
    return file


@pytest.fixture
def starter(file):
    starter = Starter(file)
    yield starter
    starter.close()


trained = functools.lru_cache(train_wave)  # points that differ in their release share their models


def fresh(one: Point) -> Assessment:
    waves = [trained(one.recipe, wave) for wave in range(one.waves)]
    return assess(one.recipe, one.release, one.attack, waves)


def answers_of(found: Assessment) -> Answers:
    """What stands behind the figures; small cohorts have it."""
    assert found.answers is not None
    return found.answers


def figures(found: Assessment) -> list[np.ndarray]:
    """For each pair its AUC and its accuracy on non-members and members, as the share of φ above 0."""
    answers = answers_of(found)
    aucs = auc(sweep(answers.scores.astype(np.float64), answers.masks))
    right = [np.nanmean(np.where(left, np.nan, answers.phi > 0), axis=1) for left in (answers.masks, ~answers.masks)]
    return [values.reshape(-1, 2).mean(axis=1) for values in (aucs, *right)]


def standard_error(differences: np.ndarray) -> float:
    """Of the mean over pairs, by deleting one pair after the other."""
    total, pairs = differences.sum(), len(differences)
    return float(jackknife_error((total - differences) / (pairs - 1)))


def faults(starter: Starter, one: Point) -> list[str]:
    """What is not as in a fresh run of a shipped point; exactly equal numbers on the machine that built it."""
    rows = starter.rows("SELECT blob FROM assessment WHERE key = ?", assessment_key(one))
    if not rows:
        return ["it is not of this version of the engine"]
    shipped, again = assessment_from_bytes(rows[0][0]), fresh(one)
    found = []
    if not np.array_equal(answers_of(shipped).masks, answers_of(again).masks):
        found.append("its masks are others")
    if starter.first_batch(one.recipe) != first_batch_sum(one.recipe):
        found.append("its first batch is another")
    least = 1 / one.recipe.population.contested  # one record's worth, for pairs that agree to the last one
    told = headline_from_json(
        starter.rows("SELECT headline FROM assessment WHERE key = ?", assessment_key(one))[0][0]
    )
    if told != shipped.headline:
        found.append("its headline is not that of its assessment")
    pairs = zip(("auc", "test_accuracy", "train_accuracy"), figures(shipped), figures(again), strict=True)
    for name, before, after in pairs:
        bound = max(least, ERRORS * standard_error(after - before))
        if abs((after - before).mean()) > bound:
            found.append(f"its {name} is another")
        shown, new = (getattr(one.headline, name).estimate for one in (shipped, again))  # mean over released copies
        if abs(new - shown) > bound:
            found.append(f"its {name} on screen is another")
    return found


def shipped_points(starter: Starter) -> list[Point]:
    """All points that a starter file says it holds; those of another engine are none."""
    questions = [row[0] for row in starter.rows("SELECT question FROM assessment WHERE ? = 0", 0)]
    found = [asked(question) for question in questions]
    assert all(isinstance(one, Point) for one in found)
    return [one for one in found if isinstance(one, Point)]


def shipped() -> Starter:
    assert SHIPPED.exists(), "the package has no starter results: privacydial cache build-starter"
    return Starter()


def sampled(points: list[Point]) -> list[Point]:
    """The presets, and others drawn from those with fully connected networks: the rest would take minutes."""
    told = [point(preset.view) for preset in PRESETS]
    quick = [one for one in points if one not in told and isinstance(one.recipe.architecture, Mlp | Logistic)]
    return [*told, *random.Random(20261122).sample(quick, SAMPLED - len(told))]  # noqa: S311


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
    assert {(one.first, one.second) for one in expected} >= {pins for pins in made if set(pins) <= set(points)}
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


def test_a_comparison_is_found_below_an_empty_store_and_a_damaged_one_is_not(measured, tmp_path, caplog):
    noisy = dataclasses.replace(POINTS[0], release=Release(weight_noise=WeightNoise(sigma=0.1)))
    there = Versus(first=POINTS[0], second=noisy)
    back = Versus(first=noisy, second=POINTS[0])
    blobs = {versus: compared(measured, versus) for versus in (there, back)}
    file = tmp_path / "starter.sqlite"
    write_starter(measured, POINTS, blobs, file)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE comparison SET blob = x'00' WHERE key = ?", [comparison_key(back)])
    below = Starter(file)
    for folder in ("over", "alone"):
        (tmp_path / folder).mkdir()
    over, alone = Store(tmp_path / "over", below=below), Store(tmp_path / "alone")
    assert over.comparison(there) == comparison_from_bytes(blobs[there])
    assert over.comparison(back) is None
    assert "A comparison below" in caplog.text
    assert alone.comparison(there) is None
    with pytest.raises(CacheError, match="The starter results cannot be built: models of"):
        compared(alone, there)
    for one in (over, alone, below):
        one.close()


def test_starter_results_are_found_below_an_empty_store_and_are_not_written_to_it(starter, tmp_path):
    (tmp_path / "new").mkdir()
    store = Store(tmp_path / "new", below=starter)
    key = assessment_key(POINTS[0])
    assert store.measured([key]) == {key}
    found = store.assessment(key)
    assert found is not None
    assert store.headlines([key]) == {key: found.headline}
    assert store.wave(POINTS[0].recipe, 0) is None
    assert store.measured([assessment_key(POINTS[0].with_waves(1))]) == set()
    store.close()
    alone = Store(tmp_path / "new")
    assert alone.measured([key]) == set()
    alone.close()


def test_a_fresh_run_of_what_was_built_has_no_fault(starter):
    assert shipped_points(starter) == list(POINTS)
    assert [faults(starter, one) for one in POINTS] == [[], []]


def test_results_of_another_point_engine_mask_or_batch_are_faults(measured, file, tmp_path):
    other = quick(1, epochs=200)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        key = assessment_key(POINTS[0])
        connection.execute("UPDATE assessment SET key = ? WHERE key = ?", [assessment_key(other), key])
        connection.execute("UPDATE first_batch SET sha256 = x'00'")
    starter = Starter(file)
    assert faults(starter, POINTS[0]) == ["it is not of this version of the engine"]
    assert faults(starter, POINTS[1]) == ["its first batch is another"]
    wrong = faults(starter, other)
    assert "its auc is another" in wrong
    assert "its masks are others" not in wrong
    starter.close()
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        moved = [assessment_key(quick(3)), assessment_key(POINTS[1])]
        connection.execute("UPDATE assessment SET key = ? WHERE key = ?", moved)
    starter = Starter(file)
    assert "its masks are others" in faults(starter, quick(3))
    starter.close()


def test_shipped_results_of_another_engine_are_no_points(file):
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE assessment SET question = replace(question, 'assess', 'guess')")
    starter = Starter(file)
    with pytest.raises(InvalidValueError):
        shipped_points(starter)
    starter.close()


@pytest.mark.parametrize("content", [None, b"", b"no database" * 1000])
def test_a_missing_or_damaged_file_is_an_empty_layer(tmp_path, content):
    file = tmp_path / "starter.sqlite"
    if content is not None:
        file.write_bytes(content)
    starter = Starter(file)
    (tmp_path / "cache").mkdir()
    store = Store(tmp_path / "cache", below=starter)
    key = assessment_key(POINTS[0])
    assert (store.measured([key]), store.headlines([key]), store.assessment(key)) == (set(), {}, None)
    assert starter.first_batch(POINTS[0].recipe) is None
    store.close()
    starter.close()


def test_the_first_points_are_kept_when_there_is_no_room_for_all(measured, tmp_path, monkeypatch):
    (size,) = Starter(file_of(measured, tmp_path)).rows("SELECT max(length(blob)) FROM assessment WHERE ? = 0", 0)[0]
    monkeypatch.setattr("cache.starter.LARGEST", 1.9 * size)
    file = tmp_path / "small.sqlite"
    assert write_starter(measured, POINTS, {}, file) == 1
    small = Starter(file)
    assert shipped_points(small) == [POINTS[0]]
    small.close()


def file_of(measured, folder):
    write_starter(measured, POINTS, {}, folder / "both.sqlite")
    return folder / "both.sqlite"


def test_what_was_not_measured_cannot_ship_and_leaves_the_file_as_it_was(measured, file):
    before = file.read_bytes()
    with pytest.raises(CacheError, match="The starter results cannot be built: "):
        write_starter(measured, [*POINTS, quick(9)], {}, file)
    assert file.read_bytes() == before


def test_the_points_are_the_default_page_and_its_dials_each_once():
    points = starter_points()
    assert points[0] == point(View())
    assert len(points) == len({canonical_json(one) for one in points}) > 40
    assert {one.waves for one in points} == {View().waves}
    for changed in ({"dp": "1"}, {"noise": "0.05"}, {"regularization": "10"}, {"architecture": "logistic"}):
        assert point(dataclasses.replace(View(), **changed)) in points


def test_the_standard_error_of_pairs_is_that_of_their_mean():
    differences = np.array([0.1, -0.2, 0.4, 0.3])
    assert standard_error(differences) == pytest.approx(differences.std(ddof=1) / math.sqrt(4))
