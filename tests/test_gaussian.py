"""The Gaussian mechanism, against its definition and a second implementation."""

from __future__ import annotations

import math

import dp_accounting
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from engine.release.gaussian import delta_of, epsilon_of, sigma_for
from engine.validate import InvalidValueError

EPSILONS = (1e-3, 0.1, 1.0, 4.0, 10.0, 60.0)
DELTAS = (1e-12, 1e-6, 1e-5, 1e-3, 0.3)
SENSITIVITIES = (1e-4, 0.013, 1.0, 250.0)


def by_definition(epsilon: float, ratio: float) -> float:
    """δ as the integral of max(0, p − e^ε q) of the two normal densities."""
    density = stats.norm.pdf
    crossing = 0.5 * ratio + epsilon / ratio  # where p = e^ε q, for p = N(ratio, 1) and q = N(0, 1)
    excess = lambda x: density(x, ratio) - math.exp(epsilon) * density(x)  # noqa: E731
    return quad(excess, crossing, crossing + 20, epsabs=0, epsrel=1e-11)[0]


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("sensitivity", SENSITIVITIES)
def test_calibrated_noise_satisfies_the_exact_identity(epsilon: float, delta: float, sensitivity: float):
    sigma = sigma_for(epsilon, delta=delta, sensitivity=sensitivity)
    there = delta_of(epsilon, sensitivity=sensitivity, sigma=sigma)
    assert abs(there - delta) <= 1e-9 * delta
    # Any less noise would not do.
    assert delta_of(epsilon, sensitivity=sensitivity, sigma=sigma * (1 - 1e-6)) > delta


@pytest.mark.parametrize("epsilon", [0.0, 0.2, 1.0, 5.0])
@pytest.mark.parametrize("ratio", [0.1, 0.7, 2.0])
def test_delta_is_the_integral_that_defines_it(epsilon: float, ratio: float):
    assert delta_of(epsilon, sensitivity=ratio, sigma=1.0) == pytest.approx(by_definition(epsilon, ratio), rel=1e-8)


@pytest.mark.parametrize("epsilon", EPSILONS[1:])
@pytest.mark.parametrize("delta", DELTAS[1:4])
def test_sigma_is_that_of_dp_accounting(epsilon: float, delta: float):
    theirs = dp_accounting.get_sigma_gaussian(epsilon, delta, tol=1e-12)
    assert sigma_for(epsilon, delta=delta, sensitivity=1.0) == pytest.approx(theirs, rel=1e-9)


def test_a_hand_computed_delta():
    """At ε = 0, δ is the total variation of N(0, 1) and N(1, 1): Φ(½) − Φ(−½) = .3829."""
    assert delta_of(0.0, sensitivity=1.0, sigma=1.0) == pytest.approx(0.382925, abs=1e-6)


def test_the_classical_formula_asks_for_more_noise_below_1_and_promises_too_much_above():
    def classical(epsilon: float) -> float:
        return math.sqrt(2 * math.log(1.25 / 1e-5)) / epsilon

    assert sigma_for(0.5, delta=1e-5, sensitivity=1.0) < classical(0.5)
    assert delta_of(20.0, sensitivity=1.0, sigma=classical(20.0)) > 1e-5


@settings(max_examples=60, deadline=None)
@given(st.floats(0.01, 40), st.floats(1e-9, 0.1), st.floats(1e-3, 1e3))
def test_epsilon_inverts_sigma(epsilon: float, delta: float, sensitivity: float):
    sigma = sigma_for(epsilon, delta=delta, sensitivity=sensitivity)
    assert epsilon_of(delta, sensitivity=sensitivity, sigma=sigma) == pytest.approx(epsilon, rel=1e-8, abs=1e-9)


def test_noise_scales_with_sensitivity_and_falls_with_epsilon_and_delta():
    one = sigma_for(1.0, delta=1e-5, sensitivity=1.0)
    assert sigma_for(1.0, delta=1e-5, sensitivity=7.0) == pytest.approx(7 * one, rel=1e-12)
    assert np.all(np.diff([sigma_for(e, delta=1e-5, sensitivity=1.0) for e in EPSILONS]) < 0)
    assert np.all(np.diff([sigma_for(1.0, delta=d, sensitivity=1.0) for d in DELTAS]) < 0)


def test_where_delta_alone_is_enough_epsilon_is_0():
    assert epsilon_of(0.5, sensitivity=1.0, sigma=1.0) == 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sigma_for(0, delta=1e-5, sensitivity=1), "ε must be above 0, got 0"),
        (lambda: sigma_for(1, delta=0, sensitivity=1), "δ must be above 0, got 0"),
        (lambda: sigma_for(1, delta=1, sensitivity=1), "δ must be below 1, got 1"),
        (lambda: sigma_for(1, delta=1e-5, sensitivity=0), "sensitivity must be above 0, got 0"),
        (lambda: delta_of(-1, sensitivity=1, sigma=1), "ε must be at least 0, got -1"),
        (lambda: delta_of(1, sensitivity=1, sigma=0), "σ must be above 0, got 0"),
        (lambda: epsilon_of(2, sensitivity=1, sigma=1), "δ must be below 1, got 2"),
        (lambda: epsilon_of(1e-5, sensitivity=1, sigma=math.nan), "σ must be a finite number, got nan"),
    ],
)
def test_what_is_out_of_range_is_refused(call, sentence: str):
    with pytest.raises(InvalidValueError, match=sentence):
        call()
