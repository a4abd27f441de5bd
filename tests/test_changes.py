"""Whose risk changes between two settings: against simulations with a known truth, and by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.assessment.assess import answers
from engine.assessment.changes import RiskChange, answered_risk, changed, changed_on_second_half, group_change
from engine.assessment.parts import Answers
from engine.assessment.risk import PairRisk, at_prior, pair_risk
from engine.attacks import ATTACKS
from engine.signals import signals
from engine.validate import InvalidValueError

SEED = 20261123  # fixed before the first run
PAIRS, RECORDS, COHORTS = 8, 60, 60


def _masks(rng: np.random.Generator) -> NDArray[np.bool_]:
    drawn = rng.random((PAIRS, RECORDS)) < 0.5
    return np.stack([drawn, ~drawn], axis=1).reshape(2 * PAIRS, RECORDS)


def _answers(phi: NDArray[np.float64], masks: NDArray[np.bool_]) -> Answers:
    binary = signals(np.stack([phi, np.zeros_like(phi)], axis=-1), np.zeros(RECORDS, dtype=np.int64))
    return answers(binary, masks, phi)


def _two_settings(rng: np.random.Generator) -> tuple[PairRisk, PairRisk]:
    """The second setting halves the gap of the last 30 records; the noise has heavier tails than LiRA believes."""
    masks = _masks(rng)
    gaps = np.linspace(0.0, 4.0, 30)
    first, second = np.concatenate([gaps, gaps]), np.concatenate([gaps, gaps / 2])
    shared = rng.standard_t(5, masks.shape)
    one, two = (gap * masks + 0.6 * shared + 0.8 * rng.standard_t(5, masks.shape) for gap in (first, second))
    return answered_risk(_answers(one, masks)), answered_risk(_answers(two, masks))


@pytest.fixture(scope="module")
def simulated() -> list[tuple[PairRisk, PairRisk]]:
    rng = np.random.default_rng(SEED)
    return [_two_settings(rng) for _ in range(COHORTS)]


def _covered(found: list[RiskChange]) -> tuple[float, float]:
    """How many intervals hold the mean change over all cohorts, of all records and of the worst twelve."""
    truth = np.mean([one.second - one.first for one in found], axis=0)
    by_record = np.mean([(one.low <= truth) & (truth <= one.high) for one in found], axis=0)
    return float(by_record.mean()), float(np.sort(by_record)[:12].mean())


def test_intervals_of_a_changed_risk_cover(simulated: list[tuple[PairRisk, PairRisk]]) -> None:
    everyone = np.arange(RECORDS)
    for found in (
        [changed(*both) for both in simulated],
        [changed_on_second_half(*both, everyone) for both in simulated],
        [group_change(*both, everyone // 10) for both in simulated],
    ):
        covered, worst = _covered(found)
        assert covered >= 0.95
        assert worst >= 0.9


def test_records_that_are_as_before_seldom_rise_or_fall(simulated: list[tuple[PairRisk, PairRisk]]) -> None:
    found = [changed(*both) for both in simulated]
    assert np.mean([one.rose[:30] for one in found]) <= 0.025
    assert np.mean([one.fell[:30] for one in found]) <= 0.025


def test_records_that_are_better_off_are_found_to_be(simulated: list[tuple[PairRisk, PairRisk]]) -> None:
    largest = slice(50, 60)  # their gap falls from about 4 to about 2
    found = [changed(*both) for both in simulated]
    assert np.mean([one.fell[largest] for one in found]) > 0.3
    assert np.mean([one.rose[largest] for one in found]) <= 0.025


def test_a_setting_against_itself_changes_nothing() -> None:
    one, _ = _two_settings(np.random.default_rng(SEED))
    same = changed(one, one)
    assert np.array_equal(same.first, same.second)
    assert not (same.rose | same.fell).any()
    assert (same.high > same.low).all()  # no interval has zero width


def test_a_groups_change_is_the_mean_of_its_records() -> None:
    one, two = _two_settings(np.random.default_rng(SEED))
    groups = np.arange(RECORDS) % 3
    of_groups, of_records = group_change(one, two, groups), changed(one, two)
    for group in range(3):
        assert of_groups.first[group] == pytest.approx(of_records.first[groups == group].mean())
        assert of_groups.second[group] == pytest.approx(of_records.second[groups == group].mean())
    deleted = np.array([[each[groups == group].mean() for group in range(3)] for each in two.deleted - one.deleted])
    error = np.sqrt((PAIRS - 1) / PAIRS * ((deleted - deleted.mean(axis=0)) ** 2).sum(axis=0))
    half = (of_groups.high - of_groups.low) / 2
    assert half == pytest.approx(2.3646242510103 * error)  # the 97.5 % quantile of Student t, 7 degrees of freedom


def test_chosen_records_are_reported_on_the_second_half_alone() -> None:
    one, two = _two_settings(np.random.default_rng(SEED))
    chosen = np.array([5, 3])
    meddled = [replace(risk, member=np.concatenate([np.ones((4, RECORDS)), risk.member[4:]])) for risk in (one, two)]
    found, as_well = (changed_on_second_half(a, b, chosen) for a, b in ((one, two), meddled))
    assert found.first == pytest.approx(one.member[4:, chosen].mean(axis=0))
    assert found.second == pytest.approx(two.member[4:, chosen].mean(axis=0))
    assert np.array_equal(found.low, as_well.low)


def test_stored_answers_give_the_risk_that_signals_gave() -> None:
    rng = np.random.default_rng(SEED)
    masks = _masks(rng)
    logits = rng.standard_normal((2 * PAIRS, RECORDS, 4)) + 2 * masks[..., None] * (np.arange(4) == 0)
    whole = signals(logits, np.zeros(RECORDS, dtype=np.int64))
    direct = pair_risk([whole], masks, ATTACKS["lira"])
    stored = answered_risk(answers(whole, masks, whole.phi))
    assert stored.member == pytest.approx(direct.member, abs=1e-5)
    assert stored.deleted == pytest.approx(direct.deleted, abs=1e-5)


def test_the_first_pairs_alone_are_a_cohort_of_their_own() -> None:
    rng = np.random.default_rng(SEED)
    masks = _masks(rng)
    phi = rng.standard_normal(masks.shape) + masks
    few = answered_risk(_answers(phi[:8], masks[:8]))
    assert np.array_equal(answered_risk(_answers(phi, masks), pairs=4).member, few.member)


def test_another_prior_moves_the_posterior_of_every_target() -> None:
    rng = np.random.default_rng(SEED)
    masks = _masks(rng)
    held = _answers(rng.standard_normal(masks.shape) + 2 * masks, masks)
    even, rare = answered_risk(held), answered_risk(held, prior=0.01)
    assert rare.member == pytest.approx(at_prior(even.member, prior=0.01))


def test_settings_of_different_size_are_refused() -> None:
    one, two = _two_settings(np.random.default_rng(SEED))
    with pytest.raises(InvalidValueError, match=r"same pairs and records, got \(8, 60\) and \(4, 60\)"):
        changed(one, replace(two, member=two.member[:4]))
