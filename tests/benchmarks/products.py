"""How much a piece of work multiplies, and how much the machine could."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.benchmarks.timing import seconds


def operations(work: Callable[[], object]) -> int:
    """Multiplications and additions of all matrix products in one call, padding included."""
    in_place: dict[Any, Any] = {torch.ops.aten.baddbmm_: _added_products}  # the one product torch does not count
    counter = FlopCounterMode(display=False, custom_mapping=in_place)
    with counter:
        work()
    return counter.get_total_flops()


def _added_products(_: Any, left: Any, right: Any, **_options: Any) -> int:
    """Of the shapes (M, n, k) and (M, k, m)."""
    models, rows, inner = left
    return 2 * models * rows * inner * right[2]


@functools.cache
def peak(threads: int) -> float:
    """Operations a second of the best large matrix product in float32."""
    torch.set_num_threads(threads)
    size = 1024
    left, right = torch.rand(2, size, size).unbind()
    return 2 * size**3 / min(seconds(lambda: left @ right) for _ in range(20))
