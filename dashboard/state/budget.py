"""The budget: what a visitor allows a setting to leak and to cost, and whether a measured setting keeps to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboard.state.stops import OFF
from engine.assessment.values import Headline

Verdict = Literal["yes", "perhaps", "no"]
"""Whether a setting is allowed: for certain, perhaps, or not."""

LIMITS: Mapping[str, tuple[str, ...]] = {
    "most_auc": (OFF, "0.52", "0.55", "0.6", "0.65", "0.7", "0.75", "0.8", "0.85", "0.9"),
    "least_accuracy": (OFF, "0.5", "0.6", "0.7", "0.75", "0.8", "0.85", "0.9", "0.925", "0.95"),
    "most_epsilon": (OFF, "0.5", "1", "2", "3", "5", "8", "10", "15", "30"),
}
"""The stops of each limit; they are fields of the view."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What is allowed; None where there is no limit.

    Attributes:
        most_auc: of the attack, in [0, 1].
        least_accuracy: on contested records that a model was not trained on, in [0, 1].
        most_epsilon: of what is proved.
    """

    most_auc: float | None = None
    least_accuracy: float | None = None
    most_epsilon: float | None = None

    @property
    def open(self) -> bool:
        """Whether everything is allowed."""
        return self == Budget()

    def verdict(self, head: Headline) -> Verdict:
        """Whether a setting is allowed: for certain where every interval lies inside, not where one lies outside.

        An ε is proved, so there is no perhaps about it; where none is proved, no limit on it is kept.
        """
        parts = [
            _below(head.auc.low, head.auc.high, self.most_auc),
            _below(-head.test_accuracy.high, -head.test_accuracy.low, _negative(self.least_accuracy)),
            _below(_epsilon(head), _epsilon(head), self.most_epsilon),
        ]
        return "no" if "no" in parts else "perhaps" if "perhaps" in parts else "yes"


def _below(low: float, high: float, limit: float | None) -> Verdict:
    """Whether what lies between two ends is at most a limit."""
    if limit is None or high <= limit:
        return "yes"
    return "no" if low > limit else "perhaps"


def _negative(limit: float | None) -> float | None:
    return None if limit is None else -limit


def _epsilon(head: Headline) -> float:
    """What is proved, infinite where nothing is."""
    return float("inf") if head.claim is None or head.claim.epsilon is None else head.claim.epsilon
