"""Canonical JSON of frozen dataclasses, and the way back.

A dataclass is written as an object with its fields and ``"kind"``, its class name; keys are sorted and no
white space is left, so equal values have equal bytes and therefore equal hashes, in every process.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from engine.validate import InvalidValueError


def plain(value: object) -> Any:
    """The value as JSON types: dataclasses become objects with a ``kind``, tuples become lists."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical JSON")


def canonical_json(value: object) -> str:
    """The one JSON text of a value: sorted keys, no white space, no NaN."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def build(data: object, kinds: Mapping[str, type], *, defaults: bool = False) -> Any:
    """The value that ``plain`` wrote; dataclasses validate themselves on the way.

    Args:
        data: JSON types, untrusted; what is no list and no object is taken as it is.
        kinds: the classes that may appear, by class name.
        defaults: whether a field that has a default may be missing, as in what an older version wrote.

    Raises:
        InvalidValueError: for an unknown kind, or a field that is missing, unknown or out of range.
    """
    if isinstance(data, list):
        return tuple(build(item, kinds, defaults=defaults) for item in data)
    if not isinstance(data, dict):
        return data
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise InvalidValueError(f"kind must be one of {', '.join(sorted(kinds))}, got {kind!r}")
    fields = {name: build(item, kinds, defaults=defaults) for name, item in data.items() if name != "kind"}
    known = {field.name: field for field in dataclasses.fields(kinds[kind])}
    odd = set(fields) ^ set(known)
    if defaults:
        odd -= {name for name, field in known.items() if field.default is not dataclasses.MISSING}
    if odd:
        first = min(odd)
        problem = "is missing" if first in known else "is not a field of it"
        raise InvalidValueError(f"{kind} must have the fields {', '.join(sorted(known))}: {first!r} {problem}")
    return kinds[kind](**fields)
