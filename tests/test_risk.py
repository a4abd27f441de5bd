"""The risk of records and groups: naive second implementations, coverage, and choices that do not flatter."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t

from engine.assessment.risk import (
    at_prior,
    group_risk,
    pair_risk,
    precision_recall,
    record_risk,
    reliability,
    riskiest,
)
from engine.assessment.risk_score import privacy_risk_score, risk_score
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.likelihood_ratio import lira
from engine.signals import Signals
from engine.validate import InvalidValueError
from tests.planted import (
    answers,
    complementary_masks,
    planted_cohort,
    planted_records,
    planted_signals,
    signals_from_phi,
)

SEED = 20260104  # fixed before the first run


_SLOPES = np.linspace(0, 1, 10_001)


class _Naive(NamedTuple):
    """Posteriors (M, N), risk (N,), and risk without each pair (P, N)."""

    posterior: np.ndarray
    risk: np.ndarray
    deleted: np.ndarray


def _naive(signals: Signals, masks: np.ndarray) -> _Naive:
    """Slopes by trying many on literal cohorts without one pair."""
    ratios = cohort_scores(lira, signals, masks)
    posterior, deleted = np.empty(masks.shape), []
    for pair in range(len(masks) // 2):
        own, rest = [2 * pair, 2 * pair + 1], np.delete(np.arange(len(masks)), [2 * pair, 2 * pair + 1])
        others = cohort_scores(lira, signals.of_models(rest), masks[rest])
        margins = np.where(masks[rest], others, -others)
        loss = np.array([np.logaddexp(0, -b * margins).sum() for b in _SLOPES])
        slope = _SLOPES[loss.argmin()]
        posterior[own] = expit(slope * ratios[own])
        deleted.append(_mean_of_members(expit(slope * others), masks[rest]))
    return _Naive(posterior, _mean_of_members(posterior, masks), np.array(deleted))


def _mean_of_members(values: np.ndarray, masks: np.ndarray) -> np.ndarray:
    return np.array([values[masks[:, i], i].mean() for i in range(masks.shape[1])])


def test_a_records_interval_is_the_jackknife_widened_by_two_imagined_pairs() -> None:
    signals, masks = planted_cohort(1, pairs=5, records=60)
    found = record_risk(pair_risk([signals], masks, lira))
    naive = _naive(signals, masks)
    variance = 4 * naive.deleted.var(axis=0) + 0.5 / 7**2
    half = t.ppf(0.975, 4) * np.sqrt(variance)
    assert found.member == pytest.approx(naive.risk, abs=1e-4)
    assert found.low == pytest.approx(np.maximum(found.member - half, 0), abs=1e-3)
    assert found.high == pytest.approx(np.minimum(found.member + half, 1), abs=1e-3)


def test_a_groups_risk_is_the_mean_of_its_records_with_the_jackknife_of_that_mean() -> None:
    signals, masks = planted_cohort(2, pairs=5, records=90, classes=3)
    found = group_risk(pair_risk([signals], masks, lira), signals.labels, by="class")
    assert found.records.sum() == 90
    naive = _naive(signals, masks)
    for group, risk, low, high in zip(found.group, found.risk, found.low, found.high, strict=True):
        own = signals.labels == group
        half = t.ppf(0.975, 4) * math.sqrt(4 * naive.deleted[:, own].mean(axis=1).var())
        assert risk == pytest.approx(naive.risk[own].mean(), abs=1e-4)
        assert (low, high) == pytest.approx((risk - half, risk + half), abs=1e-3)


def test_risk_intervals_cover_and_the_named_records_are_not_flattered() -> None:
    """60 cohorts on the same records; what the second half reports is near the truth, the choosing half is not."""
    records = planted_records(np.random.default_rng(SEED), 150, shift=1.5)
    groups = np.arange(150) % 3
    random = np.random.default_rng(SEED + 1)
    found = []
    for _ in range(60):
        masks = complementary_masks(random, 8, 150)
        pairs = pair_risk([planted_signals(random, records, masks)], masks, lira)
        found.append((record_risk(pairs), group_risk(pairs, groups, by="third"), riskiest(pairs, named=10)))
    truth = np.mean([risk.member for risk, _, _ in found], axis=0)
    by_group = np.mean([group.risk for _, group, _ in found], axis=0)
    assert np.mean([(risk.low <= truth) & (truth <= risk.high) for risk, _, _ in found]) >= 0.95
    assert np.mean([(group.low <= by_group) & (by_group <= group.high) for _, group, _ in found]) >= 0.9
    flattered = np.mean([named.chosen - truth[named.record] for _, _, named in found])
    reported = np.mean([named.member - truth[named.record] for _, _, named in found])
    assert abs(reported) < flattered / 4


def test_the_riskiest_are_chosen_on_the_first_half_and_reported_on_the_second() -> None:
    signals, masks = planted_cohort(3, pairs=4, records=50)
    posterior = pair_risk([signals], masks, lira).posterior[0]
    found = riskiest(pair_risk([signals], masks, lira), named=5)
    first = np.array([posterior[:4, i][masks[:4, i]].mean() for i in range(50)])
    second = np.array([posterior[4:, i][masks[4:, i]].mean() for i in range(50)])
    outside = np.array([posterior[4:, i][~masks[4:, i]].mean() for i in range(50)])
    assert found.record.tolist() == np.argsort(-first)[:5].tolist()
    assert found.chosen == pytest.approx(first[found.record])
    assert found.member == pytest.approx(second[found.record])
    assert found.non_member == pytest.approx(outside[found.record])


def test_a_pairs_masks_and_its_twin_change_no_bit_of_a_targets_posterior() -> None:
    signals, masks = planted_cohort(4)
    drawn, phi = masks.copy(), signals.phi.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    phi[3] = np.random.default_rng(99).normal(0, 50, phi.shape[1])
    before = pair_risk([signals], masks, lira).posterior[0]
    assert np.array_equal(before[2:4], pair_risk([signals], drawn, lira).posterior[0, 2:4])
    twin = signals_from_phi(phi, signals.labels)
    assert np.array_equal(before[2], pair_risk([twin], masks, lira).posterior[0, 2])


@pytest.mark.parametrize("too_sure", [1.0, 2.0, 4.0])
def test_posteriors_come_true_however_sure_the_ratios_are_of_themselves(too_sure: float) -> None:
    def attack(target: Signals, shadows: Signals, masks: np.ndarray, /) -> np.ndarray:
        return too_sure * lira(target, shadows, masks)

    random = np.random.default_rng(SEED)
    masks = complementary_masks(random, 8, 5000)
    phi = random.normal(0, 2, 5000) + random.normal(0, 3, 5000) * masks + random.normal(size=masks.shape)
    pairs = pair_risk([answers(phi, np.zeros(5000, dtype=np.int64))], masks, attack)
    diagram = reliability(pairs.posterior, masks)
    assert diagram.counts.min() > 500
    assert diagram.observed == pytest.approx(diagram.claimed, abs=0.03)


def test_ratios_are_never_made_surer() -> None:
    signals, masks = planted_cohort(6)

    def attack(target: Signals, shadows: Signals, masks: np.ndarray, /) -> np.ndarray:
        return lira(target, shadows, masks) / 4

    posterior = pair_risk([signals], masks, attack).posterior[0]
    assert posterior == pytest.approx(expit(cohort_scores(lira, signals, masks) / 4), abs=1e-4)


def test_where_nothing_leaks_posteriors_stay_near_one_half() -> None:
    signals, masks = planted_cohort(5, pairs=8, records=1000, shift=0.0)
    assert np.abs(pair_risk([signals], masks, lira).posterior - 0.5).max() < 0.2


def test_precision_and_recall_by_hand() -> None:
    posterior = np.array([[[0.9, 0.6, 0.4, 0.1]]])
    masks = np.array([[True, False, True, False]])
    found = precision_recall(posterior, masks)
    at = {round(float(threshold), 2): index for index, threshold in enumerate(found.threshold)}
    assert found.recall[[at[0.0], at[0.4], at[0.41], at[0.6], at[0.9]]].tolist() == [1.0, 1.0, 0.5, 0.5, 0.5]
    assert found.precision[[at[0.0], at[0.5], at[0.9]]].tolist() == [0.5, 0.5, 1.0]
    assert np.isnan(found.precision[at[0.91]])
    assert found.recall[-1] == 0.0


def test_a_posterior_moves_with_the_odds_of_the_prior() -> None:
    assert at_prior(np.array([0.0, 0.5, 0.9, 1.0]), prior=0.1).tolist() == pytest.approx([0, 0.1, 0.5, 1])
    assert at_prior(np.array([0.2, 0.7]), prior=0.5).tolist() == pytest.approx([0.2, 0.7])
    with pytest.raises(InvalidValueError, match="prior must be below 1"):
        at_prior(np.array([0.5]), prior=1.0)


# ---- Song and Mittal's score -------------------------------------------------------------------------------


def _of(entropy: object, labels: object) -> Signals:
    """Signals with this modified entropy and nothing else to go by."""
    values = np.atleast_2d(np.asarray(entropy, dtype=np.float64))
    flat = signals_from_phi(np.zeros(values.shape), np.asarray(labels))
    object.__setattr__(flat, "modified_entropy", values)
    return flat


def test_the_privacy_risk_score_by_hand() -> None:
    # Edges 1, 10, 100, 1e3, 1e4, 1e5. Members 1, 2, 20, 2000; non-members 20, 1e5. Bins of members: 2, 1, 0, 1, 0;
    # of non-members: 0, 1, 0, 0, 1. Shares: .5, .25, 0, .25, 0 against 0, .5, 0, 0, .5.
    shadows = _of([[1.0, 2.0, 20.0, 2000.0, 20.0, 1e5]], np.zeros(6, dtype=np.int64))
    masks = np.array([[True, True, True, True, False, False]])
    target = _of([[5.0, 50.0, 500.0, 5000.0, 1e9, 1e-3]], np.zeros(6, dtype=np.int64))
    # The third bin is empty: one to the left holds a score of 1/3. Beyond the edges the outer bins serve.
    assert privacy_risk_score(target, shadows, masks)[0].tolist() == pytest.approx([1, 1 / 3, 1 / 3, 1, 0, 1])


def test_an_empty_bin_asks_the_right_one_when_it_is_nearer() -> None:
    # Edges as above; filled are bins 0, 3 and 4. From bin 2 the right neighbour is nearer, from bin 1 the left.
    shadows = _of([[1.0, 1.5, 2000.0, 1e5]], np.zeros(4, dtype=np.int64))
    masks = np.array([[True, False, False, True]])
    target = _of([[50.0, 500.0, 5.0, 1e5]], np.zeros(4, dtype=np.int64))
    assert privacy_risk_score(target, shadows, masks)[0].tolist() == pytest.approx([0.5, 0.0, 0.5, 1.0])


def _naive_score(value: float, inside: np.ndarray, outside: np.ndarray) -> float:
    """As the reference code does it: logarithmic bins, an outward search for a bin that holds anything."""
    edges = np.logspace(np.log10(min(*inside, *outside)), np.log10(max(*inside, *outside)), 6)
    edges[0], edges[-1] = min(*inside, *outside), max(*inside, *outside)
    shares = [np.histogram(side, edges)[0] / len(side) for side in (inside, outside)]
    at = 4 if value >= edges[-1] else 0 if value <= edges[0] else max(i for i in range(5) if edges[i] <= value)
    for step in range(5):
        for place in (at - step, at + step):
            if 0 <= place < 5 and shares[0][place] + shares[1][place] > 0:
                return float(shares[0][place] / (shares[0][place] + shares[1][place]))
    raise AssertionError


@pytest.mark.parametrize("seed", range(3))
def test_the_privacy_risk_score_equals_the_reference_record_by_record(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels, masks = np.arange(30) % 3, random.random((4, 30)) < 0.5
    shadows, target = (_of(random.lognormal(-3, 3, (rows, 30)), labels) for rows in (4, 2))
    scores = privacy_risk_score(target, shadows, masks)
    for row, record in np.ndindex(2, 30):
        own = labels == labels[record]
        inside = shadows.modified_entropy[:, own][masks[:, own]]
        outside = shadows.modified_entropy[:, own][~masks[:, own]]
        expected = _naive_score(float(target.modified_entropy[row, record]), inside, outside)
        assert scores[row, record] == pytest.approx(expected, abs=1e-9)


def test_a_class_without_shadow_members_takes_the_histograms_of_all() -> None:
    random = np.random.default_rng(7)
    labels = np.array([0, 0, 0, 0, 1, 1])
    shadows, target = (_of(random.lognormal(0, 1, (4, 6)), labels) for _ in range(2))
    masks = random.random((4, 6)) < 0.5
    masks[:, 4:] = False
    everyone = privacy_risk_score(
        _of(target.modified_entropy, labels * 0), _of(shadows.modified_entropy, labels * 0), masks
    )
    assert np.array_equal(privacy_risk_score(target, shadows, masks)[:, 4:], everyone[:, 4:])


def test_scores_of_answers_that_are_all_alike_say_nothing() -> None:
    _, masks = planted_cohort(0, records=40)
    same = _of(np.full((8, 40), 0.0), np.arange(40) % 2)
    assert risk_score(same, masks).risk.member.tolist() == [0.5] * 40


def test_a_pairs_masks_and_its_twin_change_no_bit_of_a_targets_privacy_risk_score() -> None:
    signals, masks = planted_cohort(8)
    drawn = masks.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    entropy = signals.modified_entropy.copy()
    entropy[3] = 5.0
    twin = _of(entropy, signals.labels)
    before = cohort_scores(privacy_risk_score, signals, masks)
    assert np.array_equal(before[2:4], cohort_scores(privacy_risk_score, signals, drawn)[2:4])
    assert np.array_equal(before[2], cohort_scores(privacy_risk_score, twin, masks)[2])


def test_where_something_leaks_the_risk_score_comes_roughly_true() -> None:
    signals, masks = planted_cohort(9, pairs=8, records=2000, shift=2.0)
    found = risk_score(signals, masks)
    assert found.risk.member.mean() > found.risk.non_member.mean() + 0.05
    held = found.reliability.counts > 500
    assert found.reliability.observed[held] == pytest.approx(found.reliability.claimed[held], abs=0.05)
