"""How to guess, chosen on targets other than the one that is judged, and what guesses come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audits.values import Guesses

_NUMBERS = 20  # of guesses that are tried on either side
_THRESHOLDS = 30  # that are tried, counted from either end
_FEWEST = 5


@dataclass(frozen=True, kw_only=True)
class GuessCounts:
    """How many records to guess about: k₊ highest scores are called members, k₋ lowest non-members.

    Records that tie with the last one count too, so the order of records changes nothing; a record that would be
    called both is called a member.
    """

    members: int
    non_members: int

    def guesses(self, scores: NDArray[np.float64], members: NDArray[np.bool_]) -> Guesses:
        """What guesses about one target come to; scores and members are (N,)."""
        rising = np.sort(scores)
        inside = scores >= rising[-self.members] if self.members else np.zeros(scores.size, dtype=bool)
        outside = scores <= rising[self.non_members - 1] if self.non_members else np.zeros(scores.size, dtype=bool)
        return outcome(inside, outside & ~inside, members)


def outcome(inside: NDArray[np.bool_], outside: NDArray[np.bool_], members: NDArray[np.bool_]) -> Guesses:
    """The counts of records called members, and of records called non-members; all (N,)."""
    return Guesses(
        true_positives=int((inside & members).sum()),
        false_positives=int((inside & ~members).sum()),
        true_negatives=int((outside & ~members).sum()),
        false_negatives=int((outside & members).sum()),
    )


def best_counts(
    scores: NDArray[np.float64],
    masks: NDArray[np.bool_],
    worth: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]],
) -> GuessCounts:
    """The numbers of guesses with which the mean target here is worth most; of equals, the fewest.

    Args:
        scores: (T, N) of other targets.
        masks: (T, N) theirs.
        worth: from mean guesses and mean correct guesses, both (J, J), to what is to be large.
    """
    numbers = np.concatenate(([0], _spread(_FEWEST, scores.shape[1] // 2, _NUMBERS)))
    per_target = [_counts_of(row, members, numbers) for row, members in zip(scores, masks, strict=True)]
    made, correct = np.mean(per_target, axis=0)
    most = int(worth(made, correct).argmax())
    return GuessCounts(members=int(numbers[most // len(numbers)]), non_members=int(numbers[most % len(numbers)]))


def _counts_of(
    scores: NDArray[np.float64], members: NDArray[np.bool_], numbers: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(2, J, J) guesses made and correct on one target, for k₊ down and k₋ across; as ``GuessCounts`` makes them."""
    order = np.argsort(scores)
    rising = scores[order]
    below = np.concatenate(([0], np.cumsum(members[order])))  # members among so many lowest scores
    first = np.searchsorted(rising, rising[scores.size - np.maximum(numbers, 1)], side="left")
    first = np.where(numbers > 0, first, scores.size)[:, None]
    end = np.searchsorted(rising, rising[np.maximum(numbers, 1) - 1], side="right")
    end = np.minimum(np.where(numbers > 0, end, 0)[None, :], first)
    return np.stack([scores.size - first + end, below[-1] - below[first] + end - below[end]])


def best_threshold(
    scores: NDArray[np.float64],
    masks: NDArray[np.bool_],
    worth: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> float:
    """The threshold τ, "member iff score ≥ τ", with which the mean target here is worth most; of equals, the highest.

    Args:
        scores: (T, N) of other targets.
        masks: (T, N) theirs.
        worth: from mean counts (4, J) of true positives, false positives, true negatives and false negatives to what
            is to be large.
    """
    targets, records = scores.shape
    falling = np.argsort(-scores, axis=None)
    ordered, found = scores.ravel()[falling], np.cumsum(masks.ravel()[falling])
    near = _spread(1, records // 2, _THRESHOLDS) * targets
    tried = ordered[np.unique(np.concatenate((near, scores.size - near))) - 1]
    accused = np.searchsorted(-ordered, -tried, side="right")
    members, hits = int(found[-1]), found[accused - 1]
    counts = np.stack([hits, accused - hits, scores.size - members - (accused - hits), members - hits])
    return float(tried[worth(counts / targets).argmax()])


def _spread(low: int, high: int, number: int) -> NDArray[np.int64]:
    """At most so many whole numbers from low to high, evenly on a logarithmic scale."""
    return np.unique(np.geomspace(min(low, high), high, number).round().astype(np.int64))
