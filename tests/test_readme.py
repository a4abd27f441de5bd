"""The README stays true: its file map, its commands, its version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from engine.attacks.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = sorted(
    path.relative_to(ROOT)
    for folder in ("engine", "cache", "dashboard")
    for path in (ROOT / folder).rglob("*.py")
    if path.stem != "__init__"
)


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_file_map_names_every_module_in_the_row_of_its_folder(module):
    rows = [line for line in README.splitlines() if line.startswith(f"| `{module.parts[0]}/")]
    assert any(f"`{module.stem}`" in row for row in rows)


def test_the_first_two_fenced_blocks_are_one_line_each():
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    assert [len(block.splitlines()) for block in blocks[:2]] == [1, 1]
    assert blocks[0].rstrip().endswith("privacydial")
    assert blocks[1].rstrip().endswith("pytest")


def test_pictures_and_links_to_files_exist():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_import_package_is_in_the_distribution():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["engine", "cache", "dashboard"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {project['project']['version']}" in changelog


def test_every_attack_cites_its_source():
    assert all(re.search(r"\b(19|20)\d\d\b", info.source) for info in CATALOGUE.values())
