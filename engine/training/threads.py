"""Pieces of work on several threads, each piece on one."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

Work = Sequence[Callable[[], None]]


def side_by_side(work: Work) -> None:
    """As many pieces at a time as torch has threads, each on one thread; what one of them raises is raised here.

    A piece on one thread gives the same bits whatever else runs, so the number of threads changes no number. Many
    small products gain more from this than from being cut up one by one.
    """
    count = torch.get_num_threads()
    if count == 1 or len(work) == 1:
        for piece in work:
            piece()
        return
    for done in [_executor(count).submit(piece) for piece in work]:
        done.result()


@functools.cache
def _executor(count: int) -> ThreadPoolExecutor:
    """Threads in which torch does not start others."""
    executor = ThreadPoolExecutor(count, thread_name_prefix="pass", initializer=_prepare)
    together = threading.Barrier(count + 1)
    for _ in range(count):
        executor.submit(together.wait)
    together.wait()
    torch.set_num_threads(count)  # the caller's again, and of threads to come: the setting of a thread is theirs too
    return executor


def _prepare() -> None:
    torch.get_num_threads()  # takes over the caller's setting, once; asked later, it would undo the next line
    torch.set_num_threads(1)
    torch.autograd.set_grad_enabled(False)
