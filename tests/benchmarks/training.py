"""Stacked training against one model after the other: ``python -m tests.benchmarks.training [ROW …] [--json]``.

Each row compares ``engine.training.loop.train`` on 16 models, drawing of batches included, with a loop over 16
models on the same batches, given to it as ready index tensors: torch.nn with a fused optimizer, or Opacus's
PrivacyEngine in its modes "hooks" and "ghost" fed by hand. Both sides run on the
same threads in one run, in turns, and take the minimum of five, best of one and two threads. To keep the run short
a few epochs are timed, and fewer steps on the slow side; times are per step of all 16 models. Records are digits,
897 contested, or, where the row says so, 1,000 of mnist5k; batches of 32.

Targets are ratios on digits, which all families can read: that of convolutions is that of the row
"digits 8 × 8". The row "mnist5k 28 × 28" has none, and with DP stays below 4 ×: 2.5 × hooks and 3.1 × ghost on two
quiet cores (2026-11-23: 58 ms a step against 147 and 181, peak 333 GFLOP/s). Stacking saves what a step of each model
costs beside its arithmetic. On 8 × 8 that is nearly all: hooks take 66 ms, 4.1 ms a model, for 0.025 GFLOP, which at
the peak are 0.1 ms. On 28 × 28 a step of all models has 3.12 GFLOP instead of 0.39, and activations 12 times as large
run through memory, on both sides; hooks take 9.2 ms a model, and if stacking saves those 4.1 ms of it, that alone is
9.2/(9.2 − 4.1) = 1.8 ×. 4 × would be 37 ms a step, or 85 GFLOP/s, copies of patches, ReLU, pooling and clipping
included; the step reaches 54, because its products are by 16 or 32 numbers only.

Operations are those of matrix products. What remains to the peak is elementwise work, copies, and products too small
for it. Names of rows may be shortened to their start: ``GRU`` means plain and DP.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from engine.architectures import Architecture, Cnn1d, Cnn2d, Gru, Logistic, Lstm, Mlp, Rnn
from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.allocation import keep_freed_memory
from engine.training.batches import epochs
from engine.training.labels import one_hot
from engine.training.loop import noise_generator, train
from engine.training.parameters import parameters
from tests.benchmarks import one_by_one
from tests.benchmarks.products import operations, peak
from tests.benchmarks.targets import Target, status
from tests.benchmarks.timing import Best, Side, fastest, print_json

MODELS = 16
DIGITS = PopulationChoice(name="digits", contested=897)
MNIST = PopulationChoice(name="mnist5k", contested=1000)


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Who trains one by one: torch.nn, or Opacus in one of its modes.

    Attributes:
        mode: of Opacus; None is torch.nn.
        steps: how many are timed.
        target: the ratio of its time to the stacked time that is aimed at; None where none is.
    """

    mode: Literal["hooks", "ghost"] | None = None
    steps: int
    target: float | None = None

    @property
    def name(self) -> str:
        """As printed."""
        return f"Opacus {self.mode}" if self.mode else "torch.nn"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A recipe trained stacked, and its rivals."""

    name: str
    recipe: Recipe
    rivals: tuple[Rival, ...]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured of a row: best times, stacked operations a second, the peak on the same threads, the load."""

    row: Row
    ours: Best
    theirs: dict[str, Best]
    achieved: float
    peak: float
    load: float

    def ratio(self, rival: Rival) -> float:
        """How many times as long as the stacked side the rival takes."""
        return self.theirs[rival.name].seconds / self.ours.seconds


def _rows(
    name: str,
    architecture: Architecture,
    *,
    plain: Rival,
    private: tuple[Rival, ...],
    epochs: tuple[int, int],
    population: PopulationChoice = DIGITS,
) -> Iterator[Row]:
    """A family without and with DP, each trained stacked for its number of epochs."""
    recipe = Recipe(population=population, architecture=architecture, optimizer=Adam(), epochs=epochs[0])
    yield Row(name=name, recipe=recipe, rivals=(plain,))
    dp = DpSgd(clip=1.0, noise_multiplier=1.0)
    yield Row(
        name=f"{name}, DP-SGD",
        recipe=replace(recipe, optimizer=Sgd(), privacy=dp, epochs=epochs[1]),
        rivals=private,
    )


def rows() -> tuple[Row, ...]:
    """The whole table."""
    both = (Rival(mode="hooks", steps=5, target=15), Rival(mode="ghost", steps=5, target=10))
    gated = {
        "plain": Rival(steps=5, target=1.5),
        "private": (Rival(mode="hooks", steps=2, target=12),),
        "epochs": (2, 2),
    }
    conv = (Rival(mode="hooks", steps=3, target=4), Rival(mode="ghost", steps=3, target=4))
    return (
        *_rows(
            "Logistic 64-10",
            Logistic(),
            plain=Rival(steps=14),
            private=(Rival(mode="hooks", steps=5), Rival(mode="ghost", steps=5)),
            epochs=(10, 5),
        ),
        *_rows("MLP 64-128-10", Mlp(width=128), plain=Rival(steps=14, target=6), private=both, epochs=(10, 5)),
        *_rows(
            "RNN 64, 8 steps",
            Rnn(hidden=64),
            plain=Rival(steps=5),
            private=(Rival(mode="hooks", steps=2),),
            epochs=(2, 2),
        ),
        *_rows("GRU 64, 8 steps", Gru(hidden=64), **gated),
        *_rows("LSTM 64, 8 steps", Lstm(hidden=64), **gated),
        *_rows("CNN 1-D 16-32, 8 steps", Cnn1d(), plain=Rival(steps=5), private=conv, epochs=(2, 2)),
        *_rows("CNN 2-D 16-32, digits 8 × 8", Cnn2d(), plain=Rival(steps=5), private=conv, epochs=(1, 1)),
        *_rows(
            "CNN 2-D 16-32, mnist5k 28 × 28",
            Cnn2d(),
            plain=Rival(steps=2),
            private=(Rival(mode="hooks", steps=1), Rival(mode="ghost", steps=1)),
            epochs=(1, 1),
            population=MNIST,
        ),
    )


def stacked(recipe: Recipe) -> Callable[[], object]:
    """The product's own training of 16 models, ready to go."""
    records = split(recipe.population).contested
    net = network(recipe.architecture, recipe.population.info)
    inputs = view_tensor(net, records)
    targets = one_hot(records.labels, records.info.classes)
    params = parameters(net.initial(MODELS, generator(0, "initial weights")))
    member = membership(recipe)

    def work() -> None:
        batches = epochs(recipe, 0, member)
        train(net, recipe, params, inputs, targets, batches, noise=noise_generator(0, 0))

    return work


def one_after_the_other(recipe: Recipe, rival: Rival) -> Callable[[], object]:
    """The same models by the rival, ready to go."""
    records = split(recipe.population).contested
    inputs = view_tensor(network(recipe.architecture, recipe.population.info), records)
    labels = torch.from_numpy(records.labels)
    batches = list(
        itertools.islice(itertools.chain.from_iterable(epochs(recipe, 0, membership(recipe))), rival.steps)
    )
    if rival.mode is None:
        return one_by_one.plain(recipe, inputs, labels, batches)
    return one_by_one.opacus(recipe, inputs, labels, batches, rival.mode)


def membership(recipe: Recipe) -> np.ndarray:
    """Masks of 16 models: two waves."""
    return np.concatenate([masks(recipe.population, 0, wave) for wave in range(2)])


def measured(row: Row) -> Result:
    """Best times of the stacked side and of each rival."""
    sides = {
        rival.name: Side(prepare=lambda rival=rival: one_after_the_other(row.recipe, rival), steps=rival.steps)
        for rival in row.rivals
    }
    per_step = operations(stacked(row.recipe)) / row.recipe.steps
    load = os.getloadavg()[0]
    best = fastest({"stacked": Side(prepare=lambda: stacked(row.recipe), steps=row.recipe.steps), **sides})
    ours = best.pop("stacked")
    return Result(
        row=row, ours=ours, theirs=best, achieved=per_step / ours.seconds, peak=peak(ours.threads), load=load
    )


def figure(row: Row, rival: Rival) -> str:
    """The name of how many times as long as the stacked side a rival takes."""
    return f"{row.name}: {rival.name} / stacked"


def targets(row: Row) -> tuple[Target, ...]:
    """What its rivals are held to, where anything is."""
    return tuple(
        Target(figure=figure(row, rival), limit=rival.target, least=True)
        for rival in row.rivals
        if rival.target is not None
    )


def figures(result: Result) -> dict[str, float]:
    """The numbers of a row by name."""
    name = result.row.name
    found = {
        f"{name}: stacked, ms a step": 1e3 * result.ours.seconds,
        f"{name}: stacked, GFLOP/s": result.achieved / 1e9,
        f"{name}: matrix product on the same threads, GFLOP/s": result.peak / 1e9,
        f"{name}: load before": result.load,
    }
    for rival in result.row.rivals:
        found[f"{name}: {rival.name}, ms a step"] = 1e3 * result.theirs[rival.name].seconds
        found[figure(result.row, rival)] = result.ratio(rival)
    return found


def lines(result: Result) -> Iterator[str]:
    """The printed form of a row."""
    share = f"{result.achieved / 1e9:.1f} of {result.peak / 1e9:.0f} GFLOP/s"
    yield f"{result.row.name}: 16 stacked, {result.ours}, {share}, load {result.load:.1f}"
    for rival in result.row.rivals:
        ratio = result.ratio(rival)
        told = {target.figure: f" {target.verdict(figures(result))}" for target in targets(result.row)}
        verdict = told.get(figure(result.row, rival), "")
        yield f"    {rival.name:14}{result.theirs[rival.name]}: {ratio:5.1f} ×{verdict}"


def main() -> int:
    """Measure and print; the exit status is 1 when a row misses its target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="only rows whose name starts with one of these")
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    arguments = parser.parse_args()
    keep_freed_memory()  # as in the workers; both sides profit
    warnings.filterwarnings("ignore", message="Full backward hook is firing")  # Opacus's own, at every step
    asked = [row for row in rows() if not arguments.rows or row.name.startswith(tuple(arguments.rows))]
    found: dict[str, float] = {}
    for row in asked:
        result = measured(row)
        found |= figures(result)
        if not arguments.json:
            print("\n".join(lines(result)), flush=True)
    if arguments.json:
        print_json(found)
    return status([target for row in asked for target in targets(row)], found)


if __name__ == "__main__":
    sys.exit(main())
