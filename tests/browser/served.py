"""The real command ``privacydial`` as a process of its own, on a free port and with a cache of its own."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.at_work import free_port

BARE = (
    sys.executable,
    "-c",
    """
import sys
from pathlib import Path
from cache.starter import Starter
from dashboard.launch import main

Starter.__init__.__defaults__ = (Path("there-is-none.sqlite"),)
sys.exit(main())
""",
)
"""The command where no results come with the package."""

START = 60  # seconds, on a machine that is busy
STOP = 60


@dataclass(frozen=True, kw_only=True)
class Served:
    """A dashboard that answers.

    Attributes:
        address: its origin, without a slash at the end.
        cache: its cache directory.
        log: the file that takes what it prints.
        process: the command.
    """

    address: str
    cache: Path
    log: Path
    process: subprocess.Popen[bytes]

    def family(self) -> list[psutil.Process]:
        """The command and all processes below it."""
        command = psutil.Process(self.process.pid)
        return [command, *command.children(recursive=True)]

    def rows(self, table: str) -> int:
        """How many waves or assessments the cache holds."""
        with closing(sqlite3.connect(f"{self.cache.as_uri()}/privacydial.sqlite?mode=ro", uri=True)) as store:
            return store.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  our own tables


@contextmanager
def served(
    cache: Path, log: Path, *options: str, starter: bool = True, program: Sequence[str] | None = None
) -> Iterator[Served]:
    """A dashboard over a cache directory; whatever is left of it at the end is killed.

    Args:
        cache: its cache directory.
        log: the file that takes what it prints.
        options: of the command, further ones.
        starter: whether it has the results that come with the package.
        program: another one that serves it in place of the installed command.
    """
    port = free_port()
    program = program or ([command()] if starter else BARE)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*program, "--no-browser", f"--port={port}", f"--cache={cache}", *options],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            server = Served(address=f"http://127.0.0.1:{port}", cache=cache, log=log, process=process)
            wait_until_healthy(server)
            yield server
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def command() -> str:
    """The installed command."""
    found = shutil.which("privacydial", path=sysconfig.get_path("scripts"))
    assert found, "the package is not installed: there is no command privacydial"
    return found


def wait_until_healthy(server: Served) -> None:
    """Return as soon as the dashboard says that it is healthy."""
    deadline = time.monotonic() + START
    while time.monotonic() < deadline:
        assert server.process.poll() is None, f"privacydial ended at its start:\n{server.log.read_text()}"
        try:
            with urllib.request.urlopen(f"{server.address}/_stcore/health", timeout=1):  # noqa: S310
                return
        except urllib.error.HTTPError:  # it answers, and asks for a room code
            return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"privacydial did not answer within {START} s:\n{server.log.read_text()}")


def left_after(server: Served, ending: signal.Signals) -> list[psutil.Process]:
    """Send a signal to the command alone; what is still there of its processes when all had time to end."""
    family = server.family()
    server.process.send_signal(ending)
    server.process.wait(timeout=STOP)
    _, alive = psutil.wait_procs(family, timeout=STOP)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
