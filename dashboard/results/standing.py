"""One record among all: its ranks, and how it fares at the stops of the dial that is traced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from dashboard.results.figures import Figure, axis, layout, whiskers
from dashboard.results.words import DASH, short
from engine.assessment.values import Answers, Assessment, Interval

Rows = list[dict[str, str]]

HEIGHT = 260


@dataclass(frozen=True, kw_only=True)
class Fate:
    """A record's risk at one measured stop of a dial.

    Attributes:
        label: the stop's name on screen.
        risk: in training, with its interval.
        non_member: left out.
    """

    label: str
    risk: Interval
    non_member: float


@dataclass(frozen=True, kw_only=True)
class Beliefs:
    """The probability that models give to the right label of each record, mean over models.

    Attributes:
        trained: (N,) those that trained on it, NaN where there is none.
        left_out: (N,) those that did not.
    """

    trained: NDArray[np.float64]
    left_out: NDArray[np.float64]


def beliefs(answers: Answers) -> Beliefs:
    """The probability 1 / (1 + e^(−φ)) of the right label, apart for models with and without each record."""
    probability = expit(answers.phi.astype(np.float64))
    sides = (np.where(side, probability, np.nan) for side in (answers.masks, ~answers.masks))
    trained, left_out = (_mean(side) for side in sides)
    return Beliefs(trained=trained, left_out=left_out)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) mean over models of what is not NaN; NaN where nothing is."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, values, 0).sum(axis=0) / np.maximum(counts, 1), np.nan)


def ranks(found: Assessment, record: int) -> list[tuple[str, str]]:
    """What is peculiar about the record, each with its rank among all."""
    columns = [("Risk in training", found.risk.member, "highest")]
    if found.answers is not None:
        of = beliefs(found.answers)
        columns += [
            ("Probability of its label, left out", of.left_out, "lowest"),
            ("What training on it adds to that", of.trained - of.left_out, "highest"),
        ]
    return [(name, _ranked(values, record, end)) for name, values, end in columns]


def _ranked(values: NDArray[np.float64], record: int, end: str) -> str:
    """The record's value with its rank from the highest or the lowest."""
    own = values[record]
    if np.isnan(own):
        return "not every record is on both sides with this few models"
    beyond = values > own if end == "highest" else values < own
    return f"{short(own)}, {_place(int(beyond.sum()) + 1)}{end} of {values.size:,}"


def _place(rank: int) -> str:
    """The rank as an ordinal before a superlative; the first goes without saying."""
    if rank == 1:
        return "the "
    ending = "th" if rank % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank:,}{ending} "


def fate(label: str, found: Assessment, record: int) -> Fate | None:
    """The record at one stop; None where the measurement has another set of records or no intervals."""
    risk = found.risk
    if risk.low is None or risk.high is None or record >= risk.member.size:
        return None
    estimate, low, high = (float(each[record]) for each in (risk.member, risk.low, risk.high))
    return Fate(
        label=label, risk=Interval(estimate=estimate, low=low, high=high), non_member=float(risk.non_member[record])
    )


def fates(listed: Sequence[Fate], title: str) -> Figure:
    """The record's risk at every measured stop, in training and left out."""
    names = [one.label for one in listed]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "in training, 95 % interval",
                "x": names,
                "y": [one.risk.estimate for one in listed],
                "error_y": whiskers([one.risk for one in listed], "@member"),
                "line": {"color": "@member", "width": 1.5},
                "marker": {"color": "@member", "size": 9, "symbol": "circle"},
                "hovertemplate": "%{x}: risk %{y:.3f} in training<extra></extra>",
            },
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "left out",
                "x": names,
                "y": [one.non_member for one in listed],
                "line": {"color": "@outsider", "width": 1.5, "dash": "dash"},
                "marker": {"color": "@outsider", "size": 8, "symbol": "diamond"},
                "hovertemplate": "%{x}: risk %{y:.3f} left out<extra></extra>",
            },
        ],
        "layout": layout(
            height=HEIGHT,
            dragmode=False,
            xaxis=axis(title, type="category"),
            yaxis=axis("Risk of this record", range=[-0.02, 1.02]),
        ),
    }


def fates_words(listed: Sequence[Fate], title: str) -> str:
    """Where the record is safest and where it is not, along the dial."""
    low, top = (choose(listed, key=lambda one: one.risk.estimate) for choose in (min, max))
    apart = "" if low.risk.high < top.risk.low else " Their intervals overlap: do not read much into it."
    return (
        f"At {len(listed)} measured stops of the dial “{title}” its risk lies between {short(low.risk.estimate)} at "
        f"“{low.label}” and {short(top.risk.estimate)} at “{top.label}”.{apart} Nothing between the stops has been "
        "measured."
    )


def fates_rows(listed: Sequence[Fate]) -> Rows:
    """The record at every measured stop."""
    return [
        {
            "Stop": one.label,
            "Risk in training": short(one.risk.estimate),
            "95 % interval": f"{short(one.risk.low)} {DASH} {short(one.risk.high)}",
            "Risk left out": short(one.non_member),
        }
        for one in listed
    ]
