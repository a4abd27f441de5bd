"""Do those at risk profit? The risk of each class beside what models answer on its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.results.details import SMALL_HEIGHT
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.standing import beliefs
from dashboard.results.words import short
from engine.assessment.ranks import rank_correlation
from engine.assessment.risk import grouped
from engine.assessment.values import Answers

Rows = list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Profits:
    """Classes with their risk and the probability that models give to the right label.

    Attributes:
        label: (C,) the classes.
        risk: (C,) mean risk of the records in training.
        trained: (C,) mean probability of the right label by models that trained on the record.
        left_out: (C,) by models that did not.
        correlation: Spearman's rank correlation, over records, of the risk with the probability left out.
    """

    label: NDArray[np.integer]
    risk: NDArray[np.float64]
    trained: NDArray[np.float64]
    left_out: NDArray[np.float64]
    correlation: float


def profits(risk: NDArray[np.float64], answers: Answers) -> Profits | None:
    """Classes with their risk and their use; None where some record was in all of the models or in none.

    Args:
        risk: (N,) in training.
        answers: of the models.
    """
    of = beliefs(answers)
    if np.isnan(of.left_out).any() or np.isnan(of.trained).any():
        return None
    label, _, within = grouped(answers.labels)
    return Profits(
        label=label,
        risk=within @ risk,
        trained=within @ of.trained,
        left_out=within @ of.left_out,
        correlation=float(rank_correlation(risk, of.left_out)),
    )


def figure(of: Profits) -> Figure:
    """Classes by risk; over each what models without and with its records answer."""
    names = [f"class {label}" for label in of.label]
    return {
        "data": [
            _marks("trained on them", of.risk, of.trained, names, {"color": "@member", "symbol": "circle"}),
            _marks("left them out", of.risk, of.left_out, names, {"color": "@outsider", "symbol": "diamond"}),
        ],
        "layout": layout(
            height=SMALL_HEIGHT + 60,
            dragmode=False,
            xaxis=axis("Mean risk of the class, in training"),
            yaxis=axis("Probability of the right label", tickformat=".0%"),
        ),
    }


def _marks(
    name: str, x: NDArray[np.float64], y: NDArray[np.float64], names: list[str], marker: dict[str, str]
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": x.tolist(),
        "y": y.tolist(),
        "text": names,
        "marker": {**marker, "size": 9},
        "hovertemplate": "%{text}<br>risk %{x:.3f}, right label %{y:.1%}<extra></extra>",
    }


def words(of: Profits) -> str:
    """What members of the riskiest class gain by being in training, and how risk goes with being hard."""
    top, low = int(of.risk.argmax()), int(of.risk.argmin())
    gain = 100 * (of.trained - of.left_out)
    without, trained = 100 * of.left_out[top], 100 * of.trained[top]
    return (
        f"On records of class {of.label[top]}, those at the highest risk, models that left them out give the right "
        f"label {without:.0f} %, models that trained on them {trained:.0f} %: {gain[top]:.0f} points more; of class "
        f"{of.label[low]}, at the lowest risk, {gain[low]:.0f} points more. Over all records, risk goes with the "
        f"probability left out at a rank correlation of {short(of.correlation)}: what is "
        f"{'hard' if of.correlation < 0 else 'easy'} without training on it is at the higher risk."
    )


def rows(of: Profits) -> Rows:
    """All classes, the riskiest first."""
    return [
        {
            "Class": str(of.label[i]),
            "Mean risk": short(of.risk[i]),
            "Right label, left out": f"{100 * of.left_out[i]:.1f} %",
            "Right label, trained on": f"{100 * of.trained[i]:.1f} %",
            "Gain": f"{100 * (of.trained[i] - of.left_out[i]):.1f} points",
        }
        for i in map(int, np.argsort(-of.risk))
    ]
