"""Records one after the other, with what chose them apart from what is said of them; and one record by its number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dashboard.results.people import Named, pictures
from dashboard.results.risks import Risks, basis
from dashboard.results.words import DASH, quoted
from engine.assessment.changes import choosing, reporting
from engine.assessment.intervals import of_means
from engine.assessment.values import Assessment

PAGE = 20
"""Records on one page of the gallery."""

_Numbers = tuple[float, float, float]


def listed(found: Assessment, of: Risks, records: Sequence[int] | NDArray[np.intp]) -> tuple[Named, ...]:
    """Records in the order given, each with its risk as told by models that had no say in the order.

    Where there are too few models for two halves, as told by all of them.

    Args:
        found: the assessment.
        of: its risks.
        records: positions among the contested records.
    """
    at = np.asarray(records, dtype=np.intp)
    chosen, member, non_member = _told(of, at)
    drawn, named = pictures(found), _ranks(found)
    return tuple(
        Named(
            rank=named.get(int(record)),
            record=int(record),
            label=None if of.labels is None else int(of.labels[record]),
            member=member[place],
            non_member=float(non_member[place]),
            chosen=None if chosen is None else float(chosen[place]),
            picture=drawn.get(int(record)),
        )
        for place, record in enumerate(at)
    )


def _told(of: Risks, at: NDArray[np.intp]) -> tuple[NDArray[np.float64] | None, list[_Numbers], NDArray[np.float64]]:
    """By which risk each was chosen, its risk in training with the ends of the interval, and its risk left out."""
    if of.pairs is None:
        nothing = np.zeros(at.size), np.ones(at.size)  # without intervals a risk may be anything
        low, high = nothing if of.low is None or of.high is None else (of.low[at], of.high[at])
        return None, _triples(of.member[at], low, high), of.non_member[at]
    first, second = choosing(of.pairs), reporting(of.pairs)
    member = of.pairs.member[second][:, at]
    low, high = of_means(member.mean(axis=0), member, independent=True)
    chosen = of.pairs.member[first][:, at].mean(axis=0)
    return chosen, _triples(member.mean(axis=0), low, high), of.pairs.non_member[second][:, at].mean(axis=0)


def _triples(*columns: NDArray[np.float64]) -> list[_Numbers]:
    return [(float(estimate), float(low), float(high)) for estimate, low, high in zip(*columns, strict=True)]


def _ranks(found: Assessment) -> dict[int, int]:
    """The place of each record that the assessment names."""
    return {} if found.riskiest is None else {int(record): rank for rank, record in enumerate(found.riskiest.record)}


def pages(records: int) -> int:
    """How many pages that many records fill; an empty gallery has one."""
    return max(1, -(-records // PAGE))


def caption(of: Risks, *, page: int, records: int) -> str:
    """Which records are on a page, and in which order they come."""
    first, last = page * PAGE + 1, min(records, (page + 1) * PAGE)
    order = (
        "the riskiest first."
        if of.pairs is None
        else "the riskiest first by one half of the models; each with what the other half says, so that nobody looks "
        "risky for having been picked."
    )
    return f"Records {first:,} {DASH} {last:,} of {records:,}, {order}{basis(of)}"


def record_in(text: str | None, records: int) -> tuple[int | None, str]:
    """The record that a URL names, and one sentence where it names none that there is.

    Args:
        text: what stands in the URL, None where nothing does.
        records: N.
    """
    if text is None:
        return None, ""
    if text.isascii() and text.isdecimal() and len(text) <= len(str(records)) and int(text) < records:
        return int(text), ""
    return None, f"record must be one of 0 to {records - 1:,}, got {quoted(text)}; the riskiest is shown instead."
