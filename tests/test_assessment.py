"""The whole of an assessment, checked against naive second implementations."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import t
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from engine.assessment import assess
from engine.assessment.leakage import AUC, Setup, pair_figures, setup_of
from engine.assessment.risk import pair_risk, reliability
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Interval, PrivacyClaim
from engine.attacks import ATTACKS
from engine.attacks.leave_pair_out import cohort_scores, models_of
from engine.attacks.likelihood_ratio import lira
from engine.canonical import canonical_json
from engine.signals import Signals
from engine.validate import InvalidValueError
from tests.planted import (
    assessed,
    complementary_masks,
    planted_cohort,
    planted_records,
    planted_signals,
    signals_from_phi,
)
from tests.simulated import KINDS, WITH_COSTLY

Number = Callable[[str, Signals, np.ndarray], float]  # of an attack on a cohort

every_attack = pytest.mark.parametrize("attack", ATTACKS)
every_kind = pytest.mark.parametrize("attack", KINDS)


def _naive_auc(attack: str, signals: Signals, masks: np.ndarray) -> float:
    scores = cohort_scores(ATTACKS[attack], signals, masks)
    return float(np.mean([roc_auc_score(*row) for row in zip(masks, scores, strict=True)]))


def _naive_balanced_accuracy(attack: str, signals: Signals, masks: np.ndarray) -> float:
    accused = cohort_scores(ATTACKS[attack], signals, masks) >= 0
    return float(np.mean([balanced_accuracy_score(*row) for row in zip(masks, accused, strict=True)]))


def _naive_jackknife(number: Number, attack: str, signals: Signals, masks: np.ndarray) -> tuple[float, float]:
    """Literally the whole cohort without one pair, assessed anew."""
    pairs = len(masks) // 2
    deleted = []
    for pair in range(pairs):
        rest = np.delete(np.arange(2 * pairs), [2 * pair, 2 * pair + 1])
        deleted.append(number(attack, signals.of_models(rest), masks[rest]))
    error = np.sqrt((pairs - 1) * np.var(deleted))
    return number(attack, signals, masks), t.ppf(0.975, pairs - 1) * error


def _bounds(interval: Interval) -> tuple[float, float]:
    return interval.low, interval.high


@pytest.mark.parametrize("attack", ["lira", "confidence_by_class"])
def test_auc_has_the_jackknife_of_whole_cohorts_without_one_pair(attack: str) -> None:
    signals, masks = planted_cohort(1, pairs=5, records=150)
    estimate, half = _naive_jackknife(_naive_auc, attack, signals, masks)
    interval = assessed(attack, signals, masks=masks).headline.auc
    assert interval.estimate == pytest.approx(estimate)
    assert _bounds(interval) == pytest.approx((estimate - half, estimate + half))


@every_kind
def test_balanced_accuracy_has_the_jackknife_because_its_threshold_is_from_shadows(attack: str) -> None:
    signals, masks = planted_cohort(2, pairs=5, records=150)
    estimate, half = _naive_jackknife(_naive_balanced_accuracy, attack, signals, masks)
    interval = assessed(attack, signals, masks=masks).headline.balanced_accuracy
    assert interval.estimate == pytest.approx(estimate)
    assert _bounds(interval) == pytest.approx((estimate - half, estimate + half))


def _naive_median_accuracy(_: str, signals: Signals, masks: np.ndarray) -> float:
    """Accuracy of attack R record by record; where the others' losses have two middle ones, a coin between them."""
    rates = []
    for model, members in enumerate(masks):
        others = [row for row in range(len(masks)) if row // 2 != model // 2]
        says = np.empty(len(members))
        for record, loss in enumerate(signals.loss[model]):
            losses = sorted(signals.loss[row, record] for row in others if not masks[row, record])
            low, high = losses[(len(losses) - 1) // 2], losses[len(losses) // 2]
            says[record] = 1.0 if loss <= low else 0.0 if loss >= high else 0.5
        rates.append((says[members].mean() + 1 - says[~members].mean()) / 2)
    return float(np.mean(rates))


@pytest.mark.parametrize("pairs", [4, 5])
def test_attack_r_without_a_pair_decides_between_two_middle_losses_by_a_coin(pairs: int) -> None:
    signals, masks = planted_cohort(8, pairs=pairs, records=120)
    _, half = _naive_jackknife(_naive_median_accuracy, "attack_r", signals, masks)
    interval = assessed("attack_r", signals, masks=masks).headline.balanced_accuracy
    assert interval.estimate == pytest.approx(_naive_balanced_accuracy("attack_r", signals, masks))
    assert _bounds(interval) == pytest.approx((interval.estimate - half, interval.estimate + half))


def test_the_loss_attacks_auc_has_students_interval_over_pairs() -> None:
    signals, masks = planted_cohort(3, pairs=5, records=150)
    aucs = [roc_auc_score(*row) for row in zip(masks, signals.phi, strict=True)]
    by_pair = np.reshape(aucs, (5, 2)).mean(axis=1)
    expected = t.interval(0.95, 4, loc=by_pair.mean(), scale=by_pair.std(ddof=1) / np.sqrt(5))
    assert _bounds(assessed("loss", signals, masks=masks).headline.auc) == pytest.approx(expected)


def test_accuracies_are_over_members_and_over_contested_non_members() -> None:
    signals, masks = planted_cohort(4)
    headline = assessed("loss", signals, masks=masks).headline
    train = [row[mask].mean() for row, mask in zip(signals.correct, masks, strict=True)]
    test = [row[~mask].mean() for row, mask in zip(signals.correct, masks, strict=True)]
    assert headline.train_accuracy.estimate == pytest.approx(np.mean(train))
    assert headline.test_accuracy.estimate == pytest.approx(np.mean(test))
    by_pair = np.reshape(test, (4, 2)).mean(axis=1)
    expected = t.interval(0.95, 3, loc=by_pair.mean(), scale=by_pair.std(ddof=1) / 2)
    assert _bounds(headline.test_accuracy) == pytest.approx(expected)


def test_the_counts_behind_the_numbers_are_reported() -> None:
    signals, masks = planted_cohort(5, records=300)
    claim = PrivacyClaim(epsilon=3.0, delta=1e-5, accountant="RDP")
    headline = assessed("lira", signals, signals, masks=masks, claim=claim).headline
    assert (headline.attack, headline.records, headline.classes) == ("lira", 300, 10)
    assert (headline.pairs, headline.targets, headline.shadows, headline.draws) == (4, 8, 6, 2)
    assert headline.claim == claim
    assert [rate.asked_fpr for rate in headline.low_fpr] == [0.01, 0.001]
    for rate in headline.low_fpr:
        assert rate.achieved_fpr <= rate.asked_fpr
        assert rate.expected_false_alarms == pytest.approx(rate.asked_fpr * 150 * 8)
        assert rate.non_members == 300
    assert [rate.claimable for rate in headline.low_fpr] == [True, False]


@pytest.mark.parametrize("attack", WITH_COSTLY)
def test_the_headline_is_finite_json_even_when_all_answers_are_alike(attack: str) -> None:
    _, masks = planted_cohort(6, records=60)
    same = replace(signals_from_phi(np.zeros((8, 60)), np.arange(60) % 3), correct=np.ones((8, 60), dtype=bool))
    assessment = assessed(attack, same, masks=masks)
    canonical_json(assessment.headline)  # raises on NaN
    assert assessment.headline.auc.estimate == 0.5
    assert assessment.headline.train_accuracy.low < 1.0 == assessment.headline.train_accuracy.high
    assert assessment.histogram.members.sum() + assessment.histogram.non_members.sum() == 8 * 60
    assert np.isfinite(assessment.risk.member).all()


def test_numbers_are_means_over_draws() -> None:
    random = np.random.default_rng(7)
    records = planted_records(random, 200, shift=1.0)
    _, masks = planted_cohort(7, records=200)
    draws = [planted_signals(random, records, masks) for _ in range(3)]
    together = assessed("lira", *draws, masks=masks)
    alone = [assessed("lira", each, masks=masks) for each in draws]
    for name in ("auc", "balanced_accuracy", "train_accuracy", "test_accuracy"):
        expected = np.mean([getattr(each.headline, name).estimate for each in alone])
        assert getattr(together.headline, name).estimate == pytest.approx(expected)
    assert together.roc.tpr == pytest.approx(np.mean([each.roc.tpr for each in alone], axis=0))
    held = pair_risk(draws, masks, lira)
    assert together.risk.member == pytest.approx(np.where(masks, held.posterior.mean(axis=0), 0).sum(axis=0) / 4)


@every_kind
def test_risk_is_liras_whatever_attack_isassessed(attack: str) -> None:
    signals, masks = planted_cohort(8)
    posterior = pair_risk([signals], masks, lira).posterior[0]
    risk = assessed(attack, signals, masks=masks).risk
    for record in (0, 17):
        inside = masks[:, record]
        assert risk.member[record] == pytest.approx(posterior[inside, record].mean())
        assert risk.non_member[record] == pytest.approx(posterior[~inside, record].mean())


def test_claimed_posteriors_come_true_where_lira_has_the_right_model() -> None:
    # LiRA presumes nothing of a record's shift, so shifts here are anything: many sizes, either sign.
    random = np.random.default_rng(9)
    masks = complementary_masks(random, 8, 10_000)
    phi = random.normal(0, 2, 10_000) + random.normal(0, 3, 10_000) * masks + random.normal(size=masks.shape)
    signals = signals_from_phi(phi)
    diagram = reliability(expit(cohort_scores(lira, signals, masks))[None], masks)
    assert diagram.counts.min() > 1000
    assert diagram.observed == pytest.approx(diagram.claimed, abs=0.02)


def test_empty_bins_of_the_reliability_diagram_say_so() -> None:
    signals, masks = planted_cohort(10, shift=0.0)
    flat = dataclasses.replace(signals, phi=np.zeros_like(signals.phi))
    diagram = assessed("lira", flat, masks=masks).reliability
    assert diagram.counts.tolist() == [0, 0, 0, 0, 0, masks.size, 0, 0, 0, 0]
    assert np.isnan(diagram.claimed).sum() == np.isnan(diagram.observed).sum() == 9
    assert diagram.claimed[5] == diagram.observed[5] == 0.5


def test_the_histogram_holds_every_score_once() -> None:
    signals, masks = planted_cohort(11)
    histogram = assessed("lira", signals, masks=masks).histogram
    scores = cohort_scores(ATTACKS["lira"], signals, masks)
    assert (np.diff(histogram.edges) > 0).all()
    assert histogram.members.sum() == masks.sum()
    assert histogram.non_members.sum() == (~masks).sum()
    assert histogram.members[-1] == (scores[masks] >= histogram.edges[-2]).sum()


@every_kind
def test_permuting_records_changes_no_number(attack: str) -> None:
    signals, masks = planted_cohort(15)
    order = np.random.default_rng(0).permutation(masks.shape[1])
    moved = signals_from_phi(signals.phi[:, order], signals.labels[order])
    before, after = assessed(attack, signals, masks=masks), assessed(attack, moved, masks=masks[:, order])
    for name in ("auc", "balanced_accuracy", "train_accuracy", "test_accuracy"):
        expected = dataclasses.astuple(getattr(before.headline, name))
        assert dataclasses.astuple(getattr(after.headline, name)) == pytest.approx(expected, abs=1e-12)
    assert after.roc.tpr == pytest.approx(before.roc.tpr, abs=1e-12)
    assert after.risk.member == pytest.approx(before.risk.member[order], abs=1e-9)
    assert np.array_equal(after.histogram.members, before.histogram.members)


def test_an_assessment_is_a_pure_function_of_its_arguments() -> None:
    signals, masks = planted_cohort(12)
    assert assessed("lira", signals, masks=masks).headline == assessed("lira", signals, masks=masks).headline


def test_no_leak_is_not_called_one_and_a_leak_is() -> None:
    quiet_signals, masks = planted_cohort(13, shift=0.0)
    loud_signals, _ = planted_cohort(13, shift=2.0)
    quiet = assessed("lira", quiet_signals, masks=masks).headline
    loud = assessed("lira", loud_signals, masks=masks).headline
    assert quiet.auc.low < 0.5 < quiet.auc.high
    assert quiet.null_test.p_value > 0.05
    assert loud.auc.low > 0.5
    assert loud.null_test.p_value == pytest.approx(0.001)


def test_refusals_say_what_is_wrong() -> None:
    signals, masks = planted_cohort(14)
    two_pairs = signals.of_models(slice(0, 4))
    broken = masks.copy()
    broken[1] = masks[0]
    everyone = masks.copy()
    everyone[0], everyone[1] = True, False
    diverged = dataclasses.replace(signals, phi=np.where(masks, np.nan, signals.phi))
    cases: list[tuple[str, Signals, np.ndarray, str]] = [
        ("lyra", signals, masks, "attack must be one of attack_p, .*, got 'lyra'"),
        ("lira", two_pairs, masks[:4], "pairs of a cohort must be at least 3, got 2"),
        ("lira", signals, broken, "complementary pairs"),
        ("lira", signals, everyone, "members and non-members"),
        ("lira", two_pairs, masks, "shape of the masks"),
        ("lira", diverged, masks, "diverged"),
    ]
    for attack, given, given_masks, message in cases:
        with pytest.raises(InvalidValueError, match=message):
            assessed(attack, given, masks=given_masks)


# ---- shadows of another recipe, and costly attacks ---------------------------------------------------------


@every_attack
@pytest.mark.parametrize("costly", [False, True])
def test_a_pairs_masks_and_its_twin_in_other_shadows_change_no_bit_of_its_scores(attack: str, costly: bool) -> None:
    signals, masks = planted_cohort(30)
    others, _ = planted_cohort(31)
    drawn, phi = masks.copy(), others.phi.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    phi[2:4] = np.random.default_rng(99).normal(0, 50, phi[2:4].shape)
    setup = replace(setup_of(attack), costly=costly)
    before = setup.scores(signals, others, masks)
    after = setup.scores(signals, signals_from_phi(phi, others.labels), drawn)
    assert np.array_equal(before[2:4], after[2:4])


def test_other_shadows_replace_the_cohorts_own_pair_by_pair() -> None:
    signals, masks = planted_cohort(32)
    others, _ = planted_cohort(33)
    rest = [0, 1, 2, 3, 6, 7]
    by_hand = lira(signals.of_models(slice(4, 6)), others.of_models(np.array(rest)), masks[rest])
    assert np.array_equal(cohort_scores(lira, signals, masks, others)[4:6], by_hand)


@every_kind
def test_the_attacker_who_does_not_adapt_stands_beside_the_one_who_does(attack: str) -> None:
    signals, masks = planted_cohort(34, pairs=5, records=150)
    others, _ = planted_cohort(35, pairs=5, records=150)
    own = assess([signals], masks, attack, classes=10, claim=None, seed=5)
    other = assess([signals], masks, attack, classes=10, claim=None, seed=5, shadows=others)
    assert own.attackers is None
    assert (own.headline.adaptive, other.headline.adaptive) == (True, False)
    assert other.attackers is not None
    assert other.attackers.adaptive == own.headline.auc
    assert other.attackers.non_adaptive == other.headline.auc
    assert other.attackers.difference.estimate == pytest.approx(
        own.headline.auc.estimate - other.headline.auc.estimate
    )
    assert other.risk.member == pytest.approx(own.risk.member)  # risk is that of the attacker who adapts
    assert "another recipe or release" in (other.honesty.threat_model if other.honesty else "")


def test_the_paired_difference_of_the_attackers_has_the_jackknife_of_whole_cohorts_without_one_pair() -> None:
    signals, masks = planted_cohort(36, pairs=5, records=150)
    others, _ = planted_cohort(37, pairs=5, records=150)

    def difference(rows: np.ndarray) -> float:
        own, other = (
            cohort_scores(lira, signals.of_models(rows), masks[rows], each and each.of_models(rows))
            for each in (None, others)
        )
        return float(np.mean(auc(sweep(own, masks[rows])) - auc(sweep(other, masks[rows]))))

    deleted = [difference(np.delete(np.arange(10), [2 * pair, 2 * pair + 1])) for pair in range(5)]
    half = t.ppf(0.975, 4) * np.sqrt(4 * np.var(deleted))
    whole = difference(np.arange(10))
    found = assess([signals], masks, "lira", classes=10, claim=None, seed=5, shadows=[others]).attackers
    assert found is not None
    assert _bounds(found.difference) == pytest.approx((whole - half, whole + half))


def test_the_jackknife_of_a_costly_attack_leaves_each_pair_out_of_its_half() -> None:
    signals, masks = planted_cohort(38, pairs=5, records=150)
    figures = pair_figures([signals], masks, Setup(attack=lira, costly=True))

    def mean_auc(first: list[int], second: list[int]) -> float:
        found = []
        for targets, helpers in ((first, second), (second, first)):
            rows, rest = models_of(targets), models_of(helpers)
            scores = lira(signals.of_models(rows), signals.of_models(rest), masks[rest])
            found += [roc_auc_score(*row) for row in zip(masks[rows], scores, strict=True)]
        return float(np.mean(found))

    assert figures.by_pair[:, AUC].mean() == pytest.approx(mean_auc([0, 1], [2, 3, 4]))
    expected = [
        mean_auc([each for each in [0, 1] if each != pair], [each for each in [2, 3, 4] if each != pair])
        for pair in range(5)
    ]
    assert figures.deleted[:, AUC] == pytest.approx(expected)
