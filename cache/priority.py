"""Who goes first in the queue, also when that changes while something stands in it.

Dask takes a priority when a task is submitted, and has no way to change it. To cancel the task and submit another
would train a wave twice where a worker took it up that very moment. So a task is moved where it stands: in the queue
of the worker that it was given to, or in the scheduler where there is none. What runs already is left as it is.

The two functions run in those processes; this module imports nothing that they would have to load.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

IN_THE_BACKGROUND = -1000
"""On top of a priority, so that sweeps wait for all that visitors wait for; none of theirs is below half of it."""


def bring_forward(client: Client, names: Iterable[str]) -> list[str]:
    """Let tasks that wait in the background wait among those of visitors; it asks other processes, and waits.

    Tasks travel in a stream, first to the scheduler and then to a worker, which this overtakes.

    Args:
        client: of the cluster that has the tasks.
        names: Dask's keys; those that do not wait any more are left as they are.

    Returns:
        the names that are unknown where they should be: those tasks are on their way there, or have ended.
    """
    names = list(names)
    places: Any = client.run_on_scheduler(in_the_scheduler, names)
    workers = sorted({address for address in places.values() if address})
    lacking: Any = client.run(in_a_worker, names, workers=workers, on_error="ignore") if workers else {}
    return [name for name in names if name not in places or name in lacking.get(places[name], ())]


def in_the_scheduler(names: list[str], dask_scheduler: Any) -> dict[str, str]:
    """Bring tasks forward in the scheduler; of those it knows, the worker that each was given to, "" for none."""
    tasks = {name: dask_scheduler.tasks[name] for name in names if name in dask_scheduler.tasks}
    for task in tasks.values():
        task.priority = _forward(task.priority)
    return {name: task.processing_on.address if task.processing_on else "" for name, task in tasks.items()}


def in_a_worker(names: list[str], dask_worker: Any) -> list[str]:
    """Bring tasks forward in a worker, where those that need a resource have a queue of their own; those it lacks."""
    state = dask_worker.state
    for task in [state.tasks[name] for name in names if name in state.tasks]:
        inside = [queue for queue in (state.ready, state.constrained) if task in queue]
        for queue in inside:
            queue.discard(task)
        task.priority = _forward(task.priority)
        for queue in inside:  # it keeps the priority that a task had when it was added
            queue.add(task)
    return [name for name in names if name not in state.tasks]


def _forward(priority: tuple[float, ...]) -> tuple[float, ...]:
    """The priority of what visitors wait for; its first number is minus the one that was submitted."""
    first, *rest = priority
    return (first + IN_THE_BACKGROUND, *rest) if first > -IN_THE_BACKGROUND / 2 else priority
