"""Where the cache lives: ``--cache DIR``, else ``PRIVACYDIAL_CACHE``, else the system's place for caches."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import platformdirs

from cache.sizes import DEFAULT_LIMIT, size_argument, size_text

VARIABLE = "PRIVACYDIAL_CACHE"


class CacheError(Exception):
    """The cache cannot be used; its text is one sentence fit to be shown to whoever started the program.

    Attributes:
        told: the sentence for visitors, to whom it is no business where on this machine the file is.
    """

    def __init__(self, text: str, *, told: str = "The cache cannot be used; the log says why.") -> None:
        super().__init__(text)
        self.told = told


def cache_directory(chosen: str | Path | None = None) -> Path:
    """The directory of the cache, made where it is missing.

    Args:
        chosen: the directory given on the command line, if any.

    Raises:
        CacheError: when the directory cannot be made or written to.
    """
    directory = Path(chosen or os.environ.get(VARIABLE) or platformdirs.user_cache_dir("privacydial"))
    directory = directory.expanduser().absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise CacheError(
            f"The cache directory {directory} cannot be written to ({error.strerror or error}); "
            f"choose another with --cache DIR or the environment variable {VARIABLE}."
        ) from error
    return directory


def add_cache_option(parser: argparse.ArgumentParser) -> None:
    """Where the cache is, for every program that looks into it."""
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help=f"where results are kept (else {VARIABLE}, else the system's place)"
    )


def add_cache_options(parser: argparse.ArgumentParser) -> None:
    """Where the cache is and how much may be in it, for every program that measures."""
    add_cache_option(parser)
    parser.add_argument(
        "--cache-limit",
        type=size_argument,
        default=DEFAULT_LIMIT,
        metavar="SIZE",
        help=f"room for results, after which those longest unused go ({size_text(DEFAULT_LIMIT)}); "
        "the same for all programs on one cache",
    )
