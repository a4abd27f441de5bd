"""Architectures in URLs: a family and its size, such as ``lstm-37``, or ``mlp-128x2`` with two hidden layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.architectures import LARGEST_SIZE, Architecture, Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.matching import size_field


@dataclass(frozen=True, kw_only=True)
class Family:
    """Architectures that differ in their size only.

    Attributes:
        start: what stands before the size in URLs.
        title: its name on screen.
        base: one of the family, which says all but the size.
        end: what stands behind the size in URLs; on screen × is written for x.
    """

    start: str
    title: str
    base: Architecture
    end: str = ""

    @property
    def name(self) -> str:
        """The family's own name on screen."""
        return f"{self.title} {self.end.replace('x', '×')}".rstrip()

    def token(self, architecture: Architecture) -> str:
        """The name in URLs of one of the family."""
        return f"{self.start}-{getattr(architecture, size_field(architecture))}{self.end}"

    def label(self, architecture: Architecture) -> str:
        """The name on screen of one of the family."""
        return f"{self.title} {getattr(architecture, size_field(architecture))}{self.end.replace('x', '×')}"

    def sized(self, size: int) -> Architecture | None:
        """The one of that size, None where the engine has none."""
        known = 1 <= size <= LARGEST_SIZE[type(self.base)]
        return replace(self.base, **{size_field(self.base): size}) if known else None

    def holds(self, architecture: Architecture) -> bool:
        """Whether an architecture is one of the family."""
        kin = type(architecture) is type(self.base)
        return kin and self.sized(getattr(architecture, size_field(architecture))) == architecture


FAMILIES: Mapping[str, Family] = {
    f"{family.start}{family.end}": family
    for family in (
        Family(start="mlp", title="MLP", base=Mlp()),
        Family(start="mlp", title="MLP", base=Mlp(depth=2), end="x2"),
        Family(start="cnn1d", title="CNN 1-D", base=Cnn1d()),
        Family(start="cnn2d", title="CNN 2-D", base=Cnn2d()),
        Family(start="rnn", title="RNN", base=Rnn()),
        Family(start="gru", title="GRU", base=Gru()),
        Family(start="lstm", title="LSTM", base=Lstm()),
    )
}
"""The families that have a size, by name."""

_SIZED = re.compile(r"([a-z]\w*)-([1-9][0-9]{0,4})(x2)?", flags=re.ASCII)
"""The grammar of a token: family, size without leading zeros, and what stands behind it."""


def family_of(architecture: Architecture) -> Family | None:
    """The family that an architecture is of, None for logistic regression, which has no size."""
    return next((family for family in FAMILIES.values() if family.holds(architecture)), None)


def architecture_of(token: str) -> Architecture | None:
    """The architecture that a token names, None where it names none."""
    if token == "logistic":  # noqa: S105 - a name in URLs
        return Logistic()
    found = _SIZED.fullmatch(token)
    family = FAMILIES.get(f"{found[1]}{found[3] or ''}") if found else None
    return family.sized(int(found[2])) if found and family else None


def token_of(architecture: Architecture) -> str:
    """The name in URLs."""
    family = family_of(architecture)
    return family.token(architecture) if family else "logistic"


def label_of(architecture: Architecture) -> str:
    """The name on screen."""
    family = family_of(architecture)
    return family.label(architecture) if family else "Logistic"
