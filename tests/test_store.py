import dataclasses
import hashlib
import json
import sqlite3
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load, save

from cache.codec import UnreadableError, assessment_from_bytes, assessment_to_bytes, wave_from_bytes, wave_to_bytes
from cache.keys import Point, assessment_key, wave_key, wave_question
from cache.store import Store
from engine.architectures import Logistic
from engine.audits.ceilings import measured_noise_ceiling, single_ceiling
from engine.audits.values import Crossing, Guesses, LowerBound
from engine.pipeline import assess, train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from tests.at_work import assert_verified, verified

RECIPE = Recipe(population=PopulationChoice(name="digits", contested=50), architecture=Logistic(), epochs=1, batch=20)
POINT = Point(recipe=RECIPE, release=Release(), waves=1)
KEY = assessment_key(POINT)
TABLES = {"wave": ["blob"], "assessment": ["headline", "blob"]}


@pytest.fixture(scope="module")
def wave():
    return train_wave(RECIPE, 0)


@pytest.fixture(scope="module")
def assessment(wave):
    return assess(RECIPE, Release(), "lira", [wave])


@pytest.fixture
def full(store, wave, assessment):
    """A store with one wave and one assessment."""
    store.put_wave(RECIPE, 0, wave_to_bytes(wave))
    store.put_assessment(POINT, assessment)
    return store


ENTRIES = [(table, column) for table in TABLES for column in TABLES[table]]


def execute(store, statement, *values):
    """What another program might do to the file."""
    connection = sqlite3.connect(store.file)
    try:
        with connection:
            return connection.execute(statement, values).fetchall()
    finally:
        connection.close()


def flat(value):
    """All arrays and numbers of nested dataclasses, in order."""
    if dataclasses.is_dataclass(value):
        return [leaf for field in dataclasses.fields(value) for leaf in flat(getattr(value, field.name))]
    if isinstance(value, tuple):
        return [leaf for item in value for leaf in flat(item)]
    return [value]


def absent(store, table, column):
    """Whether the entry whose column was damaged counts as absent."""
    if column == "headline":
        return store.headlines([KEY]) == {}
    return (store.wave(RECIPE, 0) if table == "wave" else store.assessment(KEY)) is None


def test_a_wave_comes_back_bit_for_bit(full, wave):
    back = wave_from_bytes(full.wave(RECIPE, 0))
    assert np.array_equal(back.masks, wave.masks)
    assert back.parameters.keys() == wave.parameters.keys()
    for name, array in wave.parameters.items():
        assert back.parameters[name].dtype == np.float32
        assert np.array_equal(back.parameters[name], array)


def test_an_assessment_comes_back_bit_for_bit(full, assessment):
    for back, put in zip(flat(full.assessment(KEY)), flat(assessment), strict=True):
        assert np.asarray(back).dtype == np.asarray(put).dtype
        assert np.array_equal(back, put, equal_nan=isinstance(put, np.ndarray))


def test_headlines_are_those_of_the_keys_that_are_stored(full, assessment):
    assert full.headlines([KEY, "absent"]) == {KEY: assessment.headline}
    assert full.measured([KEY, "absent"]) == {KEY}
    assert full.headlines([]) == {}


def test_what_was_never_put_is_absent(store):
    assert store.wave(RECIPE, 0) is None
    assert store.assessment(KEY) is None


def test_an_entry_is_seen_by_another_store_on_the_same_file(full, tmp_path, assessment):
    other = Store(tmp_path)
    assert other.headlines([KEY]) == {KEY: assessment.headline}
    other.close()


@pytest.mark.parametrize("which", [0, -1], ids=["in the first place", "in the last place"])
def test_a_key_that_is_another_is_mended_by_the_command(full, which):
    """A key stands in its table, in an index of that, and beside when it was last used."""
    full.close()
    content, piece = full.file.read_bytes(), wave_key(RECIPE, 0).encode()
    places = [at for at in range(len(content)) if content.startswith(piece, at)]
    assert len(places) > 2
    at = places[which] + 9
    full.file.write_bytes(content[:at] + b"\xb3" + content[at + 1 :])
    status, said, complained = verified(full.file.parent, "--drop")
    assert (status, complained) == (1, "")
    assert "and what was whole in it saved" in said
    assert_verified(full.file.parent)
    assert full.measured([KEY]) == {KEY}


@pytest.mark.parametrize(("table", "column"), ENTRIES)
@pytest.mark.parametrize("damage", ["flip", "truncate", "null out"])
def test_damaged_content_is_dropped_with_a_warning(full, caplog, table, column, damage):
    ((content,),) = execute(full, f"SELECT {column} FROM {table}")  # noqa: S608
    middle = len(content) // 2
    other = {
        "flip": lambda text: text[:middle] + bytes([text[middle] ^ 1]) + text[middle + 1 :],
        "truncate": lambda text: text[:middle],
        "null out": lambda text: b"",
    }[damage](content.encode() if column == "headline" else content)
    execute(full, f"UPDATE {table} SET {column} = ?", other.decode() if column == "headline" else other)  # noqa: S608
    assert absent(full, table, column)
    assert f"Dropped the {table}" in caplog.text
    assert execute(full, f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608


def flipped(store, piece):
    """A byte of the file changed where it holds a text, which is none any more."""
    store.close()  # folds the log into the file
    content = store.file.read_bytes()
    middle = content.index(piece.encode()) + len(piece) // 2
    store.file.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])


def test_a_headline_that_is_no_text_any_more_is_dropped(full, assessment, caplog):
    flipped(full, '{"adaptive":')
    assert full.headlines([KEY]) == {}
    assert "Dropped the assessment" in caplog.text
    full.put_assessment(POINT, assessment)
    assert full.headlines([KEY]) == {KEY: assessment.headline}


def test_a_question_that_is_no_text_any_more_is_found_and_dropped_by_the_command(full):
    flipped(full, wave_question(RECIPE, 0))
    status, said, _ = verified(full.file.parent, "--drop")
    assert status == 1
    assert said.splitlines()[:2] == [
        f"the wave {wave_key(RECIPE, 0)}: its key is not that of its question",
        "1 entries were dropped",
    ]
    assert_verified(full.file.parent)
    assert full.measured([KEY]) == {KEY}


@pytest.mark.parametrize(("table", "column"), ENTRIES)
def test_unreadable_content_is_dropped_even_with_its_checksum(full, caplog, table, column):
    checksum = {"headline": "headline_sha256", "blob": "sha256"}[column]
    garbage = '{"kind":"Interval"}' if column == "headline" else b"garbage"
    digest = hashlib.sha256(b'{"kind":"Interval"}' if column == "headline" else b"garbage").digest()
    execute(full, f"UPDATE {table} SET {column} = ?, {checksum} = ?", garbage, digest)  # noqa: S608
    assert absent(full, table, column)
    assert f"Dropped the {table}" in caplog.text


def test_a_dropped_entry_can_be_put_again(full, wave):
    execute(full, "UPDATE wave SET sha256 = x'00'")
    assert full.wave(RECIPE, 0) is None
    full.put_wave(RECIPE, 0, wave_to_bytes(wave))
    assert full.wave(RECIPE, 0) == wave_to_bytes(wave)


def test_a_wave_with_other_masks_than_the_engine_draws_is_dropped(store, wave, caplog):
    moved = dataclasses.replace(wave, masks=wave.masks[:, ::-1])
    store.put_wave(RECIPE, 0, wave_to_bytes(moved))
    assert store.wave(RECIPE, 0) is None
    assert "masks are not those that the engine draws" in caplog.text


def test_bytes_of_one_kind_are_not_read_as_the_other(wave):
    with pytest.raises(UnreadableError, match="assessment is not readable"):
        assessment_from_bytes(wave_to_bytes(wave))


PROGRAM = """
import sys
from pathlib import Path
from cache.store import Store
from engine.architectures import Logistic
from engine.recipe import PopulationChoice, Recipe
population = PopulationChoice(name="digits", contested=50)
recipe = Recipe(population=population, architecture=Logistic(), epochs=1, batch=20)
directory, first, count, size = Path(sys.argv[1]), *map(int, sys.argv[2:])
store = Store(directory)
for wave in range(first, first + count):
    store.put_wave(recipe, wave, bytes(size))
"""


def writer(directory, *, first, count, size):
    """A process of its own that writes waves of so many bytes."""
    arguments = map(str, (directory, first, count, size))
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments])


def test_a_writer_that_is_killed_in_the_middle_leaves_no_half_entry(full, wave):
    log = full.file.with_name(full.file.name + "-wal")
    full.close()  # the last to close folds the log into the file, so that its size starts at nothing
    process = writer(full.file.parent, first=1, count=8, size=200_000_000)
    try:
        while not log.exists() or log.stat().st_size < 5_000_000:
            assert process.poll() is None, "the writer ended before it could be killed"
            time.sleep(0.001)
    finally:
        process.kill()
        process.wait()
    assert log.stat().st_size < 200_000_000, "the writer had finished its first entry"
    assert execute(full, "SELECT count(*) FROM wave") == [(1,)]
    assert full.wave(RECIPE, 0) == wave_to_bytes(wave)
    full.put_wave(RECIPE, 1, b"another")
    assert execute(full, "SELECT count(*) FROM wave") == [(2,)]


def test_processes_that_start_and_write_together_lose_nothing(tmp_path):
    processes = [writer(tmp_path, first=20 * number, count=20, size=100_000) for number in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    store = Store(tmp_path)
    assert execute(store, "SELECT count(*) FROM wave") == [(80,)]
    store.close()


def ages(store, **seconds):
    """Make entries of a kind so many seconds older."""
    for kind, age in seconds.items():
        execute(store, "UPDATE usage SET used = used - ? WHERE kind = ?", age, kind)


def test_beyond_its_limit_the_store_gives_up_what_was_unused_longest_waves_first(tmp_path, wave, assessment):
    blob = wave_to_bytes(wave)
    store = Store(tmp_path, limit=2 * len(blob) + len(assessment_to_bytes(assessment)))
    store.put_assessment(POINT, assessment)
    for number in range(2):
        store.put_wave(RECIPE, number, blob)
        ages(store, wave=1000, assessment=5000)
    store.put_wave(RECIPE, 2, blob)
    kept = [key for (key,) in execute(store, "SELECT key FROM wave ORDER BY rowid")]
    assert kept == [wave_key(RECIPE, 1), wave_key(RECIPE, 2)]
    assert store.measured([KEY]) == {KEY}
    assert execute(store, "SELECT sum(size) FROM usage") == execute(
        store, "SELECT (SELECT sum(length(blob)) FROM wave) + (SELECT sum(length(blob)) FROM assessment)"
    )
    store.close()


def test_of_waves_stored_within_a_moment_those_stored_first_go_first(tmp_path, wave):
    blob = wave_to_bytes(wave)
    store = Store(tmp_path, limit=5 * len(blob))
    numbers = sorted(range(12), key=lambda number: wave_key(RECIPE, number), reverse=True)
    for number in numbers:  # latest first by their keys
        store.put_wave(RECIPE, number, blob)
    kept = [key for (key,) in execute(store, "SELECT key FROM wave ORDER BY rowid")]
    assert kept == [wave_key(RECIPE, number) for number in numbers[-5:]]
    store.close()


def test_assessments_go_when_no_wave_is_left(tmp_path, assessment):
    store = Store(tmp_path, limit=1000)
    store.put_assessment(POINT, assessment)
    assert store.measured([KEY]) == set()
    assert execute(store, "SELECT count(*) FROM usage") == [(0,)]
    store.close()


def test_reading_writes_nothing_and_the_next_write_notes_the_use(full, wave):
    ages(full, wave=1000, assessment=1000)
    before = execute(full, "SELECT kind, key, used FROM usage")
    log = full.file.with_name(full.file.name + "-wal")
    written = log.stat()
    assert full.wave(RECIPE, 0) is not None
    assert full.headlines([KEY])
    assert (log.stat().st_mtime_ns, log.stat().st_size) == (written.st_mtime_ns, written.st_size)
    assert execute(full, "SELECT kind, key, used FROM usage") == before
    full.put_wave(RECIPE, 1, wave_to_bytes(wave))
    after = {(kind, key): used for kind, key, used in execute(full, "SELECT kind, key, used FROM usage")}
    assert all(after[kind, key] >= used + 1000 for kind, key, used in before)


def test_asking_whether_assessments_are_stored_is_no_use_of_them_and_a_use_can_be_noted_without_reading(full):
    ages(full, wave=1000, assessment=1000)
    before = dict(execute(full, "SELECT kind, used FROM usage"))
    assert full.measured([KEY]) == {KEY}
    full.close()
    assert dict(execute(full, "SELECT kind, used FROM usage")) == before
    full.use([KEY, "absent"])
    full.close()
    after = dict(execute(full, "SELECT kind, used FROM usage"))
    assert after["assessment"] >= before["assessment"] + 1000
    assert after["wave"] == before["wave"]


def test_a_used_wave_stays_and_its_unused_neighbour_goes(tmp_path, wave):
    blob = wave_to_bytes(wave)
    store = Store(tmp_path, limit=2 * len(blob) + 10)
    store.put_wave(RECIPE, 0, blob)
    store.put_wave(RECIPE, 1, blob)
    ages(store, wave=1000)
    assert store.wave(RECIPE, 0) == blob
    store.put_wave(RECIPE, 2, blob)
    assert store.trained(RECIPE, 1)
    assert not store.trained(RECIPE, 2)
    store.close()


def test_a_cache_of_an_older_format_is_set_aside_and_begun_anew(tmp_path, wave, caplog):
    older = sqlite3.connect(tmp_path / "privacydial.sqlite")
    older.executescript(
        "CREATE TABLE wave (key TEXT PRIMARY KEY, blob BLOB NOT NULL, sha256 BLOB NOT NULL);"
        "INSERT INTO wave VALUES ('old', x'01', x'02');"
        "PRAGMA application_id = 1346660705; PRAGMA user_version = 1; PRAGMA journal_mode = WAL;"
    )
    older.close()
    processes = [writer(tmp_path, first=number, count=1, size=1000) for number in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    store = Store(tmp_path)
    assert execute(store, "SELECT count(*) FROM wave") == [(4,)]
    store.close()
    (aside,) = tmp_path.glob("privacydial-format-1-*.sqlite")
    kept = sqlite3.connect(aside)
    assert kept.execute("SELECT key FROM wave").fetchall() == [("old",)]
    kept.close()


def test_a_store_whose_directory_was_emptied_begins_anew(full, wave):
    for file in full.file.parent.iterdir():
        file.unlink()
    assert full.measured([KEY]) == set()
    full.put_wave(RECIPE, 0, wave_to_bytes(wave))
    assert full.wave(RECIPE, 0) == wave_to_bytes(wave)


def test_an_assessment_of_before_a_part_was_added_is_read_without_it(assessment):
    lean = replace(assessment, answers=None, honesty=None)
    arrays = load(zlib.decompress(assessment_to_bytes(lean)))
    tree = json.loads(arrays["tree"].tobytes())
    del tree["answers"], tree["honesty"], tree["headline"]["adaptive"]
    arrays["tree"] = np.frombuffer(json.dumps(tree).encode(), dtype=np.uint8)
    back = assessment_from_bytes(save(arrays))
    assert back.answers is back.honesty is None
    assert back.headline == assessment.headline


def test_compressed_bytes_that_are_cut_continued_or_stand_for_too_many_are_refused(assessment):
    blob = assessment_to_bytes(assessment)
    assert len(blob) < 0.9 * len(zlib.decompress(blob))
    bomb = zlib.compress(bytes(2**28 + 1))
    for damaged in (blob[:-1], blob + b"x", bomb, b"", b"x" + blob):
        with pytest.raises(UnreadableError):
            assessment_from_bytes(damaged)


def test_tuples_of_parts_with_arrays_come_back(assessment):
    ceilings = (single_ceiling(1.0, 1e-5), measured_noise_ceiling(1.0, 2.0))
    guesses = Guesses(true_positives=9, false_positives=1, true_negatives=8, false_negatives=2)
    bound = LowerBound(name="one-run", epsilon=0.5, delta=1e-5, level=0.05, guesses=guesses, records=100, targets=16)
    band = np.array([0.2, 0.4])
    crossing = Crossing(crossed=True, level=0.01, target=3, fpr=band, tpr=band, excess=0.1, sentence="A bug.")
    whole = replace(assessment, ceilings=ceilings, audits=(bound,), crossing=crossing)
    back = assessment_from_bytes(assessment_to_bytes(whole))
    assert back.audits == (bound,)
    assert [each.sentence for each in back.ceilings] == [each.sentence for each in ceilings]
    assert [each.tpr.tolist() for each in back.ceilings] == [each.tpr.tolist() for each in ceilings]
    assert back.crossing is not None
    assert (back.crossing.sentence, back.crossing.tpr.tolist()) == ("A bug.", [0.2, 0.4])
