"""Recurrent against feed-forward, measured: ``python -m engine.study POPULATION``.

Each row trains an MLP and a recurrent network on the same masks under one defence; the caption says what was
matched and how near. What was found is in ``engine/study/README.md``.
"""

from __future__ import annotations

import argparse
import json
import sys

import torch

from engine.architectures import Gru, Lstm, Rnn
from engine.assessment.values import Interval
from engine.canonical import plain
from engine.recipe import PopulationChoice
from engine.study.defences import DEFENCES
from engine.study.measure import study
from engine.study.values import MATCHES, Row, Side, Study
from engine.validate import InvalidValueError
from engine.written import signed

CONTESTED = {"digits": 600, "mnist5k": 1000, "mnist1d": 1000}
TITLES = tuple(defence.title for defence in DEFENCES)
FAMILIES = {"lstm": Lstm, "gru": Gru, "rnn": Rnn}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m engine.study", description=__doc__)
    parser.add_argument("population", choices=CONTESTED)
    parser.add_argument("--recurrent", choices=FAMILIES, default="lstm")
    parser.add_argument(
        "--match",
        choices=MATCHES,
        default="parameters",
        help="what is made equal: parameters alone, or train accuracy as well, by the epochs that are kept of both "
        "(accuracy) or by training the recurrent network longer (fit)",
    )
    parser.add_argument("--waves", type=int, default=2, help="of eight models, for each cohort")
    parser.add_argument("--epochs", type=int, default=30, help="of each training; the base of fit's longer one (30)")
    parser.add_argument("--defence", action="append", choices=TITLES, help="only this row; may be repeated")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    try:
        found = study(
            PopulationChoice(name=asked.population, contested=CONTESTED[asked.population]),
            FAMILIES[asked.recurrent](),
            matched_by=asked.match,
            waves=asked.waves,
            epochs=asked.epochs,
            defences=[defence for defence in DEFENCES if defence.title in (asked.defence or TITLES)],
        )
    except InvalidValueError as error:
        parser.error(str(error))
    printed = (
        json.dumps({"caption": found.caption, **plain(found)}, ensure_ascii=False) if asked.json else table(found)
    )
    sys.stdout.write(printed + "\n")


def table(found: Study) -> str:
    """The caption and a Markdown table: feed-forward · recurrent, then the paired differences with intervals."""
    lines = [
        found.caption,
        "",
        "| defence | train | test | AUC of LiRA | Δ test | Δ AUC |",
        "|---|---|---|---|---|---|",
        *(_line(row, chosen=found.matched_by != "parameters") for row in found.rows),
    ]
    return "\n".join(lines)


def _line(row: Row, *, chosen: bool) -> str:
    """One row of the table; ``chosen`` where its epochs were, by looking at private accuracy."""
    sides = (row.feed_forward, row.recurrent)
    cells = [
        row.defence + _epsilon(*sides, chosen=chosen),
        " · ".join(_plain(side.headline.train_accuracy) for side in sides),
        " · ".join(_plain(side.headline.test_accuracy) for side in sides),
        " · ".join(_plain(side.headline.auc) for side in sides),
        signed(row.difference.test_accuracy),
        signed(row.difference.auc),
    ]
    return f"| {' | '.join(cells)} |"


def _epsilon(*sides: Side, chosen: bool) -> str:
    """What is proved of either side, if anything: kept epochs that differ have spent different ε."""
    claims = [side.headline.claim for side in sides]
    proved = {f"{claim.epsilon:.3g}": claim for claim in claims if claim is not None and claim.epsilon is not None}
    if not proved:
        return ""
    left_out = ", choosing the epoch by private accuracy not covered" if chosen else ""
    return f" (ε {' · '.join(proved)}, δ {next(iter(proved.values())).delta:g}{left_out})"


def _plain(interval: Interval) -> str:
    """An estimate and half its interval."""
    return f"{interval.estimate:.3f} ± {(interval.high - interval.low) / 2:.3f}"


if __name__ == "__main__":
    main()
