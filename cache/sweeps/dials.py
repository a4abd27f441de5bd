"""The dials of a sweep: every field of a recipe, a release and an attack by its dotted name, read off the classes.

A field of the engine is a dial as soon as it exists: nothing here lists them. Names are those of the canonical JSON
("population.seed", "release.weight_noise.sigma"); a mechanism is a table by its kind ("mechanisms.Dropout.rate").
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from cache.keys import Point
from engine.recipe import Recipe
from engine.validate import InvalidValueError, choice, flag, whole

Scalar = str | int | float | bool

OFF = "off"
"""What stands for "none" in a sweep: for a field that may be none, else for the table that the field is in."""

KIND = "kind"


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A field that holds one value.

    Attributes:
        accepts: types and allowed texts.
        optional: whether it may be none.
    """

    accepts: tuple[Any, ...]
    optional: bool

    @property
    def numeric(self) -> bool:
        """Whether it holds a number, so that a sample may draw it from a range."""
        return int in self.accepts or float in self.accepts

    @property
    def whole(self) -> bool:
        """Whether that number is whole."""
        return float not in self.accepts

    def checked(self, name: str, value: object) -> Scalar:
        """The value, if it is of the right type; whether the engine takes it is seen together with all others.

        Raises:
            InvalidValueError: with one sentence that names the dial, the rule and the value.
        """
        if float in self.accepts:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise InvalidValueError(f"{name} must be a finite number, got {value!r}")
            return value
        if int in self.accepts:
            return whole(name, value)
        if bool in self.accepts:
            return flag(name, value)
        if str not in self.accepts:
            return choice(name, value, self.accepts)
        if not isinstance(value, str):
            raise InvalidValueError(f"{name} must be a text, got {value!r}")
        return value


@dataclass(frozen=True, kw_only=True)
class Table:
    """A field that holds a dataclass, of one of several kinds.

    Attributes:
        kinds: its classes by name.
        default: the kind without a choice; None where one must be chosen.
        optional: whether it may be none, and is without a choice.
    """

    kinds: Mapping[str, type]
    default: str | None
    optional: bool


@dataclass(frozen=True, kw_only=True)
class Tables:
    """A field that holds at most one dataclass of each of several kinds, by kind."""

    kinds: Mapping[str, type]


Node = Leaf | Table | Tables


@dataclass(frozen=True, kw_only=True)
class Dial:
    """One dial.

    Attributes:
        name: its dotted name.
        leaf: what values it takes.
        off: what is none when the dial is "off": the dotted name of the dial itself or of a table around it; None
            where nothing can be.
    """

    name: str
    leaf: Leaf
    off: str | None


@cache
def dials() -> Mapping[str, Dial]:
    """All dials by name, in the order of the pipeline."""
    found: dict[str, Dial] = {}
    for name, node in roots().items():
        for dial in _dials(name, node, None):
            before = found.get(dial.name)
            found[dial.name] = dial if before is None else _of_either(before, dial)
    return found


def _of_either(one: Dial, other: Dial) -> Dial:
    """The dial of a field that several kinds of a table have: it takes what any of them takes."""
    accepts = tuple(dict.fromkeys((*one.leaf.accepts, *other.leaf.accepts)))
    return dataclasses.replace(other, leaf=dataclasses.replace(other.leaf, accepts=accepts))


@cache
def roots() -> Mapping[str, Node]:
    """The fields at the top of a sweep: those of a recipe, and those of a point but its recipe and its waves."""
    of_point = {name: node for name, node in fields_of(Point).items() if name not in {"recipe", "waves"}}
    return {**fields_of(Recipe), **of_point}


@cache
def fields_of(kind: type) -> Mapping[str, Node]:
    """The fields of a dataclass by name."""
    hints = get_type_hints(kind)
    return {field.name: _node(hints[field.name], field) for field in dataclasses.fields(kind)}


def required(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    fields = dataclasses.fields(kind)
    return tuple(field.name for field in fields if field.default is missing and field.default_factory is missing)


def _node(hint: Any, field: dataclasses.Field[Any]) -> Node:
    members = get_args(hint) if get_origin(hint) in {Union, UnionType} else (hint,)
    optional = NoneType in members
    present = tuple(member for member in members if member is not NoneType)
    if get_origin(present[0]) is tuple:
        inner = get_args(present[0])[0]
        return Tables(kinds={kind.__name__: kind for kind in get_args(inner) or (inner,)})
    if dataclasses.is_dataclass(present[0]):
        kinds = {kind.__name__: kind for kind in present}
        default = next(iter(kinds)) if len(kinds) == 1 else _default_kind(field)
        return Table(kinds=kinds, default=default, optional=optional)
    texts = (get_args(member) if get_origin(member) is Literal else (member,) for member in present)
    return Leaf(accepts=tuple(text for some in texts for text in some), optional=optional)


def _default_kind(field: dataclasses.Field[Any]) -> str | None:
    """The class of a field's default."""
    if field.default_factory is not dataclasses.MISSING:
        return type(field.default_factory()).__name__
    return type(field.default).__name__ if dataclasses.is_dataclass(field.default) else None


def _dials(name: str, node: Node, off: str | None) -> Iterator[Dial]:
    """The dials of a field; ``off`` is the innermost table around it that may be none."""
    match node:
        case Leaf():
            yield Dial(name=name, leaf=node, off=name if node.optional else off)
        case Table():
            around = name if node.optional else off
            if len(node.kinds) > 1:
                yield Dial(name=f"{name}.{KIND}", leaf=Leaf(accepts=tuple(node.kinds), optional=False), off=around)
            for kind in node.kinds.values():
                yield from _dials_in(name, kind, around)
        case Tables():
            for title, kind in node.kinds.items():
                yield from _dials_in(f"{name}.{title}", kind, f"{name}.{title}")
        case _:
            typing.assert_never(node)


def _dials_in(name: str, kind: type, off: str | None) -> Iterator[Dial]:
    for field, node in fields_of(kind).items():
        yield from _dials(f"{name}.{field}", node, off)
