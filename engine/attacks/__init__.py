"""One function per attack, in NumPy; a higher score always means "more likely a member".

An attack takes the target's signals, the shadows' signals and the shadows' masks; the target's own mask is
no argument of it (``informed`` has attackers who know of it, as types of their own). It says "member" where its
score is at least 0. ``catalogue`` describes the attacks in words.
"""

from __future__ import annotations

from engine.attacks import statistic
from engine.attacks.attack import Attack
from engine.attacks.conjugate import lira_conjugate
from engine.attacks.likelihood_ratio import (
    lira,
    lira_augmented,
    lira_offline,
    lira_offline_density,
    lira_per_record,
)
from engine.attacks.neural import neural
from engine.attacks.percentiles import attack_p, attack_r, quantile_regression
from engine.attacks.relative import rmia, rmia_offline
from engine.attacks.statistic import Statistic
from engine.attacks.thresholds import (
    Rule,
    Thresholded,
    average_member_loss,
    best_by_class,
    best_for_all,
    powerful,
    right_or_wrong,
)

_THRESHOLDED: dict[str, tuple[Statistic, Rule]] = {
    "confidence_by_class": (statistic.confidence, best_by_class),
    "loss": (statistic.loss, best_for_all),
    "loss_by_class": (statistic.loss, best_by_class),
    "confidence": (statistic.confidence, best_for_all),
    "entropy": (statistic.entropy, best_for_all),
    "entropy_by_class": (statistic.entropy, best_by_class),
    "modified_entropy": (statistic.modified_entropy, best_for_all),
    "modified_entropy_by_class": (statistic.modified_entropy, best_by_class),
    "average_loss": (statistic.loss, average_member_loss),
    "powerful_loss": (statistic.loss, powerful),
    "powerful_loss_augmented": (statistic.augmented_loss, powerful),
    "correctness": (statistic.correctness, right_or_wrong),
    "robustness_to_augmentation": (statistic.robustness_to_augmentation, best_for_all),
    "robustness_to_noise": (statistic.robustness_to_noise, best_for_all),
    "gradient_norm": (statistic.gradient_norm, best_for_all),
    "distance_l2": (statistic.distance_l2, best_for_all),
    "distance_linf": (statistic.distance_linf, best_for_all),
}

THRESHOLDED: dict[str, Thresholded] = {
    name: Thresholded(statistic=of, rule=rule) for name, (of, rule) in _THRESHOLDED.items()
}
"""The attacks that compare one statistic with a threshold; ``informed`` takes these."""

ATTACKS: dict[str, Attack] = {
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
    **THRESHOLDED,
}
