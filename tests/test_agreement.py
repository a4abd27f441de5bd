"""Verdicts, agreement of attacks, rank correlations, and what goes with a record's risk."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from engine.assessment.agreement import agreement, scores_by_attack, verdicts
from engine.assessment.ranks import rank_correlation
from engine.assessment.reasons import NEIGHBOURS, class_gap, neighbourhood, reasons, sensitivity
from engine.assessment.risk import pair_risk, record_risk
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.likelihood_ratio import lira
from tests.planted import planted_cohort


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.asarray(spearmanr(one, other))[0])


def test_rank_correlation_is_scipys_with_ties_too() -> None:
    random = np.random.default_rng(0)
    one, other = random.integers(0, 5, (4, 30)).astype(float), random.integers(0, 5, (4, 30)).astype(float)
    expected = [_spearman(*rows) for rows in zip(one, other, strict=True)]
    assert rank_correlation(one, other) == pytest.approx(expected)
    assert float(rank_correlation(np.zeros(5), np.arange(5.0))) == 0.0


def test_every_attack_that_finds_what_it_reads_has_its_say() -> None:
    signals, masks = planted_cohort(1)
    found = scores_by_attack(signals, masks)
    assert {"lira", "loss", "confidence_by_class"} <= set(found)
    assert not any(CATALOGUE[name].costly for name in found)
    for name, scores in found.items():
        assert np.array_equal(scores, cohort_scores(ATTACKS[name], signals, masks))


def test_verdicts_by_hand() -> None:
    masks = np.array([[True, False, True], [False, True, False], [True, True, False], [False, False, True]])
    scores = np.array([[1.0, 1.0, -1.0], [-1.0, 1.0, 1.0], [-1.0, -1.0, 0.0], [1.0, -1.0, 2.0]])
    found = verdicts({"loss": scores}, masks, np.array([0, 2]))
    assert found.attacks == ("loss",)
    assert found.found.tolist() == [[0.5, 0.5]]  # record 0: found by targets 0, not 2; record 2: by 3, not 0
    assert found.blamed.tolist() == [[0.5, 1.0]]


def test_attacks_that_agree_have_correlation_one_and_full_overlap() -> None:
    signals, masks = planted_cohort(2, records=200)
    scores = cohort_scores(lira, signals, masks)
    found = agreement({"lira": scores, "again": 3 * scores, "against": -scores}, masks)
    assert found.top == 10
    assert found.correlation == pytest.approx(np.array([[1, 1, -1], [1, 1, -1], [-1, -1, 1]]))
    assert found.overlap.tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


# ---- reasons -----------------------------------------------------------------------------------------------


def test_the_class_gap_by_hand() -> None:
    labels = np.array([0, 0, 1, 1])
    masks = np.array([[True, False, True, False], [False, True, False, True]])
    correct = np.array([[True, False, True, True], [False, True, True, True]])
    assert class_gap(correct, masks, labels).tolist() == [[1.0, 1.0, 0.0, 0.0]]


def test_sensitivity_is_that_of_the_model_that_trained_on_the_record() -> None:
    masks = np.array([[True, False], [False, True]])
    assert sensitivity(np.array([[1.0, 2.0], [3.0, 4.0]]), masks).tolist() == [[1.0, 4.0]]


def test_neighbourhoods_equal_a_loop_over_records() -> None:
    random = np.random.default_rng(3)
    embedding, labels = random.normal(size=(60, 4)).astype(np.float32), random.integers(0, 3, 60)
    distance, disagreement = neighbourhood(embedding, labels)
    for record in range(60):
        apart = np.linalg.norm(embedding.astype(float) - embedding[record], axis=1)
        nearest = np.argsort(apart)[1 : NEIGHBOURS + 1]
        assert distance[record] == pytest.approx(apart[nearest].mean())
        assert disagreement[record] == pytest.approx((labels[nearest] != labels[record]).mean())


def test_a_reason_is_the_rank_correlation_with_the_jackknife_over_pairs() -> None:
    signals, masks = planted_cohort(4, pairs=5, records=80)
    values = np.random.default_rng(4).normal(size=(5, 80))
    pairs = pair_risk([signals], masks, lira)
    (found,) = reasons(pairs, {"noise": values})
    deleted = [_spearman(pairs.deleted[pair], np.delete(values, pair, axis=0).mean(axis=0)) for pair in range(5)]
    expected = _spearman(record_risk(pairs).member, values.mean(axis=0))
    half = t.ppf(0.975, 4) * np.sqrt(4 * np.var(deleted))
    assert found.name == "noise"
    assert (found.correlation.estimate, found.correlation.low, found.correlation.high) == pytest.approx(
        (expected, expected - half, expected + half)
    )


def test_a_property_that_makes_the_risk_is_found() -> None:
    signals, masks = planted_cohort(5, pairs=8, records=400, shift=1.5)
    inside = np.where(masks, signals.phi, np.nan)
    shift = np.nanmean(inside, axis=0) - np.nanmean(np.where(masks, np.nan, signals.phi), axis=0)
    (found,) = reasons(pair_risk([signals], masks, lira), {"shift": np.tile(shift, (8, 1))})
    assert found.correlation.low > 0.3
