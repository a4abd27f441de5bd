"""What a dashboard does behind its pages, as a process of its own that can be killed or kept short of room."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

DASHBOARD = """
import sys, time
from pathlib import Path
from cache.cluster import sheltered_cluster
from cache.jobs import Jobs
from cache.keys import Point
from cache.remote import TOPIC
from cache.store import Store
from engine.architectures import Mlp
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release

population = PopulationChoice(name="digits", contested=40)
recipe = Recipe(population=population, architecture=Mlp(width=4096), epochs=5, batch=20)
point = Point(recipe=recipe, release=Release(), attack="loss", waves=3)

def main():
    store = Store(Path(sys.argv[1]))
    cluster = sheltered_cluster(workers=1)
    jobs, told = Jobs(cluster.client, store), 0
    jobs.request("ada", point)
    while True:
        active = jobs.progress(point).active
        starts = [m["task"] for _, m in cluster.client.get_events(TOPIC) if not m.keys() & {"point", "seconds"}]
        for task in starts[told:]:
            print("start", task.split("-")[1], flush=True)
        told = len(starts)
        if not active:
            break
        time.sleep(0.005)
    print(jobs.progress(point).state, jobs.progress(point).message, flush=True)
    jobs.close()
    cluster.close()
    store.close()
"""


def started_dashboard(directory: Path, program: str) -> subprocess.Popen[str]:
    """The program at work on a cache directory."""
    return subprocess.Popen([sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE, text=True)


def log_of(output: str) -> tuple[Counter[str], str]:
    """Starts by key, and the last line."""
    lines = output.splitlines()
    return Counter(line.split()[1] for line in lines if line.startswith("start ")), lines[-1] if lines else ""
