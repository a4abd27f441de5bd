"""What the rules for thresholds do at the edges, and what their statistics are measured in."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.attacks import ATTACKS, THRESHOLDED
from engine.attacks.order import mixed_order
from engine.attacks.statistic import phi_of_loss
from engine.attacks.thresholds import Known, average_member_loss, best_by_class, best_for_all, powerful
from engine.signals import Signals
from tests.naive_attacks import best_threshold, drawn
from tests.planted import planted_cohort, signals_from_phi

loss, confidence_by_class = THRESHOLDED["loss"], THRESHOLDED["confidence_by_class"]


def _signals(phi: object, labels: object) -> Signals:
    return signals_from_phi(np.asarray(phi, dtype=np.float64), np.asarray(labels))


def _split(seed: int, *, classes: int = 10) -> tuple[Signals, Signals, np.ndarray]:
    """Two targets, six shadows with masks of their own draw (counts differ between records)."""
    whole, _ = planted_cohort(seed, records=120, classes=classes)
    masks = np.random.default_rng(seed).random((6, 120)) < 0.5
    return whole.of_models(slice(0, 2)), whole.of_models(slice(2, 8)), masks


def test_a_class_without_shadow_members_takes_the_threshold_of_all_classes() -> None:
    shadows = _signals([[5.0, 1.0, -5.0], [0.0, 4.0, -6.0]], [0, 0, 1])
    masks = np.array([[True, False, False], [False, True, False]])
    target = _signals([[4.0, 3.0, 7.0]], [0, 0, 1])
    assert confidence_by_class(target, shadows, masks).tolist() == [[0.0, -1.0, 3.0]]


def test_the_threshold_on_phi_is_the_threshold_on_loss_and_on_confidence() -> None:
    target, shadows, masks = _split(15)
    accused = loss(target, shadows, masks) >= 0
    tau = (target.phi - loss(target, shadows, masks))[0, 0]
    assert np.array_equal(accused, target.loss <= np.logaddexp(0, -tau) + 1e-12)
    assert np.array_equal(accused, 1 / (1 + np.exp(-target.phi)) >= 1 / (1 + np.exp(-tau)) - 1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_equal_a_scan_of_all_observed_values(seed: int) -> None:
    target, shadows, masks = _split(seed, classes=3)
    coarse = dataclasses.replace(shadows, phi=shadows.phi.round(1))  # many ties
    tau = best_threshold(coarse.phi.ravel(), masks.ravel())
    assert np.array_equal(loss(target, coarse, masks), target.phi - tau)
    taus = np.array(
        [
            best_threshold(coarse.phi[:, target.labels == y].ravel(), masks[:, target.labels == y].ravel())
            for y in range(3)
        ]
    )
    assert np.array_equal(confidence_by_class(target, coarse, masks), target.phi - taus[target.labels])


def test_loss_and_confidence_decide_alike() -> None:
    target, shadows, masks = _split(16)
    for kind in ("", "_by_class"):
        assert np.array_equal(
            ATTACKS[f"loss{kind}"](target, shadows, masks), ATTACKS[f"confidence{kind}"](target, shadows, masks)
        )


@pytest.mark.parametrize("rule", [best_for_all, best_by_class, average_member_loss, powerful])
@pytest.mark.parametrize("member", [False, True])
def test_a_rule_without_one_side_still_gives_a_threshold(rule, member: bool) -> None:
    known = Known(values=np.array([1.0, 2.0]), members=np.array([member, member]), labels=np.array([0, 1]))
    assert np.isfinite(rule(known, np.array([0, 1, 2]))).all()


@pytest.mark.parametrize("rule", [average_member_loss, powerful])
def test_rules_on_the_loss_fall_back_to_the_mean_of_all_losses(rule) -> None:
    known = Known(values=phi_of_loss(np.array([1.0, 2.0])), members=np.zeros(2, dtype=bool), labels=np.zeros(2, int))
    assert rule(known, known.labels).item() == pytest.approx(phi_of_loss(np.array(1.5)).item())


def test_the_powerful_threshold_looks_at_a_hundred_of_each_side_and_no_more() -> None:
    random = np.random.default_rng(0)
    values, members = random.normal(size=5000), random.random(5000) < 0.5
    order = mixed_order(values[:, None], members)
    seen = np.concatenate([order[members[order]][:100], order[~members[order]][:100]])
    labels = np.zeros(5000, dtype=np.int64)
    tau = powerful(Known(values=values, members=members, labels=labels), labels)
    few = powerful(Known(values=values[seen], members=members[seen], labels=labels[seen]), labels)
    assert np.array_equal(tau, few)


def test_the_phi_of_a_loss_has_that_loss() -> None:
    losses = np.array([1e-300, 1e-12, 0.1, 3.0, 800.0, 1e38])
    assert np.logaddexp(0, -phi_of_loss(losses)) == pytest.approx(losses, rel=1e-12)
    assert np.isfinite(phi_of_loss(np.array([0.0, -1.0]))).all()


def test_entropies_far_below_the_threshold_keep_their_order() -> None:
    target, shadows, masks = _split(17)
    sure = dataclasses.replace(target, modified_entropy=np.tile(10.0 ** -np.arange(120), (2, 1)))
    scores = ATTACKS["modified_entropy"](sure, shadows, masks)
    assert (np.diff(scores) > 0).all()


# ---- the order that looks random ---------------------------------------------------------------------------


def test_the_mixed_order_brings_out_the_same_rows_whatever_order_they_come_in() -> None:
    random = np.random.default_rng(1)
    rows, members = random.integers(0, 4, (500, 2)).astype(float), random.random(500) < 0.5  # many rows are equal
    moved = random.permutation(500)
    one, another = mixed_order(rows, members), mixed_order(rows[moved], members[moved])
    assert np.array_equal(rows[one], rows[moved][another])
    assert np.array_equal(members[one], members[moved][another])


def test_the_mixed_order_is_the_hash_in_python_integers() -> None:
    random = np.random.default_rng(2)
    rows, members = random.normal(size=(200, 3)).round(0), random.random(200) < 0.5
    assert mixed_order(rows, members).tolist() == drawn(rows.tolist(), members.tolist())


def test_the_mixed_order_favours_neither_values_nor_members() -> None:
    values = np.random.default_rng(3).normal(size=20_000)
    members = values > 0
    first = mixed_order(values[:, None], members)[:5000]
    assert abs(values[first].mean()) < 4 / np.sqrt(5000)
    assert abs(members[first].mean() - members.mean()) < 4 * 0.5 / np.sqrt(5000)
