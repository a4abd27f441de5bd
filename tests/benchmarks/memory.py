"""Peak memory of one DP step: ``python -m tests.benchmarks.memory [--json]``.

Each step is taken in a process of its own, on one thread. Its peak is that of the whole process, Python, torch and
records included; what the process held before the models were made is printed beside it. ``tests/test_dpsgd.py``
holds the limits.
"""

from __future__ import annotations

import ctypes
import gc
import itertools
import multiprocessing
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine.architectures import Architecture, Cnn2d, Mlp, parameter_count
from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.allocation import keep_freed_memory
from engine.training.batches import epochs
from engine.training.labels import one_hot
from engine.training.loop import noise_generator, train
from engine.training.parameters import parameters
from tests.benchmarks.targets import Target, status
from tests.benchmarks.timing import json_asked_for, print_json

MNIST = PopulationChoice(name="mnist5k", contested=1000)
MODELS = 16


@dataclass(frozen=True, kw_only=True)
class Case:
    """A step and the GiB that it may take."""

    name: str
    architecture: Architecture
    batch: int
    limit: float

    @property
    def target(self) -> Target:
        """What its peak is held to."""
        return Target(figure=f"{self.name}: GiB at the peak", limit=self.limit)

    @property
    def recipe(self) -> Recipe:
        """On 28 × 28 pixels, with DP-SGD."""
        return Recipe(
            population=MNIST,
            architecture=self.architecture,
            optimizer=Sgd(),
            privacy=DpSgd(clip=1.0, noise_multiplier=1.0),
            batch=self.batch,
        )


CASES = (
    Case(name="MLP of 2 million parameters, batch 256", architecture=Mlp(width=1070, depth=2), batch=256, limit=3),
    Case(name="CNN 2-D 16-32, 28 × 28, batch 64", architecture=Cnn2d(), batch=64, limit=2),
)


def measured(case: Case) -> tuple[float, float, int]:
    """What ``step`` finds in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        return fresh.apply(step, (case.recipe,))


def step(recipe: Recipe) -> tuple[float, float, int]:
    """Take one step; GiB before the models were made, GiB at the peak, and the parameters of one model."""
    torch.set_num_threads(1)
    net = network(recipe.architecture, recipe.population.info)
    records = split(recipe.population).contested
    inputs, targets = view_tensor(net, records), one_hot(records.labels, records.info.classes)
    member = np.concatenate([masks(recipe.population, 0, wave) for wave in range(2)])
    batch = next(itertools.chain.from_iterable(epochs(recipe, 0, member)))
    before = peak()
    params = parameters(net.initial(MODELS, generator(0, "initial weights")))
    keep_freed_memory()  # as in the workers
    train(net, recipe, params, inputs, targets, [[batch]], noise=noise_generator(0, 0))
    return before, peak(), parameter_count(recipe.architecture, recipe.population.info)


def settled() -> float:
    """The resident memory of this process, GiB, from which its peak begins anew; on Linux only, else the peak so far.

    Memory that was freed and kept goes back first: it would be filled again unseen.
    """
    if sys.platform == "linux":
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """The largest resident memory of this process so far, GiB."""
    if sys.platform == "linux":  # whose ru_maxrss begins with that of the process that started this one
        (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 2**20
    unit = 2**30 if sys.platform == "darwin" else 2**20  # bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> int:
    """Measure and print; the exit status is 1 when a case misses its target."""
    as_json = json_asked_for(__doc__)
    figures: dict[str, float] = {}
    for case in CASES:
        before, peak, count = measured(case)
        figures |= {f"{case.name}: GiB before": before, case.target.figure: peak}
        if not as_json:
            sizes = f"{count:,} parameters × {MODELS}: {peak:.2f} GiB at the peak, {before:.2f} before"
            print(f"{case.name}: {sizes} {case.target.verdict(figures)}", flush=True)
    if as_json:
        print_json(figures)
    return status([case.target for case in CASES], figures)


if __name__ == "__main__":
    sys.exit(main())
