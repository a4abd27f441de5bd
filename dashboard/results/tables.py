"""The numbers behind the figures, as rows of texts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from dashboard.results.budget import WORDS, judged
from dashboard.results.details import RISK_EDGES, curves
from dashboard.results.figures import setting_words
from dashboard.results.thresholds import PRIORS, Cuts, ppv
from dashboard.results.words import DASH, between, decimals, epsilon_in_short, percent, percent_between, rate_at
from dashboard.state.budget import Verdict
from dashboard.state.landscape import Landscape, Standing
from dashboard.state.view import View
from engine.assessment.values import Assessment, Headline

_THRESHOLD_ROWS = 20

Rows = list[dict[str, str]]


def spots(found: Landscape) -> Rows:
    """All settings that are drawn, with all their numbers and where those measured alike stand."""
    allowed: dict[View, Verdict] = {spot.view: verdict for spot, verdict in judged(found)}
    return [
        {
            "Setting": setting_words(spot),
            **numbers(spot.headline, stopped=spot.view.stopped),
            **_standing(found.standings.get(spot.view)),
            **({} if found.view.budget.open else {"Allowed": _allowed(allowed.get(spot.view))}),
        }
        for spot in found.spots
    ]


def _allowed(verdict: Verdict | None) -> str:
    return DASH if verdict is None else WORDS[verdict]


def _standing(standing: Standing | None) -> dict[str, str]:
    if standing is None:
        return {"On the frontier": DASH, "Probability of being on it": DASH}
    where = "yes, where it bends most" if standing.knee else "yes" if standing.on else "no"
    return {"On the frontier": where, "Probability of being on it": f"{100 * standing.probability:.0f} %"}


def numbers(head: Headline, *, stopped: bool) -> dict[str, str]:
    """The numbers of an assessment by column; ``stopped`` where an early epoch is kept."""
    rate = rate_at(head, 0.01)
    return {
        "Test accuracy": f"{percent(head.test_accuracy)} ({percent_between(head.test_accuracy)})",
        "Attack AUC": f"{decimals(head.auc)} ({between(head.auc)})",
        "Found at 1 % false alarms": f"{percent(rate.tpr)} ({percent_between(rate.tpr)})" if rate else DASH,
        "Proved ε": epsilon_in_short(head, stopped=stopped),
        "Models": str(head.targets),
        "Shadows": str(head.shadows),
    }


def scores(made: Cuts) -> Rows:
    """What thresholds find: at about every tenth stop of the slider."""
    step = max(1, len(made.threshold) // _THRESHOLD_ROWS)
    return [
        {
            "Threshold": f"{made.threshold[i]:.2f}",
            "Members found (TPR)": f"{100 * made.tpr[i]:.1f} %",
            "False alarms (FPR)": f"{100 * made.fpr[i]:.1f} %",
            **{f"Right if 1 in {1 / prior:,.0f} is a member": _right(made, i, prior) for prior in PRIORS},
        }
        for i in range(0, len(made.threshold), step)
    ]


def _right(made: Cuts, stop: int, prior: float) -> str:
    share = ppv(float(made.tpr[stop]), float(made.fpr[stop]), prior)
    if share is None:
        return "nobody is accused"
    return f"{100 * share:.1f} %" if made.claimable[stop] else "too few false alarms"


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
    """The reliability diagrams; empty bins are left out."""
    scored = [("risk score", found.risk_score.reliability)] if found.risk_score else []
    return [
        {
            "Posterior": name,
            "Claimed": f"{bins.claimed[i]:.3f}",
            "Came true": f"{bins.observed[i]:.3f}",
            "Cases": f"{bins.counts[i]:,}",
        }
        for name, bins in [("LiRA", found.reliability), *scored]
        for i in np.flatnonzero(bins.counts)
    ]


def found_out(found: Assessment) -> Rows:
    """Precision and recall at about every tenth threshold."""
    return [
        {
            "Posterior": ending.removeprefix(", ") or "LiRA",
            "From": f"{curve.threshold[i]:.2f}",
            "Precision": DASH if np.isnan(curve.precision[i]) else f"{100 * curve.precision[i]:.1f} %",
            "Recall": f"{100 * curve.recall[i]:.1f} %",
        }
        for ending, curve in curves(found)
        for i in range(0, len(curve.threshold), max(1, len(curve.threshold) // 10))
    ]
