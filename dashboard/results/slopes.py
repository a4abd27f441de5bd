"""Before and after: the risk of records and of classes in two settings, and whose rose or fell for certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard.results.figures import Figure, axis, layout, note
from dashboard.results.words import DASH, short, signed
from engine.assessment.changes import (
    RiskChange,
    changed,
    changed_on_second_half,
    choosing,
    group_change,
)
from engine.assessment.risk import PairRisk

Rows = list[dict[str, str]]
Which = Literal["riskiest before", "riskiest after", "rose most", "fell most"]

WHICH: tuple[Which, ...] = ("riskiest before", "riskiest after", "rose most", "fell most")
DRAWN = 12
"""Records that are drawn."""

HEIGHT = 380
_BEYOND = 0.025  # of unchanged records at most so many have an interval wholly on one side of 0


@dataclass(frozen=True, kw_only=True)
class Slopes:
    """Two settings side by side.

    Attributes:
        names: of the setting before and of that after.
        everyone: the change of all N records, over all pairs.
        records: positions of those drawn, chosen on the first half of the pairs.
        drawn: their change over the second half.
        which: how they were chosen.
        prior: the share of members among those asked about, which is the risk of a record that nothing is known of.
        classes: C numbers.
        by_class: the change of each class.
    """

    names: tuple[str, str]
    everyone: RiskChange
    records: NDArray[np.intp]
    drawn: RiskChange
    which: Which
    prior: float
    classes: NDArray[np.int32]
    by_class: RiskChange


def slopes(
    before: PairRisk,
    after: PairRisk,
    labels: NDArray[np.int32],
    *,
    names: tuple[str, str],
    which: Which,
    prior: float,
) -> Slopes:
    """The two settings, with the records drawn that ``which`` names.

    Args:
        before: of P pairs, at least four.
        after: of the pairs with the same masks.
        labels: (N,) classes.
        names: of both settings.
        which: the records to draw.
        prior: of both.
    """
    first, second = (risk.member[choosing(risk)].mean(axis=0) for risk in (before, after))
    by = {
        "riskiest before": first,
        "riskiest after": second,
        "rose most": second - first,
        "fell most": first - second,
    }
    records = np.argsort(-by[which], kind="stable")[:DRAWN]
    return Slopes(
        names=names,
        everyone=changed(before, after),
        records=records,
        drawn=changed_on_second_half(before, after, records),
        which=which,
        prior=prior,
        classes=np.unique(labels),
        by_class=group_change(before, after, labels),
    )


def answer(of: Slopes) -> str:
    """Of how many records the risk rose and fell, and how many would seem to if nothing had changed."""
    rose, fell, count = int(of.everyone.rose.sum()), int(of.everyone.fell.sum()), of.everyone.first.size
    return (
        f"From “{of.names[0]}” to “{of.names[1]}” the risk of {fell:,} of {count:,} records fell and that of "
        f"{rose:,} rose beyond its interval. Had nothing changed, at most about {round(_BEYOND * count):,} would "
        "seem to have fallen and as many to have risen. The mean risk went from "
        f"{short(of.everyone.first.mean())} to {short(of.everyone.second.mean())}."
    )


def records(of: Slopes) -> Figure:
    """One line for each of the records drawn."""
    return _figure(of.drawn, [f"record {record:,}" for record in of.records], of.prior)


def records_words(of: Slopes) -> str:
    """How the records drawn were chosen and what became of them."""
    rose, fell = int(of.drawn.rose.sum()), int(of.drawn.fell.sum())
    left = of.records.size - rose - fell
    kind = {
        "riskiest before": "at the highest risk before",
        "riskiest after": "at the highest risk after",
        "rose most": "whose risk rose most",
        "fell most": "whose risk fell most",
    }[of.which]
    return (
        f"The {of.records.size} records {kind}, chosen on one half of the models and drawn as the other half tells: "
        f"{fell} fell and {rose} rose beyond their intervals, {left} cannot be told."
    )


def records_rows(of: Slopes) -> Rows:
    """The records drawn, with the interval of the change."""
    return _rows("Record", [f"{record:,}" for record in of.records], of.drawn, of.names)


def classes(of: Slopes) -> Figure:
    """One line for each class."""
    return _figure(of.by_class, [f"class {label}" for label in of.classes], of.prior)


def classes_words(of: Slopes) -> str:
    """How many classes are better and worse off, and which changed most."""
    change = of.by_class
    most = int(np.abs(change.second - change.first).argmax())
    return (
        f"Of {of.classes.size} classes the mean risk of {int(change.fell.sum())} fell and that of "
        f"{int(change.rose.sum())} rose beyond its interval. Most changed class {of.classes[most]}: from "
        f"{short(change.first[most])} to {short(change.second[most])} (change {_signed(change, most)})."
    )


def classes_rows(of: Slopes) -> Rows:
    """All classes."""
    return _rows("Class", [str(label) for label in of.classes], of.by_class, of.names)


def _rows(what: str, names: list[str], change: RiskChange, settings: tuple[str, str]) -> Rows:
    return [
        {
            what: name,
            f"Before: {settings[0]}": short(change.first[i]),
            f"After: {settings[1]}": short(change.second[i]),
            "Change, 95 % interval": _signed(change, i),
            "Verdict": "rose" if change.rose[i] else "fell" if change.fell[i] else "cannot tell",
        }
        for i, name in enumerate(names)
    ]


def _signed(change: RiskChange, i: int) -> str:
    moved = float(change.second[i] - change.first[i])
    now, low, high = (signed(f"{value:.3f}") for value in (moved, change.low[i], change.high[i]))
    return f"{now} ({low} {DASH} {high})"


def _figure(change: RiskChange, names: list[str], prior: float) -> Figure:
    neither = ~(change.rose | change.fell)
    looks = (
        ("rose", change.rose, {"color": "@outsider", "symbol": "triangle-up"}, "solid"),
        ("fell", change.fell, {"color": "@member", "symbol": "circle"}, "solid"),
        ("cannot tell", neither, {"color": "@ghost", "symbol": "circle-open"}, "dot"),
    )
    return {
        "data": [
            _lines(name, change, which, marker, dash, names) for name, which, marker, dash in looks if which.any()
        ],
        "layout": layout(
            height=HEIGHT,
            dragmode=False,
            xaxis=axis("", range=[-0.15, 1.15], tickvals=[0, 1], ticktext=["before", "after"], showgrid=False),
            yaxis=axis("Risk, in training", range=[-0.02, 1.02]),
            annotations=[
                note("guessing", xref="paper", x=0.5, y=prior, yanchor="top"),
            ],
            shapes=[
                {
                    "type": "line",
                    "xref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": prior,
                    "y1": prior,
                    "layer": "below",
                    "line": {"color": "@soft", "width": 1, "dash": "dot"},
                }
            ],
        ),
    }


def _lines(
    name: str,
    change: RiskChange,
    which: NDArray[np.bool_],
    marker: dict[str, str],
    dash: str,
    names: list[str],
) -> dict[str, Any]:
    """The lines of one kind as one trace, with gaps between them."""
    at = np.flatnonzero(which)
    ends = [(float(change.first[i]), float(change.second[i]), None) for i in at]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [x for _ in at for x in (0, 1, None)],
        "y": [y for line in ends for y in line],
        "text": [f"{names[i]}: change {_signed(change, int(i))}" for i in at for _ in range(3)],
        "line": {"color": marker["color"], "width": 1.8, "dash": dash},
        "marker": {**marker, "size": 9},
        "hovertemplate": "%{text}<br>risk %{y:.3f}<extra></extra>",
    }
