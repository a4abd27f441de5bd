"""Points that cost little or never end, and how to wait for real workers."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cache.keys import Point, wave_key
from cache.remote import TOPIC
from engine.architectures import Logistic, Mlp
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release

seeds = itertools.count()


def quick(*, waves=1, attack="loss"):
    """A point that no other test asks for and that takes a tenth of a second."""
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=60),
        architecture=Logistic(),
        epochs=20,
        batch=20,
        seed=next(seeds),
    )
    return Point(recipe=recipe, release=Release(), attack=attack, waves=waves)


def endless():
    """A point that takes longer than any test."""
    point = quick()
    return dataclasses.replace(
        point, recipe=dataclasses.replace(point.recipe, architecture=Mlp(), epochs=10_000, batch=1)
    )


@contextlib.contextmanager
def as_from_a_terminal() -> Iterator[None]:
    """Children started meanwhile hear Ctrl-C, even where tests run in the background and all is told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def until(condition, seconds=300):
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def end(jobs, point):
    """How the job ends."""
    until(lambda: not jobs.progress(point).active)
    return jobs.progress(point)


def trainings(cluster, recipe, wave=0):
    """How often a worker took up a wave, as it logged itself."""
    return sum(wave_key(recipe, wave) in task for task in begun(cluster.client))


def begun(client: Any) -> list[str]:
    """The tasks of trainings in the order in which workers took them up, as they logged it themselves."""
    later = {"point", "teachers", "seconds"}  # of a report, and of the end
    return [message["task"] for _, message in client.get_events(TOPIC) if not message.keys() & later]


def told() -> bool:
    """Whether nobody is being told any more what to bring forward."""
    return not any(thread.name == "bring forward" for thread in threading.enumerate())


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def verified(directory: Path, *options: str) -> tuple[int, str, str]:
    """The exit status of ``privacydial cache verify``, what it prints and what it complains of."""
    from dashboard.launch import main

    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(io.StringIO()) as complained:
        status = main(["cache", "--cache", str(directory), "verify", *options])
    return status, said.getvalue(), complained.getvalue()


def assert_verified(directory: Path) -> None:
    """The command finds nothing wrong with a cache."""
    status, said, complained = verified(directory)
    assert (status, complained) == (0, ""), said + complained


def rows(directory: Path, columns: str, table: str) -> dict[str, Any]:
    """Rows of a cache that a command may be writing to, by key; none while it is being made."""
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(
            sqlite3.connect(f"{(directory / 'privacydial.sqlite').as_uri()}?mode=ro", uri=True)
        ) as store,
    ):
        return dict(store.execute(f"SELECT key, {columns} FROM {table}").fetchall())  # noqa: S608  our own names
    return {}


def keep(directory: Path, *points: Point) -> None:
    """Measure the first wave of points in this process, and keep them in a cache."""
    from cache.codec import wave_to_bytes
    from cache.store import Store
    from engine.pipeline import assess, train_wave

    with contextlib.closing(Store(directory)) as store:
        for point in points:
            wave = train_wave(point.recipe, 0)
            store.put_wave(point.recipe, 0, wave_to_bytes(wave))
            store.put_assessment(point, assess(point.recipe, point.release, point.attack, [wave]))


def execute(store, statement, *values):
    connection = sqlite3.connect(store.file)
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()
