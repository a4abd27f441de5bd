"""From the values of dials to the point that they mean."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cache.keys import Point
from cache.sweeps.dials import KIND, OFF, Leaf, Node, Scalar, Table, Tables, dials, fields_of, required, roots
from engine.recipe import Recipe
from engine.release.values import Release
from engine.validate import InvalidValueError

Values = Mapping[str, Scalar]
"""Values of dials by their dotted names; what is not named is at the engine's default."""


@dataclass(kw_only=True)
class _Making:
    """One setting while it is made.

    Attributes:
        values: of dials.
        used: the dials that the setting turned out to have.
    """

    values: Values
    used: set[str] = field(default_factory=set)

    def given(self, name: str) -> bool:
        """Whether a dial within a table is among the values."""
        return any(dial.startswith(f"{name}.") for dial in self.values)

    def off(self, name: str) -> bool:
        """Whether a dial within a table takes all of it out."""
        turned = [dial for dial, value in self.values.items() if value == OFF and dials()[dial].off == name]
        self.used.update(turned)
        return bool(turned)


def point_of(values: Values, waves: int) -> tuple[Point, frozenset[str]]:
    """The point that values of dials mean, and those of the dials that it has: a logistic model has no width.

    Raises:
        InvalidValueError: when the engine refuses the combination, with one sentence that says why.
    """
    making = _Making(values=values)
    made = dict(_made(making, "", roots()))
    of_recipe = {name: made.pop(name) for name in fields_of(Recipe) if name in made}
    rest: Any = {"release": Release(), **made}
    return Point(recipe=Recipe(**of_recipe), waves=waves, **rest), frozenset(making.used)


def _made(making: _Making, prefix: str, fields: Mapping[str, Node]) -> Iterator[tuple[str, Any]]:
    """The fields that the values say something about."""
    for name, node in fields.items():
        path = f"{prefix}{name}"
        match node:
            case Leaf() if path in making.values:
                making.used.add(path)
                value = making.values[path]
                yield name, None if node.optional and value == OFF else value
            case Table() if making.given(path):
                yield name, None if making.off(path) else _table(making, path, node)
            case Tables() if making.given(path):
                inner = [f"{path}.{kind}" for kind in node.kinds]
                wanted = [title for title in inner if making.given(title) and not making.off(title)]
                yield name, tuple(_dataclass(making, title, node.kinds[title.rpartition(".")[2]]) for title in wanted)
            case Leaf() | Table() | Tables():
                pass
            case _:
                typing.assert_never(node)


def _table(making: _Making, path: str, node: Table) -> object:
    chosen = making.values.get(f"{path}.{KIND}", node.default)
    if chosen is None:
        raise InvalidValueError(f"{path}.{KIND} must be given beside the other dials of {path}")
    if f"{path}.{KIND}" in making.values:
        making.used.add(f"{path}.{KIND}")
    return _dataclass(making, path, node.kinds[str(chosen)])


def _dataclass(making: _Making, path: str, kind: type) -> object:
    made = dict(_made(making, f"{path}.", fields_of(kind)))
    for name in required(kind):
        if name not in made:
            raise InvalidValueError(f"{path}.{name} must be given beside the other dials of {path}")
    return kind(**made)
