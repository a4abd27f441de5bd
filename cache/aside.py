"""Setting a cache file aside: it gets another name, and the next that opens the cache begins a new one."""

from __future__ import annotations

import logging
from pathlib import Path

_log = logging.getLogger(__name__)
_COMPANIONS = ("-wal", "-shm")  # SQLite's log and its index, which belong to the file of the same name
Identity = tuple[int, int] | None
"""What tells a file from another of the same name: device and inode; None where there is no file."""


def identity(file: Path) -> Identity:
    """Which file has this name now."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def set_aside(file: Path, reason: str, which: Identity) -> Path | None:
    """Rename a cache file and what belongs to it, and say so in the log.

    Args:
        file: the cache.
        reason: a part of the new name.
        which: the file that is meant; when another has taken its name already, nothing is done.

    Returns:
        The new name, None when nothing was done.
    """
    if identity(file) != which:
        return None
    stem, number = f"{file.stem}-{reason}", 1
    while (aside := file.with_name(f"{stem}-{number}{file.suffix}")).exists():
        number += 1
    for companion in _COMPANIONS:
        beside = Path(f"{file}{companion}")
        if beside.exists():
            beside.rename(f"{aside}{companion}")
    file.rename(aside)
    _log.warning("Set the cache %s aside as %s (%s) and began a new one", file, aside.name, reason)
    return aside
