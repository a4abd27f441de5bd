"""Signals against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax

from engine.signals import signals

LABELS = np.array([0, 2, 1, 2])


@given(arrays(np.float64, (3, 4, 3), elements=st.floats(-8, 8)))
def test_phi_is_the_log_odds_of_the_true_label(logits: np.ndarray) -> None:
    confidence = softmax(logits, axis=2)[:, np.arange(4), LABELS]
    assert signals(logits, LABELS).phi == pytest.approx(np.log(confidence / (1 - confidence)), abs=1e-9)


@given(arrays(np.float64, (3, 4, 3), elements=st.floats(-30, 30)))
def test_loss_is_the_cross_entropy(logits: np.ndarray) -> None:
    expected = -log_softmax(logits, axis=2)[:, np.arange(4), LABELS]
    assert signals(logits, LABELS).loss == pytest.approx(expected, abs=1e-12)


def test_with_two_classes_phi_is_the_difference_of_logits() -> None:
    logits = np.array([[[3.0, 1.0], [0.5, 2.0]]])
    assert signals(logits, np.array([0, 0])).phi.tolist() == [[2.0, -1.5]]


def test_phi_still_ranks_records_whose_confidence_rounds_to_one() -> None:
    logits = np.array([[[100.0, 0.0], [200.0, 0.0], [1e30, -1e30]]], dtype=np.float32)
    phi = signals(logits.astype(np.float64), np.zeros(3, dtype=np.int64)).phi
    assert softmax(logits, axis=2)[0, :, 0].tolist() == [1, 1, 1]
    assert np.isfinite(phi).all()
    assert phi[0, 0] < phi[0, 1] < phi[0, 2]


def test_a_record_is_correct_when_its_label_has_the_largest_logit() -> None:
    logits = np.array([[[1.0, 0.0, 0.5], [1.0, 0.0, 2.0], [0.0, 0.1, 0.2], [5.0, 0.0, 0.0]]])
    assert signals(logits, LABELS).correct.tolist() == [[True, True, False, False]]


def test_logits_are_left_as_they_are() -> None:
    logits = np.arange(12.0).reshape(1, 4, 3)
    before = logits.copy()
    signals(logits, LABELS)
    assert np.array_equal(logits, before)


def test_signals_of_some_models_are_their_rows() -> None:
    whole = signals(np.random.default_rng(0).normal(size=(4, 4, 3)), LABELS)
    some = whole.of_models(np.array([3, 1]))
    assert np.array_equal(some.phi, whole.phi[[3, 1]])
    assert np.array_equal(some.correct, whole.correct[[3, 1]])
    assert some.labels is whole.labels
