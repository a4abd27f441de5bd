"""The ROC curve on either scale, with its band and the ceilings that a proof puts over every attack."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard.results.details import diagonal
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.words import percent, percent_between, short
from engine.assessment.values import CLAIMABLE_FALSE_ALARMS, Assessment, Ceiling, LowFprRate
from engine.audits.values import MEASURED
from engine.release.knowledge import LABEL

Scale = Literal["logarithmic", "linear"]
SCALES: tuple[Scale, ...] = ("logarithmic", "linear")

HEIGHT = 380
_SMALLEST = 1e-3
"""Where the logarithmic axes begin."""

_ASKED = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


def roc(found: Assessment, scale: Scale = "logarithmic") -> Figure:
    """The ROC curve, interrupted where too few false alarms are expected to claim it."""
    claimable = found.headline.smallest_claimable_fpr
    drawn = _drawn(found.roc.fpr, found.roc.tpr, scale)
    few, enough = drawn & (found.roc.fpr <= claimable), drawn & (found.roc.fpr >= claimable)
    return {
        "data": [
            diagonal("guessing", start=_SMALLEST if scale == "logarithmic" else 0.0),
            *_band(found, scale),
            *(_ceiling(at, scale) for at in found.ceilings),
            _rates("too few to claim", found, few, {"color": "@member", "width": 2, "dash": "2px,4px"}),
            _rates("attack", found, enough, {"color": "@member", "width": 2}),
        ],
        "layout": layout(
            height=HEIGHT,
            dragmode=False,
            xaxis=axis("False alarms (FPR)", **_axis(scale)),
            yaxis=axis("Members found (TPR)", **_axis(scale)),
        ),
    }


def _axis(scale: Scale) -> dict[str, Any]:
    if scale == "linear":
        return {"type": "linear", "range": [-0.01, 1.01], "tickformat": ".0%"}
    return {
        "type": "log",
        "range": [np.log10(_SMALLEST), 0.02],
        "tickvals": [0.001, 0.01, 0.1, 1],
        "ticktext": ["0.1 %", "1 %", "10 %", "100 %"],
    }


def _drawn(fpr: NDArray[np.float64], tpr: NDArray[np.float64], scale: Scale) -> NDArray[np.bool_]:
    """What can stand on the axes."""
    return (fpr > 0) & (tpr > 0) if scale == "logarithmic" else np.ones(fpr.shape, dtype=bool)


def _rates(name: str, found: Assessment, chosen: NDArray[np.bool_], line: dict[str, Any]) -> dict[str, Any]:
    """A part of the ROC curve."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": found.roc.fpr[chosen].tolist(),
        "y": found.roc.tpr[chosen].tolist(),
        "line": line,
        "hovertemplate": "%{y:.1%} found at %{x:.1%} false alarms<extra></extra>",
    }


def _band(found: Assessment, scale: Scale) -> list[dict[str, Any]]:
    """The 95 % interval of every rate, as one area: up along its upper end and back along its lower end."""
    curve = found.roc
    if curve.low is None or curve.high is None:
        return []
    drawn = _drawn(curve.fpr, curve.high, scale)
    least = _SMALLEST / 10 if scale == "logarithmic" else 0.0  # a lower end of 0 leaves the logarithmic axis below
    fpr, low, high = curve.fpr[drawn], np.maximum(curve.low[drawn], least), curve.high[drawn]
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "95 % interval",
            "x": np.concatenate([fpr, fpr[::-1]]).tolist(),
            "y": np.concatenate([high, low[::-1]]).tolist(),
            "fill": "toself",
            "fillcolor": "@band",
            "line": {"width": 0},
            "hoverinfo": "skip",
        }
    ]


def _ceiling(at: Ceiling, scale: Scale) -> dict[str, Any]:
    """The most that any attack can reach, in other marks where that is not proved."""
    drawn = _drawn(at.fpr, at.tpr, scale)
    colour, dash = ("@proved", "dash") if at.proved else ("@accent", "longdashdot")
    condition = "" if at.proved else f", {MEASURED} ({LABEL})"
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"ceiling, {claim(at)}",
        "x": at.fpr[drawn].tolist(),
        "y": at.tpr[drawn].tolist(),
        "line": {"color": colour, "width": 2, "dash": dash},
        "hovertemplate": f"no attack finds more than %{{y:.1%}} at %{{x:.1%}} false alarms{condition}<extra></extra>",
    }


def claim(at: Ceiling) -> str:
    """What a ceiling rests on, in a few words."""
    return "proved" if at.proved else LABEL


def finding(found: Assessment) -> str:
    """What the figure shows."""
    least = found.headline.smallest_claimable_fpr
    at = {fpr: np.interp(fpr, found.roc.fpr, found.roc.tpr) for fpr in (0.001, 0.01, 0.1) if fpr >= least}
    listed = ", ".join(f"{100 * tpr:.1f} % at {100 * fpr:g} %" for fpr, tpr in at.items()) or "none can be claimed"
    return (
        f"Members found at a share of false alarms: {listed}. Below {100 * least:.2g} % fewer than "
        f"{CLAIMABLE_FALSE_ALARMS} false alarms are expected, too few to claim a rate."
        + "".join(f" {_ceiling_words(ceiling)}" for ceiling in found.ceilings)
    )


def _ceiling_words(at: Ceiling) -> str:
    allowed = ", ".join(f"{100 * np.interp(fpr, at.fpr, at.tpr):.1f} % at {100 * fpr:g} %" for fpr in (0.01, 0.1))
    return (
        f"The ceiling ({claim(at)}) lets no attack find more than {allowed}, nor reach an AUC above {short(at.auc)}."
    )


def rows(found: Assessment) -> list[dict[str, str]]:
    """The curve, its interval and the ceilings at a few false positive rates."""
    return [
        {
            "False alarms (FPR)": f"{100 * fpr:g} %",
            "Members found (TPR)": _at(fpr, found.roc.fpr, found.roc.tpr),
            **_interval(found, fpr),
            **{f"Ceiling, {claim(at)}": _at(fpr, at.fpr, at.tpr) for at in found.ceilings},
            "Claimable": "yes" if fpr >= found.headline.smallest_claimable_fpr else "too few false alarms",
        }
        for fpr in _ASKED
    ]


def _interval(found: Assessment, fpr: float) -> dict[str, str]:
    ends = (found.roc.low, found.roc.high)
    if ends[0] is None or ends[1] is None:
        return {}
    low, high = (_at(fpr, found.roc.fpr, end) for end in ends if end is not None)
    return {"95 % interval": f"{low} – {high}"}


def _at(fpr: float, fprs: NDArray[np.float64], tprs: NDArray[np.float64]) -> str:
    return f"{100 * np.interp(fpr, fprs, tprs):.1f} %"


def facts(found: Assessment) -> list[tuple[str, str]]:
    """The rates at few false alarms with what stands behind them."""
    return [_fact(rate) for rate in found.headline.low_fpr]


def _fact(rate: LowFprRate) -> tuple[str, str]:
    behind = (
        f"{100 * rate.achieved_fpr:.2g} % reached; {rate.expected_false_alarms:.0f} false alarms expected among "
        f"{rate.non_members:,} outsiders"
    )
    if not rate.claimable:
        return f"At {100 * rate.asked_fpr:g} %: not claimed", f"{behind}, too few."
    return f"At {100 * rate.asked_fpr:g} %: {percent(rate.tpr)}", f"{percent_between(rate.tpr)}; {behind}."
