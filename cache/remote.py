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

from cache.keys import MOST_WAVES, Asked, Outputs, Point, Versus
from engine.recipe import PopulationChoice, Recipe
from engine.validate import InvalidValueError
from engine.version import ENGINE_VERSION

TASKS = "cache.tasks"
TOPIC = "privacydial"
GPU = "GPU"
"""The Dask resource that a worker with a GPU offers: ``dask worker … --resources GPU=1``."""

_SHOW_FIRST = 2
_ASSESS_FIRST = 1  # Dask's priority; wave w trains with priority −w, so that every visitor's first wave comes first
_IN_THE_BACKGROUND = -1000  # on top of that, so that sweeps wait for all that visitors wait for

_ANSWERED_BY: dict[type, str] = {Point: "assess", Versus: "compare", Outputs: "logits"}

Submit = Callable[..., Future]
"""Starts a task under the name given as ``key``."""


def versions() -> tuple[str, int]:
    """The versions of the package and of the engine in this process."""
    return version("privacydial"), ENGINE_VERSION


def run(function: str, *arguments: Any, engine: int = ENGINE_VERSION) -> Any:
    """Call a function of ``cache.tasks``; workers receive this function by reference.

    Raises:
        InvalidValueError: when the caller's version of the engine is another one: its numbers would be mixed up.
    """
    if engine != ENGINE_VERSION:
        raise InvalidValueError(
            f"A worker has version {ENGINE_VERSION} of the engine and this program version {engine}; "
            "install the same version of Privacy Dial on all machines."
        )
    return getattr(importlib.import_module(TASKS), function)(*arguments)


def keep(blob: bytes) -> bytes:
    """The bytes themselves: a stored wave as a task, so that several assessments share one copy in a worker."""
    return blob


def keeping(client: Client, blob: bytes) -> Submit:
    """Puts a stored wave where assessments find it."""
    return functools.partial(client.submit, keep, blob)


def training(client: Client, recipe: Recipe, wave: int, *, background: bool) -> Submit:
    """Trains a wave, on a GPU where the cluster offers one; in the background it reports nothing on its way."""
    priority = -wave + _IN_THE_BACKGROUND * background
    parts = (recipe, wave, not background)
    submit = functools.partial(client.submit, run, "train", *parts, engine=ENGINE_VERSION, priority=priority)
    if not offers_gpu(client):
        return functools.partial(submit, "cpu")
    return functools.partial(submit, "cuda", resources={GPU: 1})


def answering(
    client: Client, asked: Asked, waves: Sequence[Future], shadows: Sequence[Future], *, background: bool
) -> Submit:
    """Answers what is asked when the waves are there, and those of another recipe where it needs one."""
    priority = _ASSESS_FIRST + _IN_THE_BACKGROUND * background
    parts = (_ANSWERED_BY[type(asked)], asked, list(waves), list(shadows))
    return functools.partial(client.submit, run, *parts, engine=ENGINE_VERSION, priority=priority)


def showing(client: Client, population: PopulationChoice, records: tuple[int, ...]) -> Future:
    """The flat view of some contested records as bytes of float32, before anything else that waits."""
    return client.submit(
        run, "contested_values", population, records, engine=ENGINE_VERSION, priority=_SHOW_FIRST, pure=False
    )


def retraining(client: Client, recipe: Recipe, epoch: int) -> Future:
    """How far one record moves the weights of a recipe at an epoch, after all that visitors wait for."""
    priority = -MOST_WAVES
    return client.submit(run, "sensitivity", recipe, epoch, engine=ENGINE_VERSION, priority=priority, pure=False)


def offers_gpu(client: Client) -> bool:
    """Whether some worker offers a GPU."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()  # by default some versions tell of five only
    return any(worker.get("resources", {}).get(GPU, 0) >= 1 for worker in workers)
