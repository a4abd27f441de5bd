"""Rates against scikit-learn and against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score, roc_curve

from engine.assessment.roc import CURVE_FPR, auc, auc_once, balanced_accuracy, curve, sweep, tpr_at_fpr

# Rows of scores with many ties, and members that are neither nobody nor everybody.
rows = st.lists(st.tuples(st.integers(-4, 4), st.booleans()), min_size=2, max_size=40).filter(
    lambda row: 0 < sum(member for _, member in row) < len(row)
)


def _arrays(row: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    scores, members = zip(*row, strict=True)
    return np.array(scores) / 7, np.array(members)


@given(rows)
def test_auc_is_scikit_learns_with_ties_too(row: list[tuple[int, bool]]) -> None:
    scores, members = _arrays(row)
    assert float(auc(sweep(scores, members))) == pytest.approx(roc_auc_score(members, scores), abs=1e-12)


@given(rows)
def test_auc_without_an_order_is_that_with_one(row: list[tuple[int, bool]]) -> None:
    scores, members = _arrays(row)
    assert float(auc_once(scores, members)) == float(auc(sweep(scores, members)))


def test_auc_without_an_order_counts_both_zeros_as_one_and_takes_scores_of_any_size() -> None:
    scores = np.array([[0.0, -0.0, 1e-320, -1e-320], [1e300, -1e300, 3e-5, -3e-5], [7.0, 2.0, -2.0, -7.0]])
    members = np.array([[True, False, False, True], [False, True, True, False], [True, True, True, True]])
    assert auc_once(scores, members).tolist() == [0.125, 0.25, 0.5]
    assert np.array_equal(auc_once(scores, members), auc(sweep(scores, members)))


@given(rows, st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.5, 1.0]))
def test_tpr_at_an_fpr_is_the_best_point_of_scikit_learns_curve(row: list[tuple[int, bool]], asked: float) -> None:
    scores, members = _arrays(row)
    fpr, tpr, _ = roc_curve(members, scores, drop_intermediate=False)
    rate, achieved = tpr_at_fpr(sweep(scores, members), asked)
    assert float(rate) == tpr[fpr <= asked].max()
    assert float(achieved) == fpr[(fpr <= asked) & (tpr == rate)].min()


@given(rows)
def test_balanced_accuracy_is_scikit_learns_at_score_zero(row: list[tuple[int, bool]]) -> None:
    scores, members = _arrays(row)
    expected = balanced_accuracy_score(members, scores >= 0)
    assert float(balanced_accuracy(scores, members)) == pytest.approx(expected, abs=1e-12)


@given(rows, st.sampled_from([0.1, 0.2, 0.5]))
def test_what_is_undecided_is_decided_by_a_coin(row: list[tuple[int, bool]], undecided: float) -> None:
    scores, members = _arrays(row)
    says = np.where(np.abs(scores) < undecided, 0.5, scores > 0)
    expected = (says[members].mean() + 1 - says[~members].mean()) / 2
    assert float(balanced_accuracy(scores, members, undecided=undecided)) == pytest.approx(expected, abs=1e-12)


@given(rows, st.randoms(use_true_random=False))
def test_permuting_records_changes_nothing(row: list[tuple[int, bool]], random: object) -> None:
    shuffled = row.copy()
    random.shuffle(shuffled)  # pyright: ignore[reportAttributeAccessIssue]
    one, other = sweep(*_arrays(row)), sweep(*_arrays(shuffled))
    assert auc(one) == auc(other)
    assert tpr_at_fpr(one, 0.1) == tpr_at_fpr(other, 0.1)
    assert np.array_equal(curve(one), curve(other))


def test_untied_scores_of_many_rows_equal_scikit_learn_row_by_row() -> None:
    random = np.random.default_rng(0)
    scores, members = random.normal(size=(2, 3, 200)), random.random((2, 3, 200)) < 0.4
    swept = sweep(scores, members)
    for i in np.ndindex(2, 3):
        assert auc(swept)[i] == pytest.approx(roc_auc_score(members[i], scores[i]), abs=1e-12)
        fpr, tpr, _ = roc_curve(members[i], scores[i], drop_intermediate=False)
        assert tpr_at_fpr(swept, 0.1)[0][i] == tpr[fpr <= 0.1].max()


def test_rows_of_scores_are_compared_with_each_of_many_masks() -> None:
    random = np.random.default_rng(1)
    scores, members = random.normal(size=(3, 50)).round(1), random.random((4, 3, 50)) < 0.5
    expected = [[float(auc(sweep(scores[t], members[d, t]))) for t in range(3)] for d in range(4)]
    assert auc(sweep(scores, members)).tolist() == expected


def test_when_the_highest_score_is_a_non_member_no_member_is_found_at_fpr_zero() -> None:
    swept = sweep(np.array([3.0, 2.0, 1.0, 0.0]), np.array([False, True, True, False]))
    assert [float(each) for each in tpr_at_fpr(swept, 0.0)] == [0.0, 0.0]
    assert [float(each) for each in tpr_at_fpr(swept, 0.5)] == [1.0, 0.5]


def test_members_all_above_give_one_and_all_below_give_zero() -> None:
    members = np.array([True, True, False, False])
    assert float(auc(sweep(np.array([4.0, 3.0, 2.0, 1.0]), members))) == 1.0
    assert float(auc(sweep(np.array([1.0, 2.0, 3.0, 4.0]), members))) == 0.0


def test_a_row_without_members_has_auc_one_half() -> None:
    assert float(auc(sweep(np.arange(4.0), np.zeros(4, dtype=bool)))) == 0.5


@given(rows)
def test_the_curve_is_the_rate_at_each_fpr(row: list[tuple[int, bool]]) -> None:
    swept = sweep(*_arrays(row))
    assert curve(swept).tolist() == [float(tpr_at_fpr(swept, fpr)[0]) for fpr in CURVE_FPR]


def test_the_curve_of_many_rows_is_that_of_each_and_ends_at_one() -> None:
    random = np.random.default_rng(2)
    scores, members = random.normal(size=(2, 5, 100)).round(1), random.random((2, 5, 100)) < 0.5
    rates = curve(sweep(scores, members))
    assert np.array_equal(rates[1, 3], curve(sweep(scores[1, 3], members[1, 3])))
    assert (CURVE_FPR[0], CURVE_FPR[-1]) == (0.0, 1.0)
    assert (np.diff(CURVE_FPR) > 0).all()
    assert (np.diff(rates, axis=-1) >= 0).all()
    assert (rates[..., -1] == 1.0).all()
