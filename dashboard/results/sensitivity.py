"""What a measured sensitivity says of noise on weights: a ceiling that holds if the measured Δ is the true one."""

from __future__ import annotations

from dataclasses import replace

from cache.reports import Sensitivity
from dashboard.results.words import short
from engine.assessment.values import Assessment, Ceiling
from engine.audits.ceilings import MEASURED, weight_noise_ceiling
from engine.release.values import Release, WeightNoise

_NEAR_ONE = 0.9995
"""An AUC that is written as 1.000."""

TITLE = "How far one record moves the weights"
OFFER = (
    "Noise on weights has no proof, because nobody knows how far a record can move them. That can be measured: the "
    f"model is trained again without one record, 32 times. The ceiling is then drawn with the words “{MEASURED}”."
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


def facts(found: Assessment, sensitivity: Sensitivity) -> list[tuple[str, str]]:
    """What was measured, and what it would mean."""
    about = (
        f"The largest joint change of all weights when one of {sensitivity.tried} of {sensitivity.members:,} members "
        "was left out. Measured, not proved: a record that was not tried may move them further."
    )
    allowed = [_allowed(found, at) for at in found.ceilings if not at.proved]
    return [(f"Δ = {sensitivity.largest:.3g}", about), *allowed]


def _allowed(found: Assessment, at: Ceiling) -> tuple[str, str]:
    auc = found.headline.auc
    if at.auc > _NEAR_ONE:
        return f"No attack is ruled out, {MEASURED}", "Δ is many times σ: so little noise would not hide a record."
    term = f"No AUC above {short(at.auc)}, {MEASURED}"
    if auc.low > at.auc:
        return term, (
            f"The attack reaches {short(auc.estimate)}, and its interval begins above the ceiling: the true Δ is "
            "larger than the measured one, or there is a bug."
        )
    return term, f"The attack reaches {short(auc.estimate)}. No proof stands behind this ceiling."
