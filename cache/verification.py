"""Whether an entry is what it says: for bytes that come from elsewhere, and for a look through the whole store.

What cannot be checked without training again is whether weights were trained at all: an import is trusted to be
honest, as a colleague's figures are, but never to be well formed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass

import numpy as np

from cache.codec import (
    UnreadableError,
    assessment_from_bytes,
    headline_from_json,
    headline_to_json,
    wave_from_bytes,
)
from cache.keys import Point, asked, engine_of, key_of
from engine.assessment.parts import (
    Agreement,
    Answers,
    GroupRisk,
    Pictures,
    PrecisionRecall,
    RecordRisk,
    Reliability,
    Riskiest,
    RocCurve,
    ScoreHistogram,
    Verdicts,
)
from engine.assessment.values import Assessment, Headline
from engine.audits.values import Ceiling, Crossing
from engine.populations.membership import masks
from engine.recipe import MODELS_PER_WAVE, PAIRS_PER_WAVE, Recipe
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError
from engine.version import ENGINE_VERSION

_LENGTHS: dict[type, dict[str, str]] = {
    RocCurve: dict.fromkeys(("fpr", "tpr", "low", "high"), "G"),
    ScoreHistogram: {"edges": "E", "members": "B", "non_members": "B"},
    RecordRisk: dict.fromkeys(("member", "non_member", "low", "high"), "N"),
    Reliability: {"edges": "E", "counts": "B", "claimed": "B", "observed": "B"},
    PrecisionRecall: dict.fromkeys(("threshold", "precision", "recall"), "G"),
    GroupRisk: dict.fromkeys(("group", "records", "risk", "low", "high"), "G"),
    Answers: {"labels": "N", "members": "MO", "scores": "MN", "phi": "MN"},
    Riskiest: dict.fromkeys(("record", "chosen", "member", "non_member", "low", "high"), "R"),
    Verdicts: {"attacks": "A", "found": "AR", "blamed": "AR"},
    Agreement: {"attacks": "A", "correlation": "AA", "overlap": "AA"},
    Pictures: {"record": "P", "pixels": "PXY"},
    Ceiling: {"fpr": "G", "tpr": "G"},
    Crossing: {"fpr": "J", "tpr": "J"},
}
"""The lengths of the arrays of each part of an assessment along their axes.

N records, M targets, O bytes that hold N bits and R riskiest records are those of the assessment; every other letter
stands for one length within a part, which has one edge (E) more than bins (B).
"""

_GAPS = {(Reliability, "claimed"), (Reliability, "observed"), (PrecisionRecall, "precision")}
"""Arrays that are NaN where they would be a share of nothing."""

Shapes = Callable[[Recipe], dict[str, tuple[int, ...]]]
"""The shape of each parameter of one model of a recipe, by name."""


class OtherEngineError(UnreadableError):
    """The entry belongs to another version of the engine, which this one cannot judge."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of the store, of any origin: nothing of it is known to be true, its types included.

    Attributes:
        kind: "wave" or "assessment".
        key: under which it is found.
        question: what it answers.
        blob: the answer.
        sha256: of the blob.
        headline: of an assessment, else None.
        headline_sha256: of the headline.
    """

    kind: str
    key: object
    question: object
    blob: object
    sha256: object
    headline: object = None
    headline_sha256: object = None


def check_sum(content: object, checksum: object) -> bytes:
    """The content, as bytes with this checksum.

    Raises:
        UnreadableError: when it is not.
    """
    if not isinstance(content, bytes) or hashlib.sha256(content).digest() != checksum:
        raise UnreadableError("its content does not have its checksum")
    return content


def check_masks(stored: TrainedWave, recipe: Recipe, wave: int) -> None:
    """Compare the masks with those that the engine draws: with others every attack would read .5 and look safe.

    Raises:
        UnreadableError: when they differ.
    """
    if not np.array_equal(stored.masks, masks(recipe.population, recipe.seed, wave)):
        raise UnreadableError("its masks are not those that the engine draws")


def check_entry(entry: Entry, *, shapes: Shapes | None = None) -> tuple[Point | tuple[Recipe, int], bytes]:
    """What the entry answers and its blob, once everything about it that can be checked has been.

    Args:
        entry: of any origin.
        shapes: also compare a wave's parameters with these.

    Raises:
        OtherEngineError: when all is well, as far as this version of the engine can tell.
        UnreadableError: with the reason why the entry is not what it says.
    """
    question, blob = entry.question, check_sum(entry.blob, entry.sha256)
    if not isinstance(question, str) or key_of(question) != entry.key:
        raise UnreadableError("its key is not that of its question")
    try:
        if engine_of(question) != ENGINE_VERSION:
            raise OtherEngineError(f"it belongs to version {engine_of(question)} of the engine")
        answered = asked(question)
    except InvalidValueError as error:
        raise UnreadableError(str(error)) from error
    if isinstance(answered, Point) != (entry.kind == "assessment"):
        raise UnreadableError("it answers a question of another kind")
    if isinstance(answered, Point):
        assessment = assessment_from_bytes(blob)
        _check_headline(entry, assessment)
        _check_assessment(assessment, answered)
    else:
        _check_wave(wave_from_bytes(blob), *answered, shapes=shapes)
    return answered, blob


def _check_wave(stored: TrainedWave, recipe: Recipe, wave: int, *, shapes: Shapes | None) -> None:
    check_masks(stored, recipe, wave)
    sets = [stored.parameters, *stored.checkpoints.values()]
    if sorted(stored.checkpoints) != list(recipe.kept_epochs[:-1]):
        raise UnreadableError("it does not keep the epochs that its recipe keeps")
    for arrays in sets:
        if any(array.dtype != np.float32 or array.shape[:1] != (MODELS_PER_WAVE,) for array in arrays.values()):
            raise UnreadableError("its parameters are not those of eight models")
        if {name: array.shape for name, array in arrays.items()} != {n: a.shape for n, a in sets[0].items()}:
            raise UnreadableError("its epochs are not those of one training")
    if shapes is not None and {n: a.shape[1:] for n, a in stored.parameters.items()} != shapes(recipe):
        raise UnreadableError("its parameters are not those of its recipe's architecture")


def _check_headline(entry: Entry, stored: Assessment) -> None:
    """The headline stands in the blob and beside it: both must be the same, in the one way to write it."""
    text = entry.headline
    if not isinstance(text, str):
        raise UnreadableError("it has no headline")
    check_sum(text.encode(), entry.headline_sha256)
    headline = headline_from_json(text)
    if headline_to_json(headline) != text or headline != stored.headline:
        raise UnreadableError("its headline is not that of its content")


def _check_assessment(stored: Assessment, point: Point) -> None:
    head, info = stored.headline, point.recipe.population.info
    pairs = PAIRS_PER_WAVE * point.waves
    expected = (point.attack, point.recipe.population.contested, info.classes, pairs, point.release.draws)
    if (head.attack, head.records, head.classes, head.pairs, head.draws) != expected:
        raise UnreadableError("its headline is not about its question")
    if (head.claim is None) != (point.recipe.privacy is None):
        raise UnreadableError("its privacy claim does not fit its recipe")
    if not head.low_fpr or any(rate.expected_false_alarms <= 0 for rate in head.low_fpr):
        raise UnreadableError("its headline has no rates at few false alarms")
    _check_members(stored, point)
    lengths = _lengths_of(stored, head)
    for part in _parts(stored):
        _check_arrays(part, lengths)
        if isinstance(part, Riskiest | Pictures) and not np.isin(part.record, np.arange(head.records)).all():
            raise UnreadableError("it names records that there are none of")


def _check_members(stored: Assessment, point: Point) -> None:
    """Compare who was a member with the masks that the engine draws, as of a wave."""
    if stored.answers is None:
        return
    drawn = [masks(point.recipe.population, point.recipe.seed, wave) for wave in range(point.waves)]
    if not np.array_equal(stored.answers.members, np.packbits(np.concatenate(drawn), axis=1)):
        raise UnreadableError("its members are not those that the engine draws")


def _lengths_of(stored: Assessment, head: Headline) -> dict[str, int]:
    """The lengths that are the same in all parts of an assessment, by letter."""
    named = 0 if stored.riskiest is None else stored.riskiest.record.size
    return {"N": head.records, "M": head.targets, "O": -(-head.records // 8), "R": named}


def _parts(value: object) -> Iterator[object]:
    """The dataclasses in a value, itself among them."""
    if isinstance(value, tuple):
        for item in value:
            yield from _parts(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _parts(getattr(value, field.name))


def _check_arrays(part: object, lengths: dict[str, int]) -> None:
    """Compare the lengths of a part's arrays with each other and with those of the assessment; they hold numbers."""
    kind, found = type(part), dict(lengths)
    for name, letters in _LENGTHS.get(kind, {}).items():
        if getattr(part, name) is None:
            continue
        array = np.asarray(getattr(part, name))
        if array.size == 0 or array.ndim != len(letters):
            raise UnreadableError(f"an array of its {kind.__name__!r} is empty, or not of its dimensions")
        if any(found.setdefault(letter, size) != size for letter, size in zip(letters, array.shape, strict=True)):
            raise UnreadableError(f"the lengths in its {kind.__name__!r} do not match")
        if array.dtype.kind == "f" and not (np.isfinite(array) | (np.isnan(array) & ((kind, name) in _GAPS))).all():
            raise UnreadableError(f"what must be numbers in its {kind.__name__!r} are none")
    if found.get("E", 1) - found.get("B", 0) != 1:
        raise UnreadableError(f"the lengths in its {kind.__name__!r} do not match")
