"""Seconds to a first point: ``python -m tests.benchmarks.first_light [--json]``.

The engine's part alone, on one thread, best of five: one wave of the default recipe, and the assessment of one and
of two waves of it. Loading of the records, once per process, is measured apart.
"""

from __future__ import annotations

import torch

from engine.pipeline import assess, train_wave
from engine.populations.records import split
from engine.recipe import Recipe, Release, WeightNoise
from tests.benchmarks.timing import REPEATS, json_asked_for, print_json, seconds

RELEASES = {"exact weights": Release(), "weight noise, 4 draws": Release(weight_noise=WeightNoise(sigma=0.05))}


def main() -> None:
    """Measure and print."""
    as_json = json_asked_for(__doc__)
    torch.set_num_threads(1)
    recipe = Recipe()
    figures = {"load records": seconds(lambda: split(recipe.population))}
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


def best(work) -> float:
    """The least seconds of five calls."""
    return min(seconds(work) for _ in range(REPEATS))


if __name__ == "__main__":
    main()
