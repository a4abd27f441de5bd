"""From the signals of a cohort to everything the screen shows about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.assessment.agreement import agreement, scores_by_attack, verdicts
from engine.assessment.honesty import honesty
from engine.assessment.informed import Informed, informed_figures, informed_test
from engine.assessment.intervals import over_pairs
from engine.assessment.leakage import attackers, leakage, pair_figures, setup_of
from engine.assessment.null import no_leakage_test
from engine.assessment.reasons import reasons
from engine.assessment.risk import group_risk, pair_risk, precision_recall, record_risk, reliability, riskiest
from engine.assessment.risk_score import risk_score
from engine.assessment.values import Answers, Assessment, Headline, Interval, PrivacyClaim, ScoreHistogram
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.attacks.informed import KnownMembers, Oracle
from engine.signals import Signals
from engine.validate import InvalidValueError, choice, whole

_HISTOGRAM_BINS = 40
_SMALLEST_COHORT = 3  # pairs: the jackknife leaves one out, and the pair under attack needs another as shadows
_SMALLEST_CHOICE = 4  # pairs: records are chosen on two and reported on two


def assess(
    draws: Sequence[Signals],
    masks: NDArray[np.bool_],
    attack: str,
    *,
    classes: int,
    claim: PrivacyClaim | None,
    seed: int,
    shadows: Signals | Sequence[Signals] | None = None,
    properties: Mapping[str, NDArray[np.float64]] | None = None,
    informed: Informed | None = None,
) -> Assessment:
    """Utility and leakage of a cohort under one attack.

    Args:
        draws: K signals of the same M models on the N contested records, one for each released copy.
        masks: (M, N); rows 2p and 2p + 1 are pair p and complementary.
        attack: a key of ``ATTACKS``.
        classes: C, for the record.
        claim: what the accountant proves about the recipe, or None.
        seed: of the masks that the randomization test draws.
        shadows: signals of another cohort on the same masks, or its draws, for the attacker who does not adapt; the
            leakage figures and the null test are then that attacker's, and the adaptive one stands beside.
        properties: (P, N) by name, what may go with the risk of records.
        informed: who attacks with thresholds from the target's own records instead of shadows, and is judged on
            those that he does not know; scores record by record are left out where some are known.

    Raises:
        InvalidValueError: for an unknown attack, fewer than three pairs, masks that are not complementary or
            leave a target without members or without non-members, or signals that are not finite.
    """
    others = (shadows,) if isinstance(shadows, Signals) else shadows
    _check((*draws, *(others or ())), masks, attack)
    setup = setup_of(attack)
    if informed is None:
        figures, judged = pair_figures(draws, masks, setup, others), None
        null_test = no_leakage_test(setup, draws[0], masks, seed=seed, shadows=others[0] if others else None)
    else:
        figures, judged = informed_figures(draws, masks, informed)
        null_test = informed_test(draws[0], masks, informed, seed=seed)
    leaked, counted = leakage(figures, masks, judged), np.ones_like(masks) if judged is None else judged
    pairs = pair_risk(draws, masks, ATTACKS["lira"])  # risk is that of the strongest attacker, who adapts
    named = riskiest(pairs) if len(masks) >= 2 * _SMALLEST_CHOICE else None
    scores = scores_by_attack(draws[0], masks)
    headline = Headline(
        attack=attack,
        records=masks.shape[1],
        classes=classes,
        pairs=len(masks) // 2,
        shadows=0 if informed else setup.shadows(len(masks)),
        draws=len(draws),
        train_accuracy=accuracy(draws, masks),
        test_accuracy=accuracy(draws, ~masks),
        auc=leaked.auc,
        balanced_accuracy=leaked.balanced_accuracy,
        low_fpr=leaked.low_fpr,
        null_test=null_test,
        claim=claim,
        adaptive=others is None,
        known_members=isinstance(informed, KnownMembers),
        upper_bound=isinstance(informed, Oracle),
    )
    return Assessment(
        headline=headline,
        roc=leaked.roc,
        histogram=_score_histogram(leaked.scores[0][counted], masks[counted]),
        risk=record_risk(pairs),
        reliability=reliability(pairs.posterior, masks),
        precision_recall=precision_recall(pairs.posterior, masks),
        risk_score=risk_score(draws[0], masks),
        groups=(group_risk(pairs, draws[0].labels, by="class"),),
        riskiest=named,
        verdicts=None if named is None else verdicts(scores, masks, named.record),
        agreement=agreement(scores, masks),
        answers=answers(draws[0], masks, leaked.scores[0]) if counted.all() else None,
        honesty=honesty(headline, leaked.scores),
        attackers=None if others is None else attackers(pair_figures(draws, masks, setup), figures, masks),
        reasons=reasons(pairs, properties or {}),
    )


def accuracy(draws: Sequence[Signals], chosen: NDArray[np.bool_]) -> Interval:
    """Share of the chosen records (M, N) whose label has the largest logit, mean over draws, Student t over pairs."""
    correct = np.mean([signals.correct for signals in draws], axis=0)
    counts = chosen.sum(axis=1)
    by_model = (correct * chosen).sum(axis=1) / counts
    return over_pairs(by_model.reshape(-1, 2).mean(axis=1), least=1 / float(counts.mean()))


def answers(signals: Signals, masks: NDArray[np.bool_], scores: NDArray[np.float64]) -> Answers:
    """What a screen needs to move a threshold and to show one record, from scores (M, N) of the same models."""
    return Answers(
        labels=signals.labels.astype(np.int32),
        members=np.packbits(masks, axis=1),
        scores=_single(scores),
        phi=_single(signals.phi),
    )


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """In single precision: finite, and negative where the values are."""
    info = np.finfo(np.float32)
    rounded = np.clip(values, info.min, info.max).astype(np.float32)
    return np.where((values < 0) & (rounded == 0), -info.smallest_subnormal, rounded)


def _score_histogram(scores: NDArray[np.float64], masks: NDArray[np.bool_]) -> ScoreHistogram:
    """Counts between the 2 % and 98 % quantiles of all scores, of any shape; the outer bins hold the rest."""
    low, high = np.quantile(scores, (0.02, 0.98))
    reach = 1e-6 * max(1.0, abs(low), abs(high))
    if high - low < reach:  # scores that are all alike still need bins of some width
        low, high = low - reach, high + reach
    edges = np.linspace(low, high, _HISTOGRAM_BINS + 1)
    held = np.clip(scores, edges[0], edges[-1])
    return ScoreHistogram(
        edges=edges,
        members=np.histogram(held[masks], bins=edges)[0],
        non_members=np.histogram(held[~masks], bins=edges)[0],
    )


def _check(draws: Sequence[Signals], masks: NDArray[np.bool_], attack: str) -> None:
    """Refuse what would give a wrong number instead of none."""
    choice("attack", attack, ATTACKS)
    smallest = _SMALLEST_COHORT + CATALOGUE[attack].costly  # either half needs a pair more than the one left out
    whole("pairs of a cohort", len(masks) // 2, at_least=smallest)
    if len(masks) % 2 or not np.array_equal(masks[1::2], ~masks[::2]):
        raise InvalidValueError("masks must come in complementary pairs, rows 2p and 2p + 1")
    if not (masks.any(axis=1) & ~masks.all(axis=1)).all():
        raise InvalidValueError("masks must give every model members and non-members")
    if not draws or any(signals.phi.shape != masks.shape for signals in draws):
        raise InvalidValueError(f"signals must have the shape of the masks, {masks.shape}")
    if not all(np.isfinite(signals.phi).all() for signals in draws):
        raise InvalidValueError(
            "signals must be finite: the training diverged, try a smaller learning rate or less noise"
        )
