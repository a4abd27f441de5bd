"""Real ``dask scheduler`` and ``dask worker`` processes, as somebody else would start them."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cache.address import ClusterError, Scheduler
from cache.external import External

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def dask(*arguments: str, path: Path = ROOT) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's own command line, ended with the test."""
    environment = os.environ | {"PYTHONPATH": str(path), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "dask", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.terminate()


def dask_scheduler_at(address: str, *options: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A scheduler at an address of this machine."""
    protocol, _, place = address.partition("://")
    host, port = place.split(":")
    common = ("--host", host, "--port", port, "--protocol", protocol, "--no-dashboard", "--no-show")
    return dask("scheduler", *common, *options)


@contextlib.contextmanager
def dask_scheduler() -> Iterator[Scheduler]:
    """A scheduler on a free port."""
    scheduler = Scheduler(address=f"tcp://127.0.0.1:{free_port()}")
    with dask_scheduler_at(scheduler.address):
        yield scheduler


def dask_worker(
    scheduler: Scheduler, *options: str, path: Path = ROOT
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker of one thread, with the packages in ``path``."""
    common = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    return dask("worker", scheduler.address, *common, *options, path=path)


def answers(scheduler: Scheduler) -> bool:
    """Whether a scheduler can be used now."""
    try:
        External(scheduler).close()
    except ClusterError:
        return False
    return True


def with_other_engine(folder: Path) -> Path:
    """A folder with the packages that a worker needs, the engine in another version."""
    for name in ("engine", "cache"):
        (folder / name).mkdir()
        for file in (ROOT / name).iterdir():
            (folder / name / file.name).symlink_to(file)
    (folder / "engine" / "version.py").unlink()
    (folder / "engine" / "version.py").write_text("ENGINE_VERSION = 1\n")
    return folder


def without_ours(folder: Path) -> Path:
    """A folder with packages of the same names in which there is nothing of ours."""
    for name in ("engine", "cache"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
    return folder
