"""Recipe files: a point as the TOML file that asks for it, in the words of a sweep file."""

from __future__ import annotations

import json
import typing
from collections.abc import Iterator, Mapping

from cache.keys import Point
from cache.sweeps.dials import KIND, OFF, Leaf, Node, Scalar, Table, Tables, fields_of, roots
from engine.recipe import Recipe

_HEAD = """\
# A setting of Privacy Dial, with everything that decides its numbers. To measure it, or to see what is stored of it:
#     privacydial sweep THIS-FILE
# Any value may become a list of values, and the file a sweep.
"""


def point_to_toml(point: Point) -> str:
    """The text of the recipe file of a point: ``sweep_from_toml`` reads it back as a sweep of this point alone.

    Every field is written, those at their defaults too, so that the file means the same when defaults change.
    """
    lines = [f"waves = {point.waves}  # of eight models each"]
    for name, node in roots().items():
        owner = point.recipe if name in fields_of(Recipe) else point
        lines += [f"{key} = {_literal(value)}" for key, value in _lines(name, node, getattr(owner, name))]
    return f"{_HEAD}\n{chr(10).join(lines)}\n"


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
