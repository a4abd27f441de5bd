"""A sweep in a terminal: read the file, measure what is missing behind a progress bar, stop in order at Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cache.address import add_scheduler_options, chosen_scheduler
from cache.admission import Limits, add_memory_option, allowed_memory
from cache.jobs import Jobs
from cache.location import add_cache_options, cache_directory
from cache.starter import Starter
from cache.store import Store
from cache.sweeps.reading import MOST_OWN_BYTES, sweep_from_toml
from cache.sweeps.results import assessed_waves, use, within
from cache.sweeps.run import SweepProgress, SweepRun
from cache.sweeps.values import Plan
from engine.validate import InvalidValueError

if TYPE_CHECKING:
    from cache.supervision import AnyCluster

INTERRUPTED = 130
_LOOK = 0.2  # seconds between two looks at the progress
_LINE_EVERY = 10.0  # seconds between two lines where nobody can see a bar move
_BAR = 24
_CLEAR = "\r\x1b[K"  # to the beginning of an empty line


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """The options that all commands with a sweep file share."""
    made = argparse.ArgumentParser(prog=f"privacydial {name}", description=description, allow_abbrev=False)
    made.add_argument("file", type=Path, metavar="FILE", help="the sweep, in TOML")
    add_cache_options(made)
    made.add_argument("--workers", type=count, metavar="N", help="worker processes (one less than there are cores)")
    add_scheduler_options(made)
    add_memory_option(made)
    return made


def count(text: str) -> int:
    """A number of workers, as an option."""
    workers = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= workers <= 256:
        raise argparse.ArgumentTypeError(f"workers must be a whole number from 1 to 256, got {text!r}")
    return workers


def plan_in(file: Path) -> Plan:
    """The plan of a sweep file.

    Raises:
        InvalidValueError: when the file cannot be read or is no sweep, with one sentence that begins with its name.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MOST_OWN_BYTES + 1)
        return sweep_from_toml(content, at_most=MOST_OWN_BYTES).plan()
    except OSError as error:
        raise InvalidValueError(f"{file} cannot be read ({error.strerror or error})") from error
    except InvalidValueError as error:
        raise InvalidValueError(f"{file}: {error}") from error


def store_of(options: argparse.Namespace) -> Store:
    """The cache that the options name, above the results that ship.

    Raises:
        CacheError: when it cannot be used, with one sentence.
    """
    return Store(cache_directory(options.cache), limit=options.cache_limit, below=Starter())


def store_and_plan(options: argparse.Namespace) -> tuple[Store, Plan]:
    """The cache and the plan that the options name; what would need too much memory is refused in the plan.

    Raises:
        InvalidValueError: when the file is no sweep, or has no setting that may be trained, with one sentence.
        CacheError: when the cache cannot be used, with one sentence.
    """
    plan = plan_in(options.file)
    store = store_of(options)
    try:
        return store, within(plan, store, allowed_memory(options.wave_memory))
    except BaseException:
        store.close()
        raise


def start_of(options: argparse.Namespace) -> Callable[[], AnyCluster]:
    """What starts or finds the workers that the options name.

    Raises:
        ClusterError: when a scheduler cannot be used, with one sentence.
    """
    from cache.supervision import starter

    scheduler = chosen_scheduler(options.scheduler, insecure=options.insecure_scheduler)
    return starter(scheduler, workers=options.workers)


def measured(
    plan: Plan, store: Store, start: Callable[[], AnyCluster], *, limits: Limits | None = None, heard: bool = False
) -> SweepProgress | None:
    """Measure what the store lacks of a plan, and count the rest as used; None when it lacks nothing.

    Args:
        plan: what is to be measured.
        store: where results go.
        start: makes the workers, and others when they are lost.
        limits: how long those are waited for.
        heard: whether to keep how each training went by epoch.

    Raises:
        KeyboardInterrupt: at Ctrl-C or a signal to end, when all processes have been stopped.
    """
    stored = assessed_waves(store, plan)
    use(store, plan, stored)
    if all(waves == plan.waves for waves in stored):
        return None
    hush()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with working(store, start, limits) as jobs:
        run = SweepRun(plan, jobs, store, heard=heard)
        try:
            return _watched(run)
        finally:
            run.cancel()
            run.wait()


def hush() -> None:
    """Leave out of the terminal what the progress says in a sentence, and all that Dask says of lost connections."""
    for name, level in (
        ("distributed", logging.CRITICAL),
        ("distributed.client", logging.CRITICAL),
        ("cache.supervision", logging.CRITICAL),
        ("cache.jobs", logging.ERROR),  # a failure that nobody foresaw
    ):
        logging.getLogger(name).setLevel(level)


@contextmanager
def working(store: Store, start: Callable[[], AnyCluster], limits: Limits | None) -> Iterator[Jobs]:
    """Workers of their own; a Ctrl-C while they start or stop does not leave any behind."""
    from cache.supervision import Supervisor

    with ThreadPoolExecutor(1) as thread:
        starting = thread.submit(start)
        try:
            starting.result()
        except BaseException:
            _deaf()
            starting.result().close()
            raise
        jobs = Jobs(starting.result().client, store, limits=limits)
        supervisor = Supervisor(start, starting.result(), jobs)
        try:
            yield jobs
        finally:
            _deaf()
            supervisor.close()


def _deaf() -> None:
    """Hear no more requests to stop: it is being done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _watched(run: SweepRun) -> SweepProgress:
    """Draw the progress until the run ends, and each sentence on what goes wrong when it comes."""
    seen = sys.stderr.isatty()
    last = -_LINE_EVERY
    told = {""}
    while True:
        now = run.wait(_LOOK)
        text = progress_text(now)
        for sentence in (now.news, now.message):
            if sentence not in told:
                told.add(sentence)
                sys.stderr.write(f"{_CLEAR if seen else ''}{sentence}\n")
        if seen:
            sys.stderr.write(f"{_CLEAR}{text}")
        elif time.monotonic() - last >= _LINE_EVERY or not now.active:
            sys.stderr.write(f"{text}\n")
            last = time.monotonic()
        sys.stderr.flush()
        if not now.active:
            sys.stderr.write("\n" if seen else "")
            return now


def progress_text(now: SweepProgress) -> str:
    """One line: a bar, settings, waves, and the time left from the measured speed."""
    full = round(_BAR * now.waves_done / max(1, now.waves))
    left = "" if now.seconds_left is None or not now.active else f" · {clock(now.seconds_left)} left"
    failed = f" · {now.failed} failed" if now.failed else ""
    return (
        f"[{'#' * full}{'-' * (_BAR - full)}] {now.points_done:,} of {now.points:,} points · "
        f"{now.waves_done:,} of {now.waves:,} waves{failed}{left}"
    )


def clock(seconds: float) -> str:
    """Hours, minutes and seconds: 1:02:03 or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
