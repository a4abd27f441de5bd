"""Recipe files and sweep files: a point, or the settings of a plan, as the TOML file that asks for them."""

from __future__ import annotations

import io
import json
import math
import typing
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from cache.keys import Point, assessment_key
from cache.sweeps.dials import KIND, OFF, Leaf, Node, Scalar, Table, Tables, dials, fields_of, roots
from cache.sweeps.reading import MOST_OWN_BYTES, sweep_from_toml
from cache.sweeps.settings import Values
from cache.sweeps.values import MOST_POINTS, Plan
from engine.recipe import Recipe

_HEAD = """\
# A setting of Privacy Dial, with everything that decides its numbers. To measure it, or to see what is stored of it:
#     privacydial sweep THIS-FILE
# Any value may become a list of values, and the file a sweep.
"""
_SWEEP_HEAD = """\
# A sweep of Privacy Dial, with everything that decides its numbers. To measure it, or to see what is stored of it:
#     privacydial sweep THIS-FILE
"""
_COMBINED = "# Each combination of the values in lists is a setting, where the engine takes it."
_IN_STEP = "# The lists go in step: their first values make a setting, their second ones the next, and so on."


def point_to_toml(point: Point) -> str:
    """The text of the recipe file of a point: ``sweep_from_toml`` reads it back as a sweep of this point alone.

    Every field is written, those at their defaults too, so that the file means the same when defaults change.
    """
    return "\n".join([_HEAD, _waves(point.waves), *_assigned(_values(point)), ""])


def plan_to_toml(plan: Plan) -> str:
    """The text of the sweep file of a plan: ``sweep_from_toml`` reads it back as a sweep of the same settings.

    However the plan came about: where its settings are all combinations of some values, and can be read in their
    order, lists of these stand for them, as somebody would write it; else, as for a sample, there is a value for each
    setting, and lists go in step. Every field is written, as in a recipe file.
    """
    rows = [_values(setting.point) for setting in plan.settings]
    columns = {name: _column(name, rows) for name in dials() if any(name in row for row in rows)}
    lists = {name: _distinct(column) for name, column in columns.items()}
    # Of combinations the first list moves slowest.
    slowest_first = dict(sorted(lists.items(), key=lambda item: -_first_change(columns[item[0]])))
    combined = "\n".join([f"{_SWEEP_HEAD}{_COMBINED}", "", _waves(plan.waves), *_assigned(slowest_first), ""])
    if math.prod(map(len, lists.values())) <= MOST_POINTS and _keys(_read(combined)) == _keys(plan):
        return combined
    steps = {name: columns[name] if len(values) > 1 else values for name, values in lists.items()}
    return "\n".join([f"{_SWEEP_HEAD}{_IN_STEP}", "", _waves(plan.waves), "in_step = true", *_assigned(steps), ""])


def recipe_name(point: Point) -> str:
    """A name for the files of a setting: its population, its attack and the beginning of its recipe's hash."""
    return f"{point.recipe.population.name}-{point.attack}-{point.recipe.hash[:8]}"


def recipe_files(plan: Plan) -> Mapping[str, Point]:
    """The settings of a plan by the names of their recipe files, which begin with their place in the plan."""
    return {recipe_file(plan, place): setting.point for place, setting in enumerate(plan.settings)}


def recipe_file(plan: Plan, place: int) -> str:
    """The name of the recipe file of the setting at a place of a plan, from 0; in the name it counts from 1."""
    digits = len(str(len(plan.settings)))
    return f"{place + 1:0{digits}}-{recipe_name(plan.settings[place].point)}.toml"


def recipes_zip(plan: Plan) -> bytes:
    """A zip archive with the recipe file of every setting of a plan."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, point in recipe_files(plan).items():
            archive.writestr(name, point_to_toml(point))
    return file.getvalue()


def _waves(waves: int) -> str:
    return f"waves = {waves}  # of eight models each"


def _values(point: Point) -> Values:
    """The dials that a point has, with their values."""
    owners = {name: point.recipe if name in fields_of(Recipe) else point for name in roots()}
    return dict(pair for name, node in roots().items() for pair in _lines(name, node, getattr(owners[name], name)))


def _column(name: str, rows: Sequence[Values]) -> list[Scalar]:
    """The value of a dial in every setting.

    Where a setting does not have the dial, its value says nothing, and any that the dial takes will do; but the first
    dial of a table that the setting does not have takes that out.
    """
    unused, table = next(row[name] for row in rows if name in row), _taken_out_by(name)
    return [row[name] if name in row else unused if table is None or _has(row, table) else OFF for row in rows]


def _taken_out_by(name: str) -> str | None:
    """The table that a dial takes out at "off", for the first of its dials that do; None for all other dials."""
    table = dials()[name].off
    first = next(other for other, dial in dials().items() if dial.off == table)
    return table if name == first else None


def _has(row: Values, table: str) -> bool:
    """Whether a setting has one of the dials of a table."""
    return any(name.startswith(f"{table}.") for name in row)


def _distinct(column: Sequence[Scalar]) -> list[Scalar]:
    """Each value once, as it is written: 1 and 1.0 are two."""
    return list({_literal(value): value for value in column}.values())


def _first_change(column: Sequence[Scalar]) -> int:
    """The place of the first setting in which a dial is not where it was in the first one; 0 where it never moves."""
    written = [_literal(value) for value in column]
    return next((place for place, value in enumerate(written) if value != written[0]), 0)


def _read(text: str) -> Plan:
    return sweep_from_toml(text.encode(), at_most=MOST_OWN_BYTES).plan()


def _keys(plan: Plan) -> list[str]:
    return [assessment_key(setting.point) for setting in plan.settings]


def _assigned(values: Mapping[str, Scalar | Sequence[Scalar]]) -> Iterator[str]:
    """The lines of dials with a value or a list; a list of one value is that value."""
    for name, value in values.items():
        if isinstance(value, str) or not isinstance(value, Sequence):
            yield f"{name} = {_literal(value)}"
        elif len(value) == 1:
            yield f"{name} = {_literal(value[0])}"
        else:
            yield f"{name} = [{', '.join(map(_literal, value))}]"


def _lines(name: str, node: Node, value: object) -> Iterator[tuple[str, Scalar]]:
    """The dials of a field with their values; what is none and is so by itself is left out."""
    match node:
        case Leaf():
            yield name, OFF if value is None else typing.cast("Scalar", value)
        case Table():
            if value is not None:
                if len(node.kinds) > 1:
                    yield f"{name}.{KIND}", type(value).__name__
                yield from _fields(name, value)
        case Tables():
            for part in typing.cast("tuple[object, ...]", value):
                yield from _fields(f"{name}.{type(part).__name__}", part)
        case _:
            typing.assert_never(node)


def _fields(name: str, value: object) -> Iterator[tuple[str, Scalar]]:
    nodes: Mapping[str, Node] = fields_of(type(value))
    for field, node in nodes.items():
        yield from _lines(f"{name}.{field}", node, getattr(value, field))


def _literal(value: Scalar) -> str:
    """A TOML value; a text in the escapes that JSON and TOML share."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower() if isinstance(value, bool) else repr(value)
