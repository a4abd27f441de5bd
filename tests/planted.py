"""Cohorts of signals with known leakage, drawn without training anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from engine.assessment import assess
from engine.assessment.values import Assessment, PrivacyClaim
from engine.populations.catalogue import SMALLEST_PUBLIC_PART
from engine.signals import TOP, Signals


@dataclass(frozen=True, kw_only=True)
class Records:
    """N records: how easy each is and how much a model's φ on it rises when it trains on it, all (N,)."""

    ease: NDArray[np.float64]
    shift: NDArray[np.float64]
    labels: NDArray[np.int64]


def planted_records(
    random: np.random.Generator, records: int, *, shift: float, classes: int = 10, ease: float = 2.0
) -> Records:
    """Records of varied ease and shift, with these means."""
    spread = random.lognormal(0.0, 0.5, records)
    return Records(
        ease=random.normal(ease, 2.0, records),
        shift=shift * spread / spread.mean(),
        labels=random.integers(0, classes, records),
    )


def complementary_masks(random: np.random.Generator, pairs: int, records: int) -> NDArray[np.bool_]:
    """(2·pairs, N): a Bernoulli(½) draw and its complement for every pair."""
    first = random.random((pairs, records)) < 0.5
    return np.stack([first, ~first], axis=1).reshape(2 * pairs, records)


def planted_signals(random: np.random.Generator, records: Records, masks: NDArray[np.bool_]) -> Signals:
    """φ = how easy the record is + the shift of members + a model's own level + noise; correct where φ > 0."""
    level = random.normal(0.0, 0.2, (len(masks), 1))
    noise = random.normal(0.0, 1.0, masks.shape)
    return signals_from_phi(records.ease + records.shift * masks + level + noise, records.labels)


def signals_from_phi(phi: NDArray[np.float64], labels: NDArray[np.int64] | None = None) -> Signals:
    """Signals with these φ (T, N), of one class unless said otherwise, and with all that attacks may know.

    The other classes are equally likely. What is known beyond the answers is a fixed function of each φ, so that
    permuting records permutes it too, and answers that are all alike are alike in everything.
    """
    plain = answers(phi, np.zeros(phi.shape[1], dtype=np.int64) if labels is None else labels)
    return replace(
        plain,
        public=_public(len(phi), plain.labels),
        augmented=(plain, *(answers(_wobbled(phi, copy), plain.labels) for copy in (1, 2))),
        noisy=tuple(answers(_wobbled(phi, copy), plain.labels) for copy in (3, 4)),
        gradient_norm=2 / (1 + np.exp(np.clip(phi, -30, 30))) + 1e-6,
        distance_l2=np.maximum(4 - phi, 0.0),  # ties at 0
        distance_linf=np.maximum(4 - _wobbled(phi, 5), 0.0) / 10,
    )


def answers(phi: NDArray[np.float64], labels: NDArray[np.int64]) -> Signals:
    """Signals with these φ and nothing beyond the answers; at least two classes.

    In closed form, for simulations draw thousands of cohorts: the label has probability p = 1/(1 + e^−φ), each of
    the other classes q = (1 − p)/(C − 1).
    """
    classes = max(2, int(labels.max()) + 1)
    log_p, log_rest = -np.logaddexp(0.0, -phi), -np.logaddexp(0.0, phi)
    p, rest = np.exp(log_p), np.exp(log_rest)
    q = rest / (classes - 1)
    log_without_q = log_p if classes == 2 else np.log1p(-q)
    kept = min(classes, TOP)
    place = np.arange(kept)
    of_label = np.where(p >= q, 0, classes - 1)[..., None]  # where the label stands among the sorted classes
    return Signals(
        phi=phi,
        correct=phi > 0,
        entropy=-p * log_p - rest * (log_rest - np.log(classes - 1)),
        modified_entropy=-rest * log_p - rest * log_without_q,
        top=np.where(place == of_label, p[..., None], q[..., None]).astype(np.float32),
        labels=labels,
    )


def _wobbled(phi: NDArray[np.float64], copy: int) -> NDArray[np.float64]:
    """φ on a changed copy of the record."""
    return phi - 0.5 - 0.3 * np.sin((5 + copy) * phi)


def _public(models: int, labels: NDArray[np.int64]) -> Signals:
    """Answers of T models on as few public records as an attacker has, as varied as planted records.

    They differ a little by model. Fewer would leave attack P whole blocks of records with the same score.
    """
    record = np.arange(SMALLEST_PUBLIC_PART)
    model = np.arange(models)[:, None]
    phi = 2 + 2 * norm.ppf((record + 0.5) / record.size) + 0.5 * np.sin((model + 1) * record)
    return answers(phi, np.resize(np.unique(labels), record.size))


def of_records(signals: Signals, order: NDArray[np.intp]) -> Signals:
    """The signals of some of the contested records, in this order; public records stay."""

    def chosen(values: Any) -> Any:
        return None if values is None else values[:, order]

    return replace(
        signals,
        **{field: chosen(getattr(signals, field)) for field in _BY_RECORD},
        labels=signals.labels[order],
        augmented=tuple(of_records(copy, order) for copy in signals.augmented),
        noisy=tuple(of_records(copy, order) for copy in signals.noisy),
    )


_BY_RECORD = (
    "phi",
    "correct",
    "entropy",
    "modified_entropy",
    "top",
    "gradient_norm",
    "distance_l2",
    "distance_linf",
)


def planted_cohort(
    seed: int, *, pairs: int = 4, records: int = 300, shift: float = 1.5, classes: int = 10, ease: float = 2.0
) -> tuple[Signals, NDArray[np.bool_]]:
    """Signals and masks of one cohort."""
    random = np.random.default_rng(seed)
    planted = planted_records(random, records, shift=shift, classes=classes, ease=ease)
    masks = complementary_masks(random, pairs, records)
    return planted_signals(random, planted, masks), masks


def assessed(attack: str, *draws: Signals, masks: np.ndarray, claim: PrivacyClaim | None = None) -> Assessment:
    """The assessment of a planted cohort of ten classes."""
    return assess(draws, masks, attack, classes=10, claim=claim, seed=5)
