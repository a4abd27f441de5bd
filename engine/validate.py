"""Checks at the edge: each message names the field, the rule and the value.

Used by the frozen dataclasses in ``__post_init__``; nothing further inside checks again.
"""

from __future__ import annotations

import sys
from collections.abc import Collection


class InvalidValueError(ValueError):
    """A value that a person chose is out of range; its text is fit to be shown to that person."""


def number(
    name: str,
    value: object,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> float:
    """The value as a finite float within the bounds.

    Raises:
        InvalidValueError: with one sentence that names the field, the rule and the value.
    """
    # Not math.isfinite, which fails on whole numbers beyond the largest float; NaN compares false.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise InvalidValueError(f"{name} must be a finite number, got {value!r}")
    _bounds(name, value, at_least=at_least, above=above, at_most=at_most, below=below)
    return float(value) + 0.0  # -0.0 becomes 0.0: equal values must have equal canonical JSON


def whole(name: str, value: object, *, at_least: int | None = None, at_most: int | None = None) -> int:
    """The value as an int within the bounds.

    Raises:
        InvalidValueError: with one sentence that names the field, the rule and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidValueError(f"{name} must be a whole number, got {value!r}")
    _bounds(name, value, at_least=at_least, at_most=at_most)
    return value


def choice(name: str, value: object, options: Collection[str]) -> str:
    """The value as one of the options.

    Raises:
        InvalidValueError: with one sentence that names the field, the options and the value.
    """
    if not isinstance(value, str) or value not in options:
        raise InvalidValueError(f"{name} must be one of {', '.join(sorted(options))}, got {value!r}")
    return value


def flag(name: str, value: object) -> bool:
    """The value as a bool.

    Raises:
        InvalidValueError: with one sentence that names the field, the rule and the value.
    """
    if not isinstance(value, bool):
        raise InvalidValueError(f"{name} must be true or false, got {value!r}")
    return value


def _bounds(
    name: str,
    value: float,
    *,
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
) -> None:
    """Raise when the value is outside a bound."""
    rules = (
        (at_least, "at least", at_least is None or value >= at_least),
        (above, "above", above is None or value > above),
        (at_most, "at most", at_most is None or value <= at_most),
        (below, "below", below is None or value < below),
    )
    for bound, rule, holds in rules:
        if not holds:
            raise InvalidValueError(f"{name} must be {rule} {bound:,}, got {value}")
