"""The parts of an assessment that are arrays, and the interval: frozen values, NumPy alone.

Shapes: M targets, N contested records, G points of a grid, B bins, A attacks, R records that are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval, all on the scale of the estimate."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class RocCurve:
    """The ROC curve averaged over targets at fixed false positive rates.

    Attributes:
        fpr: (G,) in [0, 1], increasing.
        tpr: (G,) mean TPR at each FPR.
        low: (G,) lower end of the 95 % interval of each TPR, pointwise; None in assessments of before the band.
        high: (G,) upper end.
    """

    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class ScoreHistogram:
    """Attack scores of members and non-members, pooled over targets (first draw); the attack decides at 0.

    Attributes:
        edges: (B + 1,) bin edges; the outer bins also hold everything beyond.
        members: (B,) counts.
        non_members: (B,) counts.
    """

    edges: NDArray[np.float64]
    members: NDArray[np.int64]
    non_members: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class RecordRisk:
    """A posterior of membership at prior ½, for each contested record; LiRA's unless said otherwise.

    Attributes:
        member: (N,) mean over targets that trained on the record.
        non_member: (N,) mean over targets that did not.
        low: (N,) lower end of the 95 % interval of ``member``, each record by itself; None where there is none.
        high: (N,) upper end.
    """

    member: NDArray[np.float64]
    non_member: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Whether claimed posteriors come true: records by posterior, and how many of them were members.

    Attributes:
        edges: (B + 1,) bin edges of the posterior, in [0, 1].
        counts: (B,) cases in the bin, one for each draw, target and record.
        claimed: (B,) mean posterior in the bin, NaN where it is empty.
        observed: (B,) share of members in the bin, NaN where it is empty.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    claimed: NDArray[np.float64]
    observed: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall:
    """Who is found when every record with a posterior of at least a threshold is called a member.

    Attributes:
        threshold: (G,) in [0, 1], increasing.
        precision: (G,) share of members among those called members, NaN where nobody is.
        recall: (G,) share of the members that are called members.
    """

    threshold: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RiskScore:
    """Song and Mittal's privacy risk score, and whether it comes true."""

    risk: RecordRisk
    reliability: Reliability
    precision_recall: PrecisionRecall


@dataclass(frozen=True, kw_only=True)
class GroupRisk:
    """Risk by group of records.

    Attributes:
        by: what the groups are, such as "class".
        group: (G,) the groups' numbers.
        records: (G,) how many records each has.
        risk: (G,) mean of the records' risk, each a mean over the targets that trained on it.
        low: (G,) lower end of its 95 % interval, for these records.
        high: (G,) upper end.
    """

    by: str
    group: NDArray[np.int64]
    records: NDArray[np.int64]
    risk: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What stands behind the figures, record by record; of the first draw.

    Attributes:
        labels: (N,) true classes.
        members: (M, ⌈N/8⌉) the masks, eight records to a byte, as ``numpy.packbits`` packs rows.
        scores: (M, N) the attack's, at least 0 where it says "member". Figures were made before the rounding to
            single precision, which can make ties but changes no sign.
        phi: (M, N) the logit-scaled confidence of each target on each record.
    """

    labels: NDArray[np.int32]
    members: NDArray[np.uint8]
    scores: NDArray[np.float32]
    phi: NDArray[np.float32]

    @cached_property
    def masks(self) -> NDArray[np.bool_]:
        """(M, N), which records each target trained on."""
        return np.unpackbits(self.members, axis=1, count=self.labels.size).astype(bool)


@dataclass(frozen=True, kw_only=True)
class Riskiest:
    """The records at the highest risk, chosen on one half of the pairs and reported on the other.

    Attributes:
        record: (R,) positions among the contested records, the riskiest first.
        chosen: (R,) the risk by which each was chosen, on the first half of the pairs.
        member: (R,) mean posterior over the targets of the other half that trained on the record.
        non_member: (R,) mean over those that did not.
        low: (R,) lower end of the 95 % interval of ``member``, each record by itself.
        high: (R,) upper end.
    """

    record: NDArray[np.int64]
    chosen: NDArray[np.float64]
    member: NDArray[np.float64]
    non_member: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What every attack that the release allows says about the riskiest records.

    Attributes:
        attacks: A names.
        found: (A, R) share of the targets that trained on the record of which the attack says so.
        blamed: (A, R) share of the targets that did not of which it says that they did.
    """

    attacks: tuple[str, ...]
    found: NDArray[np.float64]
    blamed: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Whether attacks hold the same records to be at risk; a record's risk is its mean score over targets with it.

    Attributes:
        attacks: A names.
        correlation: (A, A) Spearman's rank correlation of the records' mean scores.
        overlap: (A, A) share of one attack's ``top`` records that are among the other's.
        top: how many records were compared.
    """

    attacks: tuple[str, ...]
    correlation: NDArray[np.float64]
    overlap: NDArray[np.float64]
    top: int


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Some contested records as grey pictures.

    Attributes:
        record: (R,) positions among the contested records.
        pixels: (R, rows, columns), 255 where the ink is.
    """

    record: NDArray[np.int64]
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class DistanceSearch:
    """How the distances behind a distance-to-confident attack were found; of the first draw.

    Attributes:
        tau: τ in (0, 1), the confidence in the label at which a model counts as confident.
        confident: share of models × records that are confident as they are: their distance is 0, all tied.
        failed: share for which no change was found; their distance is the end of the search, all tied.
    """

    tau: float
    confident: float
    failed: float
