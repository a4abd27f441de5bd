import contextlib
import csv
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cache.keys import assessment_key
from cache.schema import KINDS
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.run import SweepProgress
from dashboard.commands.terminal import clock, progress_text
from tests.at_work import as_from_a_terminal, assert_verified, keep, rows, until

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PATIENCE = 600  # seconds, on a machine that is busy
COMMAND = [sys.executable, "-m", "dashboard.launch"]
LONG = """
waves = 1
population.name = "digits"
population.contested = 60
batch = 20
epochs = 300
seed = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
"""


def ran(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


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
            until(lambda: rows(tmp_path, "question", "assessment") or sweep.poll() is not None)
            sweep.send_signal(ending)
            out, err = sweep.communicate(timeout=PATIENCE)
        finally:
            sweep.kill()
    assert sweep.returncode == 130
    (kept,) = re.findall(rf"Stopped\. (\d+) of 10 waves are kept; to go on, run: privacydial sweep {file}\n", err)
    assert "Traceback" not in err
    assert len(out.splitlines()) == 2 + int(kept)
    trained = rows(tmp_path, "rowid", "wave")
    assert 1 <= int(kept) <= len(trained) < 10
    again = ran("sweep", file, "--cache", tmp_path, "--workers", 1)
    assert again.returncode == 0, again.stderr
    assert len(again.stdout.splitlines()) == 2 + 10
    assert trained.items() <= rows(tmp_path, "rowid", "wave").items(), "a stored wave was written again"
    assert len(rows(tmp_path, "rowid", "wave")) == 10
    assert_verified(tmp_path)


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


FEW = """
waves = 1
epochs = 1
batch = 20
population.name = "digits"
population.contested = 40
architecture.kind = "Logistic"
"""


def rows_of(cache):
    """All that a cache has, entry by entry."""
    with contextlib.closing(sqlite3.connect(cache / "privacydial.sqlite")) as connection:
        return [connection.execute(f"SELECT * FROM {kind}").fetchall() for kind in KINDS]  # noqa: S608


def test_a_sweep_begins_a_cache_of_an_older_format_anew_and_says_so_and_bad_input_leaves_it_as_it_is(file, tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    with contextlib.closing(sqlite3.connect(cache / "privacydial.sqlite")) as older:
        older.executescript(
            "CREATE TABLE wave (key TEXT PRIMARY KEY, blob BLOB NOT NULL, sha256 BLOB NOT NULL);"
            "INSERT INTO wave VALUES ('old', x'01', x'02');"
            "PRAGMA application_id = 1346660705; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"
        )
    file.write_text(FEW, encoding="utf-8")
    done = ran("sweep", file, "--cache", cache, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == (
        f"Set the cache {cache / 'privacydial.sqlite'} aside as privacydial-format-1-1.sqlite (format-1) "
        "and began a new one"
    )
    assert "1 of 1 points · 1 of 1 waves" in done.stderr.splitlines()[-1]
    with contextlib.closing(sqlite3.connect(cache / "privacydial-format-1-1.sqlite")) as kept:
        assert kept.execute("SELECT key FROM wave").fetchall() == [("old",)]
    before = rows_of(cache)
    assert [len(rows) for rows in before] == [1, 1]
    grid = "\n".join(f"{dial} = {list(range(1, 57))}" for dial in ("seed", "epochs", "batch", "population.seed"))
    file.write_text(grid, encoding="utf-8")  # of 56 ** 4 settings: as many as ten million
    refused = ran("sweep", file, "--cache", cache)
    assert (refused.returncode, refused.stdout) == (2, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"privacydial: {file}: ")
    assert "must be at most 10,000" in line
    assert rows_of(cache) == before


def test_settings_that_need_too_much_memory_are_listed_as_refused_and_the_others_measured(file, tmp_path):
    few = FEW.replace("Logistic", "Mlp") + "architecture.width = {widths}\n"
    command = ("sweep", file, "--cache", tmp_path, "--workers", 1, "--wave-memory")
    file.write_text(few.format(widths="[4, 4096]"), encoding="utf-8")
    done = ran(*command, "10MB")
    assert done.returncode == 0, done.stderr
    assert "1 of 1 points · 1 of 1 waves" in done.stderr
    _, _, row, _, refused, which = done.stdout.splitlines()
    assert row.split()[0] == "4"
    assert refused.startswith("1 refused: Eight models of this setting need about ")
    assert "10.0 MB are allowed here (--wave-memory)" in refused
    assert "4096" in which
    file.write_text(few.format(widths="[4096]"), encoding="utf-8")
    none = ran(*command, "10MB")
    assert (none.returncode, none.stdout) == (2, "")
    (line,) = none.stderr.splitlines()
    assert "must have a setting" in line
    assert "10.0 MB are allowed here" in line
    file.write_text(few.format(widths="[4, 8]"), encoding="utf-8")
    stored = ran("sweep", file, "--cache", tmp_path, "--wave-memory", "1kB")
    assert (stored.returncode, len(stored.stdout.splitlines())) == (0, 6)  # what is stored is shown all the same


@pytest.mark.parametrize("name", ["sweep", "warm"])
@pytest.mark.parametrize("seeds", [[1, 2], [1, 2, 3]], ids=["of all of it", "of more than that"])
def test_a_sweep_uses_the_results_that_are_stored_already_and_neither_their_waves_nor_others(
    file, tmp_path, name, seeds
):
    plans = {}
    for part in ([1, 2], [9], seeds):
        file.write_text(FEW + f"seed = {part}\n", encoding="utf-8")
        plans[tuple(part)] = [setting.point for setting in sweep_from_toml(file.read_bytes()).plan().settings]
    keep(tmp_path, *plans[1, 2], *plans[9,])
    asked = {assessment_key(point) for point in plans[1, 2]}
    with contextlib.closing(sqlite3.connect(tmp_path / "privacydial.sqlite")) as connection, connection:
        connection.execute("UPDATE usage SET used = used - 100000")
    before = rows(tmp_path, "used", "usage")
    done = ran(name, file, "--cache", tmp_path, "--workers", 1)
    assert done.returncode == 0, done.stderr
    after = rows(tmp_path, "used", "usage")
    assert {key for key, used in before.items() if after[key] >= used + 100_000} == asked
    assert {key for key, used in before.items() if after[key] == used} == before.keys() - asked


CRAMPED = """
import resource, sys
from dashboard.launch import main
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
sys.exit(main())
"""
"""The command where no file may grow to the size of one wave of the network below."""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX systems")
def test_a_full_disk_ends_a_sweep_of_one_setting_like_one_of_many_and_the_same_command_goes_on(file, tmp_path):
    file.write_text(FEW.replace("Logistic", "Mlp") + "architecture.width = 256\n", encoding="utf-8")
    arguments = ["sweep", str(file), f"--cache={tmp_path}", "--workers=1"]
    full = subprocess.run(
        [sys.executable, "-c", CRAMPED, *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (full.returncode, full.stdout) == (2, "")
    last = full.stderr.splitlines()[-1]
    assert last.startswith("The cache cannot be used (")
    assert last.endswith(f" 0 of 1 waves are kept; to go on, run: privacydial sweep {file}")
    assert "Traceback" not in full.stderr
    assert_verified(tmp_path)
    done = ran(*arguments)
    assert done.returncode == 0, done.stderr
    assert_verified(tmp_path)


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
