"""The risk by pair of measured settings, computed once for all visitors."""

from __future__ import annotations

import streamlit as st

from engine.assessment.changes import answered_risk
from engine.assessment.risk import PairRisk
from engine.assessment.values import Answers, Assessment

FEWEST = 4
"""Pairs from which on records can be chosen on one half and reported on the other."""

_PAIRS = (32, 16, 8, 4)
_WORK = 1_300_000
"""Pairs² × records that are looked at: about 1.5 s of one core, once."""


def risk_by_pair(key: str, found: Assessment, prior: float, *, pairs: int | None = None) -> PairRisk | None:
    """The risk of a setting by pair, from the answers of its first released copy; None where that cannot be had.

    Args:
        key: of the assessment in the cache.
        found: the assessment.
        prior: the share of members among those asked about.
        pairs: how many pairs to look at; as many as are quickly done where it is None.
    """
    if found.answers is None or not enough_pairs(found):
        return None
    return _risk_by_pair(key, prior, pairs or pairs_looked_at(found.answers), found.answers)


def enough_pairs(found: Assessment) -> bool:
    """Whether records can be chosen on one half of the pairs and reported on the other."""
    return found.answers is not None and len(found.answers.members) >= 2 * FEWEST


def pairs_looked_at(answers: Answers) -> int:
    """How many of the pairs are looked at: all, unless that would take long."""
    quick = next((pairs for pairs in _PAIRS if pairs**2 * answers.labels.size <= _WORK), FEWEST)
    return min(len(answers.members) // 2, quick)


@st.cache_resource(max_entries=32, show_spinner=False)
def _risk_by_pair(key: str, prior: float, pairs: int, _answers: Answers) -> PairRisk:  # noqa: ARG001  the key tells
    return answered_risk(_answers, prior=prior, pairs=pairs)
