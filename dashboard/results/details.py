"""The smaller figures: scores, risks, reliability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.results.figures import Figure, axis, layout
from dashboard.results.scales import BINS, ScoreAxis, score_axis
from dashboard.results.thresholds import cuts
from engine.assessment.values import Assessment, PrecisionRecall, Reliability

SMALL_HEIGHT = 280
SCORES_HEIGHT = 330
RISK_EDGES = np.linspace(0.0, 1.0, 26)
"""Bins of a record's risk."""
MARKED = 10
"""Marks on a curve of many thresholds."""


def scores(found: Assessment) -> Figure:
    """Attack scores of members and of outsiders, pooled over targets; the threshold is drawn by the component."""
    scale, edges, members, non_members = score_bins(found)
    places = scale.place(edges)
    far = "" if scale.unit is None else ", compressed far from 0"
    return {
        "data": [bars("members", places, members), steps("non-members", places, non_members)],
        "layout": layout(
            height=SCORES_HEIGHT,
            barmode="overlay",
            bargap=0,
            dragmode=False,
            xaxis=axis(f"Attack score{far}", range=[places[0], places[-1]], **scale.ticks()),
            yaxis=axis("Records × models", rangemode="tozero"),
        ),
    }


def score_bins(
    found: Assessment,
) -> tuple[ScoreAxis, NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """The axis, the edges of its bins, and the counts of members and of others; outer bins hold everything beyond."""
    bins, answers = found.histogram, found.answers
    if answers is None:
        return cuts(found).axis, bins.edges, bins.members, bins.non_members
    scale = score_axis(answers.scores)
    edges = scale.steps(BINS)
    held = np.clip(answers.scores.astype(np.float64), edges[0], edges[-1])
    members, others = (np.histogram(held[side], edges)[0] for side in (answers.masks, ~answers.masks))
    return scale, edges, members, others


def risk(found: Assessment) -> Figure:
    """Risk of the contested records: when a model trained on them, and when it did not."""
    return {
        "data": [
            bars("in training", RISK_EDGES, np.histogram(found.risk.member, RISK_EDGES)[0]),
            steps("left out", RISK_EDGES, np.histogram(found.risk.non_member, RISK_EDGES)[0]),
        ],
        "layout": layout(
            height=SMALL_HEIGHT,
            barmode="overlay",
            bargap=0,
            dragmode=False,
            xaxis=axis("Risk of a record: posterior of membership", range=[0, 1]),
            yaxis=axis("Records", rangemode="tozero"),
            shapes=[upright(0.5)],
        ),
    }


def bars(
    name: str,
    edges: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    colour: str = "@member",
    opacity: float = 0.75,
    pattern: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One side of a histogram, filled; the line of the other side stays visible in front of it."""
    return {
        "type": "bar",
        "name": name,
        "x": _middles(edges),
        "y": counts.tolist(),
        "width": np.diff(edges).tolist(),
        "opacity": opacity,
        "marker": {"color": colour, "line": {"width": 0}, "pattern": pattern or {}},
        "hovertemplate": f"%{{y:,}} {name}<br>%{{x:.2f}}<extra></extra>",
    }


def steps(name: str, edges: NDArray[np.float64], counts: NDArray[np.int64]) -> dict[str, Any]:
    """The other side as a line, from the first edge to the last, so that neither hides the other."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [float(edges[0]), *_middles(edges), float(edges[-1])],
        "y": np.pad(counts, 1, mode="edge").tolist(),
        "line": {"color": "@outsider", "width": 2, "shape": "hvh"},
        "hovertemplate": f"%{{y:,}} {name}<br>%{{x:.2f}}<extra></extra>",
    }


def _middles(edges: NDArray[np.float64]) -> list[float]:
    return ((edges[:-1] + edges[1:]) / 2).tolist()


def upright(x: float) -> dict[str, Any]:
    """A dotted line from the bottom to the top of a figure."""
    line = {"color": "@soft", "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": x, "x1": x, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def reliability(found: Assessment) -> Figure:
    """Whether claimed posteriors come true, LiRA's and the risk score's: on the diagonal they do."""
    looks = {"color": "@member", "symbol": "circle"}, {"color": "@outsider", "symbol": "diamond"}
    scored = [found.risk_score.reliability] if found.risk_score else []
    names = ("observed", "observed, risk score") if scored else ("observed",)
    return {
        "data": [
            diagonal("as claimed"),
            *(
                _observed(name, bins, look)
                for name, bins, look in zip(names, (found.reliability, *scored), looks, strict=False)
            ),
        ],
        "layout": layout(
            height=SMALL_HEIGHT,
            dragmode=False,
            xaxis=axis("Claimed posterior", range=[-0.02, 1.02]),
            yaxis=axis("Share that were members", range=[-0.02, 1.02]),
        ),
    }


def _observed(name: str, bins: Reliability, look: dict[str, str]) -> dict[str, Any]:
    filled = bins.counts > 0
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": bins.claimed[filled].tolist(),
        "y": bins.observed[filled].tolist(),
        "text": [f"{count:,} cases" for count in bins.counts[filled]],
        "hovertemplate": "claimed %{x:.2f}, came true %{y:.2f}<br>%{text}<extra></extra>",
        "line": {"color": look["color"], "width": 1.5},
        "marker": {**look, "size": 8},
    }


def found_out(found: Assessment) -> Figure:
    """Precision and recall when everybody with at least a posterior is called a member.

    Symbols tell the two apart, as colours do; dashes tell whose posterior it is.
    """
    looks = {"color": "@member", "symbol": "circle"}, {"color": "@outsider", "symbol": "diamond"}
    return {
        "data": [
            _share(f"{name}{called}", curve.threshold, values, look, dash)
            for (called, curve), dash in zip(curves(found), ("solid", "dash"), strict=False)
            for name, values, look in zip(
                ("precision", "recall"), (curve.precision, curve.recall), looks, strict=True
            )
        ],
        "layout": layout(
            height=SMALL_HEIGHT,
            dragmode=False,
            xaxis=axis("Called a member from this posterior on", range=[-0.02, 1.02]),
            yaxis=axis("Share", range=[-0.02, 1.02], tickformat=".0%"),
        ),
    }


def curves(found: Assessment) -> list[tuple[str, PrecisionRecall]]:
    """Precision and recall of the posteriors that there are, each with what its name ends with."""
    own = [("", found.precision_recall)] if found.precision_recall else []
    scored = [(", risk score", found.risk_score.precision_recall)] if found.risk_score else []
    return own + scored


def _share(
    name: str, thresholds: NDArray[np.float64], values: NDArray[np.float64], look: dict[str, str], dash: str
) -> dict[str, Any]:
    """One curve; a few of its thresholds have a mark, because all of them would hide the line."""
    known = ~np.isnan(values)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": thresholds[known].tolist(),
        "y": values[known].tolist(),
        "line": {"color": look["color"], "width": 2, "dash": dash},
        "marker": {**look, "size": 8, "maxdisplayed": MARKED},
        "hovertemplate": f"{name} %{{y:.1%}} from %{{x:.2f}} on<extra></extra>",
    }


def diagonal(name: str, start: float = 0.0) -> dict[str, Any]:
    """The dotted line from corner to corner."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [start, 1.0],
        "y": [start, 1.0],
        "line": {"color": "@soft", "width": 1.5, "dash": "dot"},
        "hoverinfo": "skip",
    }
