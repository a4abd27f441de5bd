"""Answers that tell less: from a model's logits to what an attacker can make of its treated answers.

Each function takes logits (T, N, C) in float64 and gives logits of the same shape whose softmax is the attacker's
best reading of the answer. None of them changes a predicted label: an answer always names the predicted class, so
where treatment makes it equal to another class it stays ahead by the smallest step that a float64 can take.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from engine.release.values import LabelOnly, Reduction, Rounding, Temperature, TopK

Logits = NDArray[np.float64]


def treated(logits: Logits, outputs: Reduction | None) -> Logits:
    """The logits as the treatment lets them be read."""
    match outputs:
        case None:
            return logits
        case Temperature(temperature=temperature):
            return tempered(logits, temperature)
        case Rounding(decimals=decimals):
            return rounded(logits, decimals)
        case TopK(k=k):
            return top(logits, k)
        case LabelOnly():
            return labels_only(logits)


def tempered(logits: Logits, temperature: float) -> Logits:
    """z/T (Guo et al. 2017, section 4.2)."""
    return keeping_labels(logits / temperature, logits)


def rounded(logits: Logits, decimals: int) -> Logits:
    """Logarithms of the probabilities rounded to d decimals, halves to even.

    A probability that was rounded to 0 is read as half a unit, ½ · 10^−d, the largest that it can have been; the
    softmax of what is returned divides by the new sum.
    """
    probabilities = np.exp(log_softmax(logits, axis=2)).round(decimals)
    return keeping_labels(np.log(np.maximum(probabilities, 0.5 * 10.0**-decimals)), logits)


def top(logits: Logits, k: int) -> Logits:
    """Logarithms of the k largest probabilities where they are, and what is left spread evenly over the others.

    The mean of the others is never above the k-th largest. Of equal classes the first counts as larger.
    """
    classes = logits.shape[2]
    if k >= classes:
        return logits
    order = np.argsort(-logits, axis=2, kind="stable")
    log_p = log_softmax(logits, axis=2)
    others = np.take_along_axis(log_p, order[..., k:], axis=2)
    smallest = np.take_along_axis(log_p, order[..., k - 1 : k], axis=2)
    share = np.minimum(logsumexp(others, axis=2, keepdims=True) - np.log(classes - k), smallest)
    answers = log_p.copy()
    np.put_along_axis(answers, order[..., k:], np.broadcast_to(share, others.shape), axis=2)
    return keeping_labels(answers, logits)


def labels_only(logits: Logits) -> Logits:
    """1 for the predicted class, 0 for the others: any two numbers in this order say all that a label says."""
    answers = np.zeros_like(logits)
    np.put_along_axis(answers, predicted(logits), 1.0, axis=2)
    return answers


def keeping_labels(answers: Logits, logits: Logits) -> Logits:
    """The answers, in which the class that the logits predict is ahead of all others.

    A treatment may make it equal to others, or by the rounding of floats lose it the last digit; then it is put the
    smallest step above them.
    """
    winner = predicted(logits)
    rest = answers.copy()
    np.put_along_axis(rest, winner, -np.inf, axis=2)
    least = np.nextafter(rest.max(axis=2, keepdims=True), np.inf)
    kept = answers.copy()
    np.put_along_axis(kept, winner, np.maximum(np.take_along_axis(answers, winner, axis=2), least), axis=2)
    return kept


def predicted(logits: Logits) -> NDArray[np.int64]:
    """The predicted classes, (T, N, 1); the first of equal ones."""
    return logits.argmax(axis=2, keepdims=True)
