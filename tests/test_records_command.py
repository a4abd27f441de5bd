import subprocess
import sys

import numpy as np
import pytest
from pyarrow import parquet

from engine import Logistic, PopulationChoice, Recipe, logits, train
from engine.signals import signals

SETTING = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = 5
architecture.kind = "Logistic"
"""
RECIPE = Recipe(population=PopulationChoice(name="digits", contested=60), architecture=Logistic(), batch=20, epochs=5)


def ran(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "dashboard.launch", "records", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "setting.toml"
    file.write_text(SETTING, encoding="utf-8")
    return file


def test_both_files_hold_the_logits_from_which_the_confidences_follow(file, tmp_path):
    done = ran(file, tmp_path / "a.npz", "--cache", tmp_path, "--workers", 1)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"60 records of 8 models in {tmp_path / 'a.npz'}.\n"
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert found["logits"].shape == (8, 60, 10)
        assert np.allclose(signals(found["logits"].astype(float), found["labels"]).phi, found["phi"], atol=1e-4)
        assert np.allclose(found["logits"], logits(RECIPE, train(RECIPE, waves=1)), atol=1e-4)
        first, labels = found["logits"], found["labels"]
    assert ran(file, tmp_path / "a.parquet", "--cache", tmp_path, "--workers", 1).returncode == 0
    table = parquet.read_table(tmp_path / "a.parquet")
    columns = [table[f"logit_{label}"].to_numpy() for label in range(10)]
    assert np.array_equal(np.stack(columns, axis=1).reshape(first.shape), first)
    assert np.array_equal(table["label"].to_numpy().reshape(8, 60)[3], labels)


def test_a_setting_that_needs_too_much_memory_is_refused_with_the_sentence(file, tmp_path):
    done = ran(file, tmp_path / "a.npz", "--cache", tmp_path, "--workers", 1, "--wave-memory", "1kB")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("Eight models of this setting need about ")
    assert "1.0 kB are allowed here (--wave-memory)" in line


@pytest.mark.parametrize(
    ("text", "out", "sentence"),
    [
        (SETTING, "a.csv", "OUT must end in .npz or .parquet, got 'a.csv'"),
        (f"{SETTING}seed = [0, 1]\n", "a.npz", "must describe one setting, got 2"),
        ("dial = 1\n", "a.npz", "dial"),
    ],
)
def test_bad_input_gives_one_sentence_and_no_file(file, tmp_path, text, out, sentence):
    file.write_text(text, encoding="utf-8")
    done = ran(file, tmp_path / out, "--cache", tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / out).exists()
