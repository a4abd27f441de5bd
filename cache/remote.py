"""The door to ``cache.tasks``: it is opened by name, inside a worker.

``cache.tasks`` imports the engine and with it torch, which must never be loaded into the dashboard's process;
an import of it here, even inside a function, would make torch reachable from there.
"""

from __future__ import annotations

import importlib
from typing import Any

TASKS = "cache.tasks"
TOPIC = "privacydial"


def run(function: str, *arguments: Any) -> Any:
    """Call a function of ``cache.tasks``; workers receive this function by reference."""
    return getattr(importlib.import_module(TASKS), function)(*arguments)


def keep(blob: bytes) -> bytes:
    """The bytes themselves: a stored wave as a task, so that several assessments share one copy in a worker."""
    return blob
