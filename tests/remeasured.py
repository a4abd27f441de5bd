"""What a starter file holds beside what a fresh run measures."""

import functools

import numpy as np

from cache.codec import assessment_from_bytes, headline_from_json
from cache.keys import Point, asked, assessment_key, wave_key
from cache.starter import Starter, first_batch_sum
from cache.traces import trace_from_bytes
from engine.assessment.intervals import jackknife_error
from engine.assessment.parts import Answers
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Assessment
from engine.pipeline import assess, train_wave
from engine.recipe import Recipe
from engine.training.values import EpochReport, TrainedWave

ERRORS = 4  # standard errors of the paired difference


@functools.lru_cache
def heard(recipe: Recipe, wave: int) -> tuple[TrainedWave, list[EpochReport]]:
    """A wave and how the first one of a recipe was trained; points that differ in their release share it."""
    reports: list[EpochReport] = []
    return train_wave(recipe, wave, report=reports.append if wave == 0 else None), reports


def trained(recipe: Recipe, wave: int) -> TrainedWave:
    return heard(recipe, wave)[0]


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
    return [*found, *trace_faults(starter, one.recipe)]


def trace_faults(starter: Starter, recipe: Recipe) -> list[str]:
    """What is not as in a fresh training of the shipped trace of a recipe.

    A trace holds means over the models, so that differences by pair are not known, nor is their standard error. The
    one of the fresh run's mean is taken in its place: it is larger, for both runs are of the same masks and seeds.
    """
    rows = starter.rows("SELECT blob FROM trace WHERE key = ?", wave_key(recipe, 0))
    shipped, again = trace_from_bytes(rows[0][0]) if rows else (), heard(recipe, 0)[1]
    if [before.epoch for before in shipped] != [after.epoch for after in again]:
        return ["its trace is of other epochs"]
    least, found = 1 / recipe.population.contested, []
    for name in ("train_accuracy", "test_accuracy", "loss_auc"):
        pairs = [getattr(after, name).reshape(-1, 2).mean(axis=1) for after in again]
        differences = [getattr(before, name) - after.mean() for before, after in zip(shipped, pairs, strict=True)]
        bounds = [max(least, ERRORS * standard_error(after)) for after in pairs]
        if any(abs(difference) > bound for difference, bound in zip(differences, bounds, strict=True)):
            found.append(f"the {name} of its trace is another")
    return found


def shipped_points(starter: Starter) -> list[Point]:
    """All points that a starter file says it holds; those of another engine are none."""
    questions = [row[0] for row in starter.rows("SELECT question FROM assessment WHERE ? = 0", 0)]
    found = [asked(question) for question in questions]
    assert all(isinstance(one, Point) for one in found)
    return [one for one in found if isinstance(one, Point)]
