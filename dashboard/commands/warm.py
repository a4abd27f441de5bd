"""``privacydial warm FILE``: fill the cache with all settings of a sweep, for instance the evening before a class."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing

from cache.address import ClusterError
from cache.location import CacheError
from dashboard.commands import terminal
from dashboard.commands.sweep import run
from dashboard.results.outcomes import refusals
from engine.validate import InvalidValueError


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Returns:
        As of ``privacydial sweep``.
    """
    parser = terminal.parser("warm", "Fill the cache with every setting of a sweep file, so that nobody waits later.")
    options = parser.parse_args(arguments)
    try:
        store, plan = terminal.store_and_plan(options)
        with closing(store):
            status = run(plan, store, options, again=f"privacydial warm {options.file}")
    except (InvalidValueError, CacheError, ClusterError) as error:
        sys.stderr.write(f"privacydial: {error}\n")
        return 2
    if status == 0:
        sys.stdout.write(f"All {len(plan.settings):,} settings are in {store.file}.\n")
    for reason, combinations in refusals(plan).items():
        sys.stdout.write(f"{len(combinations):,} refused: {reason}\n")
    return status
