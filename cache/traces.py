"""How a training went by epoch as bytes and back: compressed JSON, a list of four numbers for each epoch."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import astuple, fields
from itertools import pairwise

from cache.codec import UnreadableError
from cache.progress import TracePoint

_LARGEST = 2**20  # bytes before compression: more epochs than a recipe can have
_SHARES = [field.name for field in fields(TracePoint)[1:]]


def trace_to_bytes(trace: Sequence[TracePoint]) -> bytes:
    """Epoch, accuracies and leak of each point, compressed."""
    return zlib.compress(json.dumps([astuple(point) for point in trace], separators=(",", ":")).encode(), level=9)


def trace_from_bytes(blob: bytes) -> tuple[TracePoint, ...]:
    """The trace that ``trace_to_bytes`` wrote.

    Raises:
        UnreadableError: when the bytes are not a trace.
    """
    try:
        text = zlib.decompressobj().decompress(blob, _LARGEST)
        points = [(epoch, *shares) for epoch, *shares in json.loads(text)]
    except (zlib.error, ValueError, TypeError, RecursionError) as error:
        raise UnreadableError("a trace is not readable") from error
    if not all(map(_fits, points)) or any(later[0] <= point[0] for point, later in pairwise(points)):
        raise UnreadableError("a trace is not of ascending epochs, each with shares between 0 and 1")
    return tuple(TracePoint(epoch=epoch, **dict(zip(_SHARES, shares, strict=True))) for epoch, *shares in points)


def _fits(point: tuple[object, ...]) -> bool:
    epoch, *shares = point
    held = all(isinstance(share, float) and 0 <= share <= 1 for share in shares)
    return type(epoch) is int and epoch > 0 and len(shares) == len(_SHARES) and held
