import contextlib
import dataclasses
import functools
import hashlib
import math
import sqlite3
import zlib

import numpy as np
import pytest

from cache.cluster import Cluster
from cache.codec import UnreadableError, comparison_from_bytes
from cache.jobs import Jobs
from cache.keys import Point, Versus, assessment_key, comparison_key, wave_key
from cache.location import CacheError
from cache.progress import TracePoint
from cache.sizes import size_text
from cache.starter import Starter, write_starter
from cache.store import Store
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from cache.traces import trace_from_bytes, trace_to_bytes
from dashboard.commands.cache import main as cache_command
from dashboard.commands.starter import compared
from engine.architectures import Logistic
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release, WeightNoise
from engine.validate import InvalidValueError
from tests.remeasured import (
    faults,
    fresh,
    shipped_points,
    standard_error,
)


def quick(seed: int, epochs: int = 10) -> Point:
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=100),
        architecture=Logistic(),
        epochs=epochs,
        batch=20,
        seed=seed,
    )
    return Point(recipe=recipe, release=Release(), attack="loss", waves=2)


POINTS = (quick(1), quick(2))


def plan_of(points) -> Plan:
    return Plan(
        dials=(), settings=tuple(Setting(values=(), point=one) for one in points), refused=(), waves=points[0].waves
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A store in which real workers have measured the points."""
    store = Store(tmp_path_factory.mktemp("measured"))
    with Cluster(workers=1) as cluster:
        jobs = Jobs(cluster.client, store)
        assert SweepRun(plan_of(POINTS), jobs, store, heard=True).wait(120).state == "done"
        jobs.close()
    yield store
    store.close()


@pytest.fixture
def file(measured, tmp_path):
    file = tmp_path / "starter.sqlite"
    assert write_starter(measured, POINTS, {}, file) == 2
    return file


@pytest.fixture
def starter(file):
    starter = Starter(file)
    yield starter
    starter.close()


def test_a_comparison_is_found_below_an_empty_store_and_a_damaged_one_is_not(measured, tmp_path, caplog):
    noisy = dataclasses.replace(POINTS[0], release=Release(weight_noise=WeightNoise(sigma=0.1)))
    there = Versus(first=POINTS[0], second=noisy)
    back = Versus(first=noisy, second=POINTS[0])
    blobs = {versus: compared(measured, versus) for versus in (there, back)}
    file = tmp_path / "starter.sqlite"
    write_starter(measured, POINTS, blobs, file)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE comparison SET blob = x'00' WHERE key = ?", [comparison_key(back)])
    below = Starter(file)
    for folder in ("over", "alone"):
        (tmp_path / folder).mkdir()
    over, alone = Store(tmp_path / "over", below=below), Store(tmp_path / "alone")
    assert over.comparison(there) == comparison_from_bytes(blobs[there])
    assert over.comparison(back) is None
    assert "A comparison below" in caplog.text
    assert alone.comparison(there) is None
    with pytest.raises(CacheError, match="The starter results cannot be built: models of"):
        compared(alone, there)
    for one in (over, alone, below):
        one.close()


def test_a_trace_is_found_below_an_empty_store_and_what_is_heard_here_goes_before_it(measured, starter, tmp_path):
    recipe = POINTS[0].recipe
    heard = measured.reports.trace(recipe)
    assert [one.epoch for one in heard][-1] == recipe.epochs
    store = Store(tmp_path, below=starter)
    assert store.reports.trace(recipe) == heard
    assert store.reports.trace(quick(3).recipe) == ()
    store.reports.put(recipe, 0, 1.0, heard[:4])
    assert store.reports.trace(recipe) == heard
    here = [dataclasses.replace(one, loss_auc=0.75) for one in heard]
    store.reports.put(recipe, 0, 1.0, here)
    assert store.reports.trace(recipe) == tuple(here)
    store.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no trace",
        zlib.compress(b"[[1,0.5,0.5,0.5]")[:-4],
        zlib.compress(b"7"),
        zlib.compress(b'{"": 1}'),
        zlib.compress(b"[[1,0.5,0.5]]"),
        zlib.compress(b"[[1,0.5,0.5,1.5]]"),
        zlib.compress(b"[[1,0.5,0.5,NaN]]"),
        zlib.compress(b'[["1",0.5,0.5,0.5]]'),
        zlib.compress(b"[[2,0.5,0.5,0.5],[1,0.5,0.5,0.5]]"),
        zlib.compress(b"[" * 100_000),
        zlib.compress(b" " * 2**21 + b"[]"),
    ],
    ids=lambda content: str(content[:8]),
)
def test_a_trace_that_cannot_be_read_is_not_told(measured, file, tmp_path, caplog, content):
    with pytest.raises(UnreadableError, match="a trace is not"):
        trace_from_bytes(content)
    sums = (content, hashlib.sha256(content).digest(), wave_key(POINTS[0].recipe, 0))
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE trace SET blob = ?, sha256 = ? WHERE key = ?", sums)
        connection.execute("UPDATE trace SET sha256 = x'00' WHERE key = ?", [wave_key(POINTS[1].recipe, 0)])
    starter = Starter(file)
    store = Store(tmp_path, below=starter)
    assert [store.reports.trace(one.recipe) for one in POINTS] == [(), ()]
    assert caplog.text.count("A trace below") == 2
    store.close()
    starter.close()


def test_a_trace_comes_back_as_it_was_written():
    trace = tuple(TracePoint(epoch=at, train_accuracy=1.0, test_accuracy=0.1, loss_auc=at / 7) for at in (1, 2, 5))
    assert trace_from_bytes(trace_to_bytes(trace)) == trace


def test_starter_results_are_found_below_an_empty_store_and_are_not_written_to_it(starter, tmp_path):
    (tmp_path / "new").mkdir()
    store = Store(tmp_path / "new", below=starter)
    key = assessment_key(POINTS[0])
    assert store.measured([key]) == {key}
    found = store.assessment(key)
    assert found is not None
    assert store.headlines([key]) == {key: found.headline}
    assert store.wave(POINTS[0].recipe, 0) is None
    assert store.measured([assessment_key(POINTS[0].with_waves(1))]) == set()
    store.close()
    alone = Store(tmp_path / "new")
    assert alone.measured([key]) == set()
    alone.close()


def test_a_fresh_run_of_what_was_built_has_no_fault(starter):
    assert shipped_points(starter) == list(POINTS)
    assert [faults(starter, one) for one in POINTS] == [[], []]


def test_the_command_measures_compares_and_writes_what_ships(tmp_path, monkeypatch, capsys):
    points = (quick(1), quick(1, epochs=20))
    versus = Versus(first=points[0], second=points[1])
    monkeypatch.setattr("dashboard.commands.starter.starter_points", lambda: points)
    monkeypatch.setattr("dashboard.commands.starter.starter_comparisons", lambda: (versus,))
    file = tmp_path / "starter.sqlite"
    assert cache_command(["--cache", str(tmp_path), "build-starter", "--to", str(file), "--workers", "1"]) == 0
    assert capsys.readouterr().out.endswith(
        f"2 of 2 settings and 1 comparisons in {file}, {size_text(file.stat().st_size)}\n"
    )
    starter = Starter(file)
    assert shipped_points(starter) == list(points)
    assert [faults(starter, one) for one in points] == [[], []]
    (tmp_path / "new").mkdir()
    store = Store(tmp_path / "new", below=starter)
    found = store.comparison(versus)
    assert found is not None
    assert (found.pairs, found.auc.estimate) == (8, pytest.approx(difference(*points), abs=1e-6))
    store.close()
    starter.close()


def difference(*points):
    """How much more the attack finds on the second of two settings."""
    first, second = (fresh(one).headline.auc.estimate for one in points)
    return second - first


def test_results_of_another_point_engine_mask_or_batch_are_faults(measured, file, tmp_path):
    other = quick(1, epochs=200)
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        key = assessment_key(POINTS[0])
        connection.execute("UPDATE assessment SET key = ? WHERE key = ?", [assessment_key(other), key])
        connection.execute("UPDATE first_batch SET sha256 = x'00'")
    starter = Starter(file)
    assert faults(starter, POINTS[0]) == ["it is not of this version of the engine"]
    assert faults(starter, POINTS[1]) == ["its first batch is another"]
    wrong = faults(starter, other)
    assert "its auc is another" in wrong
    assert "its masks are others" not in wrong
    starter.close()
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        moved = [assessment_key(quick(3)), assessment_key(POINTS[1])]
        connection.execute("UPDATE assessment SET key = ? WHERE key = ?", moved)
    starter = Starter(file)
    assert "its masks are others" in faults(starter, quick(3))
    starter.close()


@pytest.mark.parametrize("name", ["train_accuracy", "test_accuracy", "loss_auc"])
def test_a_trace_of_another_training_is_a_fault(measured, file, name):
    *before, last = measured.reports.trace(POINTS[0].recipe)
    for trace, fault in (
        ((*before, dataclasses.replace(last, **{name: 0.1})), f"the {name} of its trace is another"),
        ((*before, dataclasses.replace(last, epoch=last.epoch + 1)), "its trace is of other epochs"),
    ):
        with contextlib.closing(sqlite3.connect(file)) as connection, connection:
            changed = [trace_to_bytes(trace), wave_key(POINTS[0].recipe, 0)]
            connection.execute("UPDATE trace SET blob = ? WHERE key = ?", changed)
        starter = Starter(file)
        assert [faults(starter, one) for one in POINTS] == [[fault], []]
        starter.close()


def test_shipped_results_of_another_engine_are_no_points(file):
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE assessment SET question = replace(question, 'assess', 'guess')")
    starter = Starter(file)
    with pytest.raises(InvalidValueError):
        shipped_points(starter)
    starter.close()


def test_a_file_whose_tables_are_no_text_is_an_empty_layer(file, caplog):
    file.write_bytes(file.read_bytes().replace(b"CREATE TABLE", b"CR\xb3ATE TABLE"))
    starter = Starter(file)
    assert starter.first_batch(POINTS[0].recipe) is None
    assert "are left out" in caplog.text
    starter.close()


@pytest.mark.parametrize("content", [None, b"", b"no database" * 1000])
def test_a_missing_or_damaged_file_is_an_empty_layer(tmp_path, content):
    file = tmp_path / "starter.sqlite"
    if content is not None:
        file.write_bytes(content)
    starter = Starter(file)
    (tmp_path / "cache").mkdir()
    store = Store(tmp_path / "cache", below=starter)
    key = assessment_key(POINTS[0])
    assert (store.measured([key]), store.headlines([key]), store.assessment(key)) == (set(), {}, None)
    assert starter.first_batch(POINTS[0].recipe) is None
    store.close()
    starter.close()


def stored_blob(one: Point, source: sqlite3.Connection) -> bytes:
    return source.execute("SELECT blob FROM assessment WHERE key = ?", [assessment_key(one)]).fetchone()[0]


def test_what_ships_is_smaller_than_what_is_stored_and_says_the_same(measured, starter):
    for one in POINTS:
        ((blob, checksum),) = starter.rows("SELECT blob, sha256 FROM assessment WHERE key = ?", assessment_key(one))
        stored = measured.maintain(functools.partial(stored_blob, one))
        assert len(blob) < len(stored)
        assert checksum == hashlib.sha256(blob).digest()
        assert zlib.decompress(blob) == zlib.decompress(stored)


def test_the_first_points_are_kept_when_there_is_no_room_for_all(measured, tmp_path, monkeypatch):
    (size,) = Starter(file_of(measured, tmp_path)).rows("SELECT max(length(blob)) FROM assessment WHERE ? = 0", 0)[0]
    monkeypatch.setattr("cache.starter.LARGEST", 1.9 * size)
    file = tmp_path / "small.sqlite"
    assert write_starter(measured, POINTS, {}, file) == 1
    small = Starter(file)
    assert shipped_points(small) == [POINTS[0]]
    small.close()


def test_points_that_share_their_training_have_room_for_its_trace_once(measured, tmp_path, monkeypatch):
    noisy = dataclasses.replace(POINTS[0], release=Release(weight_noise=WeightNoise(sigma=0.1)))
    store = Store(tmp_path)
    for one in (POINTS[0], noisy):
        store.put_assessment(one, fresh(one))
    store.reports.put(POINTS[0].recipe, 0, 1.0, measured.reports.trace(POINTS[0].recipe))
    both = tmp_path / "both.sqlite"
    write_starter(store, [POINTS[0], noisy], {}, both)
    with contextlib.closing(sqlite3.connect(both)) as connection:
        rows = [connection.execute(query).fetchall() for query in ("SELECT * FROM assessment", "SELECT * FROM trace")]
    size = sum(len(value) for row in (*rows[0], *rows[1]) for value in row)
    monkeypatch.setattr("cache.starter._ROOM", 1)
    monkeypatch.setattr("cache.starter.LARGEST", size)
    assert write_starter(store, [POINTS[0], noisy], {}, both) == 2
    monkeypatch.setattr("cache.starter.LARGEST", size - 1)
    assert write_starter(store, [POINTS[0], noisy], {}, both) == 1
    store.close()


def file_of(measured, folder):
    write_starter(measured, POINTS, {}, folder / "both.sqlite")
    return folder / "both.sqlite"


def test_what_was_not_measured_cannot_ship_and_leaves_the_file_as_it_was(measured, file):
    before = file.read_bytes()
    with pytest.raises(CacheError, match="The starter results cannot be built: "):
        write_starter(measured, [*POINTS, quick(9)], {}, file)
    assert file.read_bytes() == before


def test_a_training_that_nobody_heard_cannot_ship(measured, tmp_path):
    deaf = Store(tmp_path)
    found = measured.assessment(assessment_key(POINTS[0]))
    assert found is not None
    deaf.put_assessment(POINTS[0], found)
    with pytest.raises(
        CacheError, match=r"cannot be built: nobody heard how .* measure it again in another directory"
    ):
        write_starter(deaf, POINTS[:1], {}, tmp_path / "deaf.sqlite")
    deaf.close()


def test_the_standard_error_of_pairs_is_that_of_their_mean():
    differences = np.array([0.1, -0.2, 0.4, 0.3])
    assert standard_error(differences) == pytest.approx(differences.std(ddof=1) / math.sqrt(4))
