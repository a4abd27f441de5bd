"""Timing that is fair to both sides: the minimum of five, rounds interleaved, best of one and two threads."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

REPEATS = 5
THREADS = (1, 2)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One way to do a piece of work.

    Attributes:
        prepare: makes everything that is not timed, and returns what is.
        steps: how many steps the timed part takes; sides are compared per step.
    """

    prepare: Callable[[], Callable[[], object]]
    steps: int


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best time of a side: seconds of one step, and with how many threads."""

    seconds: float
    threads: int

    def __str__(self) -> str:
        return f"{1e3 * self.seconds:8.2f} ms a step on {self.threads} thread{'s' * (self.threads > 1)}"


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def fastest(sides: Mapping[str, Side], *, threads: Sequence[int] = THREADS) -> dict[str, Best]:
    """The best time of each side; sides take turns, so that a disturbance does not hit one of them alone."""
    times: dict[str, list[Best]] = {name: [] for name in sides}
    for count in threads:
        torch.set_num_threads(count)
        for _ in range(REPEATS):
            for name, side in sides.items():
                taken = seconds(side.prepare()) / side.steps
                times[name].append(Best(seconds=taken, threads=count))
    return {name: min(taken, key=lambda best: best.seconds) for name, taken in times.items()}


def json_asked_for(description: str | None) -> bool:
    """Whether the command line has --json."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one object of figures")
    return parser.parse_args().json


def print_json(figures: Mapping[str, float]) -> None:
    """One line with one object, numbers to four digits."""
    print(json.dumps({name: float(f"{value:.4g}") for name, value in figures.items()}))
