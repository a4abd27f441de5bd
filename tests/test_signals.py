"""Signals against their definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, softmax

from engine.signals import Signals, lazily_of_models, signals
from tests.planted import answers

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


def test_entropies_of_an_answer_by_hand() -> None:
    p = np.array([0.5, 0.25, 0.25])
    found = signals(np.log(p)[None, None], np.array([1]))
    assert found.entropy[0, 0] == pytest.approx(1.5 * np.log(2))
    # −(1 − ¼) log ¼ − ½ log(1 − ½) − ¼ log(1 − ¼)
    assert found.modified_entropy[0, 0] == pytest.approx(0.75 * np.log(4) + 0.5 * np.log(2) + 0.25 * np.log(4 / 3))


@given(arrays(np.float64, (3, 4, 3), elements=st.floats(-8, 8)))
def test_entropies_are_those_of_the_definition(logits: np.ndarray) -> None:
    p, found = softmax(logits, axis=2), signals(logits, LABELS)
    own = np.eye(3, dtype=bool)[LABELS]
    modified = np.where(own, -(1 - p) * np.log(p), -p * np.log(1 - p)).sum(axis=2)
    assert found.entropy == pytest.approx(-(p * np.log(p)).sum(axis=2), abs=1e-9)
    assert found.modified_entropy == pytest.approx(modified, abs=1e-9)


def test_entropies_of_saturated_answers_are_finite_and_still_rank() -> None:
    logits = np.array([[[50.0, 0.0], [100.0, 0.0], [0.0, 100.0]]])
    found = signals(logits, np.zeros(3, dtype=np.int64))
    assert found.modified_entropy[0, 0] > found.modified_entropy[0, 1] > 0
    assert found.modified_entropy[0, 2] == pytest.approx(200.0)  # both terms are 100 nats
    assert np.isfinite(found.entropy).all()


def test_the_largest_probabilities_come_first_and_at_most_ten_are_kept() -> None:
    logits = np.random.default_rng(0).normal(size=(2, 4, 12))
    expected = np.sort(softmax(logits, axis=2), axis=2)[..., ::-1][..., :10]
    assert signals(logits, LABELS).top == pytest.approx(expected, abs=1e-7)


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


@pytest.mark.parametrize("cut", [Signals.of_models, lazily_of_models])
def test_everything_that_is_known_of_some_models_is_theirs(cut: Callable[..., Signals]) -> None:
    random = np.random.default_rng(0)
    logits, extra = random.normal(size=(4, 4, 3)), random.normal(size=(4, 4))
    whole = signals(logits, LABELS)
    whole = replace(whole, public=whole, augmented=(whole, whole), noisy=(whole,), gradient_norm=extra)
    whole = replace(whole, distance_l2=2 * extra, distance_linf=3 * extra)
    some = cut(whole, np.array([3, 1]))
    for field in fields(some):
        value = getattr(some, field.name)
        if field.name == "labels":
            assert value is whole.labels
        elif isinstance(value, np.ndarray):
            assert np.array_equal(value, getattr(whole, field.name)[[3, 1]])
        else:
            assert all(len(each.phi) == 2 for each in (value if isinstance(value, tuple) else (value,)))


@pytest.mark.parametrize("classes", [2, 3, 12])
def test_planted_answers_are_those_of_logits_with_their_phi(classes: int) -> None:
    phi, labels = np.random.default_rng(classes).normal(0, 4, (3, 40)), np.arange(40) % classes
    logits = np.zeros((3, 40, classes))
    np.put_along_axis(logits, labels[None, :, None], (phi + np.log(classes - 1))[..., None], axis=2)
    expected, planted = signals(logits, labels), answers(phi, labels)
    for name in ("phi", "entropy", "modified_entropy", "top"):
        assert getattr(planted, name) == pytest.approx(getattr(expected, name), rel=1e-6, abs=1e-9)
