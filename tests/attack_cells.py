"""The matrix of attacks and what is tested of each; ``pytest --collect-only`` prints it as the tests' names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Literal, get_args

import pytest

from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE

Cell = Literal["shared suite", "naive twin", "hand example", "mask invariance"]

QUICK = tuple(name for name, info in CATALOGUE.items() if not info.costly)
"""The attacks that need no fit for each mask: those that can be repeated thousands of times."""

SIMULATED = QUICK if os.environ.get("PRIVACYDIAL_FULL") == "1" else ("lira", "confidence_by_class", "loss")
"""The attacks of simulations over hundreds of cohorts: in a daily run one for each kind of interval."""

CELLS: tuple[Cell, ...] = get_args(Cell)


def cell(name: Cell, attacks: Iterable[str] = ATTACKS) -> pytest.MarkDecorator:
    """Parametrizes a test over attacks; its runs are named "attack: cell"."""
    names = list(attacks)
    return pytest.mark.parametrize("name", names, ids=[named(attack, name) for attack in names])


def named(attack: str, name: Cell) -> str:
    """How a cell is called."""
    return f"{attack}: {name}"  # pytest would escape anything but ASCII
