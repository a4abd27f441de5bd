"""The risk of every record, which of them a visitor looks at, and how many are at risk for certain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard.results.details import RISK_EDGES, SMALL_HEIGHT, bars, steps, upright
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.words import DASH, brief
from engine.assessment.changes import choosing
from engine.assessment.risk import PairRisk, record_risk
from engine.assessment.values import Assessment

Rows = list[dict[str, str]]
Show = Literal["all", "at risk", "for certain"]

SHOWS: tuple[Show, ...] = ("all", "at risk", "for certain")
BOUNDS = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
"""Risks from which on a record may be called at risk."""


_HATCHED: Mapping[str, Any] = {"fillmode": "overlay", "shape": "/", "fgcolor": "@paper", "size": 6, "solidity": 0.3}


@dataclass(frozen=True, kw_only=True)
class Risks:
    """What is known of every record's risk at one prior.

    Attributes:
        prior: the share of members among those asked about, in (0, 1).
        member: (N,) mean posterior over the targets that trained on the record.
        non_member: (N,) over the others.
        low: (N,) lower end of the 95 % interval of ``member``, each record by itself; None where there is none.
        high: (N,) upper end.
        labels: (N,) classes, None where the assessment has none.
        pairs: the same by pair, of the first released copy; None where there are too few models.
        models: M, how many there are.
        copies: K, how many of each were released.
    """

    prior: float
    member: NDArray[np.float64]
    non_member: NDArray[np.float64]
    low: NDArray[np.float64] | None
    high: NDArray[np.float64] | None
    labels: NDArray[np.int32] | None
    pairs: PairRisk | None
    models: int
    copies: int

    @property
    def order(self) -> NDArray[np.intp]:
        """(N,) positions, the riskiest first: by the first half of the pairs where there are any."""
        by = self.member if self.pairs is None else self.pairs.member[choosing(self.pairs)].mean(axis=0)
        return np.argsort(-by, kind="stable")


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which records a visitor looks at.

    Attributes:
        label: only this class; None for all.
        low: records at this risk or more, in [0, 1].
        high: records at this risk or less.
        bound: above it a record is called at risk.
        show: all of them, those at risk, or those whose whole interval lies above the bound.
    """

    label: int | None = None
    low: float = 0.0
    high: float = 1.0
    bound: float = 0.8
    show: Show = "all"


def risks(found: Assessment, pairs: PairRisk | None, prior: float) -> Risks:
    """The risks at a prior: as stored at ½, else anew from the pairs.

    Args:
        found: the assessment.
        pairs: at that prior; None where there are too few models, and then the prior must be ½.
        prior: in (0, 1).
    """
    made = found.risk if pairs is None or prior == 0.5 else record_risk(pairs)
    return Risks(
        prior=prior,
        member=made.member,
        non_member=made.non_member,
        low=made.low,
        high=made.high,
        labels=found.answers.labels if found.answers else None,
        pairs=pairs,
        models=found.headline.targets,
        copies=found.headline.draws,
    )


def basis(of: Risks) -> str:
    """On what stands whatever is told by pair, where that is not all there is; else empty."""
    if of.pairs is None:
        return ""
    looked_at = 2 * len(of.pairs.member)
    fewer = f" the first {looked_at} of {of.models} models" if looked_at < of.models else ""
    first = f" the first of {of.copies} released copies of each" if of.copies > 1 else ""
    parts = " and".join(part for part in (fewer, first) if part)
    return f" From{parts}." if parts else ""


def kept(of: Risks, chosen: Filter) -> NDArray[np.bool_]:
    """(N,) which records the filter lets through."""
    within = (of.member >= chosen.low) & (of.member <= chosen.high)
    return _of_class(of, chosen.label) & within & _shown(of, chosen)


def _shown(of: Risks, chosen: Filter) -> NDArray[np.bool_]:
    match chosen.show:
        case "all":
            return np.ones(of.member.size, dtype=bool)
        case "at risk":
            return at_risk(of, chosen.bound)
        case "for certain":
            return certain(of, chosen.bound)


def at_risk(of: Risks, bound: float) -> NDArray[np.bool_]:
    """(N,) whether the risk is above the bound."""
    return of.member > bound


def certain(of: Risks, bound: float) -> NDArray[np.bool_]:
    """(N,) whether the whole interval is above it; nobody where there are no intervals."""
    return np.zeros(of.member.size, dtype=bool) if of.low is None else of.low > bound


def _of_class(of: Risks, label: int | None) -> NDArray[np.bool_]:
    if label is None or of.labels is None:
        return np.ones(of.member.size, dtype=bool)
    return of.labels == label


def count(of: Risks, chosen: Filter) -> str:
    """How many records are at risk, and how many of them for certain."""
    those = _of_class(of, chosen.label)
    whose = "" if chosen.label is None else f" of class {chosen.label}"
    above, sure = (int((which(of, chosen.bound) & those).sum()) for which in (at_risk, certain))
    are = "is" if above == 1 else "are"
    said = f"{above:,} of {int(those.sum()):,} records{whose} {are} at a risk above {brief(chosen.bound)}"
    if of.low is None:
        return f"{said}."
    return f"{said}, {sure:,} of them for certain."


def meaning(of: Risks) -> str:
    """What risk and "for certain" mean, and what an interval for each record by itself does not say."""
    asked = "1 in 2" if of.prior == 0.5 else f"1 in {1 / of.prior:,.0f}"
    first = (
        f"A record's risk is how sure LiRA is, where a model trained on it, that it did: the posterior of membership "
        f"when {asked} of those asked about is a member."
    )
    if of.low is None:
        return f"{first} This measurement was stored before records had intervals; measure it again."
    return (
        f"{first} For certain means that its whole 95 % interval lies above the bound. Intervals are for each record "
        "by itself, so a few may be there by chance."
    )


def histogram(of: Risks, chosen: Filter) -> Figure:
    """Risk of all records in training, those that the filter lets through in front, and the same left out."""
    through = kept(of, chosen)
    inside, out, left_out = (
        np.histogram(values, RISK_EDGES)[0]
        for values in (of.member[through], of.member[~through], of.non_member[through])
    )
    hidden = bars("in training, filtered out", RISK_EDGES, out, colour="@ghost", opacity=1, pattern=_HATCHED)
    return {
        "data": [
            bars("in training", RISK_EDGES, inside),
            *([] if through.all() else [hidden]),
            steps("the same records left out", RISK_EDGES, left_out),
        ],
        "layout": layout(
            height=SMALL_HEIGHT,
            barmode="stack",
            bargap=0,
            dragmode=False,
            xaxis=axis("Risk of a record: posterior of membership", range=[0, 1]),
            yaxis=axis("Records", rangemode="tozero"),
            shapes=[upright(chosen.bound)],
        ),
    }


def histogram_words(of: Risks, chosen: Filter) -> str:
    """How many records the filter lets through, and how risky the middle one of them is."""
    through = kept(of, chosen)
    if not through.any():
        return f"The filter lets none of the {of.member.size:,} records through."
    of_all = "all" if through.all() else f"{int(through.sum()):,} of"
    return (
        f"Shown: {of_all} {of.member.size:,} records. Their median risk is {np.median(of.member[through]):.2f} in "
        f"training and {np.median(of.non_member[through]):.2f} left out. The dotted line is the bound "
        f"{brief(chosen.bound)}."
    )


def histogram_rows(of: Risks, chosen: Filter) -> Rows:
    """The histogram by bin."""
    through = kept(of, chosen)
    sides = {
        "Shown, in training": of.member[through],
        "Filtered out, in training": of.member[~through],
        "Shown, left out": of.non_member[through],
    }
    counts = {name: np.histogram(values, RISK_EDGES)[0] for name, values in sides.items()}
    return [
        {
            "Risk": f"{RISK_EDGES[i]:.2f} {DASH} {RISK_EDGES[i + 1]:.2f}",
            **{name: f"{row[i]:,}" for name, row in counts.items()},
        }
        for i in range(len(RISK_EDGES) - 1)
    ]
