"""What a study says: frozen values without torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from engine.architectures import Architecture
from engine.assessment.comparison import Comparison
from engine.assessment.values import Headline

MatchedBy = Literal["parameters", "accuracy", "fit"]
MATCHES: tuple[MatchedBy, ...] = get_args(MatchedBy)
CLOSE_PARAMETERS = 0.02
CLOSE_ACCURACY = 0.01
LONGEST = 10
"""How many times as long as the feed-forward network the recurrent one trains at most, to fit as well."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two cohorts of a row.

    Attributes:
        epoch: whose weights were released.
        headline: accuracies, leakage and ε of that release.
    """

    epoch: int
    headline: Headline

    @property
    def train_accuracy(self) -> float:
        """On the members, mean over targets, in [0, 1]."""
        return self.headline.train_accuracy.estimate


@dataclass(frozen=True, kw_only=True)
class Row:
    """Both architectures under one defence.

    Attributes:
        defence: its title.
        feed_forward: the cohort of the perceptron.
        recurrent: the cohort of the recurrent network, trained on the same masks.
        difference: recurrent minus feed-forward, pair by pair.
    """

    defence: str
    feed_forward: Side
    recurrent: Side
    difference: Comparison

    @property
    def apart(self) -> float:
        """How far the mean train accuracies are from each other, in [0, 1]."""
        return abs(self.recurrent.train_accuracy - self.feed_forward.train_accuracy)

    @property
    def close(self) -> bool:
        """Whether the train accuracies are within 1 point of each other."""
        return self.apart <= CLOSE_ACCURACY

    @property
    def caption(self) -> str:
        """Both train accuracies, their epochs and whether they match; and what looking at them does to ε."""
        one, two = self.feed_forward, self.recurrent
        said = (
            f"{self.defence}: train accuracy {one.train_accuracy:.3f} at epoch {one.epoch} (feed-forward) and "
            f"{two.train_accuracy:.3f} at epoch {two.epoch} (recurrent), {100 * self.apart:.1f} points apart"
        )
        if not self.close:
            said += ", not matched"
        if one.headline.claim is not None:
            said += "; the epochs were chosen by looking at private accuracy, which ε does not account for"
        return said


@dataclass(frozen=True, kw_only=True)
class Study:
    """The comparison of a recurrent with a feed-forward architecture.

    Attributes:
        population: name of the population.
        epochs: of every training; with ``matched_by`` "fit" of the feed-forward network's.
        matched_by: what was made equal: the numbers of parameters; row by row the train accuracies as well, by the
            epochs kept of both ("accuracy") or by training the recurrent network longer ("fit").
        feed_forward: the architecture on one side.
        recurrent: the one on the other.
        feed_forward_parameters: trainable numbers of one model.
        recurrent_parameters: likewise.
        rows: one for each defence.
    """

    population: str
    epochs: int
    matched_by: MatchedBy
    feed_forward: Architecture
    recurrent: Architecture
    feed_forward_parameters: int
    recurrent_parameters: int
    rows: tuple[Row, ...]

    @property
    def gap(self) -> float:
        """How far the recurrent network's parameters are from the other's, as a share; positive where it has more."""
        return self.recurrent_parameters / self.feed_forward_parameters - 1

    @property
    def caption(self) -> str:
        """What was matched, how near it came, and for whom the numbers hold."""
        head = self.rows[0].feed_forward.headline
        private = any(row.feed_forward.headline.claim is not None for row in self.rows)
        return " ".join(
            [
                f"{self.population}, {self.recurrent} against {self.feed_forward}, {self.epochs} epochs:",
                f"recurrent minus feed-forward on the same masks, {head.pairs} pairs, {head.shadows} shadows,",
                f"for these {head.records} records{'; DP settings not tuned' if private else ''}.",
                self._parameters,
                *([] if self.matched_by == "parameters" else [self._accuracies]),
            ]
        )

    @property
    def _parameters(self) -> str:
        """The sentence on the two parameter counts."""
        verdict = "Matched in parameters" if abs(self.gap) <= CLOSE_PARAMETERS else "Parameters not matched"
        return (
            f"{verdict}: {self.feed_forward_parameters:,} (feed-forward) and "
            f"{self.recurrent_parameters:,} (recurrent), a gap of {100 * self.gap:+.1f} %."
        )

    @property
    def _accuracies(self) -> str:
        """The sentences on the train accuracies of every row."""
        near = sum(row.close for row in self.rows)
        rows = "; ".join(row.caption for row in self.rows)
        how = "by the epoch kept"
        if self.matched_by == "fit":
            how = f"by training the recurrent network for up to {LONGEST * self.epochs} epochs"
        return f"Matched in train accuracy, {how}, in {near} of {len(self.rows)} rows: {rows}."


def nearest_epochs(first: Mapping[int, float], second: Mapping[int, float]) -> tuple[int, int]:
    """The kept epochs of two cohorts at which their mean train accuracies are nearest; the latest of equally near.

    Args:
        first: train accuracy by kept epoch, of one cohort.
        second: likewise of the other.
    """
    pairs = [(one, two) for one in first for two in second]
    return min(pairs, key=lambda pair: (abs(first[pair[0]] - second[pair[1]]), -pair[0], -pair[1]))


def first_fitting(wanted: float, accuracies: Iterable[tuple[int, float]]) -> int:
    """The first epoch at which the mean train accuracy is within 1 point of what is wanted, or else the nearest.

    Args:
        wanted: mean train accuracy, in [0, 1].
        accuracies: epochs with mean train accuracies, early ones first; none is asked for after the first that fits.
    """
    gaps: dict[int, float] = {}
    for epoch, accuracy in accuracies:
        gaps[epoch] = abs(accuracy - wanted)
        if gaps[epoch] <= CLOSE_ACCURACY:
            return epoch
    return min(gaps, key=gaps.__getitem__)
