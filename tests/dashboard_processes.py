"""What a dashboard does behind its pages, as a process of its own that can be killed or kept short of room."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cache.store import Store

DASHBOARD = """
import sys, time
from dataclasses import replace
from pathlib import Path
from cache.address import Scheduler
from cache.cluster import sheltered_cluster
from cache.external import External
from cache.jobs import Jobs
from cache.keys import Point, Versus
from cache.remote import TOPIC
from cache.store import Store
from engine.architectures import Mlp
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release

population = PopulationChoice(name="digits", contested=40)
recipe = Recipe(population=population, architecture=Mlp(width=1024), epochs=5, batch=20)
point = Point(recipe=recipe, release=Release(), attack="loss", waves=3)

def main(asked=point, workers=1, held=False, scheduler=None):
    store = Store(Path(sys.argv[1]))
    cluster = External(Scheduler(address=scheduler)) if scheduler else sheltered_cluster(workers=workers)
    if held:
        cluster.client.wait_for_workers(workers)
        print("ready", flush=True)
        sys.stdin.readline()
    jobs, told, before = Jobs(cluster.client, store), 0, ""
    jobs.request("ada", asked)
    while True:
        now = jobs.progress(asked)
        starts = [m["task"] for _, m in cluster.client.get_events(TOPIC) if not m.keys() & {"point", "seconds"}]
        for task in starts[told:]:
            print("start", task.split("-")[1], flush=True)
        told = len(starts)
        if now.state != before:
            print("now", now.state, flush=True)
            before = now.state
        if not now.active:
            break
        time.sleep(0.005)
    print(now.state, now.message, flush=True)
    jobs.close()
    cluster.close()
    store.close()
"""

ROOM = 15_000_000
"""Bytes: of the waves that this dashboard trains, of 10 MB each, one goes into the log of the store, two do not."""

CRAMPED = (
    DASHBOARD.replace("    store = Store(Path(sys.argv[1]))", "    store = Store(Path(sys.argv[1])); limit()")
    + f"""
import resource
def limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, resource.RLIM_INFINITY))
"""
)
"""A dashboard for whose files there is no more room than that."""

DOOMED = (
    CRAMPED
    + """
import signal
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
"""
)
"""One that the system kills without a word in the middle of the write for which there is no room."""


DOOMED_COMMAND = (
    sys.executable,
    "-c",
    f"""
import resource, signal, sys
from dashboard.launch import main
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, resource.RLIM_INFINITY))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
sys.exit(main())
""",
)
"""The command ``privacydial``, of which the system makes an end in the same way."""


@contextlib.contextmanager
def growing_log(store: Store) -> Iterator[None]:
    """Meanwhile another program reads the file as it was, so that nothing of the log beside it is folded in."""
    with contextlib.closing(sqlite3.connect(store.file, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM wave").fetchone()
        yield


def started_dashboard(directory: Path, program: str) -> subprocess.Popen[str]:
    """The program at work on a cache directory."""
    command = [sys.executable, "-c", program, str(directory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@contextlib.contextmanager
def running_dashboard(directory: Path, program: str) -> Iterator[subprocess.Popen[str]]:
    """The same, until the end of the block at the latest."""
    with started_dashboard(directory, program) as process:
        try:
            yield process
        finally:
            process.kill()


def said(program: subprocess.Popen[str], beginning: str = "") -> str:
    """The next line of a program that begins so."""
    assert program.stdout is not None
    for line in program.stdout:
        if line.startswith(beginning):
            return line
    raise AssertionError(f"the program ended without a line {beginning!r}")


def let_go(*programs: subprocess.Popen[str]) -> None:
    """Let programs that are held ask for what they want, all at the same moment."""
    for program in programs:
        said(program, "ready")
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("\n")
        program.stdin.flush()


def log_of(output: str) -> tuple[Counter[str], str]:
    """Starts by key, and the last line."""
    lines = output.splitlines()
    return Counter(line.split()[1] for line in lines if line.startswith("start ")), lines[-1] if lines else ""
