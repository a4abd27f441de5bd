"""What is proved from above: against closed forms, an independent accountant, and attacks at the ceiling."""

from __future__ import annotations

import math
import os

import dp_accounting
import numpy as np
import pytest
from dp_accounting.pld import PLDAccountant
from scipy.stats import norm

from engine.attacks import ATTACKS
from engine.audits.ceilings import (
    highest_tpr,
    measured_noise_ceiling,
    single_ceiling,
    tightest_ceiling,
    weight_noise_ceiling,
)
from engine.audits.cohort import AuditedCohort, audited_cohort
from engine.audits.crossing import crossing
from engine.audits.values import Ceiling, PrivacyProfile
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import Release, WeightNoise
from engine.training.accounting import spent
from engine.training.profile import profile, profile_of
from engine.training.prv import privacy_loss
from engine.validate import InvalidValueError
from tests.planted import complementary_masks, signals_from_phi

REPETITIONS = 2000 if os.environ.get("PRIVACYDIAL_FULL") == "1" else 300
SEED = 20260103
FPRS = np.array([0.0, 1e-4, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0])


def gaussian_ceiling(mu: float) -> Ceiling:
    """Proved for one step on all records with noise 1/μ."""
    return tightest_ceiling(profile_of(1 / mu, 1.0, 1))


@pytest.mark.parametrize("mu", [0.1, 1.0, 3.0])
def test_the_ceiling_of_a_gaussian_mechanism_is_its_closed_form_and_never_below(mu: float):
    ceiling = gaussian_ceiling(mu)
    exact = norm.cdf(norm.ppf(FPRS) + mu)
    assert (highest_tpr(ceiling, FPRS) >= exact - 1e-12).all()
    assert np.allclose(highest_tpr(ceiling, FPRS), exact, rtol=0, atol=2e-4)
    assert ceiling.auc == pytest.approx(norm.cdf(mu / math.sqrt(2)), abs=1e-4)
    assert ceiling.auc >= norm.cdf(mu / math.sqrt(2))
    assert ceiling.advantage == pytest.approx(2 * norm.cdf(mu / 2) - 1, abs=1e-6)


def test_many_steps_without_sampling_are_one_mechanism():
    assert tightest_ceiling(profile_of(6.0, 1.0, 9)).auc == pytest.approx(gaussian_ceiling(0.5).auc, abs=1e-12)


@pytest.mark.parametrize(("noise", "q", "steps"), [(1.0, 0.064, 313), (4.0, 0.128, 100), (0.7, 0.2, 141)])
def test_delta_at_every_epsilon_is_that_of_an_independent_accountant_and_never_below_it(
    noise: float, q: float, steps: int
):
    found = profile_of(noise, q, steps)
    assert found.accountant == "PRV"
    step = dp_accounting.PoissonSampledDpEvent(q, dp_accounting.GaussianDpEvent(noise))
    accountant = PLDAccountant(
        dp_accounting.NeighboringRelation.ADD_OR_REMOVE_ONE, value_discretization_interval=1e-3
    ).compose(dp_accounting.SelfComposedDpEvent(step, steps))
    positive = found.epsilons >= 0
    chosen = np.flatnonzero(positive)[:: max(1, int(positive.sum()) // 12)]
    theirs = np.array([accountant.get_delta(float(found.epsilons[place])) for place in chosen])
    off = 0.01 * max(1.0, spent(noise, q, steps, 1e-5).epsilon / 3)  # of ε, in which δ falls at most 1:1
    assert (found.deltas[chosen] >= theirs - 1e-3 * off - 1e-7).all()
    assert (found.deltas[chosen] <= theirs + off).all()


@pytest.mark.parametrize(("noise", "q", "steps"), [(1.0, 0.064, 313), (4.0, 0.128, 100)])
def test_the_tightest_ceiling_is_below_that_of_the_claim_and_above_the_diagonal(noise: float, q: float, steps: int):
    tight = tightest_ceiling(profile_of(noise, q, steps))
    single = single_ceiling(spent(noise, q, steps, 1e-5).epsilon, 1e-5)
    grid = np.linspace(0, 1, 201)
    assert (highest_tpr(tight, grid) <= highest_tpr(single, grid) + 1e-4).all()
    assert (highest_tpr(tight, grid) >= grid).all()
    assert tight.auc < single.auc
    assert tight.advantage < single.advantage


def test_a_sampled_gaussian_can_be_attacked_up_to_its_ceiling():
    """The optimal test of one step, by hand: the ratio of densities rises with the output."""
    noise, q = 1.5, 0.3
    ceiling = tightest_ceiling(profile_of(noise, q, 1))
    tau = np.linspace(-6, 8, 300)
    fpr = norm.sf(tau / noise)
    tpr = (1 - q) * fpr + q * norm.sf((tau - 1) / noise)
    highest = highest_tpr(ceiling, fpr)
    assert (tpr <= highest + 1e-12).all()
    loss = privacy_loss(noise, q, 1, 1e-6)
    assert loss is not None
    assert (highest <= tpr + loss.epsilon_error + 1e-4).all()  # an error of ε moves δ by at most as much


def test_where_prv_does_not_reach_rdp_gives_a_looser_ceiling(monkeypatch: pytest.MonkeyPatch):
    tight = tightest_ceiling(profile_of(2.0, 0.1, 50))
    monkeypatch.setattr("engine.training.profile.privacy_loss", lambda *_: None)
    found = profile_of.__wrapped__(2.0, 0.1, 50)
    loose = tightest_ceiling(found)
    grid = np.linspace(0, 1, 201)
    assert found.accountant == "RDP"
    assert (highest_tpr(loose, grid) >= highest_tpr(tight, grid) - 1e-6).all()
    assert loose.auc < 0.9


def test_a_recipes_profile_counts_the_steps_until_the_kept_epoch():
    base = Recipe(
        population=PopulationChoice(name="digits", contested=600),
        optimizer=Sgd(),
        privacy=DpSgd(noise_multiplier=2.0),
        batch=64,
        epochs=10,
    )
    assert profile(base) is profile_of(2.0, base.sampling_rate, base.steps)
    assert profile(base, 3) is profile_of(2.0, base.sampling_rate, sum(base.steps_in_epoch(i) for i in (1, 2, 3)))
    with pytest.raises(InvalidValueError, match="kept epoch must be at most 10"):
        profile(base, 11)


def test_without_dp_or_without_noise_nothing_is_proved():
    assert profile(Recipe()) is None
    assert profile(Recipe(optimizer=Sgd(), privacy=DpSgd(noise_multiplier=0.0))) is None


@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (1.0, 0.0), (1.0, 0.05), (8.0, 1e-5)])
def test_one_pair_allows_the_area_under_its_two_lines(epsilon: float, delta: float):
    ceiling = single_ceiling(epsilon, delta)
    fpr = np.linspace(0, 1, 200_001)
    lines = np.minimum(math.exp(epsilon) * fpr + delta, 1 - math.exp(-epsilon) * (1 - delta - fpr))
    naive = np.minimum(lines, 1.0)
    assert np.allclose(highest_tpr(ceiling, fpr), naive, rtol=0, atol=1e-12)
    assert ceiling.auc == pytest.approx(np.trapezoid(naive, fpr), abs=1e-6)
    assert ceiling.auc == pytest.approx(1 - (1 - delta) ** 2 / (1 + math.exp(epsilon)))
    assert ceiling.advantage == pytest.approx((naive - fpr).max(), abs=1e-5)


def test_one_pair_by_hand():
    # ε = ln 3, δ = 0: corner at FPR = ¼, TPR = ¾; AUC = 1 − 1/4, advantage ½.
    found = single_ceiling(math.log(3), 0.0)
    assert (found.auc, found.advantage) == (pytest.approx(0.75), pytest.approx(0.5))
    assert highest_tpr(found, np.array([0.25]))[0] == pytest.approx(0.75)
    assert single_ceiling(1.0, 0.0).auc == pytest.approx(0.7311, abs=1e-4)


def test_the_envelope_of_one_pair_is_the_single_ceiling():
    epsilon, delta = 1.2, 0.03
    lines = PrivacyProfile(
        epsilons=np.array([-epsilon, epsilon]),
        deltas=np.array([1 - math.exp(-epsilon) * (1 - delta), delta]),
        accountant="exact",
    )
    tight, single = tightest_ceiling(lines), single_ceiling(epsilon, delta)
    assert np.allclose(tight.fpr, single.fpr)
    assert np.allclose(tight.tpr, single.tpr)
    assert (tight.auc, tight.advantage) == (pytest.approx(single.auc), pytest.approx(single.advantage))


@pytest.mark.parametrize("seed", range(5))
def test_the_envelope_is_the_lowest_of_all_lines_everywhere(seed: int):
    random = np.random.default_rng(seed)
    lines = PrivacyProfile(
        epsilons=np.sort(random.normal(0, 2, 30)), deltas=random.uniform(0, 1, 30), accountant="exact"
    )
    fpr = np.linspace(0, 1, 5001)
    naive = np.minimum(1, (np.exp(lines.epsilons)[:, None] * fpr + lines.deltas[:, None]).min(axis=0))
    assert np.allclose(highest_tpr(tightest_ceiling(lines), fpr), naive, rtol=0, atol=1e-12)


def test_measured_noise_serves_with_its_condition():
    found = measured_noise_ceiling(0.2, 0.1)
    assert found.auc == pytest.approx(norm.cdf(math.sqrt(2)))
    assert found.advantage == pytest.approx(2 * norm.cdf(1) - 1)
    assert not found.proved
    assert found.sentence.startswith("if the measured Δ were the true one")
    assert found.sentence.endswith("(measured sensitivity, not a proof)")
    assert np.allclose(highest_tpr(found, FPRS), norm.cdf(norm.ppf(FPRS) + 2), rtol=0, atol=1e-3)
    assert np.trapezoid(found.tpr, found.fpr) == pytest.approx(found.auc, abs=1e-3)


def test_only_absolute_noise_on_all_weights_has_a_ceiling_from_a_measured_sensitivity():
    noise = WeightNoise(sigma=0.1)
    found = weight_noise_ceiling(0.2, Release(weight_noise=noise))
    assert found is not None
    assert found.auc == measured_noise_ceiling(0.2, 0.1).auc
    others = (None, WeightNoise(sigma=0.1, tensors="output"), WeightNoise(sigma=0.1, scale="relative"))
    assert [weight_noise_ceiling(0.2, Release(weight_noise=other)) for other in others] == [None] * 3
    assert weight_noise_ceiling(0.0, Release(weight_noise=noise)) is None  # nothing moved: nothing was learned


@pytest.mark.parametrize(("epsilon", "delta"), [(-1.0, 0.0), (1.0, 1.0), (math.nan, 0.0)])
def test_a_pair_out_of_range_is_refused(epsilon: float, delta: float):
    with pytest.raises(InvalidValueError, match=r"ε must be|δ must be"):
        single_ceiling(epsilon, delta)


def gaussian_cohort(random: np.random.Generator, mu: float, *, pairs: int = 4, records: int = 300) -> AuditedCohort:
    """Scores that reach the ceiling of μ at every FPR."""
    masks = complementary_masks(random, pairs, records)
    return audited_cohort(ATTACKS["loss"], signals_from_phi(random.normal(size=masks.shape) + mu * masks), masks)


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.5])
def test_an_attack_at_its_ceiling_crosses_it_in_at_most_1_per_cent_of_runs(mu: float):
    """300 repetitions by default; ``PRIVACYDIAL_FULL=1`` makes 2,000."""
    random = np.random.default_rng([SEED, int(10 * mu)])
    ceiling = gaussian_ceiling(mu)
    crossed = [crossing(gaussian_cohort(random, mu), ceiling).crossed for _ in range(REPETITIONS)]
    print(mu, np.mean(crossed))
    assert np.mean(crossed) <= 0.01 + 3 * math.sqrt(0.01 * 0.99 / REPETITIONS)


def test_records_that_differ_and_stay_below_the_ceiling_cross_it_in_at_most_1_per_cent_of_runs():
    """Half of the records are told apart as well as the ceiling allows, in one direction or at another level."""
    random = np.random.default_rng([SEED, 7])
    ceiling, crossed = gaussian_ceiling(1.0), []
    for _ in range(REPETITIONS // 3):
        masks = complementary_masks(random, 4, 300)
        level = np.where(np.arange(300) % 2, 2.0, 0.0)
        phi = random.normal(size=masks.shape) + masks * 1.0 + level
        crossed.append(crossing(audited_cohort(ATTACKS["lira"], signals_from_phi(phi), masks), ceiling).crossed)
    assert np.mean(crossed) <= 0.01 + 3 * math.sqrt(0.03 / REPETITIONS)


def test_an_attack_far_above_its_ceiling_is_reported_with_its_rates():
    cohort = gaussian_cohort(np.random.default_rng(1), 2.5, records=600)
    found = crossing(cohort, gaussian_ceiling(0.5))
    assert found.crossed
    assert found.excess > 0
    assert "a bug or a broken assumption" in found.sentence
    worst = int((found.tpr - highest_tpr(gaussian_ceiling(0.5), found.fpr)).argmax())
    assert f"at least {found.tpr[worst]:.1%} of the members" in found.sentence
    blamed = crossing(cohort, measured_noise_ceiling(0.5, 1.0))
    assert blamed.crossed
    assert "the true Δ is larger" in blamed.sentence


def test_one_target_that_leaks_is_enough_and_is_named():
    random = np.random.default_rng(2)
    masks = complementary_masks(random, 4, 600)
    phi = random.normal(size=masks.shape)
    phi[5] += 4 * masks[5]
    found = crossing(audited_cohort(ATTACKS["loss"], signals_from_phi(phi), masks), gaussian_ceiling(1.0))
    assert found.crossed
    assert found.target == 5


def test_what_stays_below_is_not_reported():
    found = crossing(gaussian_cohort(np.random.default_rng(3), 0.0), gaussian_ceiling(1.0))
    assert not found.crossed
    assert found.excess < 0
    assert found.sentence == "No target's 99% band goes above the ceiling."
