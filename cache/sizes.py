"""Sizes in bytes as people write them."""

from __future__ import annotations

import argparse
import re

from engine.validate import InvalidValueError

_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
DEFAULT_LIMIT = 5 * 10**9
"""Bytes of all results of a cache, unless somebody says otherwise."""


def size_from_text(text: str) -> int:
    """Bytes, from such as "800MB" or "5 GB".

    Raises:
        InvalidValueError: when the text is no size, with one sentence.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?(kB|MB|GB|TB)", text)
    if found is None:
        raise InvalidValueError(f"size must be a number with kB, MB, GB or TB such as 5GB, got {text!r}")
    return int(float(found[1]) * _UNITS[found[2]])


def size_text(size: int) -> str:
    """A size in its natural unit: "3.2 MB"."""
    unit = max((name for name in _UNITS if _UNITS[name] <= max(size, 1)), key=_UNITS.__getitem__)
    return f"{size / _UNITS[unit]:.{0 if unit == 'B' else 1}f} {unit}"


def size_argument(text: str) -> int:
    """Bytes, from an argument of a command."""
    try:
        return size_from_text(text)
    except InvalidValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
