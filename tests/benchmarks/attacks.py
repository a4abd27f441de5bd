"""How long attacks take: ``python -m tests.benchmarks.attacks [--json]``.

All attacks but the neural one, on 16 targets × 5,000 records × 10 classes, each target with its pair left out. The
limits for all of them together are 2 s and 1 GiB; the peak is that of a whole process of its own, Python
and signals included. Then the loops that they replace, on ``FEW`` records: loops over thresholds grow with
the square of the records, so their ratio at 5,000 would be larger still. Best of five, one thread.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence

import numpy as np

from engine.attacks import ATTACKS
from engine.attacks.attack import Attack
from engine.attacks.leave_pair_out import cohort_scores
from engine.signals import Signals
from tests.benchmarks.memory import peak as gib
from tests.benchmarks.timing import REPEATS, json_asked_for, print_json, seconds
from tests.naive_attacks import NAIVE, Naive
from tests.planted import planted_cohort

PAIRS, RECORDS, FEW = 8, 5000, 100
SECONDS, GIB = 2.0, 1.0
TIMED = tuple(name for name in ATTACKS if name != "neural")


def by_attack(names: Sequence[str] = TIMED) -> dict[str, float]:
    """Seconds of each attack on the large cohort, the best of five."""
    whole, masks = planted_cohort(0, pairs=PAIRS, records=RECORDS)
    return {name: _best(ATTACKS[name], whole, masks) for name in names}


def peak() -> tuple[float, float]:
    """GiB of a process that has made the signals, and after it has run every attack; for a process of its own."""
    whole, masks = planted_cohort(0, pairs=PAIRS, records=RECORDS)
    before = gib()
    for name in TIMED:
        cohort_scores(ATTACKS[name], whole, masks)
    return before, gib()


def against_loops(name: str) -> tuple[float, float]:
    """Seconds of the attack and of its loops on a small cohort."""
    whole, masks = planted_cohort(0, pairs=PAIRS, records=FEW)
    return _best(ATTACKS[name], whole, masks), seconds(lambda: looped(NAIVE[name], whole, masks))


def looped(naive: Naive, whole: Signals, masks: np.ndarray) -> np.ndarray:
    """Scores of all models by loops, each with its own pair left out."""
    rows = np.arange(len(masks))
    pairs = [(rows[rows // 2 == pair], rows[rows // 2 != pair]) for pair in range(len(masks) // 2)]
    return np.concatenate([naive(whole.of_models(own), whole.of_models(rest), masks[rest]) for own, rest in pairs])


def _best(attack: Attack, whole: Signals, masks: np.ndarray) -> float:
    return min(seconds(lambda: cohort_scores(attack, whole, masks)) for _ in range(REPEATS))


def main() -> None:
    """Measure and print."""
    as_json = json_asked_for(__doc__)
    taken = by_attack()
    total = sum(taken.values())
    with multiprocessing.get_context("spawn").Pool(1) as fresh:
        before, most = fresh.apply(peak)
    figures = {"all attacks, s": total, "GiB before": before, "GiB at the peak": most}
    if not as_json:
        print(f"{len(TIMED)} attacks, {2 * PAIRS} targets × {RECORDS:,} records × 10 classes")
        print(f"    together {total:.2f} s (target {SECONDS:g} s {_verdict(total, SECONDS)})")
        print(f"    {most:.2f} GiB at the peak, {before:.2f} before (target {GIB:g} GiB {_verdict(most, GIB)})")
    for name in TIMED:
        ours, theirs = against_loops(name)
        figures |= {f"{name}, ms": 1e3 * taken[name], f"{name}: loops / ours, {FEW} records": theirs / ours}
        if not as_json:
            print(f"    {name:28}{1e3 * taken[name]:7.1f} ms; loops take {theirs / ours:8.0f} × as long", flush=True)
    if as_json:
        print_json(figures)


def _verdict(measured: float, limit: float) -> str:
    return "reached" if measured < limit else "MISSED"


if __name__ == "__main__":
    main()
