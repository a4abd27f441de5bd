"""What a teacher lets visitors train: nobody, everybody, or the settings that a file lists."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cache.admission import Everything, Listed, Nothing, Training
from dashboard.state.view import View, point
from engine.recipe import Recipe
from engine.validate import InvalidValueError

NOBODY = "nobody"
EVERYBODY = "everybody"


def training(who: str) -> Training:
    """What may be trained.

    Args:
        who: "nobody", "everybody", or the name of a file with the address of a setting on each line, as a browser
            shows it or what stands behind its question mark; empty lines and those that begin with # say nothing.

    Raises:
        InvalidValueError: when there is no such file or a line is no setting, with one sentence.
    """
    if who == NOBODY:
        return Nothing()
    if who == EVERYBODY:
        return Everything()
    try:
        lines = Path(who).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidValueError(f"--train must be {NOBODY}, {EVERYBODY} or a readable file, got {who!r}") from error
    waves: dict[Recipe, int] = {}
    for number, line in enumerate(map(str.strip, lines), 1):
        if line and not line.startswith("#"):
            recipe, count = _listed(line, f"{who}, line {number}")
            waves[recipe] = max(count, waves.get(recipe, 0))
    return Listed(waves=waves)


def _listed(line: str, place: str) -> tuple[Recipe, int]:
    """The recipe and the number of waves of the setting at an address."""
    query = urlsplit(line).query if "?" in line or "://" in line else line
    view, problems = View.from_query(dict(parse_qsl(query, keep_blank_values=True)))
    if problems:
        raise InvalidValueError(f"{place}: {problems[0]}")
    try:
        return point(view).recipe, view.waves
    except InvalidValueError as error:
        raise InvalidValueError(f"{place}: {error}") from error
