"""Assessments made by hand: round numbers, so that a test can say what must be on the screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cache.store import Store
from dashboard.state.view import View, point
from engine.assessment.values import (
    Agreement,
    Answers,
    Assessment,
    Attackers,
    Comparison,
    DistanceSearch,
    GroupRisk,
    Headline,
    Honesty,
    Interval,
    LowFprRate,
    NullTest,
    Pictures,
    PrecisionRecall,
    PrivacyClaim,
    Reason,
    RecordRisk,
    Reliability,
    Riskiest,
    RiskScore,
    RocCurve,
    ScoreHistogram,
    Verdicts,
)
from engine.audits.values import BoundName, Ceiling, Crossing, Guesses, LowerBound


def interval(estimate: float, low: float, high: float) -> Interval:
    return Interval(estimate=estimate, low=low, high=high)


def rate(asked: float = 0.01, *, alarms: float = 80.0, non_members: int = 1000) -> LowFprRate:
    return LowFprRate(
        asked_fpr=asked,
        tpr=interval(0.19, 0.16, 0.22),
        achieved_fpr=interval(0.008, 0.007, 0.009).estimate,
        expected_false_alarms=alarms,
        non_members=non_members,
    )


def headline(**changes: object) -> Headline:
    """1,000 records, 16 models, LiRA, AUC .796 (.790 – .802), accuracy 86.8 % (86.0 – 87.6 %)."""
    made = Headline(
        attack="lira",
        records=1000,
        classes=10,
        pairs=8,
        shadows=14,
        draws=1,
        train_accuracy=interval(1.0, 0.999, 1.0),
        test_accuracy=interval(0.868, 0.860, 0.876),
        auc=interval(0.796, 0.790, 0.802),
        balanced_accuracy=interval(0.70, 0.69, 0.71),
        low_fpr=(rate(), rate(0.001, alarms=8.0)),
        null_test=NullTest(p_value=0.001, draws=999),
        claim=None,
    )
    return replace(made, **changes)


def comparison(**changes: object) -> Comparison:
    """The second leaks less by .085 (.098 – .072) at an accuracy lower by 4.6 points (5.6 – 3.6), told for sure."""
    made = Comparison(
        train_accuracy=interval(-0.17, -0.18, -0.16),
        test_accuracy=interval(-0.046, -0.056, -0.036),
        auc=interval(-0.085, -0.098, -0.072),
        tpr=interval(-0.09, -0.12, -0.06),
        loss_rank=interval(0.8, 0.78, 0.82),
        pairs=8,
        p_value=0.0004,
        verdict="yes",
        more_waves=0,
    )
    return replace(made, **changes)


def claim(epsilon: float | None) -> PrivacyClaim:
    return PrivacyClaim(epsilon=epsilon, delta=1e-5, accountant="RDP")


def assessment(head: Headline | None = None) -> Assessment:
    """Four score bins, five risk bins with one empty."""
    grid = np.linspace(0.0, 1.0, 11)
    return Assessment(
        headline=head or headline(),
        roc=RocCurve(fpr=grid, tpr=np.sqrt(grid)),
        histogram=ScoreHistogram(
            edges=np.array([-2.0, -1.0, 0.0, 1.0, 2.0]),
            members=np.array([10, 20, 30, 40]),
            non_members=np.array([40, 30, 20, 10]),
        ),
        risk=RecordRisk(member=np.array([0.55, 0.95, 0.99, 0.45]), non_member=np.array([0.05, 0.4, 0.5, 0.6])),
        reliability=Reliability(
            edges=np.linspace(0.0, 1.0, 6),
            counts=np.array([5, 0, 10, 5, 20]),
            claimed=np.array([0.1, np.nan, 0.5, 0.7, 0.95]),
            observed=np.array([0.2, np.nan, 0.5, 0.6, 0.9]),
        ),
    )


MASKS = np.array([[True, True, False, False], [False, False, True, True]] * 2)
"""Four targets, four records: records 0 and 1 are in targets 0 and 2, records 2 and 3 in targets 1 and 3."""


ANSWERS = Answers(
    labels=np.array([7, 1, 3, 7], dtype=np.int32),
    members=np.packbits(MASKS, axis=1),
    scores=np.where(MASKS, 0.5, -0.5).astype(np.float32),
    phi=np.array([[3, 2, -1, 0], [1, 0, 4, 2], [3.5, 2, -2, 0], [1, 0, 5, 2]], dtype=np.float32),
)
HONESTY = Honesty(
    ties=0.125,
    smallest_claimable_fpr=0.00125,
    threat_model="The attacker knows each record in question with its label.",
    epsilon_assumes="ε holds for one training run.",
    blind_baseline=Interval(estimate=0.51, low=0.48, high=0.54),
)


CROSSING = Crossing(
    crossed=False,
    level=0.01,
    target=0,
    fpr=np.array([0.1]),
    tpr=np.array([0.12]),
    excess=-0.03,
    sentence="No target's 99% band goes above the ceiling.",
)


def bound(name: BoundName, epsilon: float, delta: float = 1e-5) -> LowerBound:
    guesses = Guesses(true_positives=30, false_positives=10, true_negatives=40, false_negatives=20)
    return LowerBound(name=name, epsilon=epsilon, delta=delta, level=0.05, guesses=guesses, records=1000, targets=16)


def whole(head: Headline | None = None) -> Assessment:
    """The same assessment with every part that there is; record 2 is at the highest risk."""
    made = assessment(head)
    grid = made.roc.fpr
    return replace(
        made,
        roc=replace(made.roc, low=np.maximum(0, made.roc.tpr - 0.1), high=np.minimum(1, made.roc.tpr + 0.1)),
        answers=ANSWERS,
        honesty=HONESTY,
        precision_recall=PrecisionRecall(
            threshold=np.array([0.0, 0.5, 1.0]),
            precision=np.array([0.5, 0.8, np.nan]),
            recall=np.array([1.0, 0.6, 0.0]),
        ),
        risk_score=RiskScore(
            risk=made.risk,
            reliability=made.reliability,
            precision_recall=PrecisionRecall(
                threshold=np.array([0.0, 1.0]), precision=np.array([0.5, 0.7]), recall=np.array([1.0, 0.3])
            ),
        ),
        groups=(
            GroupRisk(
                by="class",
                group=np.array([1, 3, 7]),
                records=np.array([1, 1, 2]),
                risk=np.array([0.55, 0.95, 0.7]),
                low=np.array([0.5, 0.9, 0.6]),
                high=np.array([0.6, 0.97, 0.8]),
            ),
        ),
        riskiest=Riskiest(
            record=np.array([2, 1]),
            chosen=np.array([0.99, 0.95]),
            member=np.array([0.97, 0.9]),
            non_member=np.array([0.1, 0.4]),
            low=np.array([0.9, 0.8]),
            high=np.array([1.0, 1.0]),
        ),
        verdicts=Verdicts(
            attacks=("lira", "loss"),
            found=np.array([[1.0, 0.5], [0.5, 0.0]]),
            blamed=np.array([[0.0, 0.5], [0.5, 1.0]]),
        ),
        agreement=Agreement(
            attacks=("lira", "loss"),
            correlation=np.array([[1.0, 0.6], [0.6, 1.0]]),
            overlap=np.array([[1.0, 0.4], [0.4, 1.0]]),
            top=10,
        ),
        pictures=Pictures(record=np.array([2]), pixels=np.array([[[0, 255], [255, 0]]], dtype=np.uint8)),
        attackers=Attackers(
            adaptive=interval(0.796, 0.790, 0.802),
            non_adaptive=interval(0.6, 0.58, 0.62),
            difference=interval(0.196, 0.18, 0.21),
        ),
        audits=(
            bound("one-run", 1.25),
            bound("Clopper–Pearson", 0.0),
        ),
        ceilings=(
            Ceiling(
                fpr=grid,
                tpr=np.minimum(1, 1.5 * grid + 1e-5),
                auc=0.9,
                advantage=0.4,
                proved=True,
                sentence="proved by the accountant",
            ),
        ),
        crossing=CROSSING,
        reasons=(Reason(name="input sensitivity", correlation=interval(0.45, 0.4, 0.5)),),
        search=DistanceSearch(tau=0.99, confident=0.6, failed=0.015),
    )


def measure(store: Store, view: View, *, waves: int | None = None, **changes: object) -> None:
    """Put a setting into the store as if it had been measured."""
    store.put_assessment(point(view).with_waves(waves or view.waves), assessment(headline(**changes)))
