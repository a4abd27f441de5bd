"""The latest sweep of a cache, as a file beside its results: what it measured outlives its server, and so does it."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cache.keys import MOST_WAVES, Point, asked, assessment_question
from cache.sweeps.values import MOST_POINTS, Plan, Refused, Setting
from engine.validate import InvalidValueError, whole

FILE = "sweep.json"
_MOST_BYTES = 50_000_000
_LONGEST = 1000  # characters of a name, a value or a reason

_log = logging.getLogger(__name__)


def keep_plan(plan: Plan, directory: Path) -> None:
    """Write a plan in the place of the one before; where that fails the log says so."""
    content = {
        "waves": plan.waves,
        "dials": plan.dials,
        "settings": [[one.values, assessment_question(one.point)] for one in plan.settings],
        "refused": [[one.values, one.reason] for one in plan.refused],
    }
    try:
        with tempfile.NamedTemporaryFile("w", dir=directory, prefix=FILE, delete=False, encoding="utf-8") as file:
            new = Path(file.name)
            try:
                json.dump(content, file)
            except BaseException:
                new.unlink()
                raise
        new.replace(directory / FILE)
    except OSError as error:
        _log.warning("The sweep could not be written to %s: %s", directory / FILE, error)


def kept_plan(directory: Path) -> Plan | None:
    """The plan that was written last; None where there is none, or one that nobody can read any more."""
    try:
        with (directory / FILE).open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError:
        return None
    try:
        return _plan(json.loads(content))
    except (ValueError, TypeError, KeyError, RecursionError) as error:  # InvalidValueError is a ValueError
        _log.warning("The sweep in %s is left out: %s", directory / FILE, error)
        return None


def _plan(data: Any) -> Plan:
    """The plan in JSON types, which may be anybody's."""
    dials = tuple(_text("a dial", name) for name in data["dials"])
    waves = whole("waves", data["waves"], at_least=1, at_most=MOST_WAVES)
    whole("settings", len(data["settings"]), at_least=1, at_most=MOST_POINTS)
    return Plan(
        dials=dials,
        settings=tuple(
            Setting(values=_values(values, dials), point=_point(question, waves))
            for values, question in data["settings"]
        ),
        refused=tuple(
            Refused(values=_values(values, dials), reason=_text("a reason", reason))
            for values, reason in data["refused"]
        ),
        waves=waves,
    )


def _point(question: object, waves: int) -> Point:
    found = asked(str(question))
    if not isinstance(found, Point) or found.waves != waves:
        raise InvalidValueError(f"a setting must be a point with {waves} waves")
    return found


def _values(values: Iterable[object], dials: tuple[str, ...]) -> tuple[Any, ...]:
    known = tuple(values)
    if len(known) != len(dials):
        raise InvalidValueError(f"a setting must have {len(dials)} values, got {len(known)}")
    for value in known:
        if isinstance(value, str):
            _text("a value", value)
        elif value is not None and not isinstance(value, int | float):
            raise InvalidValueError("a value must be a text, a number, true, false or none")
    return known


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise InvalidValueError(f"{name} must be a text of at most {_LONGEST:,} characters")
    return value
