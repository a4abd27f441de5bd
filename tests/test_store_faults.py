"""A store that is torn, cut off, filled up or written to twice: real files, real limits, real processes.

After each fault: ``privacydial cache verify`` finds nothing, no wave was trained once more than the fault cost,
the page has a sentence, and the work goes on.
"""

import contextlib
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest

from cache.codec import wave_to_bytes
from cache.keys import assessment_key
from cache.location import CacheError
from cache.store import Store
from engine.architectures import Mlp
from engine.pipeline import train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release, WeightNoise
from tests.at_work import assert_verified, end, quick, trainings, verified
from tests.dashboard_processes import CRAMPED, DASHBOARD, DOOMED, growing_log, log_of, running_dashboard

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX systems")


RECIPE = Recipe(population=PopulationChoice(name="digits", contested=60), architecture=Mlp(), epochs=6, batch=20)


@pytest.fixture(scope="module")
def blob():
    return wave_to_bytes(train_wave(RECIPE, 0))


def waves_in(store: Store) -> dict[str, bytes]:
    """The blobs of all waves by key, as the file has them."""
    return dict(store.maintain(lambda connection: connection.execute("SELECT key, blob FROM wave").fetchall()))


def assert_goes_on(store: Store, starts: Counter[str], before: dict[str, bytes]) -> None:
    """Of two waves that were started one was kept, beside those before; a dashboard with room trains what is missing
    and nothing else.
    """
    kept = waves_in(store)
    assert before.items() < kept.items()
    assert len(kept) == len(before) + 1
    assert set(starts.values()) <= {1}  # one that is killed may not come to tell of its last start
    assert len(starts) <= 2
    assert len(starts.keys() & kept.keys() - before.keys()) <= 1, "the write that was cut off left its wave"
    assert_verified(store.file.parent)
    with running_dashboard(store.file.parent, DASHBOARD + "main()") as roomy:
        again, last = log_of(roomy.communicate(timeout=300)[0])
    assert last.strip() == "done"
    assert set(again.values()) == {1}
    assert len(again) == 2
    assert not kept.keys() & again.keys(), "a stored wave was trained again"
    assert waves_in(store).items() > kept.items()
    assert waves_in(store).keys() == kept.keys() | again.keys()
    assert_verified(store.file.parent)


def test_a_dashboard_killed_during_a_store_write_leaves_no_half_wave_and_trains_none_twice(store, blob):
    store.put_wave(RECIPE, 0, blob)
    before = waves_in(store)
    with growing_log(store), running_dashboard(store.file.parent, DOOMED + "main()") as doomed:
        starts, _ = log_of(doomed.communicate(timeout=300)[0])
    # A signal that comes from nothing but a write: it was in the transaction of its second wave.
    assert doomed.returncode == -signal.SIGXFSZ
    assert_goes_on(store, starts, before)


def test_a_full_disk_is_a_sentence_and_leaves_the_store_whole(store, blob):
    store.put_wave(RECIPE, 0, blob)
    before = waves_in(store)
    with growing_log(store), running_dashboard(store.file.parent, CRAMPED + "main()") as cramped:
        starts, last = log_of(cramped.communicate(timeout=300)[0])
    assert last.startswith("failed The cache "), last
    assert "cannot be used" in last
    assert last.endswith("choose another directory with --cache DIR.")
    assert len(starts) == 2
    assert_goes_on(store, starts, before)


def test_a_file_that_may_not_grow_refuses_the_entry_and_keeps_the_others(tmp_path, blob):
    store = Store(tmp_path)
    store.put_wave(RECIPE, 0, blob)

    def pages(connection):
        return connection.execute("PRAGMA page_count").fetchone()[0]

    store.maintain(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages(connection)}").fetchone())
    with pytest.raises(CacheError, match=r"cannot be used \(database or disk is full\)"):
        store.put_wave(replace(RECIPE, seed=1), 0, blob)
    assert store.wave(RECIPE, 0) == blob
    assert_verified(store.file.parent)
    store.close()


READABLE = "a header that forbids to write"
"""The damage that only who writes meets, and after which all can be saved."""

DAMAGES = {
    "half of it": lambda content: content[: len(content) // 2],
    "its beginning alone": lambda content: content[:5000],
    "nothing": lambda content: b"",
    "a piece of its header": lambda content: content[:50],
    READABLE: lambda content: content[:18] + b"\xfd" + content[19:],
    "a header of no known format": lambda content: content[:47] + b"\xfb" + content[48:],
    "twenty flipped bytes": lambda content: _flipped(content, 20),
    "two thousand flipped bytes": lambda content: _flipped(content, 2000),
    "a first page of zeros": lambda content: content[:100] + bytes(4000) + content[4100:],
    "tables that are no text": lambda content: content.replace(b"CREATE TABLE", b"CR\xb3ATE TABLE"),
}


def _flipped(content, count):
    """The content with so many bytes changed behind SQLite's header, which says whose file it is."""
    rng, changed = random.Random(20), bytearray(content)  # noqa: S311 — damage, not a secret
    for place in rng.sample(range(100, len(content)), count):
        changed[place] ^= 0xFF
    return bytes(changed)


SET_ASIDE = {
    "half of it",
    "its beginning alone",
    "nothing",
    "a piece of its header",
    READABLE,
    "a header of no known format",
    "two thousand flipped bytes",
    "a first page of zeros",
    "tables that are no text",
}
"""Damages of which SQLite makes no sense; other bytes are an entry's own."""


def damage(file, name):
    """Do this to a file as it was a minute ago: one without a byte that is younger may be just being begun."""
    file.write_bytes(DAMAGES[name](file.read_bytes()))
    earlier = time.time() - 60
    os.utime(file, (earlier, earlier))


NOT_ITS_CHECKSUM = re.compile(r"the assessment [0-9a-f]{64}: its content does not have its checksum")


def _hit(content, blob):
    """The content of a file with some bytes of a stored blob flipped."""
    pieces = (blob[at : at + 64] for at in range(len(blob) // 2, len(blob) - 64, 64))  # one may lie on two pages
    (before, after), piece = next((content.split(piece), piece) for piece in pieces if content.count(piece) == 1)
    return before + bytes(byte ^ 0xFF for byte in piece) + after


def test_a_damaged_store_is_begun_anew_with_what_is_whole_in_it(cluster, store, jobs, blob):
    points = [quick() for _ in range(2)]
    for point in points:
        jobs.request("ada", point)
        assert end(jobs, point).state == "done"
    first = store.wave(points[0].recipe, 0)
    for name in (*DAMAGES, "a piece of the first wave"):
        before = [trainings(cluster, point.recipe, 0) for point in points]
        aside = len(store.damaged)
        store.close()  # folds the log into the file
        if name in DAMAGES:
            damage(store.file, name)
        else:
            store.file.write_bytes(_hit(store.file.read_bytes(), first))
        for number, point in enumerate(points):
            other = replace(point, attack="lira", release=Release(weight_noise=WeightNoise(sigma=len(name) / 100)))
            jobs.request(f"{name} {number}", other)
            ended = end(jobs, other)
            assert ended.state == "done", (name, ended.message)
            assert store.measured([assessment_key(other)])
        costs = [trainings(cluster, point.recipe, 0) - count for point, count in zip(points, before, strict=True)]
        # Both waves are a great part of the file: whatever else is hit, one that is not lost was not hit at all.
        assert costs == {"a piece of the first wave": [1, 0], READABLE: [0, 0]}.get(name, [1, 1]), name
        if name == "twenty flipped bytes":
            assert_drops_what_nobody_asked_for(store)
        else:
            assert len(store.damaged) - aside == (name in SET_ASIDE), name
        assert_verified(store.file.parent)


def assert_drops_what_nobody_asked_for(store: Store) -> None:
    """Where bytes are hit that nobody has read since, the command finds the entries, and drops no others."""
    status, said, complained = verified(store.file.parent)
    *found, last = said.splitlines()
    assert (status, complained) == (min(1, len(found)), "")
    assert all(NOT_ITS_CHECKSUM.fullmatch(line) for line in found), said
    assert last == (f"{len(found)} faults" if found else "4 entries, all as they should be")
    dropping = verified(store.file.parent, "--drop")
    assert dropping == (status, "\n".join([*found, f"{len(found)} entries were dropped", last]) + "\n", "")


def test_of_a_file_cut_in_half_the_whole_entries_are_saved(tmp_path, blob):
    store = Store(tmp_path)
    others = [wave_to_bytes(train_wave(RECIPE, wave)) for wave in (1, 2, 3, 4)]
    for wave, content in enumerate([blob, *others]):
        store.put_wave(RECIPE, wave, content)
    store.close()
    damage(store.file, "half of it")
    assert store.wave(RECIPE, 0) == blob
    assert store.wave(RECIPE, 4) is None
    assert_verified(store.file.parent)
    store.close()


WRITER = """
import sys
import time
from pathlib import Path
from cache.store import Store
from engine.architectures import Mlp
from engine.recipe import PopulationChoice, Recipe
population = PopulationChoice(name="digits", contested=60)
recipe = Recipe(population=population, architecture=Mlp(), epochs=6, batch=20)
store = Store(Path(sys.argv[1]))
blob = Path(sys.argv[2]).read_bytes()
for _ in range(40):
    store.put_wave(recipe, 0, blob)
    assert store.wave(recipe, 0) == blob
"""


def test_two_processes_that_write_the_same_key_leave_one_whole_entry(tmp_path, blob):
    (tmp_path / "blob").write_bytes(blob)
    command = [sys.executable, "-c", WRITER, str(tmp_path), str(tmp_path / "blob")]
    writers = [subprocess.Popen(command) for _ in range(2)]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0]
    store = Store(tmp_path)
    with contextlib.closing(sqlite3.connect(store.file)) as connection:
        assert connection.execute("SELECT count(*) FROM wave").fetchone() == (1,)
    assert store.wave(RECIPE, 0) == blob
    assert_verified(store.file.parent)
    store.close()
