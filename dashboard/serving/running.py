"""What runs behind the pages: one handle for the whole process, set by the server's lifespan."""

from __future__ import annotations

from dataclasses import dataclass

from cache.admission import EVERYTHING, Training
from cache.jobs import Jobs
from cache.store import Store
from cache.sweeps.current import Sweeps


@dataclass(frozen=True, kw_only=True)
class Running:
    """What pages work with.

    Attributes:
        store: the cache; there from the first moment.
        jobs: what trains; None while the workers are starting.
        sweeps: what runs sweeps; None while the workers are starting.
        problem: one sentence when the workers could not be started.
        training: what visitors may have trained.
        memory: bytes that a wave may take while it is trained; None is any number.
    """

    store: Store
    jobs: Jobs | None = None
    sweeps: Sweeps | None = None
    problem: str | None = None
    training: Training = EVERYTHING
    memory: int | None = None


_current: Running | None = None


def set_running(running: Running | None) -> None:
    """Say what runs behind the pages, for the whole process."""
    global _current  # noqa: PLW0603  pages run in threads of this process and share it
    _current = running


def running() -> Running:
    """What runs behind the pages.

    Raises:
        RuntimeError: when no server has been started in this process.
    """
    if _current is None:
        raise RuntimeError("the dashboard runs inside its own server: start it with the command privacydial")
    return _current
