"""The numbers behind the figures, as rows of texts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from dashboard.details import RISK_EDGES
from dashboard.figures import setting_words
from dashboard.landscape import Spot
from dashboard.words import DASH, between, decimals, epsilon, percent, percent_between, rate_at
from engine.assessment.values import Assessment, Headline

Rows = list[dict[str, str]]


def spots(measured: Iterable[Spot]) -> Rows:
    """Measured settings with all their numbers."""
    return [_spot(spot) for spot in measured]


def _spot(spot: Spot) -> dict[str, str]:
    return {"Setting": setting_words(spot), **numbers(spot.headline)}


def numbers(head: Headline) -> dict[str, str]:
    """The numbers of an assessment by column."""
    rate = rate_at(head, 0.01)
    return {
        "Test accuracy": f"{percent(head.test_accuracy)} ({percent_between(head.test_accuracy)})",
        "Attack AUC": f"{decimals(head.auc)} ({between(head.auc)})",
        "Found at 1 % false alarms": f"{percent(rate.tpr)} ({percent_between(rate.tpr)})" if rate else DASH,
        "Proved ε": epsilon(head)[0],
        "Models": str(head.targets),
        "Shadows": str(head.shadows),
    }


def scores(found: Assessment) -> Rows:
    """The score histogram."""
    bins = found.histogram
    return _bins(bins.edges, ("Members", bins.members), ("Non-members", bins.non_members))


def risk(found: Assessment) -> Rows:
    """The risk histogram."""
    member, _ = np.histogram(found.risk.member, RISK_EDGES)
    non_member, _ = np.histogram(found.risk.non_member, RISK_EDGES)
    return _bins(RISK_EDGES, ("Records, in training", member), ("Records, left out", non_member))


def _bins(edges: np.ndarray, *columns: tuple[str, np.ndarray]) -> Rows:
    return [
        {"From": f"{low:.2f}", "To": f"{high:.2f}", **{name: f"{counts[i]:,}" for name, counts in columns}}
        for i, (low, high) in enumerate(pairwise(edges))
    ]


def reliability(found: Assessment) -> Rows:
    """The reliability diagram; empty bins are left out."""
    bins = found.reliability
    return [
        {
            "Claimed": f"{bins.claimed[i]:.3f}",
            "Came true": f"{bins.observed[i]:.3f}",
            "Cases": f"{bins.counts[i]:,}",
        }
        for i in np.flatnonzero(bins.counts)
    ]


def roc(found: Assessment) -> Rows:
    """The ROC curve at a few false positive rates."""
    asked = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
    return [
        {
            "False alarms (FPR)": f"{100 * fpr:g} %",
            "Members found (TPR)": f"{100 * np.interp(fpr, found.roc.fpr, found.roc.tpr):.1f} %",
            "Claimable": "yes" if fpr >= found.headline.smallest_claimable_fpr else "too few false alarms",
        }
        for fpr in asked
    ]
