"""The page on extending the engine, carried out: edits made in a copy of the source, where the example then runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "engine" / "EXTENDING.md").read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```(python|diff)\n# (\S+)\n(.*?)^```$", flags=re.DOTALL | re.MULTILINE)


def edited(text: str, edit: str) -> str:
    """The text with lines added and taken out where the edit says; every place must be there, once from there on."""
    lines, at = text.splitlines(), 0
    for line in edit.splitlines():
        sign, rest = line[:1], line[1:]
        if sign == "+":
            lines.insert(at, rest)
            at += 1
            continue
        found = [i for i in range(at, len(lines)) if lines[i] == rest]
        assert len(found) == 1, f"{rest!r} stands there {len(found)} times"
        at = found[0] + (sign == " ")
        if sign == "-":
            del lines[at]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the source with all edits of the page; it is gone with the folder."""
    place = tmp_path_factory.mktemp("extended")
    for folder in ("engine", "cache", "dashboard", "tests"):
        shutil.copytree(
            ROOT / folder, place / folder, ignore=shutil.ignore_patterns("__pycache__", "*.png", "browser")
        )
    shutil.copy(ROOT / "pyproject.toml", place)
    for kind, name, content in _BLOCK.findall(PAGE):
        file = place / name
        if kind == "diff":
            file.write_text(edited(file.read_text(encoding="utf-8"), content), encoding="utf-8")
        elif name.endswith(".py"):
            assert not file.exists()
            file.write_text(content, encoding="utf-8")
    return place


def told(copy: Path, *command: str) -> str:
    """What a Python process in the copy prints."""
    environment = {**os.environ, "PYTHONPATH": str(copy), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_edits_files_that_are_there_and_adds_one():
    names = [name for _, name, _ in _BLOCK.findall(PAGE)]
    assert names.count("anywhere") == 1
    assert [name for name in names if name.endswith(".py") and not (ROOT / name).exists()] == [
        "engine/attacks/calibrated.py"
    ]


def test_an_edit_whose_place_is_gone_is_an_error():
    assert edited("a\nb\nc\n", " a\n+x\n-b\n+y") == "a\nx\ny\nc\n"
    with pytest.raises(AssertionError, match="'z' stands there 0 times"):
        edited("a\n", " z\n+x")


def test_the_new_mechanism_trains_and_the_new_attack_attacks(copy):
    (example,) = [content for _, name, content in _BLOCK.findall(PAGE) if name == "anywhere"]
    code = f"import engine; assert engine.__file__.startswith({str(copy)!r})\n{example}"
    code += (
        "from dataclasses import replace\n"
        "plain = assess(replace(recipe, mechanisms=()), train(replace(recipe, mechanisms=())), attack='calibrated')\n"
        "print(plain.headline.test_accuracy.estimate != found.test_accuracy.estimate)\n"
    )
    first, acts = told(copy, "-c", code).splitlines()
    said = re.fullmatch(r"calibrated: AUC (0\.\d{3}), accuracy (0\.\d{3})", first)
    assert said is not None
    assert 0.4 < float(said[1]) < 1
    assert float(said[2]) > 0.5  # guessing one of ten digits is right at 0.1
    assert acts == "True"


def test_both_stand_on_the_page_methods_and_in_recipe_files_without_another_line(copy):
    code = (
        "from dashboard.results.chapters import anchors; from cache.sweeps.dials import dials;"
        "print({'attack-calibrated', 'mechanism-quantized', 'reference-watson-et-al-2022'} <= anchors(),"
        "'mechanisms.Quantized.levels' in dials())"
    )
    assert told(copy, "-c", code).split() == ["True", "True"]


def test_the_new_attack_passes_the_suite_that_all_attacks_pass(copy):
    out = told(
        copy, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/test_attacks.py", "-k", "calibrated"
    )
    assert int(re.findall(r"(\d+) passed", out)[0]) >= 8


def test_nothing_of_it_is_left_here():
    from engine.attacks import ATTACKS

    assert "calibrated" not in ATTACKS
    assert not (ROOT / "engine" / "attacks" / "calibrated.py").exists()
