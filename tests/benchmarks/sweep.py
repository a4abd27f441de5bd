"""What a sweep costs beside its training: ``python -m tests.benchmarks.sweep [--json] [--points N] [--waves N]``.

First the memory of the process that runs the sweep, with all of the dashboard's modules loaded, and of the
scheduler, over a sweep of 500 small points: the largest deviation from their size at a tenth of the way, which should
stay within ±10 %. Then the overhead per wave: the smallest waves there are, trained and assessed by one worker of a
sweep and by one bare process, and the difference (at most 20 ms over 2,000 waves). At last 40 waves by two bare
processes and by two workers that train and assess the same waves, three times in turns: of the medians, the share of
the bare throughput that is reached (at least .9 with the default recipe; shown with one of small waves, too, of which
what a wave costs beside its training is a greater part). A bare process is as polite as a worker, uses one thread in
torch and in all that NumPy calls, keeps freed memory and leaves what it has imported out of garbage collections, too.
Both have done a wave of the same kind before the clock starts, and it stops when the last result is there: nobody
waits for a process to end.

Each of these figures is told as reached or MISSED; the exit status is 1 when one is missed, also with --json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil

from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.keys import Point
from cache.store import Store
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.serving import server as _whole_dashboard  # noqa: F401  its modules are part of what is weighed
from engine.architectures import Logistic
from engine.canonical import plain
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from tests.benchmarks.targets import Target, lines, status

SMALL = 500
EMPTY = 2000
REAL = 40
_ROUNDS = 3
_SMALL_WAVES = Recipe(population=PopulationChoice(name="digits", contested=600))
_BARE = """
import gc, sys, json, os, torch
from engine.pipeline import assess, train_wave
from engine.recipe import recipe_from_json
from engine.release.values import Release
from engine.training.allocation import keep_freed_memory
os.nice(10)
torch.set_num_threads(1)
keep_freed_memory()
recipes = [recipe_from_json(data) for data in json.load(sys.stdin)]
assess(recipes[0], Release(), "loss", [train_wave(recipes[0], 0)])
gc.collect()
gc.freeze()
print("warm", flush=True)
with open(sys.argv[1]) as pipe:
    pipe.read()
for recipe in recipes:
    assess(recipe, Release(), "loss", [train_wave(recipe, 0)])
print("done", flush=True)
"""
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


_DEVIATION = "{}, largest deviation in per cent"
_OVERHEAD = "ms overhead a wave"
_SHARE = "share of the bare throughput"
TARGETS = (
    *(Target(figure=_DEVIATION.format(name), limit=10) for name in ("dashboard", "scheduler")),
    Target(figure=_OVERHEAD, limit=20),
    Target(figure=_SHARE, limit=0.9, least=True),
)


def main() -> int:
    """Measure, print and judge; 1 when a target is missed, else 0."""
    options = _options()
    figures = memory(options.points) | overhead(options.waves) | throughput(options.real)
    if options.json:
        print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))
    else:
        print("\n".join(lines(TARGETS, figures, width=56, digits=3)))
    return status(TARGETS, figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    parser.add_argument("--points", type=int, default=SMALL, help=f"of the sweep that is weighed ({SMALL})")
    parser.add_argument("--waves", type=int, default=EMPTY, help=f"of the smallest kind ({EMPTY})")
    parser.add_argument("--real", type=int, default=REAL, help=f"waves of each real recipe ({REAL})")
    return parser.parse_args()


def memory(points: int) -> dict[str, float]:
    """Megabytes of this process and the scheduler, and how far they stray in per cent."""
    seen: list[tuple[float, float]] = []
    with _sweep([smallest(seed) for seed in range(points)], workers=1) as (run, _):
        scheduler = _scheduler()
        while (now := run.wait(0.2)).active:
            if now.waves_done >= points / 10:
                seen.append((psutil.Process().memory_info().rss / 2**20, scheduler.memory_info().rss / 2**20))
        _check(run)
    figures: dict[str, float] = {}
    for name, sizes in zip(("dashboard", "scheduler"), zip(*seen, strict=True), strict=True):
        figures[f"{name}, MB at a tenth of {points} points"] = sizes[0]
        figures[f"{name}, MB at the end"] = sizes[-1]
        figures[_DEVIATION.format(name)] = max(100 * abs(size / sizes[0] - 1) for size in sizes)
    return figures


def overhead(waves: int) -> dict[str, float]:
    """Milliseconds of a smallest wave in a sweep and in a bare process."""
    recipes = [smallest(100_000 + seed) for seed in range(waves)]
    bare, swept = _bare(recipes, processes=1) / waves, _swept(recipes, workers=1) / waves
    return {
        f"ms a smallest wave, bare, of {waves}": 1e3 * bare,
        "ms a smallest wave, in a sweep": 1e3 * swept,
        _OVERHEAD: 1e3 * (swept - bare),
    }


def throughput(waves: int) -> dict[str, float]:
    """Seconds of real waves by two bare processes and by two workers, medians of rounds in which they take turns."""
    figures: dict[str, float] = {}
    for kind, label, share in ((Recipe(), "default", _SHARE), (_SMALL_WAVES, "small", "share with small waves")):
        recipes = [replace(kind, seed=seed) for seed in range(waves)]
        rounds = [(_bare(recipes, processes=2), _swept(recipes, workers=2)) for _ in range(_ROUNDS)]
        bare, swept = (median(seconds) for seconds in zip(*rounds, strict=True))
        figures |= {
            f"s for {waves} {label} waves, two bare processes": bare,
            f"s for {waves} {label} waves, two workers": swept,
            share: bare / swept,
        }
    return figures


def smallest(seed: int) -> Recipe:
    """The recipe with the least to do."""
    population = PopulationChoice(name="digits", contested=40)
    return Recipe(population=population, architecture=Logistic(), epochs=1, batch=20, seed=seed)


def _swept(recipes: list[Recipe], *, workers: int) -> float:
    """Seconds that a sweep takes with warm workers."""
    kind = recipes[0]
    with _sweep([replace(kind, seed=200_000 + seed) for seed in range(2 * workers)], workers=workers) as (run, again):
        _check(run)
        begin = time.perf_counter()
        _check(again(recipes))
        return time.perf_counter() - begin


@contextmanager
def _sweep(recipes: list[Recipe], *, workers: int) -> Iterator[tuple[SweepRun, Callable[[list[Recipe]], SweepRun]]]:
    """A sweep at work on an empty store, with workers of its own that are there already, and what begins another."""
    with tempfile.TemporaryDirectory() as folder, Cluster(workers=workers) as cluster:
        cluster.client.wait_for_workers(workers)
        store = Store(Path(folder))
        jobs = Jobs(cluster.client, store)

        def begun(some: list[Recipe]) -> SweepRun:
            return SweepRun(_plan(some), jobs, store)

        yield begun(recipes), begun
        jobs.close()
        store.close()


def _plan(recipes: list[Recipe]) -> Plan:
    points = [Point(recipe=recipe, release=Release(), attack="loss", waves=1) for recipe in recipes]
    settings = tuple(Setting(values=(), point=point) for point in points)
    return Plan(dials=(), settings=settings, refused=(), waves=1)


def _check(run: SweepRun) -> None:
    end = run.wait()
    if end.state != "done" or end.failed:
        raise RuntimeError(f"the sweep ended as {end.state}: {end.message}")


def _bare(recipes: list[Recipe], *, processes: int) -> float:
    """Seconds from a signal to all warm processes until the last one is done; each has its share of the recipes."""
    with tempfile.TemporaryDirectory() as folder:
        started = []
        for part in range(processes):
            go = Path(folder) / f"go-{part}"  # a pipe with a name: who reads it waits until somebody writes
            os.mkfifo(go)
            command = [sys.executable, "-c", _BARE, str(go)]
            process = subprocess.Popen(
                command, env=os.environ | _ONE_THREAD, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert process.stdin is not None
            json.dump([plain(recipe) for recipe in recipes[part::processes]], process.stdin)
            process.stdin.close()
            started.append((process, go))
        for process, _ in started:
            _hear(process, "warm")
        begin = time.perf_counter()
        for _, go in started:
            go.write_text("go")
        for process, _ in started:
            _hear(process, "done")
        seconds = time.perf_counter() - begin
        for process, _ in started:
            process.wait()
        return seconds


def _hear(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdout is not None
    if process.stdout.readline() != f"{word}\n":
        raise RuntimeError("a bare process failed")


def _scheduler() -> psutil.Process:
    """The scheduler among the processes that this one started."""
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if "distributed.Scheduler" in " ".join(child.cmdline()))


if __name__ == "__main__":
    sys.exit(main())
