"""The door to ``cache.tasks``: it is opened by name, inside a worker.

``cache.tasks`` imports the engine and with it torch, which must never be loaded into the dashboard's process;
an import of it here, even inside a function, would make torch reachable from there.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from distributed import Client, Future

from cache.address import ClusterError
from cache.keys import MOST_WAVES, Asked, Outputs, Point, Versus
from cache.priority import IN_THE_BACKGROUND
from engine.recipe import PopulationChoice, Recipe
from engine.version import ENGINE_VERSION

TASKS = "cache.tasks"
TOPIC = "privacydial"
GPU = "GPU"
"""The Dask resource that a worker with a GPU offers: ``dask worker … --resources GPU=1``."""

_SHOW_FIRST = 2
_ASSESS_FIRST = 1  # Dask's priority; wave w trains with priority −w, so that every visitor's first wave comes first

_ANSWERED_BY: dict[type, str] = {Point: "assess", Versus: "compare", Outputs: "logits"}

Submit = Callable[..., Future]
"""Starts a task under the name given as ``key``."""


Versions = tuple[str, int]
"""Of the package and of the engine."""


@functools.cache
def versions() -> Versions:
    """The versions in this process."""
    return version("privacydial"), ENGINE_VERSION


def misfit(place: str, there: Versions, here: Versions) -> str | None:
    """Why a process must not compute for this program, one sentence; None when it may.

    Args:
        place: which process.
        there: its versions.
        here: the versions of this program.
    """
    if there == here:
        return None
    return (
        "{} has Privacy Dial {} (engine {}) and this program {} (engine {}): install the same version on all machines"
    ).format(place, *there, *here)


def run(function: str, *arguments: Any, asked_by: Versions | None = None) -> Any:
    """Call a function of ``cache.tasks``; workers receive this function by reference.

    Args:
        function: its name.
        arguments: what it is called with.
        asked_by: the versions of the program that asks, where that is another process.

    Raises:
        ClusterError: when the versions here are others: numbers would be mixed up. A cluster's workers are asked when
            a program comes to it; this is for those that come later.
    """
    wrong = misfit("A worker", versions(), asked_by or versions())
    if wrong is not None:
        raise ClusterError(f"{wrong}.")
    return getattr(importlib.import_module(TASKS), function)(*arguments)


def keep(blob: bytes) -> bytes:
    """The bytes themselves: a stored wave as a task, so that several assessments share one copy in a worker."""
    return blob


def keeping(client: Client, blob: bytes) -> Submit:
    """Puts a stored wave where assessments find it."""
    return functools.partial(client.submit, keep, blob)


def training(client: Client, recipe: Recipe, wave: int, *, background: bool, heard: bool, gpu: bool) -> Submit:
    """Trains a wave, on a worker that offers a GPU or on any; it reports on its way where that is heard."""
    priority = -wave + IN_THE_BACKGROUND * background
    parts = (recipe, wave, heard)
    submit = functools.partial(client.submit, run, "train", *parts, asked_by=versions(), **_in_turn(priority))
    if not gpu:
        return functools.partial(submit, "cpu")
    return functools.partial(submit, "cuda", resources={GPU: 1})


def _in_turn(priority: int) -> dict[str, Any]:
    """Options of what waits its turn: of two with the same priority Dask runs what came within 100 ms backwards."""
    return {"priority": priority, "fifo_timeout": 0}


def answering(
    client: Client, asked: Asked, waves: Sequence[Future], shadows: Sequence[Future], *, background: bool
) -> Submit:
    """Answers what is asked when the waves are there, and those of another recipe where it needs one."""
    priority = _ASSESS_FIRST + IN_THE_BACKGROUND * background
    parts = (_ANSWERED_BY[type(asked)], asked, list(waves), list(shadows))
    return functools.partial(client.submit, run, *parts, asked_by=versions(), priority=priority)


def showing(client: Client, population: PopulationChoice, records: tuple[int, ...]) -> Future:
    """The flat view of some contested records as bytes of float32, before anything else that waits."""
    return client.submit(
        run, "contested_values", population, records, asked_by=versions(), priority=_SHOW_FIRST, pure=False
    )


def retraining(client: Client, recipe: Recipe, epoch: int) -> Future:
    """How far one record moves the weights of a recipe at an epoch, after all that visitors wait for."""
    priority = -MOST_WAVES
    return client.submit(run, "sensitivity", recipe, epoch, asked_by=versions(), priority=priority, pure=False)


def offers_gpu(client: Client) -> bool:
    """Whether some worker offers a GPU."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()  # by default some versions tell of five only
    return any(worker.get("resources", {}).get(GPU, 0) >= 1 for worker in workers)
