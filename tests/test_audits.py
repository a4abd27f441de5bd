"""Lower bounds on ε: formulas by hand and by naive second implementations, guesses, and whose data they come from."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, binom, norm

from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.leave_pair_out import cohort_scores, halved_scores
from engine.audits.audit import audit, target_bounds
from engine.audits.choice import GuessCounts, best_counts, best_threshold
from engine.audits.cohort import AuditedCohort, audited_cohort
from engine.audits.one_run import one_run_epsilon, one_run_p_value, one_run_roughly
from engine.audits.rates import at_least, at_most, clopper_pearson_epsilon, gaussian_dp_epsilon, gaussian_dp_mu
from engine.audits.values import Guesses
from engine.signals import Signals
from engine.validate import InvalidValueError
from tests.planted import complementary_masks, planted_cohort, planted_records, planted_signals, signals_from_phi


def naive_p_value(epsilon: float, records: int, guesses: int, correct: int, delta: float) -> float:
    """Steinke et al.'s formula, term by term."""
    share = math.exp(epsilon) / (1 + math.exp(epsilon))
    chance = binom.pmf(np.arange(guesses + 1), guesses, share)
    windows = [chance[correct - i : correct].sum() / i for i in range(1, correct + 1)]
    return min(1.0, chance[correct:].sum() + 2 * records * delta * max(windows, default=0.0))


def test_the_one_run_p_value_of_three_right_guesses_in_three():
    # q = ¾ at ε = ln 3: tail q³ = 27/64; (27/64 + 9/64 + 1/64)/3 < (27/64 + 9/64)/2 < 27/64 is P[B = 2].
    found = one_run_p_value(math.log(3), records=10, guesses=3, correct=3, delta=0.01)
    assert found == pytest.approx(27 / 64 + 2 * 10 * 0.01 * 27 / 64)


def test_the_one_run_p_value_at_epsilon_0_is_that_of_coin_flips():
    assert one_run_p_value(0.0, records=10, guesses=10, correct=9, delta=0.0) == pytest.approx(11 / 1024)
    assert one_run_p_value(0.0, records=10, guesses=10, correct=0, delta=0.0) == 1


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_one_run_p_value_equals_its_formula_term_by_term(data):
    guesses = data.draw(st.integers(0, 30))
    correct = data.draw(st.integers(0, guesses))
    epsilon, delta = data.draw(st.floats(0, 8)), data.draw(st.sampled_from([0.0, 1e-5, 1e-3]))
    found = one_run_p_value(epsilon, records=40, guesses=guesses, correct=correct, delta=delta)
    assert found == pytest.approx(naive_p_value(epsilon, 40, guesses, correct, delta), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("guesses", "correct"), [(100, 90), (100, 60), (20, 20), (100, 40), (10, 0), (0, 0)])
@pytest.mark.parametrize("delta", [0.0, 1e-5, 1e-4])
def test_the_one_run_bound_is_the_largest_excluded_epsilon(guesses: int, correct: int, delta: float):
    found = one_run_epsilon(records=1000, guesses=guesses, correct=correct, delta=delta, level=0.05)
    grid = np.arange(0, 5, 0.01)
    excluded = [epsilon for epsilon in grid if naive_p_value(epsilon, 1000, guesses, correct, delta) < 0.05]
    assert found == pytest.approx(max(excluded, default=0.0), abs=0.0101)


def test_without_delta_the_one_run_bound_is_the_logit_of_clopper_pearson():
    found = one_run_epsilon(records=500, guesses=200, correct=180, delta=0.0, level=0.025)
    share = beta.ppf(0.025, 180, 21)
    assert found == pytest.approx(math.log(share / (1 - share)), rel=1e-9)


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("level", [0.025, 0.2])
def test_the_one_run_bound_is_too_large_for_randomized_response_as_often_as_its_level_allows(
    epsilon: float, level: float
):
    """Exactly, by summing over all outcomes; the most that a discrete count can use of the level is used."""
    guesses, share = 200, 1 / (1 + math.exp(-epsilon))
    correct = np.arange(guesses + 1)
    chance = binom.pmf(correct, guesses, share)
    bounds = [one_run_epsilon(records=200, guesses=guesses, correct=int(v), delta=0.0, level=level) for v in correct]
    wrong = float(chance[np.array(bounds) > epsilon].sum())
    assert level / 3 < wrong <= level


@pytest.mark.parametrize(("guesses", "correct"), [(30, 30), (100, 80), (1000, 900)])
def test_the_rough_one_run_bound_is_close_and_never_larger_than_without_delta(guesses: int, correct: int):
    exact = one_run_epsilon(records=1000, guesses=guesses, correct=correct, delta=1e-5, level=0.025)
    rough = one_run_roughly(
        records=1000, guesses=np.array([float(guesses)]), correct=np.array([float(correct)]), delta=1e-5, level=0.025
    )
    assert rough[0] == pytest.approx(exact, rel=0.1)


def test_rates_are_bounded_by_binomial_tails():
    for hits, trials, level in product((0, 3, 17, 20), (20,), (0.05, 0.0125)):
        upper, lower = float(at_most(hits, trials, level)), float(at_least(hits, trials, level))
        assert binom.cdf(hits, trials, upper) == pytest.approx(level if hits < trials else 1)
        assert binom.sf(hits - 1, trials, lower) == pytest.approx(level if hits > 0 else 1)


def test_no_hits_in_n_trials_bound_the_rate_by_hand():
    assert float(at_most(0, 10, 0.05)) == pytest.approx(1 - 0.05**0.1)
    assert float(at_least(10, 10, 0.05)) == pytest.approx(0.05**0.1)
    assert float(at_most(0, 0, 0.05)) == 1


def test_clopper_pearson_takes_the_better_side_by_hand():
    def bound(fpr: float, fnr: float, delta: float = 0.0) -> float:
        return float(clopper_pearson_epsilon(np.array(fpr), np.array(fnr), delta))

    assert bound(0.1, 0.2) == pytest.approx(math.log(0.8 / 0.1))
    assert bound(0.4, 0.05) == pytest.approx(math.log(0.6 / 0.05))
    assert bound(0.1, 0.2, delta=0.1) == pytest.approx(math.log(0.7 / 0.1))
    assert bound(0.5, 0.5) == bound(0.9, 0.8) == bound(1.0, 1.0) == 0


def test_gaussian_dp_by_hand():
    def mu(fpr: float, fnr: float) -> float:
        return float(gaussian_dp_mu(np.array(fpr), np.array(fnr)))

    assert mu(float(norm.sf(1.5)), float(norm.cdf(0.5))) == pytest.approx(1.0)
    assert mu(0.5, 0.5) == mu(0.9, 0.9) == mu(1.0, 1.0) == 0  # evidence the wrong way round is none
    assert gaussian_dp_epsilon(0.0, 1e-5) == 0
    epsilon = gaussian_dp_epsilon(1.0, 1e-5)
    assert norm.cdf(0.5 - epsilon) - math.exp(epsilon) * norm.cdf(-0.5 - epsilon) == pytest.approx(1e-5, rel=1e-6)


def test_guesses_go_to_both_ends_and_the_rest_abstain():
    scores, members = np.array([5.0, 4.0, 3.0, 2.0, 1.0, 0.0]), np.array([1, 0, 1, 0, 1, 0], dtype=bool)
    found = GuessCounts(members=2, non_members=1).guesses(scores, members)
    assert found == Guesses(true_positives=1, false_positives=1, true_negatives=1, false_negatives=0)
    assert (found.made, found.correct) == (3, 2)
    assert GuessCounts(members=0, non_members=0).guesses(scores, members).made == 0


def test_records_that_tie_with_the_last_guess_are_guessed_about_too_and_once():
    members = np.array([1, 0, 1, 0], dtype=bool)
    tied = GuessCounts(members=1, non_members=1).guesses(np.array([1.0, 1.0, 0.0, 0.0]), members)
    assert tied == Guesses(true_positives=1, false_positives=1, true_negatives=1, false_negatives=1)
    constant = GuessCounts(members=1, non_members=1).guesses(np.zeros(4), members)
    assert constant == Guesses(true_positives=2, false_positives=2, true_negatives=0, false_negatives=0)


def _made_and_correct(top: int, low: int, scores: NDArray[np.float64], members: NDArray[np.bool_]) -> tuple[int, int]:
    found = GuessCounts(members=top, non_members=low).guesses(scores, members)
    return found.made, found.correct


@pytest.mark.parametrize("ties", [False, True])
def test_the_best_counts_are_those_of_guessing_on_every_target(ties: bool):
    random = np.random.default_rng(5)
    masks = complementary_masks(random, 3, 60)
    scores = random.normal(size=masks.shape) + 2 * masks
    scores = scores.round() if ties else scores
    seen: list[NDArray[np.float64]] = []

    def worth(made: NDArray[np.float64], correct: NDArray[np.float64]) -> NDArray[np.float64]:
        seen.extend((made, correct))
        return correct - 1.5 * (made - correct)

    chosen = best_counts(scores, masks, worth)
    numbers = sorted({0, *np.geomspace(5, 30, 20).round().astype(int).tolist()})
    naive = {
        (top, low): np.mean([_made_and_correct(top, low, *row) for row in zip(scores, masks, strict=True)], axis=0)
        for top in numbers
        for low in numbers
    }
    made, correct = (np.array([[naive[top, low][i] for low in numbers] for top in numbers]) for i in (0, 1))
    assert np.allclose(seen, [made, correct], rtol=0, atol=1e-12)
    best = (correct - 1.5 * (made - correct)).max()
    at_choice = naive[chosen.members, chosen.non_members]
    assert at_choice[1] - 1.5 * (at_choice[0] - at_choice[1]) == pytest.approx(best)


@pytest.mark.parametrize("ties", [False, True])
def test_the_best_threshold_is_worth_most_among_those_tried(ties: bool):
    random = np.random.default_rng(6)
    masks = complementary_masks(random, 3, 40)
    scores = random.normal(size=masks.shape) + 2 * masks
    scores = scores.round() if ties else scores
    seen: dict[tuple[float, ...], float] = {}

    def worth(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        values = counts[0] - counts[1]
        seen.update({tuple(column.tolist()): float(value) for column, value in zip(counts.T, values, strict=True)})
        return values

    tau = best_threshold(scores, masks, worth)

    def counted(threshold: float) -> tuple[float, ...]:
        accused = scores >= threshold
        cells = (accused & masks, accused & ~masks, ~accused & ~masks, ~accused & masks)
        return tuple(float(cell.sum() / len(scores)) for cell in cells)

    assert set(seen) <= {counted(threshold) for threshold in scores.ravel()}
    assert seen[counted(tau)] == max(seen.values())
    assert len(seen) > (3 if ties else 25)


def signals_and_masks(seed: int = 3) -> tuple[Signals, NDArray[np.bool_]]:
    return planted_cohort(seed, pairs=4, records=120, shift=2.0)


@pytest.mark.parametrize("attack", ["lira", "confidence_by_class", "rmia", "quantile_regression"])
def test_rehearsals_are_scores_without_both_pairs(attack: str):
    signals, masks = signals_and_masks()
    cohort = audited_cohort(ATTACKS[attack], signals, masks)
    shadows = [0, 1, 4, 5]  # of targets 6 and 7 when pair 1 is left out too
    direct = ATTACKS[attack](
        signals.of_models(np.array([6, 7])), signals.of_models(np.array(shadows)), masks[shadows]
    )
    assert np.allclose(cohort.rehearsal[1, [6, 7]], direct, rtol=0, atol=1e-9)
    scores, others = cohort.elsewhere(1)
    assert np.isfinite(scores).all()
    assert np.array_equal(others, masks[[0, 1, 4, 5, 6, 7]])


def test_a_costly_attack_rehearses_on_the_targets_of_the_same_half():
    signals, masks = signals_and_masks()
    cohort = audited_cohort(ATTACKS["lira"], signals, masks, costly=True)
    assert np.array_equal(cohort.scores, halved_scores(ATTACKS["lira"], signals, masks))
    for pair, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
        scores, others = cohort.elsewhere(pair)
        assert np.array_equal(scores, cohort.scores[2 * other : 2 * other + 2])
        assert np.array_equal(others, masks[2 * other : 2 * other + 2])


def test_shadows_of_another_cohort_serve_with_the_same_pairs_left_out():
    signals, masks = signals_and_masks()
    moved = signals.phi + np.random.default_rng(1).normal(size=masks.shape)
    other = signals_from_phi(moved, signals.labels)
    cohort = audited_cohort(ATTACKS["lira"], signals, masks, other)
    rest = np.array([0, 1, 4, 5])
    direct = ATTACKS["lira"](signals.of_models(np.array([6, 7])), other.of_models(rest), masks[rest])
    assert np.array_equal(cohort.scores, cohort_scores(ATTACKS["lira"], signals, masks, other))
    assert np.allclose(cohort.rehearsal[1, [6, 7]], direct, rtol=0, atol=1e-9)


@pytest.mark.parametrize("attack", ATTACKS)
def test_redrawing_a_pairs_mask_changes_no_guess_about_its_targets(attack: str):
    """Nor does replacing the answers of the target's complement; the guesses are seen through their counts."""
    signals, masks = signals_and_masks()
    again = masks.copy()
    again[2] = np.random.default_rng(8).random(masks.shape[1]) < 0.5
    again[3] = ~again[2]
    phi = signals.phi.copy()
    phi[3] = np.random.default_rng(9).normal(size=phi.shape[1])
    replaced = signals_from_phi(phi, signals.labels)

    def accused(of: Signals, drawn: NDArray[np.bool_]) -> list[tuple[int, ...]]:
        """Records of target 2 that each audit calls members and non-members."""
        cohort = audited_cohort(ATTACKS[attack], of, drawn, costly=CATALOGUE[attack].costly)
        bounds = target_bounds(cohort, delta=1e-5, level=0.025)
        assert all(len(found) == 8 for found in bounds.values())
        numbers = []
        for found in bounds.values():
            tp, fp, tn, fn = found[2].guesses.counts
            numbers.append((tp + fp, tn + fn))
        return numbers

    before = accused(signals, masks)
    assert accused(signals, again) == before
    assert accused(replaced, masks) == before
    costly = CATALOGUE[attack].costly
    one, two = (audited_cohort(ATTACKS[attack], signals, drawn, costly=costly) for drawn in (masks, again))
    for left, right in zip(one.elsewhere(1), two.elsewhere(1), strict=True):
        assert np.array_equal(left, right)
    assert np.array_equal(one.scores[2:4], two.scores[2:4])


def test_permuting_records_changes_no_bound():
    signals, masks = signals_and_masks()
    order = np.random.default_rng(4).permutation(masks.shape[1])
    shuffled = signals_from_phi(signals.phi[:, order].round(1), signals.labels[order])
    plain = signals_from_phi(signals.phi.round(1), signals.labels)
    first = audit(audited_cohort(ATTACKS["loss"], plain, masks))
    second = audit(audited_cohort(ATTACKS["loss"], shuffled, masks[:, order]))
    for one, two in zip(first, second, strict=True):
        assert one.epsilon == pytest.approx(two.epsilon, rel=1e-12)


def test_the_cohort_shows_the_lower_median_at_half_the_level():
    signals, masks = signals_and_masks()
    cohort = audited_cohort(ATTACKS["lira"], signals, masks)
    of_targets = target_bounds(cohort, delta=1e-5, level=0.025)
    for bound in audit(cohort, level=0.05):
        assert bound.epsilon == sorted(each.epsilon for each in of_targets[bound.name])[3]
        assert (bound.level, bound.delta, bound.records, bound.targets) == (0.05, 1e-5, 120, 8)
        assert bound.guesses in [each.guesses for each in of_targets[bound.name]]


def test_planted_leakage_is_found_by_every_bound_and_each_says_what_it_assumes():
    signals, masks = planted_cohort(3, pairs=4, records=600, shift=2.0)
    bounds = {bound.name: bound for bound in audit(audited_cohort(ATTACKS["lira"], signals, masks))}
    assert all(bound.epsilon > 0.5 for bound in bounds.values())
    assert bounds["one-run"].assumption == "valid under (ε, δ)-DP"
    assert [bound.name for bound in bounds.values() if "valid" in bound.assumption] == ["one-run"]
    assert bounds["Clopper–Pearson"].assumption == "assumes records independent"
    assert bounds["Gaussian DP"].assumption.startswith("assumes Gaussian DP")


def test_constant_scores_bound_nothing():
    _, masks = signals_and_masks()
    cohort = audited_cohort(ATTACKS["loss"], signals_from_phi(np.zeros(masks.shape)), masks)
    assert [bound.epsilon for bound in audit(cohort)] == [0, 0, 0]


def test_inputs_stay_as_they_are():
    random = np.random.default_rng(2)
    masks = complementary_masks(random, 3, 50)
    signals = planted_signals(random, planted_records(random, 50, shift=1.0), masks)
    cohort = audited_cohort(ATTACKS["lira"], signals, masks)
    kept = [array.copy() for array in (signals.phi, masks, cohort.scores, cohort.rehearsal)]
    audit(cohort)
    for before, after in zip(kept, (signals.phi, masks, cohort.scores, cohort.rehearsal), strict=True):
        assert np.array_equal(before, after, equal_nan=True)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"delta": 0.0}, "δ must be above 0, got 0.0"), ({"level": 1.0}, "level must be below 1, got 1.0")],
)
def test_what_is_out_of_range_is_refused_in_a_sentence(options: dict[str, float], sentence: str):
    signals, masks = signals_and_masks()
    cohort: AuditedCohort = audited_cohort(ATTACKS["loss"], signals, masks)
    with pytest.raises(InvalidValueError, match=sentence):
        audit(cohort, **options)
