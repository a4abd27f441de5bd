"""Whether an entry is what it says: for bytes that come from elsewhere, and for a look through the whole store.

What cannot be checked without training again is whether weights were trained at all: an import is trusted to be
honest, as a colleague's figures are, but never to be well formed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cache.codec import (
    UnreadableError,
    assessment_from_bytes,
    headline_from_json,
    headline_to_json,
    wave_from_bytes,
)
from cache.keys import Point, asked, engine_of, key_of
from engine.assessment.values import Assessment
from engine.populations.membership import masks
from engine.recipe import MODELS_PER_WAVE, PAIRS_PER_WAVE, Recipe
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError
from engine.version import ENGINE_VERSION

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
    if stored.risk.member.shape != (head.records,) or stored.risk.non_member.shape != (head.records,):
        raise UnreadableError("its risks are not those of its records")
    _check_lengths("ROC curve", stored.roc.fpr.shape, stored.roc.tpr.shape)
    bins, risks = stored.histogram, stored.reliability
    _check_lengths("histogram", (len(bins.edges) - 1,), bins.members.shape, bins.non_members.shape)
    _check_lengths("reliability", (len(risks.edges) - 1,), *(a.shape for a in (risks.counts, risks.claimed)))
    _check_lengths("reliability", risks.counts.shape, risks.observed.shape)


def _check_lengths(name: str, first: tuple[int, ...], *others: tuple[int, ...]) -> None:
    if len(first) != 1 or any(other != first for other in others):
        raise UnreadableError(f"the lengths of its {name} do not match")
