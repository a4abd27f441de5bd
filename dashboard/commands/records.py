"""``privacydial records FILE OUT``: what is known of every record of a setting, the logits of its models included."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from cache.address import ClusterError
from cache.admission import Limits, allowed_memory
from cache.jobs import Jobs
from cache.keys import Asked, Outputs, Point, assessment_key
from cache.location import CacheError
from cache.records import records_npz, records_parquet
from dashboard.commands import terminal
from engine.validate import InvalidValueError

_WRITERS: dict[str, Callable[..., bytes]] = {".npz": records_npz, ".parquet": records_parquet}
_LOOK = 0.5  # seconds between two looks at the progress


def main(arguments: Sequence[str]) -> int:
    """Run the command.

    Returns:
        0 when the file was written, 1 when the setting could not be measured, 2 for bad input, 130 after Ctrl-C.
    """
    parser = terminal.parser(
        "records",
        "Write scores, masks, labels and logits of every record of one setting, measured where it is not yet.",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="the file to write, ending in .npz or .parquet")
    options = parser.parse_args(arguments)
    try:
        writer, point = _writer(options.out), _point(options.file)
        with closing(terminal.store_of(options)) as store:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            terminal.hush()
            limits = Limits(patience=options.patience, memory=allowed_memory(options.wave_memory))
            with terminal.working(store, terminal.start_of(options), limits) as jobs:
                problem = _answered(jobs, point) or _answered(jobs, Outputs(point=point))
                if problem is not None:
                    sys.stderr.write(f"{problem}\n")
                    return 1
                assessment = store.assessment(assessment_key(point))
                if assessment is None:
                    raise CacheError(f"{store.file} no longer holds the assessment; run the command again")
                options.out.write_bytes(writer(point, assessment, jobs.logits(Outputs(point=point))))
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Finished waves are kept.\n")
        return terminal.INTERRUPTED
    except (InvalidValueError, CacheError, ClusterError) as error:
        sys.stderr.write(f"privacydial: {error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"privacydial: {options.out} cannot be written to ({error.strerror or error})\n")
        return 2
    sys.stdout.write(f"{point.recipe.population.contested:,} records of {8 * point.waves} models in {options.out}.\n")
    return 0


def _writer(out: Path) -> Callable[..., bytes]:
    """What writes files with this ending."""
    if out.suffix not in _WRITERS:
        raise InvalidValueError(f"OUT must end in {' or '.join(_WRITERS)}, got {out.name!r}")
    return _WRITERS[out.suffix]


def _point(file: Path) -> Point:
    """The one setting that a file describes."""
    plan = terminal.plan_in(file)
    if len(plan.settings) != 1:
        raise InvalidValueError(f"{file} must describe one setting, got {len(plan.settings):,}")
    return plan.settings[0].point


def _answered(jobs: Jobs, asked: Asked) -> str | None:
    """Have something measured; one sentence where that failed."""
    jobs.request("records", asked)
    while (now := jobs.progress(asked, "records")) is not None and now.active:
        jobs.wait(asked, _LOOK)
    if now is not None and now.state == "done":
        return None
    return (now and now.message) or "The setting was not measured."
