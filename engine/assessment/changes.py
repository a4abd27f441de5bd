"""Whose risk a protection changes: two settings on the same records and masks, record by record and pair by pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import imagined, reach
from engine.assessment.parts import Answers
from engine.assessment.risk import PairRisk, grouped, pair_risk
from engine.attacks.leave_pair_out import halves, models_of
from engine.attacks.likelihood_ratio import lira
from engine.signals import signals
from engine.validate import InvalidValueError

_OFF = 0.25  # a few differences that are all close to 0 say little about how rare larger ones are


@dataclass(frozen=True, kw_only=True)
class RiskChange:
    """Risk in two settings and its change, second minus first, of R records or groups.

    Attributes:
        first: (R,) mean risk in the first setting.
        second: (R,) in the second.
        low: (R,) lower end of the 95 % interval of the change, each by itself.
        high: (R,) upper end.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @property
    def rose(self) -> NDArray[np.bool_]:
        """(R,) whether the whole interval of the change lies above 0."""
        return self.low > 0

    @property
    def fell(self) -> NDArray[np.bool_]:
        """(R,) whether it lies below 0."""
        return self.high < 0


def answered_risk(answers: Answers, *, prior: float = 0.5, pairs: int | None = None) -> PairRisk:
    """LiRA's posteriors by pair from the stored answers of a cohort, those of its first released copy.

    LiRA reads nothing of a model but φ, so each answer is taken as one of two classes with that φ.

    Args:
        answers: of M models.
        prior: as of ``pair_risk``.
        pairs: how many of the pairs, the first ones, to look at; all where it is None.
    """
    rows = models_of(range(pairs or len(answers.members) // 2))
    phi = answers.phi[rows].astype(np.float64)
    binary = signals(np.stack([phi, np.zeros_like(phi)], axis=-1), np.zeros(phi.shape[1], dtype=np.int64))
    return pair_risk([binary], answers.masks[rows], lira, prior=prior)


def changed(first: PairRisk, second: PairRisk) -> RiskChange:
    """The change of every record's risk, (N,), over all pairs.

    The interval is the delete-one-pair jackknife of the difference, the pair left out on both sides, Student t,
    widened by two imagined pairs in which the risk rose and fell by ``_OFF``: without that those of some records
    cover far too little. In a simulation with 8 pairs, and noise with heavier tails than LiRA believes, they cover
    95 % or more on average over records and 90 % or more for the worst, and of the records whose risk is the same at
    most 2.5 % are found to rise and as many to fall (``tests/test_changes.py``).

    Args:
        first: of P pairs.
        second: of the pairs with the same masks.

    Raises:
        InvalidValueError: when the two differ in shape.
    """
    before, after = _same_shape(first, second)
    half = imagined(reach(second.deleted - first.deleted), len(before), off=_OFF)
    return _change(before.mean(axis=0), after.mean(axis=0), half)


def changed_on_second_half(first: PairRisk, second: PairRisk, records: NDArray[np.intp]) -> RiskChange:
    """The change of the risk of R records over the second half of the pairs, for records chosen on the first.

    The interval is Student t over those pairs, widened as in ``changed``; in the same simulation, with 4 pairs in
    the half, it covers as much.

    Args:
        first: of at least four pairs.
        second: of the pairs with the same masks.
        records: (R,) positions.

    Raises:
        InvalidValueError: when the two differ in shape.
    """
    part = reporting(first)
    before, after = (values[part][:, records] for values in _same_shape(first, second))
    half = imagined(reach(after - before, independent=True), len(before), off=_OFF)
    return _change(before.mean(axis=0), after.mean(axis=0), half)


def group_change(first: PairRisk, second: PairRisk, groups: NDArray[np.integer]) -> RiskChange:
    """The change of the mean risk of each group, in the order of ``np.unique``, with the jackknife of the change.

    Args:
        first: of P pairs.
        second: of the pairs with the same masks.
        groups: (N,) the group of each record.

    Raises:
        InvalidValueError: when the two differ in shape.
    """
    before, after = _same_shape(first, second)
    _, _, within = grouped(groups)
    half = reach((second.deleted - first.deleted) @ within.T)
    return _change(within @ before.mean(axis=0), within @ after.mean(axis=0), half)


def choosing(risk: PairRisk) -> slice:
    """The pairs on which records are chosen: the first half."""
    part = halves(len(risk.member))[0]
    return slice(part.start, part.stop)


def reporting(risk: PairRisk) -> slice:
    """The pairs on which chosen records are reported: the second half."""
    part = halves(len(risk.member))[1]
    return slice(part.start, part.stop)


def _same_shape(first: PairRisk, second: PairRisk) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if first.member.shape != second.member.shape:
        raise InvalidValueError(
            f"both settings must have the same pairs and records, got {first.member.shape} and {second.member.shape}"
        )
    return first.member, second.member


def _change(before: NDArray[np.float64], after: NDArray[np.float64], half: NDArray[np.float64]) -> RiskChange:
    change = after - before
    return RiskChange(
        first=before, second=after, low=np.maximum(change - half, -1.0), high=np.minimum(change + half, 1.0)
    )
