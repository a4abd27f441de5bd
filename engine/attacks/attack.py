"""What every attack is: a function of signals and of the shadows' masks."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.signals import Signals


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
        """
        ...
