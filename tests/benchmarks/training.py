"""Stacked training against one model after the other: ``python -m tests.benchmarks.training [--json]``.

Each row compares ``engine.training.loop.train`` on 16 models, drawing of batches included, with a loop over 16
models on the same batches, given to it as ready index tensors: torch.nn with a fused optimizer, or Opacus's
PrivacyEngine in its modes "hooks" and "ghost" fed by hand (its own DPDataLoader is slower). Both sides run on the
same threads in one run, in turns, and take the minimum of five, best of one and two threads. To keep the run short
a few epochs are timed, and fewer steps on the slow side; times are per step of all 16 models. Records are digits,
897 contested, batches of 32.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.models.evaluation import view_tensor
from engine.models.network import network
from engine.populations.membership import masks
from engine.populations.records import split
from engine.recipe import Adam, DpSgd, Lstm, Mlp, PopulationChoice, Recipe, Sgd
from engine.seeds import generator
from engine.training.batches import epochs
from engine.training.loop import noise_generator, one_hot, train
from engine.training.parameters import parameters
from tests.benchmarks import one_by_one
from tests.benchmarks.timing import Best, Side, fastest, json_asked_for, print_json, seconds

DIGITS = PopulationChoice(name="digits", contested=897)
PRIVATE = DpSgd(clip=1.0, noise_multiplier=1.0)
MLP = Recipe(population=DIGITS, architecture=Mlp(width=128), optimizer=Adam(), epochs=10)
LSTM = replace(MLP, architecture=Lstm(hidden=64), epochs=2)
MLP_DP = replace(MLP, optimizer=Sgd(), privacy=PRIVATE, epochs=5)
LSTM_DP = replace(LSTM, optimizer=Sgd(), privacy=PRIVATE)
MEMBERSHIP = np.concatenate([masks(DIGITS, 0, wave) for wave in range(2)])  # 16 models


@dataclass(frozen=True)
class Rival:
    """A row of the table: who trains one by one, for how many steps, and the ratio to reach."""

    name: str
    side: Side
    target: float


@dataclass(frozen=True)
class Group:
    """A recipe trained stacked, and its rivals."""

    name: str
    recipe: Recipe
    rivals: tuple[Rival, ...]


def stacked(recipe: Recipe) -> Callable[[], object]:
    """The product's own training of 16 models, ready to go."""
    records = split(recipe.population).contested
    net = network(recipe.architecture, recipe.population.info)
    inputs = view_tensor(net, records)
    targets = one_hot(records.labels, records.info.classes)
    params = parameters(net.initial(len(MEMBERSHIP), generator(0, "initial weights")))

    def work() -> None:
        batches = epochs(recipe, 0, MEMBERSHIP)
        train(net, recipe, params, inputs, targets, batches, noise=noise_generator(0, 0))

    return work


def rival(name: str, recipe: Recipe, steps: int, target: float, mode: str | None = None) -> Rival:
    """The same models one by one, with Opacus where a mode is given."""
    records = split(recipe.population).contested
    inputs = view_tensor(network(recipe.architecture, recipe.population.info), records)
    labels = torch.from_numpy(records.labels)
    batches = list(itertools.islice(itertools.chain.from_iterable(epochs(recipe, 0, MEMBERSHIP)), steps))

    def prepare() -> Callable[[], object]:
        if mode is None:
            return one_by_one.plain(recipe, inputs, labels, batches)
        return one_by_one.opacus(recipe, inputs, labels, batches, "ghost" if mode == "ghost" else "hooks")

    return Rival(name, Side(prepare=prepare, steps=steps), target)


def groups() -> tuple[Group, ...]:
    """All rows of the table."""
    return (
        Group("MLP 64-128-10", MLP, (rival("torch.nn", MLP, 14, 6),)),
        Group(
            "MLP 64-128-10, DP-SGD",
            MLP_DP,
            (rival("Opacus hooks", MLP_DP, 5, 15, "hooks"), rival("Opacus ghost", MLP_DP, 5, 10, "ghost")),
        ),
        Group("LSTM 64, 8 steps", LSTM, (rival("nn.LSTM", LSTM, 5, 1.3),)),
        Group("LSTM 64, 8 steps, DP-SGD", LSTM_DP, (rival("Opacus DPLSTM", LSTM_DP, 2, 12, "hooks"),)),
    )


def measured(group: Group) -> tuple[Best, dict[str, Best]]:
    """Best times of the stacked side and of each rival."""
    sides = {rival.name: rival.side for rival in group.rivals}
    ours = Side(prepare=lambda: stacked(group.recipe), steps=group.recipe.steps)
    best = fastest({"stacked": ours, **sides})
    return best.pop("stacked"), best


def mlp_flops(batch: int) -> int:
    """Multiplications and additions of one plain step of all MLPs: three products a layer, two in the first."""
    first, last = 64 * 128, 128 * 10
    return 2 * len(MEMBERSHIP) * batch * (2 * first + 3 * last)


def peak_flops(threads: int) -> float:
    """Operations a second of the best large matrix product in float32."""
    torch.set_num_threads(threads)
    size = 1024
    left, right = torch.rand(2, size, size).unbind()
    return 2 * size**3 / min(seconds(lambda: left @ right) for _ in range(20))


def main() -> None:
    """Measure and print."""
    as_json = json_asked_for(__doc__)
    warnings.filterwarnings("ignore", message="Full backward hook is firing")  # Opacus's own, at every step
    figures: dict[str, float] = {}
    for group in groups():
        ours, theirs = measured(group)
        ratios = {name: best.seconds / ours.seconds for name, best in theirs.items()}
        figures[f"{group.name}: stacked, ms a step"] = 1e3 * ours.seconds
        figures |= {f"{group.name}: {name}, ms a step": 1e3 * best.seconds for name, best in theirs.items()}
        figures |= {f"{group.name}: {name} / stacked": ratio for name, ratio in ratios.items()}
        if not as_json:
            print_rows(group, ours, theirs, ratios)
        if group.recipe is MLP:
            figures |= rates(ours, quiet=as_json)
    if as_json:
        print_json(figures)


def print_rows(group: Group, ours: Best, theirs: dict[str, Best], ratios: dict[str, float]) -> None:
    """The lines of one group."""
    print(f"{group.name}: 16 stacked, {ours}")
    for rival in group.rivals:
        verdict = "reached" if ratios[rival.name] >= rival.target else "MISSED"
        ratio = f"{ratios[rival.name]:5.1f} × (target {rival.target:g} × {verdict})"
        print(f"    {rival.name:14}{theirs[rival.name]}: {ratio}", flush=True)


def rates(ours: Best, *, quiet: bool) -> dict[str, float]:
    """What the stacked MLP step achieves of what the machine can multiply."""
    achieved, peak = mlp_flops(MLP.batch) / ours.seconds / 1e9, peak_flops(ours.threads) / 1e9
    if not quiet:
        print(f"    {achieved:.1f} GFLOP/s; a large matrix product reaches {peak:.1f} on the same threads")
    return {"MLP stacked, GFLOP/s": achieved, "matrix product, GFLOP/s": peak}


if __name__ == "__main__":
    main()
