"""Waves and assessments as bytes and back: safetensors for arrays, canonical JSON for the rest, never pickle."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import zlib
from collections.abc import Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from engine.assessment import values
from engine.assessment.values import Assessment, Comparison, Headline
from engine.audits import values as audited
from engine.canonical import build, canonical_json
from engine.packages import Package
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError

_KINDS: dict[str, type] = {
    name: kind
    for module in (values, audited)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and dataclasses.is_dataclass(kind)
}
_ARRAY = "array"  # marks the place of an array in the JSON
_TREE = "tree"  # the array that holds an assessment's JSON; no field has a name without a point
_LARGEST = 2**28  # bytes of an assessment: 256 MiB, far more than is usual
_EFFORT = 1  # of compression
_HEAD = b"\0\0\0\0{"  # at byte 4 of safetensors: the upper half of the length of the JSON that follows
_PARAMETER = "parameter."
_CHECKPOINT = "epoch."
_SHOWN = 40  # characters of a foreign name in a sentence
# As one is written; Python reads no number of thousands of digits.
_EPOCH = re.compile(r"epoch\.(0|[1-9][0-9]{0,8})\.")
_LONE = re.compile("[\ud800-\udfff]")  # half a character: JSON can hold it, a page cannot show it
_TRAINED_WITH = "trained_with"


class UnreadableError(ValueError):
    """Bytes that are not what they should be."""


def wave_to_bytes(wave: TrainedWave) -> bytes:
    """Parameters as they are, those of earlier epochs with the epoch in their names, masks as one bit a record.

    What trained them is written as the bytes of its JSON.
    """
    arrays = {_PARAMETER + name: array for name, array in wave.parameters.items()}
    for epoch, parameters in wave.checkpoints.items():
        arrays |= {f"{_CHECKPOINT}{epoch}.{name}": array for name, array in parameters.items()}
    return _save(
        arrays
        | {
            "masks": np.packbits(wave.masks, axis=1),
            "records": np.array([wave.masks.shape[1]], dtype=np.int64),
            _TRAINED_WITH: np.frombuffer(canonical_json(wave.trained_with).encode(), dtype=np.uint8),
        }
    )


def wave_from_bytes(blob: bytes) -> TrainedWave:
    """The wave that ``wave_to_bytes`` wrote; one that was stored earlier does not say what trained it.

    Raises:
        UnreadableError: when the bytes are not a wave.
    """
    arrays = _load(blob)
    masks = _masks(arrays.pop("masks", None), arrays.pop("records", None))
    trained_with = _packages(arrays.pop(_TRAINED_WITH, None))
    return TrainedWave(
        parameters=_named(arrays, _PARAMETER),
        masks=masks,
        checkpoints={epoch: _named(arrays, f"{_CHECKPOINT}{epoch}.") for epoch in _epochs(arrays)},
        trained_with=trained_with,
    )


def _masks(packed: NDArray[Any] | None, records: NDArray[Any] | None) -> NDArray[np.bool_]:
    """The masks behind their bytes, which decide how much memory they take: a number alone could ask for any.

    Raises:
        UnreadableError: when the bytes are not masks of that one number of records.
    """
    if packed is None or packed.dtype != np.uint8 or packed.ndim != 2:
        raise UnreadableError("a stored wave has no readable masks")
    if records is None or records.dtype != np.int64 or records.shape != (1,):
        raise UnreadableError("a stored wave does not have one number of records")
    count = int(records[0])
    if not 0 < count <= 8 * packed.shape[1] < count + 8:
        raise UnreadableError("a stored wave has masks of another number of records")
    return np.unpackbits(packed, axis=1, count=count).astype(bool)


def _packages(content: NDArray[Any] | None) -> tuple[Package, ...]:
    """The packages whose JSON an array holds; none where there is no array.

    Raises:
        UnreadableError: when it holds something else.
    """
    try:
        found = () if content is None else build(json.loads(content.tobytes()), _KINDS)
    except (InvalidValueError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableError("a stored wave does not say readably what trained it") from error
    if not _fits(found, tuple[Package, ...]):
        raise UnreadableError("a stored wave does not say readably what trained it")
    return found


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
        epoch = _EPOCH.match(name)
        if epoch is None:
            raise UnreadableError(f"a stored wave has an array {name[:_SHOWN]!r} that belongs to nothing")
        found.add(int(epoch[1]))
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
        headline = build(json.loads(text), _KINDS, defaults=True)
    except (InvalidValueError, ValueError, RecursionError) as error:
        raise UnreadableError("a stored headline is not readable") from error
    if not _fits(headline, Headline):
        raise UnreadableError("a stored headline is not of kind 'Headline' with fields of their types")
    return headline


def comparison_to_bytes(comparison: Comparison) -> bytes:
    """The canonical JSON of a comparison."""
    return canonical_json(comparison).encode()


def comparison_from_bytes(blob: bytes) -> Comparison:
    """The comparison that ``comparison_to_bytes`` wrote.

    Raises:
        UnreadableError: when the bytes are not a comparison.
    """
    try:
        comparison = build(json.loads(blob), _KINDS, defaults=True)
    except (InvalidValueError, ValueError, RecursionError) as error:
        raise UnreadableError("a comparison is not readable") from error
    if not _fits(comparison, Comparison):
        raise UnreadableError("a comparison is not of kind 'Comparison' with fields of their types")
    return comparison


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of an annotated type, and so are its fields and items.

    Numbers are finite and no larger than what arrays and formats take, and a text is one that can be sent.
    """
    if isinstance(hint, type):
        if dataclasses.is_dataclass(hint):
            return type(value) is hint and all(_fits(getattr(value, name), of) for name, of in _hints(hint).items())
        return _is_plain(value, hint)
    origin, parts = _apart(hint)
    if origin in {Union, UnionType}:
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(item, parts[0]) for item in value)
    return isinstance(value, np.ndarray) and value.dtype == get_args(parts[1])[0]


def _is_plain(value: object, kind: type) -> bool:
    """Whether a value is a number, a truth, a text or nothing, whichever is asked for."""
    if kind is float and type(value) in {int, float}:
        return abs(cast("float", value)) <= sys.float_info.max  # not so for NaN
    if type(value) is not kind:
        return False
    if isinstance(value, str):
        return _LONE.search(value) is None
    return not isinstance(value, int) or abs(value) < 2**63


_hints = lru_cache(get_type_hints)
_apart = lru_cache(lambda hint: (get_origin(hint), get_args(hint)))


def assessment_to_bytes(assessment: Assessment) -> bytes:
    """All arrays by the path to them, and the rest as the bytes of its JSON; compressed.

    More than the least effort would save next to nothing, and a small wave takes less time to train.
    """
    arrays: dict[str, NDArray[Any]] = {}
    tree = canonical_json(_without_arrays(assessment, "", arrays)).encode()
    return zlib.compress(_save(arrays | {_TREE: np.frombuffer(tree, dtype=np.uint8)}), level=_EFFORT)


def assessment_from_bytes(blob: bytes) -> Assessment:
    """The assessment that ``assessment_to_bytes`` wrote; parts that were added since have their defaults.

    Raises:
        UnreadableError: when the bytes are not an assessment.
    """
    arrays = _load(_inflated(blob))
    try:
        tree = json.loads(arrays[_TREE].tobytes())
        assessment = build(_with_arrays(tree, arrays), _KINDS, defaults=True)
    except (InvalidValueError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableError("a stored assessment is not readable") from error
    if not _fits(assessment, Assessment):
        raise UnreadableError("a stored assessment is not of kind 'Assessment' with fields of their types")
    return assessment


def tightened(blob: bytes) -> bytes:
    """The bytes of the same assessment with all the effort at compressing them: for what travels with the package.

    Raises:
        UnreadableError: when the bytes are not an assessment's.
    """
    return zlib.compress(_inflated(blob), level=9)


def _inflated(blob: bytes) -> bytes:
    """The bytes before they were compressed, which assessments stored earlier never were.

    Raises:
        UnreadableError: when they are damaged or too many: a few foreign bytes can stand for any number.
    """
    if blob[4:].startswith(_HEAD):
        return blob
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(blob, _LARGEST)
    except zlib.error as error:
        raise UnreadableError("the bytes are not compressed") from error
    if not inflate.eof or inflate.unused_data:
        raise UnreadableError(f"the bytes are cut, or stand for more than {_LARGEST:,}")
    return whole


def _without_arrays(value: object, path: str, arrays: dict[str, NDArray[Any]]) -> Any:
    """The value as JSON types; its arrays go into ``arrays`` and leave their names behind."""
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {_ARRAY: path}
    if isinstance(value, tuple):
        return [_without_arrays(item, f"{path}.{index}", arrays) for index, item in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        kept = {name: _without_arrays(item, f"{path}.{name}", arrays) for name, item in fields.items()}
        return {"kind": type(value).__name__, **kept}
    return value


def _with_arrays(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """The way back, as far as JSON types with arrays among them."""
    if isinstance(tree, list):
        return [_with_arrays(item, arrays) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if _ARRAY in tree:
        return arrays[tree[_ARRAY]]
    return {name: _with_arrays(item, arrays) for name, item in tree.items()}


def _save(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Safetensors bytes; the format keeps neither strides nor foreign byte orders."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _load(blob: bytes) -> dict[str, NDArray[Any]]:
    """The arrays of safetensors bytes."""
    try:
        return load(blob)
    except (SafetensorError, ValueError, KeyError) as error:
        raise UnreadableError("the bytes are not in the safetensors format") from error
