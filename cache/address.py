"""Which scheduler is meant: ``--scheduler ADDRESS``, else ``DASK_SCHEDULER_ADDRESS``, else one of our own."""

from __future__ import annotations

import argparse
import math
import os
from dataclasses import dataclass

ADDRESS = "DASK_SCHEDULER_ADDRESS"
PATIENCE = 90.0
"""Seconds that what is in work waits for a scheduler that was lost, unless told otherwise."""

_LONGEST = 86_400  # seconds


class ClusterError(Exception):
    """There is nothing to compute with; its text is one sentence fit to be shown to a person."""


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """Where the scheduler is.

    Attributes:
        address: with its protocol, such as "tls://host:8786".
    """

    address: str


def chosen_scheduler(given: str | None, *, insecure: bool) -> Scheduler | None:
    """The scheduler of the command line, else of the environment; None where there is neither.

    Args:
        given: on the command line.
        insecure: whether connections without TLS are allowed.

    Raises:
        ClusterError: when the address is refused, with one sentence.
    """
    address = given or os.environ.get(ADDRESS)
    if not address:
        return None
    protocol, separator, place = address.partition("://")
    address = address if separator else f"tcp://{address}"
    if separator and (protocol not in {"tcp", "tls"} or not place):
        raise ClusterError(f"scheduler must be an address such as tls://host:8786, got {address!r}")
    if not address.startswith("tls://") and not insecure:
        raise ClusterError(
            f"{address} is not encrypted: anyone on its network could run code on all machines of the cluster. "
            "Use a tls:// address, or allow it with --insecure-scheduler"
        )
    return Scheduler(address=address)


def add_scheduler_options(parser: argparse.ArgumentParser) -> None:
    """The options that say where is computed, shared by all commands that compute."""
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help=f"use this Dask cluster, such as tls://host:8786 (else {ADDRESS})"
    )
    parser.add_argument(
        "--insecure-scheduler",
        action="store_true",
        help="allow an address without TLS: who reaches it can run code on all machines of the cluster",
    )
    parser.add_argument(
        "--patience",
        type=patience,
        default=PATIENCE,
        metavar="SECONDS",
        help=f"how long what is in work waits for a scheduler that was lost, before it fails ({PATIENCE:g})",
    )


def patience(text: str) -> float:
    """Seconds to wait for a scheduler, as an option."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST:
        raise argparse.ArgumentTypeError(f"patience must be seconds above 0 and at most {_LONGEST}, got {text!r}")
    return seconds
