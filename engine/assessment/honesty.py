"""What a reader should know before believing an assessment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.assessment.intervals import over_pairs
from engine.assessment.roc import auc, sweep
from engine.assessment.values import Headline, Honesty, Interval, PrivacyClaim
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE

_FOLDS = 5


def honesty(headline: Headline, scores: NDArray[np.float64]) -> Honesty:
    """The honesty panel of an assessment whose masks are fair coins.

    Args:
        headline: its numbers.
        scores: (K, M, N) of the attack.
    """
    return Honesty(
        ties=ties(scores),
        smallest_claimable_fpr=headline.smallest_claimable_fpr,
        threat_model=_of_the_target(headline) or threat_model(headline.attack, adaptive=headline.adaptive),
        epsilon_assumes=epsilon_assumes(headline.claim),
    )


def ties(scores: NDArray[np.float64]) -> float:
    """Share of the scores (..., N) that another record of the same row has too."""
    rising = np.sort(scores, axis=-1)
    same = rising[..., 1:] == rising[..., :-1]
    tied = np.zeros(scores.shape, dtype=bool)
    tied[..., 1:] |= same
    tied[..., :-1] |= same
    return float(tied.mean())


def threat_model(attack: str, *, adaptive: bool) -> str:
    """What the attacker knows, one sentence."""
    knows = "; ".join(KNOWLEDGE[part] for part in CATALOGUE[attack].knows)
    shadows = "the target's own recipe and release" if adaptive else "another recipe or release than the target's"
    trained = f"; its shadow models have {shadows}" if "shadows" in CATALOGUE[attack].knows else ""
    return f"The attacker knows each record in question with its label; {knows}{trained}."


def _of_the_target(headline: Headline) -> str:
    """What is known where thresholds come from the target's own records, one sentence; empty where they do not."""
    knows = "; ".join(KNOWLEDGE[part] for part in CATALOGUE[headline.attack].knows if part != "shadows")
    if headline.upper_bound:
        return (
            f"An upper bound and no attacker: {knows}; thresholds are the best for the records that are judged, "
            "whose membership is known to it."
        )
    if headline.known_members:
        return (
            f"The attacker knows each record in question with its label; {knows}; which records are members for half "
            "of the target's members and as many others, on which nothing is judged."
        )
    return ""


def epsilon_assumes(claim: PrivacyClaim | None) -> str:
    """What the ε of a claim presumes, one sentence; empty where no ε is claimed."""
    if claim is None or claim.epsilon is None:
        return ""
    return (
        f"ε holds for one training run, at δ = {claim.delta:g}, between data sets that differ as follows: "
        f"{claim.relation}; it does not cover a choice among several runs."
    )


def blind_baseline(features: NDArray[np.float64], members: NDArray[np.bool_], *, seed: int) -> Interval:
    """AUC of telling members from non-members by the records alone, without any model.

    Where it is clearly above ½ the two groups differ in themselves, and an attack's success says little about the
    model (Das, Zhang & Tramèr 2024, "Blind baselines beat membership inference attacks for foundation models").
    Scores are out of fold: a forest is fitted on four fifths of the records and judges the last fifth.

    Args:
        features: (N, d) of the records.
        members: (N,), at least five members and five non-members.
        seed: of the folds and the forest, in [0, 2³²).

    Returns:
        The mean over folds, with Student t over the folds.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold

    aucs = []
    for train, test in StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(features, members):
        forest = RandomForestClassifier(min_samples_leaf=5, random_state=seed).fit(features[train], members[train])
        chance = forest.predict_proba(features[test])[:, 1]
        aucs.append(float(auc(sweep(chance, members[test]))))
    smaller = min(int(members.sum()), int((~members).sum()))
    return over_pairs(np.array(aucs), least=1 / smaller)
