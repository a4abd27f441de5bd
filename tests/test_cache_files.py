import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cache.connections import Connections
from cache.location import CacheError, cache_directory
from cache.schema import SCHEMA_VERSION, format_version
from cache.statements import insertion
from cache.store import Store
from engine.architectures import Logistic
from engine.recipe import PopulationChoice, Recipe

RECIPE = Recipe(population=PopulationChoice(name="digits", contested=50), architecture=Logistic(), epochs=6, batch=20)
ROOT = Path(__file__).parent.parent


def test_a_file_that_is_no_database_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "privacydial.sqlite").write_bytes(b"my holiday pictures" * 1000)
    with pytest.raises(CacheError, match=r"cannot be used .*file is not a database.*; choose another directory"):
        Store(tmp_path)
    assert (tmp_path / "privacydial.sqlite").read_bytes() == b"my holiday pictures" * 1000


def test_a_database_of_another_program_is_refused_and_left_alone(tmp_path):
    connection = sqlite3.connect(tmp_path / "privacydial.sqlite")
    connection.execute("CREATE TABLE wave (mine TEXT)")
    connection.close()
    with pytest.raises(CacheError, match="belongs to another program; choose another directory"):
        Store(tmp_path)


def test_a_file_without_content_was_a_cache_unless_it_is_just_being_begun(tmp_path):
    file = tmp_path / "privacydial.sqlite"
    file.touch()
    assert Store(tmp_path).damaged == []
    file.unlink()
    file.touch()
    os.utime(file, (0, 0))
    store = Store(tmp_path)
    assert [aside.name for aside in store.damaged] == ["privacydial-damaged-1.sqlite"]
    assert store.measured(["any"]) == set()
    assert Store(tmp_path).damaged == []


def test_a_cache_of_a_newer_version_is_refused_with_one_sentence(store):
    store.maintain(lambda connection: connection.execute("PRAGMA user_version = 99"))
    with pytest.raises(CacheError, match=r"newer Privacy Dial \(version 99, this one reads 2\)"):
        Store(store.file.parent)


def test_the_directory_is_the_chosen_one_then_the_variable_then_the_systems(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "system"))
    monkeypatch.setenv("HOME", str(tmp_path / "system"))
    monkeypatch.delenv("PRIVACYDIAL_CACHE", raising=False)
    if sys.platform != "win32":
        assert cache_directory().is_relative_to(tmp_path / "system")
    monkeypatch.setenv("PRIVACYDIAL_CACHE", str(tmp_path / "variable"))
    assert cache_directory() == tmp_path / "variable"
    assert cache_directory(tmp_path / "chosen") == tmp_path / "chosen"
    assert (tmp_path / "chosen").is_dir()


def test_a_directory_in_the_place_of_the_file_is_one_sentence(tmp_path):
    (tmp_path / "privacydial.sqlite").mkdir()
    with pytest.raises(
        CacheError, match=r"cannot be used \(unable to open database file\); choose another directory"
    ):
        Store(tmp_path)


def test_an_unwritable_directory_is_refused_with_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"file/cache cannot be written to \(Not a directory\); choose another"):
        cache_directory(tmp_path / "file" / "cache")


def test_programs_that_begin_a_cache_at_the_same_time_all_come_to_use_it(tmp_path):
    together = threading.Barrier(8)

    def begun(directory):
        together.wait()
        connections = Connections(directory / "privacydial.sqlite")  # each of its own, as programs have
        with connections.one() as connection:
            found = connection.execute("PRAGMA journal_mode").fetchone(), format_version(connection, directory)
        connections.close()
        return found

    with ThreadPoolExecutor(8) as programs:
        for number in range(40):
            directory = tmp_path / str(number)
            directory.mkdir()
            assert set(programs.map(begun, [directory] * 8)) == {(("wal",), SCHEMA_VERSION)}


OTHER = """
import sys
from pathlib import Path
from cache.store import Store
from tests.test_cache_files import RECIPE
store = Store(Path(sys.argv[1]))
store.put_wave(RECIPE, int(sys.argv[2]), sys.argv[2].encode())
store.close()
"""


def more_than_there_is_room_for(connection):
    size = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {size}").fetchone()
    connection.execute("CREATE TABLE more AS SELECT zeroblob(100000)")


def test_a_complaint_of_sqlite_takes_no_locks_from_other_connections(tmp_path):
    """They go when a process closes any descriptor of the file, and another program would write over its pages."""
    store = Store(tmp_path)
    with store._connections.one() as connection:  # the one in the pool that keeps its lock
        with pytest.raises(CacheError, match="database or disk is full"):
            store.maintain(more_than_there_is_room_for)
        assert connection.execute("SELECT count(*) FROM wave").fetchone() == (0,)
        for number in (1, 2):
            subprocess.run([sys.executable, "-c", OTHER, str(tmp_path), str(number)], check=True, cwd=ROOT)
            connection.execute(insertion("wave"), [f"mine {number}", "?", b"mine", b"?"])
    store.close()
    kept = sqlite3.connect(tmp_path / "privacydial.sqlite")
    assert kept.execute("SELECT count(*) FROM wave").fetchone() == (4,)
    kept.close()
