"""Treated answers, against the plainest way of working them out and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import softmax

from engine.release.outputs import keeping_labels, labels_only, rounded, tempered, top, treated
from engine.release.values import LabelOnly, Reduction, Rounding, Temperature, TopK
from engine.signals import signals

TREATMENTS: tuple[Reduction, ...] = (
    Temperature(temperature=0.1),
    Temperature(temperature=1000),
    Rounding(decimals=1),
    Rounding(decimals=3),
    TopK(k=1),
    TopK(k=3),
    LabelOnly(),
)


def logits_of(*probabilities: float) -> np.ndarray:
    return np.log(np.array([[probabilities]]))


def answers(classes: int = 10, *, spread: float = 3.0) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, spread, (4, 300, classes))


@pytest.mark.parametrize("treatment", TREATMENTS, ids=repr)
@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("spread", [1e-12, 0.01, 3.0, 1000.0])
def test_no_treatment_changes_a_predicted_label(treatment: Reduction, classes: int, spread: float):
    logits = answers(classes, spread=spread)
    assert np.array_equal(treated(logits, treatment).argmax(axis=2), logits.argmax(axis=2))


@pytest.mark.parametrize("treatment", TREATMENTS, ids=repr)
def test_of_classes_that_are_equal_the_first_is_still_predicted(treatment: Reduction):
    logits = np.array([[[0.0, 1.0, 1.0, 0.5, 1.0, 1.0], [2.0] * 6]])
    assert treated(logits, treatment).argmax(axis=2).tolist() == [[1, 0]]


@pytest.mark.parametrize("treatment", TREATMENTS, ids=repr)
def test_signals_of_treated_answers_are_finite_and_as_correct_as_before(treatment: Reduction):
    logits = answers(spread=300.0).astype(np.float32).astype(np.float64)
    labels = np.random.default_rng(1).integers(0, 10, 300)
    before, after = signals(logits, labels), signals(treated(logits, treatment), labels)
    assert np.array_equal(before.correct, after.correct)
    for name in ("phi", "entropy", "modified_entropy", "top"):
        assert np.isfinite(getattr(after, name)).all()


@pytest.mark.parametrize("treatment", TREATMENTS, ids=repr)
def test_the_logits_themselves_are_left_alone(treatment: Reduction):
    logits = answers()
    treated(logits, treatment)
    assert np.array_equal(logits, answers())


def test_without_a_treatment_the_logits_are_read_as_they_are():
    logits = answers()
    assert treated(logits, None) is logits


def test_temperature_divides_logits():
    assert_allclose(tempered(np.array([[[2.0, 4.0, -6.0]]]), 2.0), [[[1.0, 2.0, -3.0]]])


def test_rounding_by_hand():
    # .634, .333, .033 are told as .6, .3, .0; the zero is read as .05, and the sum is .95
    found = softmax(rounded(logits_of(0.634, 0.333, 0.033), 1), axis=2)
    assert_allclose(found, [[[0.6 / 0.95, 0.3 / 0.95, 0.05 / 0.95]]])


def test_a_tie_that_rounding_makes_is_broken_by_the_label_that_is_told():
    # .34 and .33 are both told as .3: the second is ahead by no more than a float's last digit
    found = rounded(logits_of(0.33, 0.34, 0.33), 1)
    assert found.argmax() == 1
    assert_allclose(softmax(found, axis=2), np.full((1, 1, 3), 1 / 3), rtol=1e-12)


def test_top_k_by_hand():
    # .5 and .3 are told; the other three share .2
    found = softmax(top(logits_of(0.15, 0.5, 0.04, 0.3, 0.01), 2), axis=2)
    assert_allclose(found, [[[0.2 / 3, 0.5, 0.2 / 3, 0.3, 0.2 / 3]]])


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_top_k_like_the_plainest_way_of_doing_it(k: int):
    found = softmax(top(answers(), k), axis=2)
    for p, mine in zip(softmax(answers(), axis=2).reshape(-1, 10), found.reshape(-1, 10), strict=True):
        kept = sorted(range(10), key=lambda c: -p[c])[:k]
        left = 1 - sum(p[c] for c in kept)
        assert_allclose(mine, [p[c] if c in kept else left / (10 - k) for c in range(10)], atol=1e-12)


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1.0])
def test_what_top_k_withholds_is_never_read_as_more_than_the_kth(spread: float):
    found = top(answers(spread=spread), 4)
    order = np.argsort(-answers(spread=spread), axis=2, kind="stable")
    told = np.take_along_axis(found, order[..., 1:4], axis=2).min(axis=2)
    withheld = np.take_along_axis(found, order[..., 4:], axis=2).max(axis=2)
    assert (withheld <= told).all()


@pytest.mark.parametrize("k", [10, 11, 1000])
def test_as_many_classes_as_there_are_withhold_nothing(k: int):
    assert np.array_equal(top(answers(), k), answers())


def test_a_label_is_all_that_labels_only_tell():
    found = labels_only(np.array([[[0.1, 9.0, 0.3], [5.0, -1.0, 4.9]]]))
    assert found.tolist() == [[[0, 1, 0], [1, 0, 0]]]


def test_a_label_in_a_saturated_answer_is_kept_by_the_smallest_step():
    found = keeping_labels(np.zeros((1, 1, 2)), np.array([[[0.0, 1.0]]]))
    assert found[0, 0, 1] == math.ulp(0.0)
    assert found[0, 0, 0] == 0.0
