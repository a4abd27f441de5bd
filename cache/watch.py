"""Ends a process of the cluster when the dashboard that started it is gone, killed or not.

Dask loads this module into the scheduler and into the processes that look after workers; a worker itself ends
with the process that looks after it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

PARENT = "PRIVACYDIAL_PARENT"
_PERIOD = 0.5  # seconds


def dask_setup(_: Any) -> None:
    """Start to watch the process whose number is in the environment variable ``PARENT``."""
    # Ctrl-C in a terminal reaches its whole process group: the dashboard gets it and ends the cluster in order.
    os.setpgrp()
    # The scheduler's errors come through a pipe that nobody reads; full, it would stop the scheduler.
    os.dup2(sys.stdout.fileno(), sys.stderr.fileno())
    threading.Thread(target=_watch, args=(int(os.environ[PARENT]),), daemon=True).start()


def _watch(parent: int) -> None:
    """Wait until the parent is another process: an orphan is adopted."""
    while os.getppid() == parent:
        time.sleep(_PERIOD)
    os._exit(1)
