"""What every attack is: a function of signals and of the shadows' masks."""

from __future__ import annotations

from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.signals import Signals
from engine.validate import InvalidValueError

_Held = TypeVar("_Held")


class Attack(Protocol):
    """A function from signals to scores; higher means "more likely a member", at least 0 means "member"."""

    def __call__(self, target: Signals, shadows: Signals, masks: NDArray[np.bool_], /) -> NDArray[np.float64]:
        """Scores of the targets' records.

        Args:
            target: signals of T models that are attacked, each by itself.
            shadows: signals of S models on the same N records.
            masks: (..., S, N), which records each shadow trained on. Leading dimensions are alternative masks
                for the same signals.

        Returns:
            (..., T, N) float64, finite.

        Raises:
            InvalidValueError: when the signals lack what the attack reads.
        """
        ...


def required(held: _Held | None, attack: str, what: str) -> _Held:
    """What the signals hold for an attack.

    Raises:
        InvalidValueError: with one sentence, where they hold nothing.
    """
    if held is None or (isinstance(held, tuple) and not held):
        raise InvalidValueError(f"attack {attack} needs {what}")
    return held


def for_all_masks(scores: NDArray[np.float64], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores (T, N) that depend on no shadow, once for each of the alternative masks (..., S, N): (..., T, N)."""
    return np.broadcast_to(scores, (*masks.shape[:-2], *scores.shape)).copy()
