"""The versions of what computes: with others, the same recipe may give numbers that differ in their last digits."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

LIBRARIES = ("privacydial", "torch", "numpy", "scipy", "scikit-learn", "opacus", "mlxtend", "mnist1d")
"""What decides numbers: what trains, what computes attacks and ε, and what records come from."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package as it was installed where something was computed.

    Attributes:
        name: of the package, or "python".
        version: in the package's own words.
    """

    name: str
    version: str


@cache
def installed() -> tuple[Package, ...]:
    """What this process computes with, Python first; no library is imported for it."""
    python = Package(name="python", version=platform.python_version())
    return (python, *(Package(name=name, version=version(name)) for name in LIBRARIES))
