"""Every attack once more, written as its paper writes it: one record after the other, one shadow after the other."""

from __future__ import annotations

import math
import statistics
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy.stats import norm, t

from engine.attacks.statistic import augmented_loss
from engine.signals import Signals

Naive = Callable[[Signals, Signals, np.ndarray], np.ndarray]  # for one mask (S, N)


def _each(target: Signals, score: Callable[[int, int], float]) -> np.ndarray:
    """(T, N) from a score for every model and record."""
    models, records = target.phi.shape
    return np.array([[score(model, i) for i in range(records)] for model in range(models)])


# ---- thresholds --------------------------------------------------------------------------------------------


def best_threshold(values: np.ndarray, members: np.ndarray) -> float:
    """The first best of all observed values in rising order, in the plain words of the definition."""
    best, found = 0.0, -1.0
    for tau in np.unique(values).tolist():
        quality = 0.5 * ((values >= tau)[members].mean() + (values < tau)[~members].mean())
        if quality > found + 1e-12:
            best, found = tau, quality
    return best


def _by_class(values: np.ndarray, members: np.ndarray, labels: np.ndarray) -> dict[int, float]:
    """The best threshold of each class, or of all where a side is empty."""
    found = {}
    for label in set(labels.tolist()):
        here = np.broadcast_to(labels == label, values.shape)
        both = members[here].any() and not members[here].all()
        found[label] = best_threshold(values[here] if both else values, members[here] if both else members)
    return found


def thresholded(
    natural: Callable[[Signals], np.ndarray], scale: Callable[[float], float], *, by_class: bool = False
) -> Naive:
    """The threshold attack on a statistic in the paper's own units; ``scale`` is what our scores are measured in."""

    def attack(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
        values, asked = natural(shadows), natural(target)
        if by_class:
            taus = _by_class(values, masks, shadows.labels)
        else:
            taus = dict.fromkeys(target.labels.tolist(), best_threshold(values, masks))
        return _each(target, lambda m, i: scale(asked[m, i]) - scale(taus[int(target.labels[i])]))

    return attack


def _logit(confidence: float) -> float:
    return math.log(confidence / (1 - confidence))


def _phi_of_loss(loss: float) -> float:
    return _logit(math.exp(-loss))


def _confidence(signals: Signals) -> np.ndarray:
    return 1 / (1 + np.exp(-signals.phi))


def _losses(signals: Signals) -> list[list[float]]:
    return [[-math.log(confidence) for confidence in row] for row in _confidence(signals).tolist()]


def average_loss(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Loss at most the mean training loss."""
    losses = _losses(shadows)
    tau = statistics.fmean(losses[s][i] for s, i in zip(*np.nonzero(masks), strict=True))
    return _each(target, lambda m, i: target.phi[m, i] - _phi_of_loss(tau))


def hashed(row: Sequence[float], member: bool, occurrence: int) -> int:
    """SplitMix64, chained, in Python's unbounded integers."""
    state = int(member)
    for value in [*(struct.unpack("<Q", struct.pack("<d", each + 0.0))[0] for each in row)]:
        state = _mixed(state ^ value)
    return _mixed(state ^ occurrence)


def _mixed(state: int) -> int:
    state = (state + 0x9E3779B97F4A7C15) % 2**64
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def drawn(rows: Sequence[Sequence[float]], members: Sequence[bool]) -> list[int]:
    """Indices of the rows in the order of their hashes."""
    seen: Counter[tuple[object, ...]] = Counter()
    keys = []
    for row, member in zip(rows, members, strict=True):
        keys.append(hashed(row, member, seen[*row, member]))
        seen[*row, member] += 1
    return sorted(range(len(keys)), key=keys.__getitem__)


def _powerful(of_target: np.ndarray, of_shadows: np.ndarray, keys: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The best of 1,001 thresholds for the first 100 members and 100 non-members, from φ.

    Who is first is decided by the last bits of ``keys``, so these come from the attack itself.
    """
    losses, members = np.logaddexp(0, -of_shadows).ravel().tolist(), masks.ravel().tolist()
    order = drawn([[key] for key in keys.ravel().tolist()], members)
    inside = [losses[k] for k in order if members[k]][:100]
    outside = [losses[k] for k in order if not members[k]][:100]
    best, found = 0.0, -2.0
    for step in range(1001):
        tau = np.mean(inside) + np.std(inside) * (-5 + step / 100)
        share = [sum(loss <= tau for loss in side) / len(side) for side in (inside, outside)]
        if share[0] - share[1] > found + 1e-12:
            best, found = float(tau), share[0] - share[1]
    return of_target - _phi_of_loss(best)


def powerful_loss(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """On the loss of the record."""
    return _powerful(target.phi, shadows.phi, shadows.phi, masks)


def powerful_loss_augmented(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """On the mean loss of the changed copies."""
    means = []
    for signals in (target, shadows):
        copies = [_losses(copy) for copy in signals.augmented]
        means.append(_each(signals, lambda m, i, c=copies: _phi_of_loss(sum(each[m][i] for each in c) / len(c))))
    return _powerful(means[0], means[1], augmented_loss(shadows), masks)


def correctness(target: Signals, _: Signals, __: np.ndarray) -> np.ndarray:
    """Right or wrong."""
    return _each(target, lambda m, i: 0.5 if target.correct[m, i] else -0.5)


def _share_right(copies: tuple[Signals, ...]) -> np.ndarray:
    return _each(copies[0], lambda m, i: sum(bool(copy.correct[m, i]) for copy in copies) / len(copies))


def _minus_log(value: float) -> float:
    return -math.log(-value)


def _itself(value: float) -> float:
    return value


# ---- likelihood ratios -------------------------------------------------------------------------------------


def _sides(shadows: Signals, masks: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """φ of the shadows with each record, and without."""
    records = range(masks.shape[1])
    return [shadows.phi[masks[:, i], i] for i in records], [shadows.phi[~masks[:, i], i] for i in records]


def _pooled(side: list[np.ndarray]) -> float:
    squares = sum(((phi - phi.mean()) ** 2).sum() for phi in side)
    return squares / sum(len(phi) - 1 for phi in side)


def lira(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Difference of two normal log densities, variances pooled."""
    sides = _sides(shadows, masks)
    variances = [_pooled(side) for side in sides]

    def log(m: int, i: int, k: int) -> float:
        phi = sides[k][i]
        return float(norm.logpdf(target.phi[m, i], phi.mean(), np.sqrt(variances[k] * (1 + 1 / len(phi)))))

    return _each(target, lambda m, i: log(m, i, 0) - log(m, i, 1))


def lira_per_record(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """The same with the variance of the record's own shadows, pooled only where there is one."""
    sides = _sides(shadows, masks)

    def log(m: int, i: int, k: int) -> float:
        phi = sides[k][i]
        variance = phi.var(ddof=1) if len(phi) > 1 else _pooled(sides[k])
        return float(norm.logpdf(target.phi[m, i], phi.mean(), np.sqrt(variance * (1 + 1 / len(phi)))))

    return _each(target, lambda m, i: log(m, i, 0) - log(m, i, 1))


def lira_augmented(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """The mean over copies."""
    scores = [lira(own, theirs, masks) for own, theirs in zip(target.augmented, shadows.augmented, strict=True)]
    return np.sum(scores, axis=0) / len(scores)


def lira_offline(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Φ⁻¹ of equation 4."""
    outside = _sides(shadows, masks)[1]
    variance = _pooled(outside)

    def z(m: int, i: int) -> float:
        spread = np.sqrt(variance * (1 + 1 / len(outside[i])))
        return float(norm.ppf(norm.cdf(target.phi[m, i], outside[i].mean(), spread)))

    return _each(target, z)


def lira_offline_density(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """−log density, from which −log of a normal variable's density at its median distance is taken."""
    outside = _sides(shadows, masks)[1]
    variance = _pooled(outside)
    usual = -norm.logpdf(norm.ppf(0.75) * np.sqrt(variance), 0, np.sqrt(variance))

    def surprise(m: int, i: int) -> float:
        spread = np.sqrt(variance * (1 + 1 / len(outside[i])))
        return float(-norm.logpdf(target.phi[m, i], outside[i].mean(), spread) - usual)

    return _each(target, surprise)


def lira_conjugate(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Difference of two Student t log densities."""
    predictives = [_predictives(side) for side in _sides(shadows, masks)]
    return _each(
        target,
        lambda m, i: predictives[0][i].logpdf(target.phi[m, i]) - predictives[1][i].logpdf(target.phi[m, i]),
    )


def _predictives(side: list[np.ndarray]) -> list:
    """The posterior predictive of each record, the prior fitted by moments."""
    variance = _pooled(side)
    fourth = np.mean([phi.var(ddof=1) ** 2 / (1 + 2 / (len(phi) - 1)) for phi in side if len(phi) > 1])
    shape = 2 + 1 / max(fourth / variance**2 - 1, 1e-4)
    middle = np.mean([phi.mean() for phi in side])
    between = np.mean([(phi.mean() - middle) ** 2 - variance / len(phi) for phi in side])
    weight = variance / max(between, 1e-4 * variance)
    found = []
    for phi in side:
        own = weight + len(phi)
        after = shape + len(phi) / 2
        squares = ((phi - phi.mean()) ** 2).sum()
        scale = (shape - 1) * variance + squares / 2 + weight * len(phi) * (phi.mean() - middle) ** 2 / (2 * own)
        spread = np.sqrt(scale * (own + 1) / (after * own))
        found.append(t(2 * after, (weight * middle + phi.sum()) / own, spread))
    return found


# ---- relative and percentile attacks -----------------------------------------------------------------------


def _relative(
    target: Signals, shadows: Signals, expected: Callable[[int], float], guess: Callable[[float], float]
) -> np.ndarray:
    """Counts LR(x, z) ≥ 1 over public records, from P(x) and from what P(z) makes of a mean."""
    assert target.public is not None
    assert shadows.public is not None
    own, public, theirs = _confidence(target), _confidence(target.public), _confidence(shadows.public)
    of_z = [guess(theirs[:, z].mean()) for z in range(theirs.shape[1])]

    def share(m: int, i: int) -> float:
        ratio = own[m, i] / expected(i)
        return sum(ratio / (public[m, z] / of_z[z]) >= 1 for z in range(len(of_z))) / len(of_z) - 0.5

    return _each(target, share)


def rmia(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """P(x) from both sides."""
    confidence = _confidence(shadows)

    def expected(i: int) -> float:
        return (confidence[masks[:, i], i].mean() + confidence[~masks[:, i], i].mean()) / 2

    return _relative(target, shadows, expected, float)


def rmia_offline(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """P(x) guessed from OUT."""
    confidence = _confidence(shadows)

    def guess(mean: float) -> float:
        return 0.5 * (1.3 * mean + 0.7)

    return _relative(target, shadows, lambda i: guess(confidence[~masks[:, i], i].mean()), guess)


def attack_r(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Linear interpolation between the sorted losses, 0 and 1000."""

    def score(m: int, i: int) -> float:
        losses = [0.0, *sorted(shadows.loss[~masks[:, i], i].tolist()), 1000.0]
        return 0.5 - float(np.interp(target.loss[m, i], losses, np.linspace(0, 1, len(losses))))

    return _each(target, score)


def attack_p(target: Signals, _: Signals, __: np.ndarray) -> np.ndarray:
    """Share of greater public losses."""
    assert target.public is not None
    public = _losses(target.public)
    own = _losses(target)
    return _each(target, lambda m, i: sum(loss > own[m][i] for loss in public[m]) / len(public[m]) - 0.5)


def quantile_regression(target: Signals, _: Signals, __: np.ndarray) -> np.ndarray:
    """Deviations above the mean of the class."""
    assert target.public is not None
    public = target.public

    def score(m: int, i: int) -> float:
        same = [public.phi[m, z] for z in range(len(public.labels)) if public.labels[z] == target.labels[i]]
        seen = same if len(same) > 1 else public.phi[m].tolist()
        return (target.phi[m, i] - statistics.fmean(seen)) / statistics.pstdev(seen)

    return _each(target, score)


def neural(target: Signals, shadows: Signals, masks: np.ndarray) -> np.ndarray:
    """Rows made one by one, a network of scikit-learn's, and its forward pass written out."""
    from sklearn.neural_network import MLPClassifier

    classes = int(shadows.labels.max()) + 1
    rows = [_row(shadows, s, i, classes) for s, i in product(*map(range, masks.shape))]
    order = drawn(rows, masks.ravel().tolist())[:2000]
    network = MLPClassifier((32,), learning_rate_init=0.01, shuffle=False, random_state=0)
    batches = len(order) // 200 + (len(order) % 200 > 0)
    for _ in range(250 // batches):
        network.partial_fit(np.array(rows)[order], masks.ravel()[order], classes=[False, True])

    def log_odds(m: int, i: int) -> float:
        hidden = np.maximum(_row(target, m, i, classes) @ network.coefs_[0] + network.intercepts_[0], 0)
        return (hidden @ network.coefs_[1] + network.intercepts_[1]).item()

    return _each(target, log_odds)


def _row(signals: Signals, model: int, record: int, classes: int) -> list[float]:
    outputs = [float(np.log(np.float64(p))) / 4 for p in signals.top[model, record]]
    label = [float(label == signals.labels[record]) for label in range(classes)]
    return [*outputs, *label, float(signals.correct[model, record])]


NAIVE: dict[str, Naive] = {
    "lira": lira,
    "lira_per_record": lira_per_record,
    "lira_conjugate": lira_conjugate,
    "lira_augmented": lira_augmented,
    "lira_offline": lira_offline,
    "lira_offline_density": lira_offline_density,
    "rmia": rmia,
    "rmia_offline": rmia_offline,
    "attack_r": attack_r,
    "attack_p": attack_p,
    "quantile_regression": quantile_regression,
    "neural": neural,
    "confidence": thresholded(_confidence, _logit),
    "confidence_by_class": thresholded(_confidence, _logit, by_class=True),
    "loss": thresholded(lambda signals: -np.array(_losses(signals)), lambda value: _phi_of_loss(-value)),
    "loss_by_class": thresholded(
        lambda signals: -np.array(_losses(signals)), lambda value: _phi_of_loss(-value), by_class=True
    ),
    "entropy": thresholded(lambda signals: -signals.entropy, _minus_log),
    "entropy_by_class": thresholded(lambda signals: -signals.entropy, _minus_log, by_class=True),
    "modified_entropy": thresholded(lambda signals: -signals.modified_entropy, _minus_log),
    "modified_entropy_by_class": thresholded(lambda signals: -signals.modified_entropy, _minus_log, by_class=True),
    "average_loss": average_loss,
    "powerful_loss": powerful_loss,
    "powerful_loss_augmented": powerful_loss_augmented,
    "correctness": correctness,
    "robustness_to_augmentation": thresholded(lambda signals: _share_right(signals.augmented), _itself),
    "robustness_to_noise": thresholded(lambda signals: _share_right(signals.noisy), _itself),
    "gradient_norm": thresholded(lambda signals: -signals.gradient_norm, _minus_log),  # pyright: ignore
    "distance_l2": thresholded(lambda signals: -signals.distance_l2, _itself),  # pyright: ignore
    "distance_linf": thresholded(lambda signals: -signals.distance_linf, _itself),  # pyright: ignore
}
"""The second implementation of every attack, for one mask."""
