"""Paired differences: by hand, against the null, against a known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr, t

from engine.assessment.comparison import compare, compare_attacks, recommended
from engine.assessment.looks import Look, more_waves, spent, verdict_of
from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.leave_pair_out import cohort_scores
from engine.validate import InvalidValueError
from tests.planted import complementary_masks, planted_records, planted_signals
from tests.simulated import KINDS, SIMULATED, repetitions

REPETITIONS = repetitions(100)
SEED = 20260400


def two_cohorts(seed, shifts, *, pairs=4, records=200):
    """Signals of two cohorts on the same records and masks, with different mean shifts of members."""
    random = np.random.default_rng(seed)
    masks = complementary_masks(random, pairs, records)
    base = planted_records(random, records, shift=1.0)
    cohorts = []
    for shift in shifts:
        planted = type(base)(ease=base.ease, shift=shift * base.shift, labels=base.labels)
        cohorts.append((planted_signals(random, planted, masks),))
    return cohorts[0], cohorts[1], masks


@pytest.mark.parametrize("attack", KINDS)
def test_the_differences_are_those_of_the_two_cohorts(attack):
    first, second, masks = two_cohorts(0, (1.0, 2.0))
    found = compare(first, second, masks, attack)
    aucs = [auc(sweep(cohort_scores(ATTACKS[attack], draws[0], masks), masks)).mean() for draws in (first, second)]
    assert found.auc.estimate == pytest.approx(aucs[1] - aucs[0], abs=1e-12)
    right = [np.mean([draws[0].correct[m][~masks[m]].mean() for m in range(8)]) for draws in (first, second)]
    assert found.test_accuracy.estimate == pytest.approx(right[1] - right[0], abs=1e-12)


@pytest.mark.parametrize("attack", KINDS)
def test_a_cohort_against_itself_is_no_difference_and_no_interval_has_zero_width(attack):
    first, _, masks = two_cohorts(1, (1.0, 1.0))
    found = compare(first, first, masks, attack)
    for interval in (found.train_accuracy, found.test_accuracy, found.auc, found.tpr):
        assert interval.estimate == 0
        assert interval.low < 0 < interval.high


def test_swapping_the_cohorts_turns_the_signs():
    first, second, masks = two_cohorts(2, (0.5, 1.5))
    there, back = compare(first, second, masks, "lira"), compare(second, first, masks, "lira")
    assert (there.auc.estimate, there.auc.low, there.auc.high) == pytest.approx(
        (-back.auc.estimate, -back.auc.high, -back.auc.low), abs=1e-12
    )


def test_a_planted_difference_is_found():
    first, second, masks = two_cohorts(5, (0.5, 2.0), pairs=6, records=400)
    assert compare(first, second, masks, "lira").auc.low > 0.05


# ---- p-values and verdicts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", SIMULATED)
def test_p_values_are_small_no_more_often_than_they_may_where_both_leak_alike(attack):
    """P(p ≤ .05) ≤ .05 + 3 standard errors; a verdict over all looks is no more frequent."""
    p_values, verdicts, excluded = [], [], []
    for seed in range(REPETITIONS):
        first, second, masks = two_cohorts(SEED + seed, (1.0, 1.0), pairs=8, records=60)
        found = compare(first, second, masks, attack)
        p_values.append(found.p_value)
        verdicts.append(found.verdict)
        excluded.append(not found.auc.low <= 0 <= found.auc.high)
    most = 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPETITIONS)
    print(
        f"{attack}: {np.mean(np.array(p_values) <= 0.05):.4f}, {1 - verdicts.count('cannot tell yet') / REPETITIONS}"
    )
    assert np.mean(np.array(p_values) <= 0.05) <= most
    assert 1 - verdicts.count("cannot tell yet") / REPETITIONS <= most


@pytest.mark.parametrize("attack", SIMULATED)
def test_the_p_value_is_below_5_percent_exactly_where_the_interval_excludes_zero(attack):
    for seed, shift in enumerate(np.linspace(1.0, 1.6, 12)):
        found = compare(*two_cohorts(50 + seed, (1.0, shift), records=120), attack)
        assert (found.p_value < 0.05) == (found.auc.low > 0 or found.auc.high < 0)


def test_the_p_value_is_students():
    first, second, masks = two_cohorts(60, (1.0, 1.3))
    found = compare(first, second, masks, "lira")
    error = (found.auc.high - found.auc.low) / 2 / t.ppf(0.975, 3)
    assert found.p_value == pytest.approx(2 * t.sf(abs(found.auc.estimate) / error, 3))


def test_a_clear_difference_has_a_verdict_and_a_cohort_against_itself_has_none():
    first, second, masks = two_cohorts(61, (0.3, 3.0), pairs=8)
    assert (compare(first, second, masks, "lira").verdict, compare(second, first, masks, "lira").verdict) == (
        "no",
        "yes",
    )
    assert compare(first, second, masks, "lira").more_waves == 0
    alike = compare(first, first, masks, "lira")
    assert (alike.verdict, alike.p_value, alike.more_waves) == ("cannot tell yet", 1.0, None)


def test_a_verdict_of_the_first_wave_stands_whatever_the_later_ones_say():
    def look(difference, pairs):
        return Look(difference=difference, half_width=0.01, pairs=pairs)

    assert verdict_of([look(-0.2, 4), look(0.2, 8)]) == "yes"
    assert verdict_of([look(0.001, 4), look(0.2, 8)]) == "no"
    assert verdict_of([look(0.001, 4), look(-0.001, 8)]) == "cannot tell yet"
    assert verdict_of([]) == "cannot tell yet"


def test_all_looks_together_spend_five_percent():
    assert [spent(waves) for waves in (1, 2, 4)] == [0.025, 0.0125, 0.00625]
    assert sum(spent(2**look) for look in range(40)) == pytest.approx(0.05)
    borderline = float(0.05 / t.ppf(0.9875, 3))  # differs from 0 at exactly α = .025
    for difference, verdict in ((borderline * 1.001, "no"), (borderline * 0.999, "cannot tell yet")):
        error = borderline / t.ppf(0.9875, 3)
        look = Look(difference=difference, half_width=float(error * t.ppf(0.975, 3)), pairs=4)
        assert verdict_of([look]) == verdict


def test_more_waves_by_hand():
    # At one wave the error is .01. At 4 waves (16 pairs) it is .005, and t at .00625 and 15 degrees is 3.18.
    error = 0.01
    needed = float(t.ppf(1 - 0.00625 / 2, 15) * error / 2)
    at_two = float(t.ppf(1 - 0.0125 / 2, 7) * error / np.sqrt(2))
    half = float(error * t.ppf(0.975, 3))
    assert needed < at_two
    assert more_waves(Look(difference=needed * 1.01, half_width=half, pairs=4)) == 3
    assert more_waves(Look(difference=-at_two * 1.01, half_width=half, pairs=4)) == 1
    assert more_waves(Look(difference=1e-5, half_width=half, pairs=4)) is None


# ---- loss ranks and recommendations ------------------------------------------------------------------------


def test_the_loss_rank_correlation_is_spearmans_over_members_mean_over_models():
    first, second, masks = two_cohorts(70, (1.0, 1.5), pairs=3)
    rho = [
        np.asarray(spearmanr(-one[member], -two[member]))[0]
        for one, two, member in zip(first[0].loss, second[0].loss, masks, strict=True)
    ]
    assert compare(first, second, masks, "loss").loss_rank.estimate == pytest.approx(np.mean(rho))


def test_the_recommended_setting_is_chosen_on_one_half_and_reported_on_the_other():
    first, second, masks = two_cohorts(71, (0.3, 2.5), pairs=8)
    found = recommended({"safe": first, "leaky": second}, masks, "lira", least_accuracy=0.1)
    assert found is not None
    assert found.name == "safe"
    half = [each.of_models(slice(8, 16)) for each in first]
    scores = cohort_scores(ATTACKS["lira"], half[0], masks[8:])
    assert found.auc.estimate == pytest.approx(auc(sweep(scores, masks[8:])).mean())
    assert found.test_accuracy.estimate == pytest.approx(
        np.mean([row[~mask].mean() for row, mask in zip(half[0].correct, masks[8:], strict=True)])
    )
    assert recommended({"safe": first}, masks, "lira", least_accuracy=1.0) is None


def test_the_choice_flatters_and_the_report_does_not():
    """Eight settings that leak alike: the lowest AUC of the choosing half is too low, the reporting half is right."""
    chosen, reported = [], []
    for seed in range(15):
        random = np.random.default_rng(SEED + seed)
        masks = complementary_masks(random, 6, 60)
        records = planted_records(np.random.default_rng(SEED), 60, shift=1.0)
        settings = {str(index): [planted_signals(random, records, masks)] for index in range(8)}
        found = recommended(settings, masks, "loss", least_accuracy=0.0)
        assert found is not None
        chosen.append(found.chosen_auc)
        reported.append(found.auc.estimate)
    assert np.mean(chosen) < np.mean(reported) - 3 * np.std(reported) / np.sqrt(15)


@pytest.mark.parametrize("attacks", [("loss", "lira"), ("lira", "loss"), ("lira", "rmia_offline")])
def test_the_difference_of_two_attacks_is_the_jackknife_of_it(attacks):
    draws, _, masks = two_cohorts(7, (1.0, 1.0), pairs=5)
    found = compare_attacks(draws, masks, *attacks)

    def difference(rows):
        part = draws[0].of_models(rows)
        one, two = (
            auc(sweep(cohort_scores(ATTACKS[name], part, masks[rows]), masks[rows])).mean() for name in attacks
        )
        return two - one

    everyone = np.arange(10)
    left = np.array([difference(np.delete(everyone, [2 * p, 2 * p + 1])) for p in range(5)])
    half = t.ppf(0.975, 4) * np.sqrt(4 / 5 * ((left - left.mean()) ** 2).sum())
    assert found.difference.estimate == pytest.approx(difference(everyone), abs=1e-12)
    assert found.difference.high - found.difference.estimate == pytest.approx(half, abs=1e-12)
    assert found.difference.estimate == pytest.approx(found.second.estimate - found.first.estimate, abs=1e-12)


def test_two_attacks_that_rank_without_shadows_differ_by_student_t_over_pairs():
    draws, _, masks = two_cohorts(
        8, (1.0, 1.0), pairs=5, records=2000
    )  # so many that one record is worth less than the half-width
    found = compare_attacks(draws, masks, "loss", "correctness")
    loss, correct = (
        auc(sweep(cohort_scores(ATTACKS[name], draws[0], masks), masks)) for name in ("loss", "correctness")
    )
    by_pair = (correct - loss).reshape(5, 2).mean(axis=1)
    half = t.ppf(0.975, 4) * by_pair.std(ddof=1) / np.sqrt(5)
    assert found.difference.high - found.difference.estimate == pytest.approx(half, abs=1e-12)


def test_cohorts_of_different_shape_are_refused():
    first, _, masks = two_cohorts(6, (1.0, 1.0))
    fewer = first[0].of_models(slice(0, 6))
    with pytest.raises(InvalidValueError, match=r"signals must have shape \(8, 200\), got \(6, 200\)"):
        compare(first, (fewer,), masks, "lira")
