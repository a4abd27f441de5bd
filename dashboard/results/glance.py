"""Utility and risk of each record, one above the other: what is right for whom, and what it gives away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.results import findings, tables
from dashboard.results.details import RISK_EDGES, bars, risk, steps, upright
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.standing import beliefs
from dashboard.results.words import short
from engine.assessment.values import Assessment

HEIGHT = 470
_UPPER, _LOWER = (0.6, 1.0), (0.0, 0.4)  # of the height
Rows = list[dict[str, str]]


def figure(found: Assessment) -> Figure:
    """Above, how sure models are of the right label of each record; below, the risk of each.

    Always of the same traces, so that heights of one setting fit the figure of another; without answers, the upper
    ones have no heights.
    """
    lower = risk(found)
    upper = _utility(found)
    return {
        "data": [*lower["data"], *upper],
        "layout": layout(
            height=HEIGHT,
            barmode="overlay",
            bargap=0,
            dragmode=False,
            xaxis=axis("Risk of a record", range=[0, 1]),
            yaxis=axis("Records", rangemode="tozero", domain=list(_LOWER)),
            xaxis2=axis("Sure of the right label", range=[0, 1], anchor="y2"),
            yaxis2=axis("Records", rangemode="tozero", domain=list(_UPPER), anchor="x2"),
            shapes=[upright(0.5) | {"y1": _LOWER[1]}],
        ),
    }


def _utility(found: Assessment) -> list[dict[str, Any]]:
    """The traces of the upper part."""
    trained, left_out = (_counts(values) for values in _sure(found))
    upper: dict[str, Any] = {"xaxis": "x2", "yaxis": "y2", "showlegend": False}
    return [
        bars("in training", RISK_EDGES, trained) | upper | {"uid": "sure in training", "legendgroup": "in training"},
        steps("left out", RISK_EDGES, left_out) | upper | {"uid": "sure left out", "legendgroup": "left out"},
    ]


def _sure(found: Assessment) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The probability of the right label by record, in training and left out; empty where no answers are kept."""
    if found.answers is None:
        return np.empty(0), np.empty(0)
    of = beliefs(found.answers)
    return of.trained[~np.isnan(of.trained)], of.left_out[~np.isnan(of.left_out)]


def _counts(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.histogram(values, RISK_EDGES)[0]


def finding(found: Assessment) -> str:
    """What both parts show, in words."""
    trained, left_out = _sure(found)
    if not trained.size or not left_out.size:
        return findings.risk(found)
    return (
        f"Models give the right label of a record a median probability of {short(float(np.median(trained)))} when "
        f"they trained on it and {short(float(np.median(left_out)))} when not. {findings.risk(found)}"
    )


def rows(found: Assessment) -> Rows:
    """Both parts by bin."""
    trained, left_out = _sure(found)
    if not trained.size:
        return tables.risk(found)
    pairs = zip(tables.risk(found), _counts(trained), _counts(left_out), strict=True)
    return [
        {
            "From": row["From"],
            "To": row["To"],
            "At this risk, in training": row["Records, in training"],
            "At this risk, left out": row["Records, left out"],
            "So sure of the label, in training": f"{inside:,}",
            "So sure of the label, left out": f"{outside:,}",
        }
        for row, inside, outside in pairs
    ]
