"""What an assessment says record by record, as NumPy and Parquet files that explain themselves.

Both hold the question that the assessment answers (recipe, release, attack, waves, engine version) as JSON. Neither
needs pickle to be read. Logits of all classes are not kept with an assessment, φ, the logit-scaled confidence of
the label, is: who wants them asks the models again (``privacydial records``).
"""

from __future__ import annotations

import io
import json
import platform
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cache.keys import Point, assessment_question
from engine.assessment.parts import Answers
from engine.assessment.values import Assessment
from engine.validate import InvalidValueError

LIBRARIES = ("privacydial", "torch", "numpy", "scipy", "scikit-learn", "opacus", "mlxtend", "mnist1d")
"""What decides numbers: what trains, what computes attacks and ε, and what records come from."""


def records_npz(point: Point, assessment: Assessment, logits: NDArray[np.float32] | None = None) -> bytes:
    """An npz file, to be read with ``numpy.load(file)``; pickle stays off.

    Arrays, for M targets and N contested records: ``labels`` (N,), ``masks`` (M, N) bool, ``scores`` (M, N),
    ``phi`` (M, N), ``risk`` (N,) and ``risk_left_out`` (N,) as in ``RecordRisk``, with logits (M, N, C) also
    ``logits``, and the texts ``question`` and ``versions``, JSON.

    Raises:
        InvalidValueError: when the assessment does not hold its scores record by record.
    """
    kept = _answers(assessment)
    further: dict[str, Any] = {} if logits is None else {"logits": logits}
    file = io.BytesIO()
    np.savez_compressed(
        file,
        labels=kept.labels,
        masks=kept.masks,
        scores=kept.scores,
        phi=kept.phi,
        risk=assessment.risk.member,
        risk_left_out=assessment.risk.non_member,
        **further,
        question=np.array(assessment_question(point)),
        versions=np.array(_versions()),
    )
    return file.getvalue()


def records_parquet(point: Point, assessment: Assessment, logits: NDArray[np.float32] | None = None) -> bytes:
    """A Parquet file with a row for every target and record.

    Columns: ``model`` and ``pair`` from 0, ``record`` from 0, ``label``, ``member``, ``score``, ``phi``, ``risk``
    and ``risk_left_out`` (of the record, over all targets); with logits (M, N, C) also ``logit_0``, ``logit_1``, … by
    class. The question and the versions stand in the file's
    metadata under ``privacydial.question`` and ``privacydial.versions``.

    Raises:
        InvalidValueError: when the assessment does not hold its scores record by record.
    """
    import pyarrow as pa
    from pyarrow import parquet

    kept = _answers(assessment)
    models, records = kept.masks.shape
    model = np.repeat(np.arange(models, dtype=np.int16), records)
    table = pa.table(
        {
            "model": model,
            "pair": model // 2,
            "record": np.tile(np.arange(records, dtype=np.int32), models),
            "label": np.tile(kept.labels, models),
            "member": kept.masks.ravel(),
            "score": kept.scores.ravel(),
            "phi": kept.phi.ravel(),
            "risk": np.tile(assessment.risk.member, models),
            "risk_left_out": np.tile(assessment.risk.non_member, models),
            **_by_class(logits),
        }
    ).replace_schema_metadata(
        {"privacydial.question": assessment_question(point), "privacydial.versions": _versions()}
    )
    file = io.BytesIO()
    parquet.write_table(table, file, compression="zstd")
    return file.getvalue()


def _by_class(logits: NDArray[np.float32] | None) -> dict[str, NDArray[np.float32]]:
    """The columns of logits (M, N, C), one for each class."""
    if logits is None:
        return {}
    return {f"logit_{label}": logits[..., label].ravel() for label in range(logits.shape[-1])}


def _answers(assessment: Assessment) -> Answers:
    if assessment.answers is None:
        raise InvalidValueError(
            f"answers of an assessment must be stored record by record, got none for attack "
            f"{assessment.headline.attack}"
        )
    return assessment.answers


def _versions() -> str:
    """What this machine would measure with, without importing it; the engine's version is in the question.

    A result that ships or was imported has been measured on another machine, which may have had other versions.
    """
    return json.dumps({"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}})
