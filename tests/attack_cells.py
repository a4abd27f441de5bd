"""The matrix of attacks and what is tested of each; ``pytest --collect-only`` prints it as the tests' names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

import pytest

from engine.attacks import ATTACKS

Cell = Literal["shared suite", "naive twin", "hand example", "mask invariance"]

CELLS: tuple[Cell, ...] = get_args(Cell)


def cell(name: Cell, attacks: Iterable[str] = ATTACKS) -> pytest.MarkDecorator:
    """Parametrizes a test over attacks; its runs are named "attack: cell"."""
    names = list(attacks)
    return pytest.mark.parametrize("name", names, ids=[named(attack, name) for attack in names])


def named(attack: str, name: Cell) -> str:
    """How a cell is called."""
    return f"{attack}: {name}"  # pytest would escape anything but ASCII
