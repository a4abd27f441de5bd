"""Do the attacks agree? The verdict of each about the riskiest records, and whom each holds to be at risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.assessment.leakage import setup_of
from engine.assessment.ranks import rank_correlation
from engine.assessment.values import Agreement, Verdicts
from engine.attacks.catalogue import CATALOGUE
from engine.signals import Signals
from engine.validate import InvalidValueError

_TOP_SHARE = 0.05


def scores_by_attack(
    signals: Signals, masks: NDArray[np.bool_], attacks: Iterable[str] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Scores (M, N) of every attack that finds what it reads among the signals.

    Args:
        signals: of the M models.
        masks: (M, N).
        attacks: names; all that are not costly to fit unless given.
    """
    names = [name for name, info in CATALOGUE.items() if not info.costly] if attacks is None else attacks
    found = {}
    for name in names:
        try:
            found[name] = setup_of(name).scores(signals, None, masks)
        except InvalidValueError:  # the release, or this evaluation, does not give the attack what it reads
            continue
    return found


def verdicts(
    scores: Mapping[str, NDArray[np.float64]], masks: NDArray[np.bool_], records: NDArray[np.integer]
) -> Verdicts:
    """What each attack says about some records.

    Args:
        scores: (M, N) by attack.
        masks: (M, N).
        records: (R,) positions.
    """
    inside = masks[:, records]
    accused = np.stack([each[:, records] >= 0 for each in scores.values()])
    return Verdicts(
        attacks=tuple(scores),
        found=(accused & inside).sum(axis=1) / inside.sum(axis=0),
        blamed=(accused & ~inside).sum(axis=1) / (~inside).sum(axis=0),
    )


def agreement(scores: Mapping[str, NDArray[np.float64]], masks: NDArray[np.bool_]) -> Agreement:
    """Rank correlation and overlap of the top records of each two attacks.

    Args:
        scores: (M, N) by attack.
        masks: (M, N).
    """
    risk = np.stack([(each * masks).sum(axis=0) / masks.sum(axis=0) for each in scores.values()])
    top = max(1, round(_TOP_SHARE * masks.shape[1]))
    among = np.zeros(risk.shape)
    np.put_along_axis(among, np.argsort(-risk, axis=1, kind="stable")[:, :top], 1.0, axis=1)
    return Agreement(
        attacks=tuple(scores),
        correlation=np.stack([rank_correlation(row, risk) for row in risk]),
        overlap=among @ among.T / top,
        top=top,
    )
