"""``privacydial sweep FILE``: measure all settings of a sweep and print them as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from cache.address import ClusterError
from cache.admission import Limits
from cache.location import CacheError
from cache.store import Store
from cache.sweeps.results import Result, assessed_waves, results
from cache.sweeps.values import Plan
from dashboard.commands import terminal
from dashboard.results.outcomes import csv_bytes, refusals, rows
from dashboard.results.tables import Rows
from engine.validate import InvalidValueError

_LISTED = 20  # combinations of one reason


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0 when all has been measured; 1 when some settings could not be, for reasons of their own; 2 for bad input and
        for what nothing can be measured with, from the beginning or later, if only for some of the settings: a cache,
        a scheduler that is lost for good, a worker of another version; 130 after Ctrl-C. What was measured is kept
        whatever the status.
    """
    parser = terminal.parser("sweep", "Measure every setting of a sweep file and print them; stored ones are kept.")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="also write all numbers to this file")
    options = parser.parse_args(arguments)
    try:
        store, plan = terminal.store_and_plan(options)
        with closing(store):
            status = run(plan, store, options, again=f"privacydial sweep {options.file}")
            found = results(store, plan, assessed_waves(store, plan))
        sys.stdout.write(report(plan, found))
        if options.csv:
            options.csv.write_bytes(csv_bytes(plan, found))
    except (InvalidValueError, CacheError, ClusterError) as error:
        sys.stderr.write(f"privacydial: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"privacydial: {options.csv} cannot be written to ({error.strerror or error})\n")
        return 2
    return status


def run(plan: Plan, store: Store, options: argparse.Namespace, *, again: str) -> int:
    """Measure what is missing and say how it ended; the exit status."""
    try:
        end = terminal.measured(plan, store, terminal.start_of(options), limits=Limits(patience=options.patience))
    except KeyboardInterrupt:
        sys.stderr.write(f"\nStopped. {_going_on(plan, store, again)}")
        return terminal.INTERRUPTED
    if end is not None and end.obstacle:
        sys.stderr.write(f"{end.obstacle} {_going_on(plan, store, again)}")
        return 2
    if end is not None and (end.failed or end.state != "done"):
        sys.stderr.write(f"{end.failed:,} settings could not be measured. {end.message}\n")
        return 1
    return 0


def _going_on(plan: Plan, store: Store, again: str) -> str:
    """What is kept of a sweep that came to no end, and the command that goes on."""
    kept = sum(assessed_waves(store, plan))
    return f"{kept:,} of {plan.waves * len(plan.settings):,} waves are kept; to go on, run: {again}\n"


def report(plan: Plan, found: Sequence[Result]) -> str:
    """The table, and the combinations that are refused with the reasons."""
    lines = [*_aligned(rows(plan, found)), ""] if found else []
    for reason, combinations in refusals(plan).items():
        lines.append(f"{len(combinations):,} refused: {reason}")
        lines += [f"  {combination}" for combination in combinations[:_LISTED]]
        if len(combinations) > _LISTED:
            lines.append(f"  and {len(combinations) - _LISTED:,} more")
    return "\n".join(lines).rstrip() + "\n" if lines else ""


def _aligned(table: Rows) -> list[str]:
    """Rows as lines of text, columns under their names."""
    columns = list(table[0])
    widths = {name: max(len(name), *(len(row[name]) for row in table)) for name in columns}
    lines = [columns, ["-" * widths[name] for name in columns], *([row[name] for name in columns] for row in table)]
    return [
        "  ".join(f"{text:{widths[name]}}" for name, text in zip(columns, line, strict=True)).rstrip()
        for line in lines
    ]
