"""Every attack × {shared suite, naive twin, hand example, mask invariance}: the matrix has no empty cell."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.attacks import ATTACKS
from tests.attack_cells import CELLS, named

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """The cells that ``pytest --collect-only`` prints for the tests of attacks."""
    files = sorted(str(path) for path in (ROOT / "tests").glob("test_attacks*.py"))
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *files]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"\[(?:.*-)?([^-\]]+: [^-\]]+)(?:-.*)?\]$", printed, flags=re.MULTILINE))


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_has_every_cell(attack: str, collected: set[str]) -> None:
    assert {named(attack, name) for name in CELLS} <= collected


def test_no_cell_is_of_an_attack_that_is_not_listed(collected: set[str]) -> None:
    assert collected == {named(attack, name) for attack in ATTACKS for name in CELLS}
