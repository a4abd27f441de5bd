"""What came out of a sweep, as rows for a table and as a CSV file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cache.sweeps.dials import Scalar
from cache.sweeps.results import Result
from cache.sweeps.values import Plan
from dashboard.results.exports import csv_lines
from dashboard.results.tables import Rows, numbers
from dashboard.results.words import DASH
from engine.assessment.values import CHOSEN_EPOCH, Headline, Interval


def short(dial: str) -> str:
    """A dial's name without the first of three parts, which goes without saying: "Dropout.rate"."""
    first, _, rest = dial.partition(".")
    return rest if "." in rest else f"{first}.{rest}" if rest else first


def value_text(value: Scalar | None) -> str:
    """The value of a dial; a dash where the setting has no such dial."""
    return DASH if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def values_text(dials: Sequence[str], values: Sequence[Scalar | None]) -> str:
    """The values of all dials that a setting has, in words."""
    given = [(dial, value) for dial, value in zip(dials, values, strict=True) if value is not None]
    return ", ".join(f"{short(dial)} {value_text(value)}" for dial, value in given) or "the only setting"


def rows(plan: Plan, results: Iterable[Result]) -> Rows:
    """One row of texts for each result: the dials that were turned, then the numbers with their intervals."""
    return [
        {
            **{short(dial): value_text(value) for dial, value in zip(plan.dials, result.setting.values, strict=True)},
            **numbers(result.headline, stopped=_stopped(result)),
        }
        for result in results
    ]


def refusals(plan: Plan) -> Mapping[str, list[str]]:
    """The combinations that the engine refuses, by its reason."""
    found: dict[str, list[str]] = {}
    for refused in plan.refused:
        found.setdefault(refused.reason, []).append(values_text(plan.dials, refused.values))
    return found


def csv_bytes(plan: Plan, results: Iterable[Result]) -> bytes:
    """The results with full precision as CSV (RFC 4180, UTF-8); an empty field where there is no such number."""
    head = [*plan.dials, *_COLUMNS]
    return csv_lines([head, *(_line(result) for result in results)]).encode()


def _line(result: Result) -> list[object]:
    own = ["" if value is None else value_text(value) for value in result.setting.values]
    return [*own, *_numbers(result.headline, stopped=_stopped(result))]


def _stopped(result: Result) -> bool:
    """Whether an early epoch is kept, which may have been chosen by looking at private accuracy."""
    return result.setting.point.release.epoch is not None


_COLUMNS = (
    *("attack", "records", "models", "shadows"),
    *(
        f"{name}{part}"
        for name in ("test_accuracy", "train_accuracy", "auc", "tpr_at_1pct_fpr", "tpr_at_0.1pct_fpr")
        for part in ("", "_low", "_high")
    ),
    *("null_p_value", "epsilon", "delta", "accountant", "relation", "not_covered_by_epsilon"),
)


def _numbers(head: Headline, *, stopped: bool) -> list[object]:
    """The columns of a headline; ``stopped`` where an early epoch is kept."""
    rates = {rate.asked_fpr: rate.tpr for rate in head.low_fpr}
    claim = head.claim
    return [
        *(head.attack, head.records, head.targets, head.shadows),
        *_parts(head.test_accuracy),
        *_parts(head.train_accuracy),
        *_parts(head.auc),
        *_parts(rates.get(0.01)),
        *_parts(rates.get(0.001)),
        head.null_test.p_value,
        "" if claim is None or claim.epsilon is None else claim.epsilon,
        *(("", "", "") if claim is None else (claim.delta, claim.accountant, claim.relation)),
        CHOSEN_EPOCH if stopped and claim is not None and claim.epsilon is not None else "",
    ]


def _parts(interval: Interval | None) -> tuple[object, object, object]:
    return ("", "", "") if interval is None else (interval.estimate, interval.low, interval.high)
