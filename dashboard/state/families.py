"""Architectures in URLs: a family, its size and its options, such as ``lstm-37`` or ``lstm-37x2-bidirectional-mean``.

An option at its default is left out, so that every architecture has one name. ``x2`` are two layers (of a
convolutional network, blocks), a text is its own name and a flag that is on has the name of its field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from engine.architectures import OPTIONS, Architecture, Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Option, Rnn
from engine.matching import size_field
from engine.validate import InvalidValueError

_TITLES: Mapping[type, str] = {
    Mlp: "MLP",
    Cnn1d: "CNN 1-D",
    Cnn2d: "CNN 2-D",
    Rnn: "RNN",
    Gru: "GRU",
    Lstm: "LSTM",
}
_KINDS: Mapping[str, type] = {kind.__name__.lower(): kind for kind in _TITLES}
"""The kinds of architectures that have a size, by name in URLs."""

_LOGISTIC = Logistic.__name__.lower()
"""The one without a size, by its name in URLs."""

_TOKEN = re.compile(r"([a-z]\w*)-([1-9][0-9]{0,4})(x[1-9])?((?:-[a-z]+)*)", flags=re.ASCII)
"""The grammar of a token: kind, size without leading zeros, layers, and what else is not at its default."""


@dataclass(frozen=True, kw_only=True)
class Family:
    """Architectures that differ in their size only.

    Attributes:
        base: one of the family, which says all but the size.
    """

    base: Architecture

    @property
    def key(self) -> str:
        """The family's own name in keys: a token without a size."""
        return _token(self.base, "")

    @property
    def name(self) -> str:
        """The family's own name on screen."""
        return _title(self.base, "")


def family_of(architecture: Architecture) -> Family | None:
    """The family that an architecture is of, None for logistic regression, which has no size."""
    if isinstance(architecture, Logistic):
        return None
    return Family(base=replace(type(architecture)(), **dict(_chosen(architecture))))


def changed(architecture: Architecture, field: str, value: object) -> Architecture | None:
    """The architecture with one field at another value and all else as it is, None where the engine has none."""
    try:
        return replace(architecture, **{field: value})
    except (InvalidValueError, TypeError):  # a value out of range; a field of another family
        return None


def architecture_of(token: str) -> Architecture | None:
    """The architecture that a token names, None where it names none."""
    if token == _LOGISTIC:
        return Logistic()
    found = _TOKEN.fullmatch(token)
    kind = _KINDS.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    written = {found[3], *(f"-{word}" for word in found[4].split("-"))}
    named = {name: value for name, values in OPTIONS[kind].items() for value in values if _is(name, value, written)}
    made = changed(replace(kind(), **named), size_field(kind()), int(found[2]))
    # What is written otherwise than its name, as by options in another order or at their default, is no token.
    return made if made is not None and token_of(made) == token else None


def token_of(architecture: Architecture) -> str:
    """The name in URLs."""
    if isinstance(architecture, Logistic):
        return _LOGISTIC
    return _token(architecture, f"-{getattr(architecture, size_field(architecture))}")


def label_of(architecture: Architecture) -> str:
    """The name on screen."""
    if isinstance(architecture, Logistic):
        return "Logistic"
    return _title(architecture, str(getattr(architecture, size_field(architecture))))


def _chosen(architecture: Architecture) -> Iterator[tuple[str, Option]]:
    """The options that are not at their default, with their values."""
    default = type(architecture)()
    for name in OPTIONS[type(architecture)]:
        if getattr(architecture, name) != getattr(default, name):
            yield name, getattr(architecture, name)


def _written(name: str, value: Option) -> str:
    """An option in a token."""
    if isinstance(value, bool):
        return f"-{name}"
    return f"x{value}" if isinstance(value, int) else f"-{value}"


def _is(name: str, value: Option, written: set[str | None]) -> bool:
    """Whether a token asks for this value."""
    return value is not False and _written(name, value) in written


def _token(architecture: Architecture, size: str) -> str:
    """A name in URLs with this size."""
    options = "".join(_written(name, value) for name, value in _chosen(architecture))
    return f"{type(architecture).__name__.lower()}{size}{options}"


def _title(architecture: Architecture, size: str) -> str:
    """A name on screen with this size: ``BiLSTM 37×2 mean``."""
    options = list(_chosen(architecture))
    both = "Bi" if ("bidirectional", True) in options else ""
    layers = "".join(f"×{value}" for _, value in options if isinstance(value, int) and value is not True)
    words = [value for _, value in options if isinstance(value, str)]
    return " ".join(part for part in (both + _TITLES[type(architecture)], size + layers, *words) if part)


FAMILIES: Mapping[str, Family] = {
    family.key: family
    for family in (
        Family(base=Mlp()),
        Family(base=Mlp(depth=2)),
        Family(base=Cnn1d()),
        Family(base=Cnn2d()),
        Family(base=Rnn()),
        Family(base=Gru()),
        Family(base=Lstm()),
    )
}
"""The families that everybody is offered, by key."""
