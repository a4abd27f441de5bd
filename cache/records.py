"""What an assessment says record by record, as NumPy and Parquet files that explain themselves.

Both hold the question that the assessment answers (recipe, release, attack, waves, engine version) as JSON, and the
versions of Python and of the libraries that trained its waves and computed it, wherever that was: ``trained_with``
lists each combination by which waves were trained, ``assessed_with`` is one combination. Neither needs pickle to be
read. Logits of all classes are not kept with an assessment, φ, the logit-scaled confidence of the label, is: who
wants them asks the models again (``privacydial records``), with what is installed then.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cache.keys import Point, assessment_question
from engine.assessment.parts import Answers
from engine.assessment.values import Assessment
from engine.packages import Package
from engine.validate import InvalidValueError

NOT_RECORDED = "not recorded"
"""What stands for versions that nobody kept: of what was stored earlier, or not made by workers."""


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
        versions=np.array(_versions(assessment)),
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
        {"privacydial.question": assessment_question(point), "privacydial.versions": _versions(assessment)}
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


def _versions(assessment: Assessment) -> str:
    """What the assessment was made with, by its own word: this machine may only have received it."""
    trained_with = assessment.trained_with or ((),)
    made_with = {
        "trained_with": [_by_name(packages) for packages in trained_with],
        "assessed_with": _by_name(assessment.assessed_with),
    }
    return json.dumps(made_with)


def _by_name(packages: Sequence[Package]) -> dict[str, str] | str:
    return {package.name: package.version for package in packages} or NOT_RECORDED
