"""Visitors at once: ``python -m tests.benchmarks.visitors [--visitors N ...] [--soak MINUTES] [--json]``.

Each visitor has a websocket and speaks Streamlit's protocol, without a browser, on this machine only: he turns the
dial of regularization to another measured stop every three seconds. Meanwhile one more visitor has models trained
that nobody asked for before (``--idle``: nobody does). The dashboard is the installed command on a free port, with
the results that ship with it, or with a copy of those in ``--cache``.

Printed are the time from a turn to the end of the run it causes (p50, p95) and the CPU time of the server's own
process for one run; before that, of a dashboard that does nothing else, the memory that one more session takes
(``session_memory``). Of thirty visitors p50 should be at most 80 ms and p95 at most 300 ms, of sixty p95 at most a
second, and a session should take at most 150 kB. Each is told as reached or MISSED; the exit status is 1 when one is
missed, also with --json. Other numbers of visitors are not judged.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from tests.benchmarks.targets import Target, lines, status
from tests.browser.served import Served, left_after, served
from tests.protocol import Page, Run, opened

DIAL = "Regularization strength"
THINK = 3.0  # seconds between two turns of a visitor
MOST = 200  # visitors
_UNTRAINED = "architecture=lstm-{}&contested=3500"
_WATCHED = 60.0  # seconds that a training is watched before another is asked for


_P50, _P95 = "{} visitors, ms p50", "{} visitors, ms p95"
_LIMITS: Mapping[int, Mapping[str, float]] = {30: {_P50: 80, _P95: 300}, 60: {_P95: 1000}}
SESSION = Target(figure="kB a session", limit=150)

_BLOCKS, _SESSIONS = 9, 10
_COLLECTING = """
import gc
import signal
import sys
from dashboard.launch import main

signal.signal(signal.SIGUSR1, lambda *_: gc.collect())
sys.exit(main())
"""
"""The command, which throws away what nobody needs when it is asked: by itself it puts that off for long."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What some visitors saw, and what they cost.

    Attributes:
        visitors: how many.
        turns: of dials, all together.
        p50: milliseconds from a turn to the end of its run, median.
        p95: the same, 95th percentile.
        first: milliseconds of a first run, median.
        kilobytes: that one run sends, median.
        cpu: milliseconds of CPU time of the server's process for a run.
        memory: megabytes of the server's process at the end.
        training: CPU time of the processes that train, in parts of one core.
    """

    visitors: int
    turns: int
    p50: float
    p95: float
    first: float
    kilobytes: float
    cpu: float
    memory: float
    training: float


async def measured(
    server: Served, visitors: int, *, seconds: float, think: float = THINK, dial: str = DIAL, query: str = ""
) -> Figures:
    """Let visitors turn a dial for a while.

    Args:
        server: the dashboard.
        visitors: how many, at most ``MOST``.
        seconds: how long, after all pages are open.
        think: seconds between two turns of one visitor.
        dial: the title of the dial; all its stops should be measured.
        query: the setting where all begin.
    """
    assert 1 <= visitors <= MOST, f"visitors must be 1 to {MOST}"
    process, dice = psutil.Process(server.process.pid), random.Random(1)  # noqa: S311
    async with opened(server.address, query) as (page, _):  # what is only made once is made for nobody in particular
        for stop in page.dials[dial].stops:
            await page.turn(dial, stop)
    async with AsyncExitStack() as open_pages:
        pages = [await open_pages.enter_async_context(opened(server.address, query)) for _ in range(visitors)]
        for page, _ in pages:
            await page.turn(dial, page.dials[dial].stops[-1])
        cpu, others, start = _cpu(process), _cpu_of_children(process), time.perf_counter()
        turned = await asyncio.gather(*(_turns(page, dial, seconds, think, dice) for page, _ in pages))
        took, runs = time.perf_counter() - start, list(itertools.chain(*turned))
        waits = [1e3 * run.seconds for run in runs]
        return Figures(
            visitors=visitors,
            turns=len(runs),
            p50=statistics.median(waits),
            p95=statistics.quantiles(waits, n=20, method="inclusive")[-1],
            first=statistics.median(1e3 * first.seconds for _, first in pages),
            kilobytes=statistics.median(run.size / 1e3 for run in runs),
            cpu=1e3 * (_cpu(process) - cpu) / len(runs),
            memory=process.memory_full_info().uss / 1e6,
            training=(_cpu_of_children(process) - others) / took,
        )


async def _grown(server: Served) -> list[float]:
    """Kilobytes by which each of a block of sessions has made the server grow, block by block; all stay open."""

    async def with_more() -> int:
        for _ in range(_SESSIONS):
            page, _ = await pages.enter_async_context(opened(server.address))
            await page.turn(DIAL, page.dials[DIAL].stops[-1])
        process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(0.5)
        return process.memory_full_info().uss

    process = psutil.Process(server.process.pid)
    async with AsyncExitStack() as pages:
        taken = [await with_more() for _ in range(_BLOCKS)]
    return [(after - before) / 1e3 / _SESSIONS for before, after in itertools.pairwise(taken)]


def session_memory(folder: Path) -> float:
    """Kilobytes that one more open session takes, whose visitor has turned a dial.

    It is the median over blocks of sessions: now and then something that belongs to no session comes or goes, like a
    table of the interpreter's that doubles (2 MB) or what the start has left (40 MB).

    Args:
        folder: where the dashboard that is asked keeps its cache and its log.
    """
    with served(folder / "cache", folder / "log.txt", program=(sys.executable, "-c", _COLLECTING)) as server:
        found = statistics.median(asyncio.run(_grown(server)))
        assert left_after(server, signal.SIGTERM) == []
    return found


async def _turns(page: Page, dial: str, seconds: float, think: float, dice: random.Random) -> list[Run]:
    """What one visitor sees; turns of different visitors do not fall together."""
    end, runs, at = time.perf_counter() + seconds, [], ""
    await asyncio.sleep(think * dice.random())
    while time.perf_counter() < end or len(runs) < 2:
        at = dice.choice([stop for stop in page.dials[dial].stops if stop != at])
        runs.append(await page.turn(dial, at))
        await asyncio.sleep(think * (0.5 + dice.random()))
    return runs


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _cpu_of_children(process: psutil.Process) -> float:
    total = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            total += _cpu(child)
    return total


@asynccontextmanager
async def training(server: Served) -> AsyncIterator[None]:
    """Meanwhile somebody watches models being trained that are in no cache."""
    watching = asyncio.create_task(_watch(server))
    try:
        await asyncio.sleep(5)  # the workers start, and the first training
        assert not watching.done(), watching.exception()
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(server: Served) -> None:
    for hidden in itertools.count(65):
        async with opened(server.address, _UNTRAINED.format(hidden)) as (page, _):
            end = time.perf_counter() + _WATCHED
            while time.perf_counter() < end:
                polls = page.polls
                await asyncio.sleep(min(polls.values(), default=1.0))
                for fragment in polls:
                    await page.run(fragment=fragment)
                if not polls:
                    await page.run()


@asynccontextmanager
async def _work(server: Served, idle: bool) -> AsyncIterator[None]:
    if idle:
        yield
    else:
        async with training(server):
            yield


async def _all(server: Served, counts: Sequence[int], seconds: float, *, soak: float, idle: bool) -> list[Figures]:
    async with _work(server, idle):
        found = [await _said(server, count, seconds) for count in counts]
        end = time.monotonic() + 60 * soak
        while time.monotonic() < end:
            found.append(await _said(server, counts[0], 60.0))
    return found


async def _said(server: Served, count: int, seconds: float) -> Figures:
    found = await measured(server, count, seconds=seconds)
    print(
        f"{time.strftime('%H:%M:%S')}  {found.visitors:3} visitors, {found.turns:5} turns: p50 {found.p50:6.0f} ms, "
        f"p95 {found.p95:6.0f} ms, first run {found.first:5.0f} ms; {found.cpu:5.1f} ms CPU and "
        f"{found.kilobytes:.0f} kB a run; {found.memory:.0f} MB in all; "
        f"training {found.training:.0%} of a core",
        flush=True,
    )
    return found


def judged(found: Sequence[Figures]) -> tuple[tuple[Target, ...], dict[str, float]]:
    """What was measured of as many visitors as there are limits for, and the limits; of several times the worst."""
    targets = {
        name.format(count): limit
        for count in dict.fromkeys(one.visitors for one in found)
        for name, limit in _LIMITS.get(count, {}).items()
    }
    figures: dict[str, float] = {}
    for one in found:
        for name, value in ((_P50, one.p50), (_P95, one.p95)):
            at = name.format(one.visitors)
            if at in targets:
                figures[at] = max(value, figures.get(at, value))
    return tuple(Target(figure=name, limit=limit) for name, limit in targets.items()), figures


def main() -> int:
    """Measure, print and judge; 1 when a target is missed, else 0."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        session = session_memory(Path(folder))
    found = measurements(options)
    targets, figures = judged(found)
    targets, figures = (SESSION, *targets), {SESSION.figure: session, **figures}
    for line in lines(targets, figures, width=30, digits=0):
        print(line)
    if options.json:
        print(json.dumps([{**asdict(one), "session": session} for one in found]))
    return status(targets, figures)


def measurements(options: argparse.Namespace) -> list[Figures]:
    """Serve, and measure what the command line asks for."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        if options.cache is not None:
            shutil.copytree(options.cache, cache)
        with served(cache, Path(folder) / "log.txt") as server:
            found = asyncio.run(_all(server, options.visitors, options.seconds, soak=options.soak, idle=options.idle))
            left_after(server, signal.SIGTERM)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, nargs="+", default=[30, 60], metavar="N", help="how many (30 60)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long for each number (60)")
    parser.add_argument("--soak", type=float, default=0.0, metavar="MINUTES", help="go on for so long, line by line")
    parser.add_argument("--idle", action="store_true", help="without a training")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="results to begin with; a copy of them is used")
    parser.add_argument("--json", action="store_true", help="print one list of figures at the end, too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
