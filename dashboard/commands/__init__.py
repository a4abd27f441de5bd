"""The commands beside the dashboard itself: ``privacydial NAME …`` runs ``main`` of the module of that name.

A module is imported when its command is asked for, so that no command makes the start of another slower. Its
``main(arguments: Sequence[str]) -> int`` returns the exit status: 0 when all went well, 2 for bad input.
"""

from __future__ import annotations

from collections.abc import Mapping

COMMANDS: Mapping[str, str] = {
    "cache": "dashboard.commands.cache",
    "records": "dashboard.commands.records",
    "sweep": "dashboard.commands.sweep",
    "warm": "dashboard.commands.warm",
}
"""The module of each command, by the command's name."""
