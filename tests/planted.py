"""Cohorts of signals with known leakage, drawn without training anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.signals import Signals
from engine.signals import signals as signals_of


@dataclass(frozen=True, kw_only=True)
class Records:
    """N records: how easy each is and how much a model's φ on it rises when it trains on it, all (N,)."""

    ease: NDArray[np.float64]
    shift: NDArray[np.float64]
    labels: NDArray[np.int64]


def planted_records(random: np.random.Generator, records: int, *, shift: float, classes: int = 10) -> Records:
    """Records of varied ease and shift, whose mean is ``shift``."""
    spread = random.lognormal(0.0, 0.5, records)
    return Records(
        ease=random.normal(2.0, 2.0, records),
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
    """Signals with these φ (T, N), of one class unless said otherwise; the other classes are equally likely."""
    own = np.zeros(phi.shape[1], dtype=np.int64) if labels is None else labels
    classes = max(2, int(own.max()) + 1)
    logits = np.zeros((*phi.shape, classes))
    np.put_along_axis(logits, own[None, :, None], (phi + np.log(classes - 1))[..., None], axis=2)
    return replace(signals_of(logits, own), phi=phi, correct=phi > 0)


def planted_cohort(
    seed: int, *, pairs: int = 4, records: int = 300, shift: float = 1.5, classes: int = 10
) -> tuple[Signals, NDArray[np.bool_]]:
    """Signals and masks of one cohort."""
    random = np.random.default_rng(seed)
    planted = planted_records(random, records, shift=shift, classes=classes)
    masks = complementary_masks(random, pairs, records)
    return planted_signals(random, planted, masks), masks
