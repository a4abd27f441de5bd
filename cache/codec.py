"""Waves and assessments as bytes and back: safetensors for arrays, canonical JSON for the rest, never pickle."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.assessment import values
from engine.assessment.values import Assessment, Headline
from engine.canonical import build, canonical_json
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError

_HEADLINE_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (values.Headline, values.Interval, values.LowFprRate, values.NullTest, values.PrivacyClaim)
}
_ARRAY_KINDS: dict[str, type] = {
    "roc": values.RocCurve,
    "histogram": values.ScoreHistogram,
    "risk": values.RecordRisk,
    "reliability": values.Reliability,
}
_PARAMETER = "parameter."
_CHECKPOINT = "epoch."


class UnreadableError(ValueError):
    """Bytes that are not what they should be."""


def wave_to_bytes(wave: TrainedWave) -> bytes:
    """Parameters as they are, those of earlier epochs with the epoch in their names, masks as one bit a record."""
    arrays = {_PARAMETER + name: array for name, array in wave.parameters.items()}
    for epoch, parameters in wave.checkpoints.items():
        arrays |= {f"{_CHECKPOINT}{epoch}.{name}": array for name, array in parameters.items()}
    return _save(
        arrays
        | {
            "masks": np.packbits(wave.masks, axis=1),
            "records": np.array([wave.masks.shape[1]], dtype=np.int64),
        }
    )


def wave_from_bytes(blob: bytes) -> TrainedWave:
    """The wave that ``wave_to_bytes`` wrote.

    Raises:
        UnreadableError: when the bytes are not a wave.
    """
    arrays = _load(blob)
    try:
        records = int(arrays.pop("records")[0])
        masks = np.unpackbits(arrays.pop("masks"), axis=1, count=records).astype(bool)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UnreadableError("a stored wave has no readable masks") from error
    return TrainedWave(
        parameters=_named(arrays, _PARAMETER),
        masks=masks,
        checkpoints={epoch: _named(arrays, f"{_CHECKPOINT}{epoch}.") for epoch in _epochs(arrays)},
    )


def _named(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with the prefix, named without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _epochs(arrays: Mapping[str, NDArray[Any]]) -> list[int]:
    """The epochs of the checkpoints among the arrays, in order.

    Raises:
        UnreadableError: when an array belongs to nothing.
    """
    found = set()
    for name in arrays:
        if name.startswith(_PARAMETER):
            continue
        epoch = name.removeprefix(_CHECKPOINT).partition(".")[0]
        if not (name.startswith(_CHECKPOINT) and epoch.isdecimal()):
            raise UnreadableError(f"a stored wave has an array {name!r} that belongs to nothing")
        found.add(int(epoch))
    return sorted(found)


def headline_to_json(headline: Headline) -> str:
    """The canonical JSON of a headline."""
    return canonical_json(headline)


@lru_cache(maxsize=1024)
def headline_from_json(text: str) -> Headline:
    """The headline that ``headline_to_json`` wrote; remembered, for a page asks for the same ones on every rerun.

    Raises:
        UnreadableError: when the text is not a headline.
    """
    try:
        headline = build(json.loads(text), _HEADLINE_KINDS)
    except (InvalidValueError, ValueError, RecursionError) as error:
        raise UnreadableError("a stored headline is not readable") from error
    if not _fits(headline, Headline):
        raise UnreadableError("a stored headline is not of kind 'Headline' with fields of their types")
    return headline


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of an annotated type, and so are its fields and items."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, parts[0]) for item in value)
    if dataclasses.is_dataclass(hint):
        return type(value) is hint and all(_fits(getattr(value, name), of) for name, of in _hints(hint).items())
    return type(value) in ({int, float} if hint is float else {hint})


_hints = lru_cache(get_type_hints)


def assessment_to_bytes(assessment: Assessment) -> bytes:
    """All arrays by "part.field", and the headline as the bytes of its JSON."""
    arrays = {
        f"{part}.{field}": getattr(getattr(assessment, part), field)
        for part, kind in _ARRAY_KINDS.items()
        for field in _fields(kind)
    }
    headline = headline_to_json(assessment.headline).encode()
    return _save(arrays | {"headline": np.frombuffer(headline, dtype=np.uint8)})


def assessment_from_bytes(blob: bytes) -> Assessment:
    """The assessment that ``assessment_to_bytes`` wrote.

    Raises:
        UnreadableError: when the bytes are not an assessment.
    """
    arrays = _load(blob)
    try:
        text = arrays["headline"].tobytes().decode()
        parts: dict[str, Any] = {
            part: kind(**{field: arrays[f"{part}.{field}"] for field in _fields(kind)})
            for part, kind in _ARRAY_KINDS.items()
        }
    except (KeyError, UnicodeDecodeError) as error:
        raise UnreadableError("a stored assessment lacks a part") from error
    return Assessment(headline=headline_from_json(text), **parts)


def _fields(kind: type) -> list[str]:
    """The names of a dataclass's fields."""
    return [field.name for field in dataclasses.fields(kind)]


def _save(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Safetensors bytes; the format keeps neither strides nor foreign byte orders."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _load(blob: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of safetensors bytes."""
    try:
        return load(blob)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UnreadableError("the bytes are not in the safetensors format") from error
