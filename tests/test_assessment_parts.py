"""What stands behind the numbers of an assessment."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assessment.assess import answers
from engine.assessment.honesty import blind_baseline, ties
from engine.assessment.values import PrivacyClaim
from engine.attacks import ATTACKS
from engine.attacks.leave_pair_out import cohort_scores
from engine.attacks.likelihood_ratio import lira
from tests.planted import (
    assessed,
    planted_cohort,
)
from tests.simulated import KINDS, WITH_COSTLY

every_attack = pytest.mark.parametrize("attack", ATTACKS)
every_kind = pytest.mark.parametrize("attack", KINDS)


# ---- what stands behind the figures ------------------------------------------------------------------------


def test_the_answers_give_back_masks_and_the_decisions_of_the_attack() -> None:
    signals, masks = planted_cohort(20, records=301)
    behind = assessed("lira", signals, masks=masks).answers
    assert behind is not None
    assert np.array_equal(behind.masks, masks)
    assert behind.members.shape == (8, 38)
    assert np.array_equal(behind.labels, signals.labels)
    assert behind.phi == pytest.approx(signals.phi, rel=1e-6)
    assert np.array_equal(behind.scores >= 0, cohort_scores(ATTACKS["lira"], signals, masks) >= 0)


def test_scores_keep_their_sign_and_stay_finite_in_single_precision() -> None:
    signals, masks = planted_cohort(21, records=4, pairs=3)
    scores = np.tile([-1e-60, 1e-60, 1e60, -1e60], (6, 1))
    kept = answers(signals, masks, scores).scores
    assert np.isfinite(kept).all()
    assert (kept >= 0).tolist() == [[False, True, True, False]] * 6


def test_a_threshold_moved_on_screen_finds_what_the_roc_curve_says() -> None:
    signals, masks = planted_cohort(22)
    found = assessed("lira", signals, masks=masks)
    assert found.answers is not None
    rates = []
    for scores, members in zip(found.answers.scores, found.answers.masks, strict=True):
        allowed = int(0.1 * (~members).sum())
        threshold = np.sort(scores[~members])[::-1][allowed]  # one false alarm more than allowed would pass it
        rates.append((scores[members] > threshold).mean())
    assert np.mean(rates) == pytest.approx(np.interp(0.1, found.roc.fpr, found.roc.tpr), abs=1e-6)


# ---- the honesty panel -------------------------------------------------------------------------------------


def test_ties_are_the_scores_that_another_record_has_too() -> None:
    assert ties(np.array([[1.0, 2.0, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]])) == (2 + 4) / 8
    assert ties(np.array([[1.0, 2.0, 3.0]])) == 0.0


def test_the_panel_says_what_the_attacker_knows_and_what_epsilon_presumes() -> None:
    signals, masks = planted_cohort(23)
    panel = assessed("lira", signals, masks=masks).honesty
    claimed = assessed("lira", signals, masks=masks, claim=PrivacyClaim(epsilon=3.0, delta=1e-5, accountant="PRV"))
    assert panel is not None
    assert claimed.honesty is not None
    assert "shadow models have the target's own recipe and release" in panel.threat_model
    assert panel.epsilon_assumes == ""
    assert "one training run, at δ = 1e-05" in claimed.honesty.epsilon_assumes
    assert panel.smallest_claimable_fpr == pytest.approx(10 / (~masks).sum())
    assert panel.blind_baseline is None  # masks are fair coins


def test_the_blind_baseline_sees_a_split_that_differs_in_itself_and_no_other() -> None:
    random = np.random.default_rng(24)
    features, members = random.normal(size=(400, 5)), random.random(400) < 0.5
    fair = blind_baseline(features, members, seed=1)
    assert fair.low < 0.5 < fair.high
    features[members, 0] += 1.5
    assert blind_baseline(features, members, seed=1).low > 0.7


# ---- the band of the ROC curve -----------------------------------------------------------------------------


@pytest.mark.parametrize("attack", WITH_COSTLY)
def test_the_band_is_the_interval_of_the_rate_at_each_fpr(attack: str) -> None:
    signals, masks = planted_cohort(39, pairs=5, records=200)
    found = assessed(attack, signals, masks=masks)
    assert found.roc.low is not None
    assert found.roc.high is not None
    rate = found.headline.low_fpr[0].tpr
    at = int(np.flatnonzero(found.roc.fpr == 0.01)[0])
    assert (found.roc.tpr[at], found.roc.low[at], found.roc.high[at]) == pytest.approx(
        (rate.estimate, rate.low, rate.high)
    )
    assert ((found.roc.low <= found.roc.tpr) & (found.roc.tpr <= found.roc.high)).all()
    assert (found.roc.low < found.roc.high).all()


# ---- risk, verdicts and agreement are part of every assessment ---------------------------------------------


@every_kind
def test_an_assessment_names_the_riskiest_records_with_every_attacks_verdict(attack: str) -> None:
    signals, masks = planted_cohort(40)
    found = assessed(attack, signals, masks=masks)
    assert found.riskiest is not None
    assert found.verdicts is not None
    assert found.agreement is not None
    assert found.verdicts.found.shape == found.verdicts.blamed.shape
    assert found.verdicts.found.shape == (len(found.verdicts.attacks), found.riskiest.record.size)
    lira_found = found.verdicts.found[found.verdicts.attacks.index("lira")]
    accused = cohort_scores(lira, signals, masks) >= 0
    for place, record in enumerate(found.riskiest.record):
        assert lira_found[place] == pytest.approx(accused[masks[:, record], record].mean())
    assert found.agreement.attacks == found.verdicts.attacks


def test_an_assessment_tells_risk_by_class_and_precision_and_the_risk_score() -> None:
    signals, masks = planted_cohort(41)
    found = assessed("loss", signals, masks=masks)
    (by_class,) = found.groups
    assert by_class.by == "class"
    assert by_class.group.tolist() == np.unique(signals.labels).tolist()
    assert np.average(by_class.risk, weights=by_class.records) == pytest.approx(found.risk.member.mean())
    assert found.precision_recall is not None
    assert found.precision_recall.precision[0] == pytest.approx(0.5)  # everybody is called a member
    assert found.risk_score is not None
    assert found.risk_score.risk.member.shape == (300,)
    assert found.risk_score.reliability.counts.sum() == masks.size


def test_a_cohort_of_three_pairs_names_nobody() -> None:
    signals, masks = planted_cohort(42, pairs=3)
    found = assessed("lira", signals, masks=masks)
    assert found.riskiest is found.verdicts is None
