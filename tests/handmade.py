"""Assessments made by hand: round numbers, so that a test can say what must be on the screen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cache.store import Store
from dashboard.view import View, point
from engine.assessment.values import (
    Assessment,
    Headline,
    Interval,
    LowFprRate,
    NullTest,
    PrivacyClaim,
    RecordRisk,
    Reliability,
    RocCurve,
    ScoreHistogram,
)


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


def measure(store: Store, view: View, *, waves: int | None = None, **changes: object) -> None:
    """Put a setting into the store as if it had been measured."""
    store.put_assessment(point(view).with_waves(waves or view.waves), assessment(headline(**changes)))
