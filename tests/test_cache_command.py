import contextlib
import sqlite3
import subprocess
import sys

import pytest

from cache.codec import wave_to_bytes
from cache.sizes import size_from_text, size_text
from cache.store import Store
from dashboard import launch
from dashboard.commands.cache import main as cache_command
from engine.architectures import Logistic
from engine.pipeline import train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.validate import InvalidValueError

RECIPE = Recipe(population=PopulationChoice(name="digits", contested=50), architecture=Logistic(), epochs=1, batch=20)


def ran(directory, *arguments):
    """Exit status, what was printed, what was complained of."""
    command = [sys.executable, "-m", "dashboard.launch", "cache", "--cache", str(directory), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def directory(tmp_path):
    """A cache with one wave."""
    store = Store(tmp_path)
    store.put_wave(RECIPE, 0, wave_to_bytes(train_wave(RECIPE, 0)))
    store.close()
    return tmp_path


def test_a_colleague_imports_what_was_exported(directory, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    assert ran(directory, "export", other / "file")[:2] == (
        0,
        f"0 assessments and 1 waves in {other / 'file'}, {size_text((other / 'file').stat().st_size)}\n",
    )
    assert ran(other, "import", other / "file") == (0, "1 entries were added, 0 were there already\n", "")
    assert ran(other, "verify") == (0, "1 entries, all as they should be\n", "")
    status, text, _ = ran(other, "info")
    assert status == 0
    assert "1 waves" in text


def test_verify_lists_what_is_wrong_with_status_1_until_it_is_dropped(directory):
    store = Store(directory)
    store.maintain(lambda connection: connection.execute("UPDATE wave SET blob = zeroblob(length(blob))"))
    store.close()
    status, text, _ = ran(directory, "verify")
    assert status == 1
    assert "its content does not have its checksum" in text
    assert ran(directory, "verify", "--drop")[0] == 1
    assert ran(directory, "verify") == (0, "0 entries, all as they should be\n", "")


def test_prune_keeps_what_was_asked_for(directory):
    assert ran(directory, "prune")[1].startswith("0 entries were dropped")
    assert ran(directory, "prune", "--to", "1kB") == (0, "1 entries were dropped, 0 B stay\n", "")


def test_a_file_that_is_no_export_is_one_sentence_and_status_2(directory):
    status, _, complaint = ran(directory, "import", __file__)
    assert status == 2
    assert complaint.endswith("cannot be read as an export of Privacy Dial (file is not a database).\n")


@pytest.mark.parametrize("arguments", [["explode"], ["prune", "--to", "much"], []])
def test_arguments_that_mean_nothing_are_refused_with_status_2(directory, arguments):
    assert ran(directory, *arguments)[0] == 2


@pytest.mark.parametrize(("text", "size"), [("5GB", 5 * 10**9), ("1.5 MB", 1_500_000), ("20kB", 20_000)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert size_from_text(text) == size
    assert size_from_text(size_text(size)) == size


@pytest.mark.parametrize("text", ["", "5", "GB", "-5GB", "5 gb", "1e9GB", "9" * 400 + "GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidValueError, match="size must be a number with kB, MB, GB or TB such as 5GB"):
        size_from_text(text)


def newer(directory):
    """Mark the cache of a directory as one of a version that is yet to come; its file."""
    file = directory / "privacydial.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA user_version = 99")
    return file


NEWER = "was written by a newer Privacy Dial (version 99, this one reads 2); update the program or choose another"
CACHE_COMMANDS = [
    ["info"],
    ["verify"],
    ["verify", "--drop"],
    ["prune", "--to", "1kB"],
    ["export", "FILE"],
    ["import", "FILE"],
    ["build-starter", "--to", "FILE"],
]


@pytest.mark.parametrize("arguments", CACHE_COMMANDS, ids=" ".join)
def test_every_cache_command_refuses_a_cache_of_a_newer_version_and_leaves_it_as_it_is(directory, arguments, capsys):
    file = newer(directory)
    before, export = file.read_bytes(), directory / "export"
    assert cache_command(["--cache", str(directory), *(str(export) if a == "FILE" else a for a in arguments)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(f"privacydial cache: The cache {file} {NEWER}")
    assert file.read_bytes() == before
    assert not export.exists()


@pytest.mark.parametrize("name", ["sweep", "warm"])
def test_sweeps_refuse_a_cache_of_a_newer_version(directory, name, capsys):
    file, sweep = newer(directory), directory / "sweep.toml"
    sweep.write_text("epochs = 1", encoding="utf-8")
    assert launch.main([name, str(sweep), "--cache", str(directory)]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(f"privacydial: The cache {file} {NEWER}")


def test_the_dashboard_does_not_start_on_a_cache_of_a_newer_version(directory):
    file = newer(directory)
    command = [sys.executable, "-m", "dashboard.launch", "--no-browser", "--cache", str(directory), "--port", "1025"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"privacydial: The cache {file} {NEWER}")


def test_a_file_of_a_newer_version_is_not_imported(directory, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    assert ran(directory, "export", other / "file")[0] == 0
    with contextlib.closing(sqlite3.connect(other / "file")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, text, complaint = ran(other, "import", other / "file")
    assert (status, text, complaint.count("\n")) == (2, "", 1)
    assert complaint.startswith(
        f"privacydial cache: {other / 'file'} was written by a newer Privacy Dial (version 99"
    )
