"""The command ``privacydial cache``: how full the cache is, whether it is whole, and results from others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cache import remote
from cache.exchange import Imported, export_file, import_file
from cache.location import CacheError, add_cache_option, cache_directory
from cache.sizes import DEFAULT_LIMIT, size_argument, size_text
from cache.starter import SHIPPED, write_starter
from cache.store import Store
from cache.sweeps.values import Plan, Setting
from cache.upkeep import aside_words, contents, drop_faulty, faults, prune, total
from dashboard.commands import terminal


def main(arguments: Sequence[str]) -> int:
    """Run the command; the exit status is 0, 1 when something in the cache is wrong, 2 when it could not run."""
    options = _parser().parse_args(arguments)
    try:
        # What looks after the store must not make room in it: only what measures, within its limit, and "prune" do.
        store = Store(cache_directory(options.cache), limit=sys.maxsize)
        try:
            return options.run(store, options)
        finally:
            store.close()
    except CacheError as error:
        sys.stderr.write(f"privacydial cache: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="privacydial cache", description=__doc__, allow_abbrev=False)
    add_cache_option(parser)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("info", help="what is in the cache").set_defaults(run=_info)
    verify = commands.add_parser("verify", help="read everything and list what is not as it should be")
    verify.add_argument("--drop", action="store_true", help="also drop it, so that it is computed again")
    verify.set_defaults(run=_verify)
    room = commands.add_parser("prune", help="drop what was not used for the longest time, and shrink the file")
    room.add_argument(
        "--to", type=size_argument, default=DEFAULT_LIMIT, metavar="SIZE", help="size that may stay (5GB)"
    )
    room.set_defaults(run=_prune)
    export = commands.add_parser("export", help="write all results to one file that a colleague can import")
    export.add_argument("file", type=Path, metavar="FILE")
    export.add_argument("--without-waves", dest="waves", action="store_false", help="assessments only: a small file")
    export.set_defaults(run=_export)
    taken = commands.add_parser("import", help="take results from such a file; each one is checked")
    taken.add_argument("file", type=Path, metavar="FILE")
    taken.set_defaults(run=_import)
    build = commands.add_parser(
        "build-starter", help="measure the results that ship with the package, and write them"
    )
    build.add_argument("--to", type=Path, default=SHIPPED, metavar="FILE", help="other than where the package has it")
    build.add_argument("--workers", type=terminal.count, metavar="N", help="worker processes")
    build.set_defaults(run=_build_starter)
    return parser


def _info(store: Store, _: argparse.Namespace) -> int:
    found = contents(store)
    _say(f"{store.file}, {size_text(found.on_disk)} on disk")
    for kind, count in found.entries.items():
        _say(f"  {count:,} {kind}s, {size_text(found.size[kind])}")
    if found.of_other_engines:
        _say(f"  {found.of_other_engines:,} of them are of other engine versions; privacydial cache prune drops them")
    return 0


def _verify(store: Store, options: argparse.Namespace) -> int:
    found = faults(store)
    for fault in found:
        _say(fault)
    if options.drop:
        before = len(store.damaged)
        _say(f"{drop_faulty(store):,} entries were dropped")
        for file in store.damaged[before:]:
            _say(aside_words(file))
    count = sum(contents(store).entries.values())
    _say(f"{count:,} entries, all as they should be" if not found else f"{len(found):,} faults")
    return 1 if found else 0


def _prune(store: Store, options: argparse.Namespace) -> int:
    gone = prune(store, options.to)
    _say(f"{gone:,} entries were dropped, {size_text(total(store))} stay")
    return 0


def _export(store: Store, options: argparse.Namespace) -> int:
    counts = export_file(store, options.file, waves=options.waves)
    size = size_text(options.file.stat().st_size)
    _say(f"{counts['assessment']:,} assessments and {counts['wave']:,} waves in {options.file}, {size}")
    if counts["left out"]:
        _say(f"{counts['left out']:,} entries were left out; privacydial cache verify says why")
    return 0


def _import(store: Store, options: argparse.Namespace) -> int:
    done = import_file(store, options.file, shapes=lambda recipe: remote.run("wave_shapes", recipe))
    for line in import_words(done):
        _say(line)
    return 1 if done.refused else 0


def _build_starter(store: Store, options: argparse.Namespace) -> int:
    from cache.supervision import starter
    from dashboard.commands.starter import compared, starter_comparisons, starter_points

    points = starter_points()
    plan = Plan(
        dials=(),
        settings=tuple(Setting(values=(), point=point) for point in points),
        refused=(),
        waves=points[0].waves,
    )
    try:
        end = terminal.measured(plan, store, starter(None, workers=options.workers), heard=True)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; what is measured is kept, and the same command goes on.\n")
        return terminal.INTERRUPTED
    if end is not None and end.state != "done":
        raise CacheError(f"The starter results could not be measured: {end.message}")
    comparisons = {versus: compared(store, versus) for versus in starter_comparisons()}
    count = write_starter(store, points, comparisons, options.to)
    _say(
        f"{count:,} of {len(points):,} settings and {len(comparisons):,} comparisons in {options.to}, "
        f"{size_text(options.to.stat().st_size)}"
    )
    return 0


def import_words(done: Imported) -> tuple[str, ...]:
    """What became of an import, a line for each thing to know."""
    lines = [f"{done.added:,} entries were added, {done.present:,} were there already"]
    if done.other_engine:
        lines.append(f"{done.other_engine:,} of other engine versions were left out")
    lines += [f"{count:,} refused: {reason}" for reason, count in sorted(done.refused.items())]
    return tuple(lines)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
