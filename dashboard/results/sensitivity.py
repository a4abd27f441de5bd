"""What a measured sensitivity says of noise on weights: a ceiling that holds if the measured Δ is the true one."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from cache.reports import Sensitivity
from dashboard.results.details import upright
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.words import scientific, short
from engine.assessment.values import Assessment, Ceiling
from engine.audits.ceilings import MEASURED, weight_noise_ceiling
from engine.release.gaussian import delta, sigma_for
from engine.release.knowledge import LABEL
from engine.release.values import Release, WeightNoise

_NEAR_ONE = 0.9995
"""An AUC that is written as 1.000."""

_HEIGHT = 150
_WANTED = (1.0, 3.0, 10.0)
"""The ε that noise is given for."""

_RESTS = f"The ceiling rests on a {LABEL}."

TITLE = "How far one record moves the weights"
OFFER = (
    "Noise on weights has no proof, because nobody knows how far a record can move them. That can be measured: the "
    f"model is trained again without one record, 32 times. The ceiling is then drawn with the words “{LABEL}”."
)


def with_ceiling(found: Assessment, sensitivity: Sensitivity | None, release: Release) -> Assessment:
    """The assessment with what the measured Δ would allow; as it is where nothing was measured or nothing follows."""
    if sensitivity is None:
        return found
    ceiling = weight_noise_ceiling(sensitivity.largest, release)
    return found if ceiling is None else replace(found, ceilings=(*found.ceilings, ceiling))


def why_no_ceiling(noise: WeightNoise) -> str | None:
    """Why nothing follows from a measured Δ for this noise, one sentence; None where something does."""
    if noise.tensors != "all":
        return "The noise is on the output layer alone; all other weights are published as they are."
    if noise.scale != "absolute":
        return "The noise is relative to each tensor, and so depends on the records itself."
    return None


def strip(sensitivity: Sensitivity) -> Figure:
    """One mark for each record that was left out, at how far it moved the weights, and a line at the largest."""
    marks = {
        "type": "scatter",
        "mode": "markers",
        "name": "one record left out",
        "x": list(sensitivity.changes),
        "y": [""] * sensitivity.tried,
        "marker": {"color": "@member", "symbol": "line-ns-open", "size": 22, "line": {"width": 2}},
        "hovertemplate": "%{x:.3g}<extra></extra>",
    }
    return {
        "data": [marks],
        "layout": layout(
            height=_HEIGHT,
            dragmode=False,
            xaxis=axis("Joint L2 change of all weights", range=[0, 1.1 * sensitivity.largest or 1]),
            yaxis=axis("", type="category"),
            shapes=[upright(sensitivity.largest)],
        ),
    }


def finding(sensitivity: Sensitivity) -> str:
    """The distribution of what was measured, in a sentence."""
    return (
        f"Leaving out one of {sensitivity.tried} of {sensitivity.members:,} members moved the weights by "
        f"{median(sensitivity.changes):.3g} (median), at most by {sensitivity.largest:.3g}: {LABEL}."
    )


def rows(sensitivity: Sensitivity) -> list[dict[str, str]]:
    """The marks as a table."""
    return [
        {"Place": f"{place} of {sensitivity.tried}", "Joint L2 change": f"{change:.4g}"}
        for place, change in enumerate(sensitivity.changes, start=1)
    ]


def facts(found: Assessment, sensitivity: Sensitivity) -> list[tuple[str, str]]:
    """What was measured, and what it would mean."""
    about = (
        f"The largest joint change of all weights when one of {sensitivity.tried} of {sensitivity.members:,} members "
        f"was left out: a {LABEL}. A record that was not tried may move them further."
    )
    allowed = [_allowed(found, at) for at in found.ceilings if not at.proved]
    return [(f"Δ = {sensitivity.largest:.3g}", about), *allowed, *_noise(sensitivity.largest, found.headline.records)]


def _noise(largest: float, records: int) -> list[tuple[str, str]]:
    """The noise for some wanted ε, if Δ were the true sensitivity; none where nothing moved."""
    if largest <= 0:
        return []
    promised = delta(records)
    sigmas = [(wanted, sigma_for(wanted, delta=promised, sensitivity=largest)) for wanted in _WANTED]
    term = ", ".join(f"σ = {sigma:.3g} for ε = {wanted:g}" for wanted, sigma in sigmas)
    at = f"Noise on all weights at δ = {scientific(promised)} by the analytic Gaussian mechanism"
    return [(term, f"{at}, {MEASURED}: {LABEL}.")]


def _allowed(found: Assessment, at: Ceiling) -> tuple[str, str]:
    auc = found.headline.auc
    if at.auc > _NEAR_ONE:
        return f"No attack is ruled out, {MEASURED}", (
            f"Δ is many times σ: so little noise would not hide a record. {_RESTS}"
        )
    term = f"No AUC above {short(at.auc)}, {MEASURED}"
    if auc.low > at.auc:
        return term, (
            f"The attack reaches {short(auc.estimate)}, and its interval begins above the ceiling: the true Δ is "
            f"larger than the measured one, or there is a bug. {_RESTS}"
        )
    return term, f"The attack reaches {short(auc.estimate)}. {_RESTS}"
