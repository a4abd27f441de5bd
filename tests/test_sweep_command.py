import csv
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cache.sweeps.run import SweepProgress
from dashboard.commands.terminal import clock, progress_text
from tests.at_work import as_from_a_terminal

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
COMMAND = [sys.executable, "-m", "dashboard.launch"]
LONG = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = 300
seed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]
"""


def ran(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "sweep.toml"


def test_the_example_of_the_readme_prints_a_table_writes_csv_and_is_not_trained_again(file, tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    file.write_text(example, encoding="utf-8")
    warm = ran("warm", file, "--cache", tmp_path, "--workers", 1)
    assert (warm.returncode, warm.stdout) == (0, f"All 16 settings are in {tmp_path / 'privacydial.sqlite'}.\n")
    assert "16 of 16 points · 16 of 16 waves" in warm.stderr.splitlines()[-1]
    done = ran("sweep", file, "--cache", tmp_path, "--csv", tmp_path / "out.csv")
    assert (done.returncode, done.stderr) == (0, "")
    header, rule, *lines = done.stdout.splitlines()
    assert re.split(r" {2,}", header)[:5] == [
        "population.seed",
        "LabelSmoothing.alpha",
        "privacy.noise_multiplier",
        "weight_noise.sigma",
        "Test accuracy",
    ]
    assert set(rule) == {"-", " "}
    assert len(lines) == 16
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as stream:
        table = list(csv.DictReader(stream))
    assert [row["population.seed"] for row in table] == ["0"] * 8 + ["1"] * 8
    assert {row["epsilon"] == "" for row in table if row["privacy.noise_multiplier"] == "off"} == {True}
    assert all(0 < float(row["auc_low"]) < float(row["auc"]) < float(row["auc_high"]) < 1 for row in table)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_ends_in_order_says_how_to_go_on_and_keeps_what_it_has(file, tmp_path, ending):
    file.write_text(LONG, encoding="utf-8")
    command = [*COMMAND, "sweep", str(file), f"--cache={tmp_path}", "--workers=1"]
    with (
        as_from_a_terminal(),
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as sweep,
    ):
        try:
            assert sweep.stderr is not None
            seen = ""
            while not re.search(r" [1-9]\d* of 20 waves", seen):
                seen = sweep.stderr.readline()
                assert seen, "the sweep ended by itself"
            sweep.send_signal(ending)
            out, err = sweep.communicate(timeout=60)
        finally:
            sweep.kill()
    assert sweep.returncode == 130
    (kept,) = re.findall(rf"Stopped\. (\d+) of 20 waves are kept; to go on, run: privacydial sweep {file}\n", err)
    assert "Traceback" not in err
    assert len(out.splitlines()) == 2 + int(kept)


@pytest.mark.parametrize("name", ["sweep", "warm"])
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("dropout = 3", "a dial of a sweep must be a field of a recipe or a release"),
        ("epochs = 'many'", "epochs must be a whole number, got 'many'"),
        ("epochs = []", "epochs must have at least one value, got an empty list"),
        ("sample.points = 10000000\nseed = [1, 2]", "sample.points must be at most 10,000, got 10000000"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_bad_input_is_one_sentence_and_status_2_before_anything_is_made(file, tmp_path, name, content, sentence):
    if content is not None:
        file.write_text(content, encoding="utf-8")
    done = ran(name, file, "--cache", tmp_path / "cache")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"privacydial: {file}")
    assert sentence in line
    assert not (tmp_path / "cache").exists()


def test_workers_must_be_a_count(file):
    done = ran("sweep", file, "--workers", "none")
    assert done.returncode == 2
    assert "workers must be a whole number from 1 to 256, got 'none'" in done.stderr


def test_commands_are_named_in_the_help_and_do_not_make_the_start_slower():
    assert "sweep, warm" in ran("--help").stdout
    code = "import sys, dashboard.launch; print({'streamlit', 'numpy', 'distributed'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_progress_line_tells_points_waves_failures_and_time_left():
    now = SweepProgress(
        state="running",
        points=10,
        points_done=3,
        waves=2_000,
        waves_done=1_000,
        failed=1,
        seconds_left=3_725.4,
        message="",
    )
    assert progress_text(now) == (
        f"[{'#' * 12}{'-' * 12}] 3 of 10 points · 1,000 of 2,000 waves · 1 failed · 1:02:05 left"
    )
    assert [clock(seconds) for seconds in (0.2, 59.6, 3600)] == ["0:00", "1:00", "1:00:00"]
