"""Points that cost little or never end, and how to wait for real workers."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import itertools
import signal
import sqlite3
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


def execute(store, statement, *values):
    connection = sqlite3.connect(store.file)
    try:
        with connection:
            connection.execute(statement, values)
    finally:
        connection.close()
