"""Real ``dask scheduler`` and ``dask worker`` processes, as somebody else would start them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cache.address import ClusterError, Scheduler
from cache.external import External
from tests.at_work import begun, free_port

ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def dask(
    *arguments: str, path: Path = ROOT, home: Path | None = None, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of Dask's own command line, ended with the test."""
    environment = os.environ | {"PYTHONPATH": str(path), "PYTHONSAFEPATH": "1", "OMP_NUM_THREADS": "1"} | variables
    command = [sys.executable, "-m", "dask", *arguments]
    with subprocess.Popen(
        command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
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
    scheduler: Scheduler, *options: str, path: Path = ROOT, home: Path | None = None
) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """A worker of one thread.

    Args:
        scheduler: whom it works for.
        options: further ones of its command line.
        path: where its packages are.
        home: an empty folder, to run as on a machine of its own: at work, at home and with temporary files there, and
            with a cache that cannot be; where there is none, it shares all of that with this process.
    """
    common = ("--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    variables: dict[str, str] = {}
    if home is not None:
        (home / "file").write_text("")
        variables = {"HOME": str(home), "TMPDIR": str(home), "PRIVACYDIAL_CACHE": str(home / "file" / "cache")}
    return dask("worker", scheduler.address, *common, *options, path=path, home=home, **variables)


def answers(scheduler: Scheduler) -> bool:
    """Whether a scheduler can be used now."""
    try:
        External(scheduler).close()
    except ClusterError:
        return False
    return True


def starts(scheduler: Scheduler) -> Counter[str]:
    """How often each wave was taken up by workers of a scheduler, by key, as they logged it themselves."""
    with External(scheduler) as cluster:
        return Counter(task.split("-")[1] for task in begun(cluster.client))


def with_other_package(folder: Path, package: str = "privacydial") -> Path:
    """A folder with the packages that a worker needs, one of another release, the engine being the same."""
    for name in ("engine", "cache"):
        (folder / name).symlink_to(ROOT / name)
    (folder / f"{package}-9.9.9.dist-info").mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: 9.9.9\n"
    (folder / f"{package}-9.9.9.dist-info" / "METADATA").write_text(metadata)
    return folder


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
