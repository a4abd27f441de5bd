"""Signals: what attacks read from a model's answers, computed once, in float64.

All arrays are NumPy. Logits come from ``engine.models.evaluation``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

TOP = 10
"""How many of the largest probabilities are kept."""


@dataclass(frozen=True, kw_only=True)
class Signals:
    """Answers of T models on N records, as the attacker sees them.

    The fields after ``labels`` cost more than one evaluation, and are there only for attacks whose catalogue entry
    says that they know of them.

    Attributes:
        phi: (T, N) float64, the logit-scaled confidence φ = z_y − log Σ_{i≠y} exp z_i
            (Carlini et al. 2022, section IV-C). The loss is log(1 + e^{−φ}), the confidence 1 / (1 + e^{−φ}).
        correct: (T, N) bool, whether the label has the largest logit.
        entropy: (T, N) float64, −Σ_i p_i log p_i in nats.
        modified_entropy: (T, N) float64, −(1 − p_y) log p_y − Σ_{i≠y} p_i log(1 − p_i) in nats
            (Song & Mittal 2021, equation 8).
        top: (T, N, k) float32, the k = min(C, ``TOP``) largest probabilities, largest first.
        labels: (N,) int64, the true labels y, known to the attacker.
        public: the same models on the attacker's own records, which no model was trained on.
        augmented: the same models on the same records, each changed as training data are augmented; one value for
            each change, the unchanged records first.
        noisy: likewise with noise on the records, the least noise first; the unchanged records are not among them.
        gradient_norm: (T, N) L2 norm of the loss's gradient with respect to all weights.
        distance_l2: (T, N) least L2 change of the record after which the model is confident of its label.
        distance_linf: (T, N) likewise, the largest change of one feature.
    """

    phi: NDArray[np.float64]
    correct: NDArray[np.bool_]
    entropy: NDArray[np.float64]
    modified_entropy: NDArray[np.float64]
    top: NDArray[np.float32]
    labels: NDArray[np.int64]
    public: Signals | None = None
    augmented: tuple[Signals, ...] = ()
    noisy: tuple[Signals, ...] = ()
    gradient_norm: NDArray[np.float64] | None = None
    distance_l2: NDArray[np.float64] | None = None
    distance_linf: NDArray[np.float64] | None = None

    @property
    def loss(self) -> NDArray[np.float64]:
        """(T, N) cross-entropy log(1 + e^{−φ}), exact also where the confidence rounds to 1."""
        return np.logaddexp(0.0, -self.phi)

    def of_models(self, index: slice | NDArray[np.intp]) -> Signals:
        """The signals of some of the models."""
        rows = {name: _cut(getattr(self, name), index, Signals.of_models) for name in _BY_MODEL}
        return Signals(labels=self.labels, **rows)


_BY_MODEL = tuple(field.name for field in fields(Signals) if field.name != "labels")


class _OfModels(Signals):
    """Some of the models; every field is cut out when it is first read."""

    def __init__(self, whole: Signals, index: slice | NDArray[np.intp]) -> None:
        self.__dict__.update(whole=whole, index=index, labels=whole.labels)  # attributes are frozen


def _when_read(name: str) -> cached_property[Any]:
    """The field of ``_OfModels`` with this name."""

    def read(some: _OfModels) -> Any:
        return _cut(getattr(some.__dict__["whole"], name), some.__dict__["index"], lazily_of_models)

    made = cached_property(read)
    made.__set_name__(_OfModels, name)
    return made


for _name in _BY_MODEL:
    setattr(_OfModels, _name, _when_read(_name))


def lazily_of_models(whole: Signals, index: slice | NDArray[np.intp]) -> Signals:
    """The signals of some of the models, to read and not to keep: only what is read is copied.

    Most attacks read one field of many, and every pair of a cohort has shadows of its own to be cut out.
    """
    return _OfModels(whole, index)


def _cut(held: Any, index: slice | NDArray[np.intp], deeper: Callable[..., Signals]) -> Any:
    """Some models' rows of what a field holds, which may be nothing, signals or several of them."""
    if isinstance(held, tuple):
        return tuple(deeper(each, index) for each in held)
    if isinstance(held, Signals):
        return deeper(held, index)
    return None if held is None else held[index]


def together(parts: Sequence[Signals]) -> Signals:
    """The signals of several groups of models on the same records as those of one group."""
    first = parts[0]

    def rows(name: str) -> Any:
        return None if getattr(first, name) is None else np.concatenate([getattr(part, name) for part in parts])

    def copies(name: str) -> tuple[Signals, ...]:
        return tuple(together(copy) for copy in zip(*(getattr(part, name) for part in parts), strict=True))

    return Signals(
        phi=rows("phi"),
        correct=rows("correct"),
        entropy=rows("entropy"),
        modified_entropy=rows("modified_entropy"),
        top=rows("top"),
        labels=first.labels,
        public=first.public and together([part.public for part in parts if part.public is not None]),
        augmented=copies("augmented"),
        noisy=copies("noisy"),
        gradient_norm=rows("gradient_norm"),
        distance_l2=rows("distance_l2"),
        distance_linf=rows("distance_linf"),
    )


def signals(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> Signals:
    """Signals from logits; log-probabilities are as good, for what is added to all logits of a record cancels.

    Args:
        logits: (T, N, C) float64, C at least 2.
        labels: (N,) int64 in [0, C).
    """
    logits = np.asarray(logits, dtype=np.float64)
    picked = labels[None, :, None]
    log_rest = _log_of_the_rest(logits)
    log_p = _log_probabilities(logits, log_rest)
    p = np.exp(log_p)
    own = np.take_along_axis(logits, picked, axis=2)
    return Signals(
        phi=(own - _log_sum_exp(_without(logits, picked)))[..., 0],
        correct=logits.argmax(axis=2) == labels,
        entropy=-(p * log_p).sum(axis=2),
        modified_entropy=_modified_entropy(log_p, log_rest, picked),
        top=-np.sort(-p, axis=2)[..., :TOP].astype(np.float32),
        labels=labels,
    )


def _modified_entropy(
    log_p: NDArray[np.float64], log_rest: NDArray[np.float64], picked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(T, N) from log p and log(1 − p), both (T, N, C)."""
    terms = -np.exp(log_p) * log_rest
    own = np.take_along_axis(-np.exp(log_rest) * log_p, picked, axis=2)
    np.put_along_axis(terms, np.broadcast_to(picked, own.shape), own, axis=2)
    return terms.sum(axis=2)


def _log_of_the_rest(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """log(1 − p_i) for every class, (T, N, C), without the cancellation of 1 − p_i where p_i is close to 1.

    Only the largest logit can have a probability above ½; its rest is summed from the others.
    """
    whole = _log_sum_exp(logits)
    largest = logits.argmax(axis=2)[..., None]
    rest = np.log1p(-np.minimum(np.exp(logits - whole), 0.5))
    np.put_along_axis(rest, largest, _log_sum_exp(_without(logits, largest)) - whole, axis=2)
    return rest


def _log_probabilities(logits: NDArray[np.float64], log_rest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms of p_i for every class, (T, N, C); a p_i close to 1 comes from its rest, which has more digits."""
    direct = logits - _log_sum_exp(logits)
    return np.where(direct > -0.5, np.log1p(-np.exp(np.minimum(log_rest, -0.5))), direct)


def _without(logits: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The logits (T, N, C) with one class of each record, (T or 1, N, 1), made impossible."""
    others = logits.copy()
    np.put_along_axis(others, np.broadcast_to(classes, (*logits.shape[:2], 1)), -np.inf, axis=2)
    return others


def _log_sum_exp(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, N, 1)."""
    return np.asarray(logsumexp(logits, axis=2, keepdims=True))
