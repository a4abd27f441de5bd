"""Seconds to a first point: ``python -m tests.benchmarks.first_light [--json]``.

First what a visitor waits for, best of five: the default point asked of the embedded cluster, from a cold cache and
with a warm worker, until its first wave is assessed and stored, and until all 16 models are. The page then shows it
at its next look, within half a second. Targets on an idle machine: 4 and 8 seconds on screen.

Then the engine's part alone, on one thread, best of five: one wave of the default recipe, and the assessment of one
and of two waves of it. Loading of the records, once per process, is measured apart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.keys import Point
from cache.store import Store
from engine.pipeline import assess, train_wave
from engine.populations.records import split
from engine.recipe import Recipe
from engine.release.values import Release, WeightNoise
from tests.benchmarks.timing import REPEATS, json_asked_for, print_json, seconds

RELEASES = {"exact weights": Release(), "weight noise, 4 draws": Release(weight_noise=WeightNoise(sigma=0.05))}


def main() -> None:
    """Measure and print."""
    as_json = json_asked_for(__doc__)
    torch.set_num_threads(1)
    recipe = Recipe()
    figures = visitor_waits()
    figures["load records"] = seconds(lambda: split(recipe.population))
    figures["train one wave"] = best(lambda: train_wave(recipe, 0))
    waves = [train_wave(recipe, wave) for wave in range(2)]
    for count in (1, 2):
        for attack in ("loss", "lira"):
            for name, release in RELEASES.items():
                taken = best(lambda a=attack, r=release, w=waves[:count]: assess(recipe, r, a, w))
                figures[f"assess {count} wave{'s' * (count > 1)}, {attack}, {name}"] = taken
    if as_json:
        print_json(figures)
    else:
        print("\n".join(f"{name:50} {value:7.3f} s" for name, value in figures.items()))


def visitor_waits() -> dict[str, float]:
    """Seconds from the request of the default point to its first assessment and to its last."""
    with Cluster() as cluster:
        cluster.client.wait_for_workers(1)
        waits = [_request(cluster) for _ in range(1 + REPEATS)][1:]  # the first one warms the worker
    first, last = zip(*waits, strict=True)
    return {"first wave stored": min(first), "all 16 models stored": min(last)}


def _request(cluster: Cluster) -> tuple[float, float]:
    """One request on an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        jobs, point = Jobs(cluster.client, store), Point(recipe=Recipe(), release=Release())
        begin, first = time.perf_counter(), None
        jobs.request("visitor", point)
        while (progress := jobs.progress(point)) is None or progress.state != "done":
            if progress is not None and progress.state == "failed":
                raise RuntimeError(progress.message)
            if first is None and progress is not None and progress.waves_assessed:
                first = time.perf_counter() - begin
            time.sleep(0.01)
        last = time.perf_counter() - begin
        jobs.close()
        store.close()
    return (last if first is None else first), last


def best(work: Callable[[], object]) -> float:
    """The least seconds of five calls."""
    return min(seconds(work) for _ in range(REPEATS))


if __name__ == "__main__":
    main()
