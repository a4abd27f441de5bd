"""Which attacks simulations take, and how often: all of them and 2,000 times is the promise, less a daily run.

``PRIVACYDIAL_FULL=1`` makes the full runs. Numbers and seeds are fixed before the first run.
"""

from __future__ import annotations

import os

from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE

FULL = os.environ.get("PRIVACYDIAL_FULL") == "1"

KINDS = ("lira", "confidence_by_class", "loss", "rmia")
"""One attack of every kind that is cheap to fit: by density, by thresholds, by one threshold, by public records."""

WITH_COSTLY = (*KINDS, "neural")

SIMULATED = tuple(name for name in (ATTACKS if FULL else KINDS) if not CATALOGUE[name].costly)


def repetitions(daily: int) -> int:
    """How often to repeat."""
    return 2000 if FULL else daily
