"""Every attack on a handful of records, where the score can be worked out with pencil and paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt

import numpy as np
import pytest

from engine.attacks import ATTACKS
from engine.signals import Signals
from tests.attack_cells import cell
from tests.planted import answers, signals_from_phi


@dataclass(frozen=True, kw_only=True)
class Example:
    """What is given to an attack, and the scores (T, N) that must come out."""

    target: Signals
    shadows: Signals
    masks: Sequence[Sequence[int]]
    expected: Sequence[Sequence[float]]


def signals(
    phi: Sequence[Sequence[float]], labels: Sequence[int] | None = None, **more: Sequence[Sequence[float]]
) -> Signals:
    """Signals from rows of φ, all of one class unless said otherwise, with some arrays replaced."""
    values = np.array(phi, dtype=np.float64)
    own = np.zeros(values.shape[1], dtype=np.int64) if labels is None else np.array(labels)
    given = {name: np.array(rows, dtype=np.float64) for name, rows in more.items()}
    return replace(signals_from_phi(values, own), **given)


def of_losses(losses: Sequence[Sequence[float]]) -> Signals:
    """Signals with these losses L, by φ = −log(e^L − 1)."""
    return signals([[-log(exp(each) - 1) for each in row] for row in losses])


def of_confidence(confidence: Sequence[Sequence[float]]) -> Signals:
    """Signals with these probabilities p of the label, by φ = log(p / (1 − p))."""
    return signals([[log(p / (1 - p)) for p in row] for row in confidence])


def _threshold(field: str, given: Sequence[float], asked: Sequence[float], expected: Sequence[float]) -> Example:
    """One shadow; its first three records are members, the other three are not."""
    zeros = [[0.0] * 6]
    return Example(
        target=signals(zeros, None, **{field: [asked]}),
        shadows=signals(zeros, None, **{field: [given]}),
        masks=[[1, 1, 1, 0, 0, 0]],
        expected=[expected],
    )


def _small(field: str) -> Example:
    """Members .1, .2, .9 and others .3, .5, 1: at most .2 finds 2/3 without a false alarm, and is the best."""
    asked = [0.1, 0.2, 0.4, 0.1, 0.2, 0.8]
    return _threshold(field, [0.1, 0.2, 0.9, 0.3, 0.5, 1.0], asked, [log(2), 0, -log(2), log(2), 0, -2 * log(2)])


def _distance(field: str) -> Example:
    """Members 0, 0, 3 and others 1, 2, 4: a distance of 0 finds 2/3 without a false alarm."""
    return _threshold(field, [0, 0, 3, 1, 2, 4], [0, 1.5, 2, 0, 5, 3], [0, -1.5, -2, 0, -5, -3])


def _small_by_class(field: str) -> Example:
    """Class 0: members .1 and .2 under others .4 and .8, τ = .2. Class 1: ten times as much, τ = 2."""
    labels = [0, 0, 1, 1]
    zeros = [[0.0] * 4] * 2
    return Example(
        target=signals(zeros[:1], labels, **{field: [[0.1, 0.4, 1.0, 4.0]]}),
        shadows=signals(zeros, labels, **{field: [[0.1, 0.4, 1.0, 4.0], [0.8, 0.2, 8.0, 2.0]]}),
        masks=[[1, 0, 1, 0], [0, 1, 0, 1]],
        expected=[[log(2), -log(2), log(2), -log(2)]],
    )


# Members 5, 4, 1; others 3, 2, 0. From 4 up: TPR 2/3, FPR 0; from 1 up: TPR 1, FPR 2/3; the best is τ = 4.
GLOBAL = Example(
    target=signals([[6.0, 4.0, 3.5, 0.0, -2.0, 4.5]]),
    shadows=signals([[5.0, 4.0, 1.0, 3.0, 2.0, 0.0]]),
    masks=[[1, 1, 1, 0, 0, 0]],
    expected=[[2.0, 0.0, -0.5, -4.0, -6.0, 0.5]],
)

# Class 0: members 5 and 4 over others 1 and 0, τ = 4. Class 1: the same, lower by 10, τ = −6.
BY_CLASS = Example(
    target=signals([[4.0, 3.0, -6.0, -7.0]], [0, 0, 1, 1]),
    shadows=signals([[5.0, 1.0, -5.0, -9.0], [0.0, 4.0, -10.0, -6.0]], [0, 0, 1, 1]),
    masks=[[1, 0, 1, 0], [0, 1, 0, 1]],
    expected=[[0.0, -1.0, 0.0, -1.0]],
)

# Members lose 1 and 3, on average 2; φ of a loss of 2 is −log(e² − 1).
AVERAGE = Example(
    target=signals([[0.0, 1.0, -3.0]]),
    shadows=of_losses([[1.0, 3.0, 9.0]]),
    masks=[[1, 1, 0]],
    expected=[[log(exp(2) - 1), 1 + log(exp(2) - 1), -3 + log(exp(2) - 1)]],
)

# Members lose 1, 2, 6: mean 3, deviation √(14/3) = 2.160. The first candidate 3 + 2.160 k/100 that reaches 6 has
# k = 139; it finds all members, and others lose 7 and 9.
_TAU = 3 + 1.39 * sqrt(14 / 3)
POWERFUL = Example(
    target=signals([[0.0, 1.0, 2.0, -7.0, 0.0]]),
    shadows=of_losses([[1.0, 2.0, 6.0, 7.0, 9.0]]),
    masks=[[1, 1, 1, 0, 0]],
    expected=[[phi + log(exp(_TAU) - 1) for phi in (0.0, 1.0, 2.0, -7.0, 0.0)]],
)

# Two copies each, with the losses of POWERFUL as their means; the target's mean losses are 1.5 and 3.
_FIRST, _SECOND = of_losses([[0.5, 1.0, 5.0, 6.0, 8.0]]), of_losses([[1.5, 3.0, 7.0, 8.0, 10.0]])
POWERFUL_AUGMENTED = Example(
    target=replace(
        of_losses([[1.0, 1.0, 1.0, 1.0, 1.0]]),
        augmented=(of_losses([[1.0, 1.0, 1.0, 2.0, 2.0]]), of_losses([[2.0, 2.0, 2.0, 4.0, 4.0]])),
    ),
    shadows=replace(_FIRST, augmented=(_FIRST, _SECOND)),
    masks=[[1, 1, 1, 0, 0]],
    expected=[[log(exp(_TAU) - 1) - log(exp(loss) - 1) for loss in (1.5, 1.5, 1.5, 3.0, 3.0)]],
)


def _robust(field: str) -> Example:
    """Three copies. Members are right 3, 3 and 1 times, others 1, 0 and 2: three times is the best threshold."""

    def right(times: Sequence[int]) -> Signals:
        copies = tuple(signals([[1.0 if copy < each else -1.0 for each in times]]) for copy in range(3))
        return replace(copies[0], **{field: copies})

    return Example(
        target=right([3, 2, 1, 0, 3, 2]),
        shadows=right([3, 3, 1, 1, 0, 2]),
        masks=[[1, 1, 1, 0, 0, 0]],
        expected=[[0, -1 / 3, -2 / 3, -1, 0, -1 / 3]],
    )


# Two shadows a side, so s² = 2a² and the predictive variance is 3a²: 1 inside (mean 2), 9 outside (mean 0).
_IN, _OUT = 1 / sqrt(3), sqrt(3)
_TWO_A_SIDE = [[1], [1], [0], [0]]
_RATIO = log(3) + 0.5 * (2 / 3) ** 2
LIRA = Example(
    target=signals([[2.0]]),
    shadows=signals([[2 + _IN], [2 - _IN], [_OUT], [-_OUT]]),
    masks=_TWO_A_SIDE,
    expected=[[_RATIO]],
)

# A second record, whose shadows inside are twice as far apart: variance 4 instead of 1, which pooling would mix.
PER_RECORD = Example(
    target=signals([[2.0, 2.0]]),
    shadows=signals([[2 + _IN, 2 + 2 * _IN], [2 - _IN, 2 - 2 * _IN], [_OUT, _OUT], [-_OUT, -_OUT]]),
    masks=[[1, 1], [1, 1], [0, 0], [0, 0]],
    expected=[[_RATIO, log(3 / 2) + 0.5 * (2 / 3) ** 2]],
)

# The second copy's shadows are alike on both sides, so it says 0, and the mean is half of what the first says.
_BLIND = signals([[1.0], [-1.0], [1.0], [-1.0]])
AUGMENTED = Example(
    target=replace(LIRA.target, augmented=(LIRA.target, LIRA.target)),
    shadows=replace(LIRA.shadows, augmented=(LIRA.shadows, _BLIND)),
    masks=_TWO_A_SIDE,
    expected=[[_RATIO / 2]],
)

# One record, so the prior knows nothing beyond it: α = 10,002 and κ = 10,000, the largest there are. With s² = 1
# inside and 9 outside, β_n = 10,001.5 s², α_n = 10,003, κ_n = 10,002: t of 20,006 degrees, squared scale s² · c.
_C = 10_001.5 / 10_002
CONJUGATE = Example(
    target=signals([[2.0]]),
    shadows=signals([[2 + sqrt(0.5)], [2 - sqrt(0.5)], [3 * sqrt(0.5)], [-3 * sqrt(0.5)]]),
    masks=_TWO_A_SIDE,
    expected=[[log(3) + 10_003.5 * log(1 + 4 / (9 * _C * 20_006))]],
)

OFFLINE = replace(LIRA, expected=[[2 / 3]])
# ½ (z² + log(1 + ½) − .455), where .455 is the median of the square of a normal variable.
DENSITY = replace(LIRA, expected=[[0.5 * (4 / 9 + log(1.5) - 0.6744897501960817**2)]])

# P(x|θ) = .8. Inside .9 and .7, outside .5 and .3: P(x) = .6 and the ratio is 1.33. Public records: .5/.5 = 1,
# .5/.25 = 2, .9/.4 = 2.25, of which one is at most 1.33. Offline P(x) = ½ (1.3 · .4 + .7) = .61, ratio 1.31;
# public .5/.675, .5/.5125, .9/.61 = 1.48, of which two are.
RMIA = Example(
    target=replace(of_confidence([[0.8]]), public=of_confidence([[0.5, 0.5, 0.9]])),
    shadows=replace(of_confidence([[0.9], [0.7], [0.5], [0.3]]), public=of_confidence([[0.5, 0.25, 0.4]] * 4)),
    masks=_TWO_A_SIDE,
    expected=[[1 / 3 - 1 / 2]],
)

# Outside lose 1 and 3, which stand at 1/3 and 2/3: a loss of 2 at 1/2, of .5 at 1/6, of 3 at 2/3, of 2,000 at 1.
ATTACK_R = Example(
    target=of_losses([[2.0], [0.5], [3.0], [500.0]]),
    shadows=of_losses([[1.0], [0.7], [3.0]]),
    masks=[[0], [1], [0]],
    expected=[[0.0], [1 / 3], [-1 / 6], [0.5 - (2 + 497 / 997) / 3]],
)

# Of public φ 1, 2, 3, 4 two lie under 2.5, two and a half under 3, all under 9.
ATTACK_P = Example(
    target=replace(signals([[2.5, 3.0, 9.0]]), public=signals([[1.0, 2.0, 3.0, 4.0]])),
    shadows=signals([[0.0, 0.0, 0.0]]),
    masks=[[1, 0, 1]],
    expected=[[0.0, 0.125, 0.5]],
)

# Class 0: mean 1, deviation 1. Class 1: mean 13, deviation 3. Class 2 has one record: all five, mean 6.6.
QUANTILE = Example(
    target=replace(
        answers(np.array([[3.0, 10.0, 6.6]]), np.array([0, 1, 2])),
        public=answers(np.array([[0.0, 2.0, 10.0, 16.0, 5.0]]), np.array([0, 0, 1, 1, 2])),
    ),
    shadows=answers(np.zeros((1, 3)), np.array([0, 1, 2])),
    masks=[[1, 0, 1]],
    expected=[[2.0, -1.0, 0.0]],
)

# With members only there is nothing to learn, and the network says nothing.
NEURAL = Example(target=signals([[1.0, -1.0]]), shadows=signals([[2.0, 3.0]]), masks=[[1, 1]], expected=[[0.0, 0.0]])

EXAMPLES: dict[str, Example] = {
    "lira": LIRA,
    "lira_per_record": PER_RECORD,
    "lira_conjugate": CONJUGATE,
    "lira_augmented": AUGMENTED,
    "lira_offline": OFFLINE,
    "lira_offline_density": DENSITY,
    "rmia": RMIA,
    "rmia_offline": replace(RMIA, expected=[[2 / 3 - 1 / 2]]),
    "attack_r": ATTACK_R,
    "attack_p": ATTACK_P,
    "quantile_regression": QUANTILE,
    "neural": NEURAL,
    "confidence": GLOBAL,
    "loss": GLOBAL,
    "confidence_by_class": BY_CLASS,
    "loss_by_class": BY_CLASS,
    "entropy": _small("entropy"),
    "entropy_by_class": _small_by_class("entropy"),
    "modified_entropy": _small("modified_entropy"),
    "modified_entropy_by_class": _small_by_class("modified_entropy"),
    "average_loss": AVERAGE,
    "powerful_loss": POWERFUL,
    "powerful_loss_augmented": POWERFUL_AUGMENTED,
    "correctness": replace(GLOBAL, expected=[[0.5, 0.5, 0.5, -0.5, -0.5, 0.5]]),
    "robustness_to_augmentation": _robust("augmented"),
    "robustness_to_noise": _robust("noisy"),
    "gradient_norm": _small("gradient_norm"),
    "distance_l2": _distance("distance_l2"),
    "distance_linf": _distance("distance_linf"),
}


@cell("hand example", EXAMPLES)
def test_the_attack_gives_what_was_worked_out_by_hand(name: str) -> None:
    example = EXAMPLES[name]
    scores = ATTACKS[name](example.target, example.shadows, np.array(example.masks, dtype=bool))
    assert scores == pytest.approx(np.array(example.expected), rel=1e-9, abs=1e-12)


def test_the_neural_attack_learns_that_members_are_right_and_sure() -> None:
    # Members are at φ = 3, others at φ = −1; after 250 steps log odds lie well on their own side.
    phi = np.where(np.arange(400) % 2, 3.0, -1.0)[None]
    scores = ATTACKS["neural"](signals([[3.0, -1.0]]), signals(phi.tolist()), phi > 0)
    assert scores[0, 0] > 3
    assert scores[0, 1] < -3
