"""Docstrings of the engine and the cache, read from source files: what computes with torch is never imported here."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

Place = tuple[str, str]
"""A module and a name in it; an empty name is the module itself."""


@dataclass(frozen=True, kw_only=True)
class Docstring:
    """A docstring in its parts.

    Attributes:
        summary: its first sentence or two, one line.
        paragraphs: what follows, up to the first section; lines of formulas that are indented stay lines.
        fields: names and meanings of the sections "Attributes" and "Returns"; a return has no name.
    """

    summary: str
    paragraphs: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()


_SECTIONS = {"Args:", "Attributes:", "Returns:", "Raises:"}
_SHOWN = {"Attributes:", "Returns:"}


def docstring(place: Place) -> Docstring:
    """The docstring of a place in the engine or the cache.

    Raises:
        KeyError: when there is no such place, or it says nothing.
    """
    return parsed(_docstrings(place[0])[place[1]])


def parsed(text: str) -> Docstring:
    """A docstring's parts, from its text as ``inspect.cleandoc`` leaves it."""
    blocks = [block for block in inspect.cleandoc(text).split("\n\n") if block.strip()]
    summary, *rest = blocks
    first = next((i for i, block in enumerate(rest) if block.partition("\n")[0] in _SECTIONS), len(rest))
    shown = [block for block in rest[first:] if block.partition("\n")[0] in _SHOWN]
    return Docstring(
        summary=" ".join(summary.split()),
        paragraphs=tuple(map(_paragraph, rest[:first])),
        fields=tuple(field for block in shown for field in _fields(block)),
    )


def attribute(kind: type, name: str) -> str:
    """What an attribute of a class means: by its docstring, or by that of a class that it is made from.

    Raises:
        KeyError: when none says.
    """
    for owner in kind.__mro__:
        said = dict(parsed(owner.__doc__).fields) if owner.__doc__ else {}
        if name in said:
            return said[name]
    raise KeyError(name)


def explanation(kind: type, field: str | None = None) -> str:
    """What a class of the engine, or a field of it, is: the first sentence on it in a docstring, as Markdown.

    Raises:
        KeyError: when no docstring says.
    """
    told = parsed(kind.__doc__ or "").summary if field is None else attribute(kind, field)
    first = told.partition(". ")[0].removesuffix(".").replace("``", "`")
    return f"{first[0].upper()}{first[1:]}."


def _paragraph(block: str) -> str:
    """Running text in one line; a formula or a list keeps its lines."""
    lines = block.splitlines()
    if any(line.startswith(("    ", "- ")) for line in lines):
        return "\n".join(line.strip() for line in lines)
    return " ".join(line.strip() for line in lines)


def _fields(block: str) -> list[tuple[str, str]]:
    """The entries of a section, each with the lines that belong to it."""
    title, _, body = block.partition("\n")
    lines = textwrap.dedent(body).splitlines()
    if title == "Returns:":
        return [("", " ".join(line.strip() for line in lines))]
    entries: list[list[str]] = []
    for line in lines:
        if line.startswith(" ") and entries:
            entries[-1].append(line.strip())
        else:
            entries.append([line])
    return [(name, meaning.strip()) for name, _, meaning in (" ".join(entry).partition(":") for entry in entries)]


@lru_cache(maxsize=256)
def _tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    package, *inner = module.split(".")
    place = files(package).joinpath(*inner)
    source = (
        place.joinpath("__init__.py") if place.is_dir() else files(package).joinpath(*inner[:-1], f"{inner[-1]}.py")
    )
    return ast.parse(source.read_text(encoding="utf-8"))


@lru_cache(maxsize=256)
def _docstrings(module: str) -> Mapping[str, str]:
    """All docstrings of a module by name, its own under the empty name."""
    tree = _tree(module)
    named = {
        node.name: ast.get_docstring(node) for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    return {name: text for name, text in {"": ast.get_docstring(tree), **named}.items() if text}


def listed(module: str, variable: str) -> Mapping[str, tuple[Place, ...]]:
    """What a dictionary literal of a module lists by name: the functions, one or several for each entry.

    Raises:
        KeyError: when the module has no such dictionary.
    """
    for node in _tree(module).body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Dict() as literal) if name == variable:
                pairs = zip(literal.keys, literal.values, strict=True)
                return {str(ast.literal_eval(key)): _places(module, value) for key, value in pairs if key is not None}
    raise KeyError(variable)


def _places(module: str, value: ast.expr) -> tuple[Place, ...]:
    """Where the functions are that an expression names."""
    imported = _imported(module)
    match value:
        case ast.Tuple(elts=parts):
            return tuple(place for part in parts for place in _places(module, part))
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return ((".".join(imported[owner]), name),)
        case ast.Name(id=name):
            return (imported[name],)
    return ()


def _imported(module: str) -> Mapping[str, Place]:
    """Where the names come from that a module imports."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in _tree(module).body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
