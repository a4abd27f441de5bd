"""Which attacks there are, in words; the formulas are in the other modules of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Knowledge = Literal["labels", "outputs", "shadows", "public", "augmented", "noisy", "weights"]

KNOWLEDGE: Mapping[Knowledge, str] = {
    "labels": "which class the model predicts",
    "outputs": "the probabilities that the model answers with",
    "shadows": "shadow models: models trained alike, on records that the attacker knows",
    "public": "records of the same kind that no model was trained on",
    "augmented": "the model's answers on changed copies of a record",
    "noisy": "the model's answers on noisy copies of a record",
    "weights": "the model itself, with its weights",
}
"""What an attacker can know, in words."""


@dataclass(frozen=True, kw_only=True)
class AttackInfo:
    """One attack as the dashboard lists it.

    Attributes:
        name: its name in URLs and cache keys.
        title: its name on screen.
        about: one sentence on what the attacker does.
        source: the paper and section that define it.
        knows: what the attacker must know; what a release does not give away disables the attack.
        ranks_without_shadows: whether shadows only set the threshold, so that the order of scores (and with it
            AUC and TPR at an FPR) depends on the target alone.
        costly: whether each alternative mask takes a fit of its own, too slow to be repeated a thousand times.
        threshold: whether a threshold on one statistic is all that it learns, so that it can learn it of the target.
        median: whether it decides at the median of shadows without the record, which jumps from a value to halfway
            between two where their number turns even.
    """

    name: str
    title: str
    about: str
    source: str
    knows: tuple[Knowledge, ...]
    ranks_without_shadows: bool
    costly: bool = False
    threshold: bool = False
    median: bool = False


_ALL = (
    AttackInfo(
        name="lira",
        title="LiRA",
        about="Compares the target's confidence on a record with shadow models that did and did not see it.",
        source="Carlini et al. 2022, section V (online attack)",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="lira_per_record",
        title="LiRA, variance by record",
        about="As LiRA, with the spread of each record's own shadow models; it takes many of them.",
        source="Carlini et al. 2022, section V (online attack)",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="lira_conjugate",
        title="LiRA for few shadows",
        about="As LiRA, with each record's mean and spread drawn towards those of all records.",
        source="Murphy 2007, after Carlini et al. 2022 and Brännvall 2026",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="lira_augmented",
        title="LiRA on changed copies",
        about="As LiRA, on the mean over changed copies of the record, as augmentation makes them.",
        source="Carlini et al. 2022, section VI-B (multiple queries)",
        knows=("outputs", "shadows", "augmented"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="lira_offline",
        title="LiRA offline",
        about="Asks whether the target is more confident of a record than shadow models that did not see it.",
        source="Carlini et al. 2022, equation 4 (one-sided)",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="lira_offline_density",
        title="LiRA offline, two-sided",
        about="Accuses records on which the target answers unlike shadow models that did not see them, surer or not.",
        source="Carlini et al. 2022, reference code (two-sided)",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="rmia",
        title="RMIA",
        about="Asks how often the target prefers a record to a public one by more than shadow models do.",
        source="Zarifzadeh et al. 2024, section 3",
        knows=("outputs", "shadows", "public"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="rmia_offline",
        title="RMIA offline",
        about="As RMIA, with shadow models that did not see the record, and a guess at those that did.",
        source="Zarifzadeh et al. 2024, section 3 (offline)",
        knows=("outputs", "shadows", "public"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="attack_r",
        title="Attack R",
        about="Finds the place of the target's loss among those of shadow models that did not see the record.",
        source="Ye et al. 2022, section 4",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        median=True,
    ),
    AttackInfo(
        name="attack_p",
        title="Attack P",
        about="Finds the place of the target's loss on a record among its losses on public records.",
        source="Ye et al. 2022, section 4",
        knows=("outputs", "public"),
        ranks_without_shadows=True,
    ),
    AttackInfo(
        name="quantile_regression",
        title="Quantile regression",
        about="Compares the target's confidence on a record with what it gives public records of the same class; "
        "the paper's attack looks at the record itself, too.",
        source="Bertran et al. 2023, section 3",
        knows=("outputs", "public"),
        ranks_without_shadows=True,
    ),
    AttackInfo(
        name="neural",
        title="Neural network on answers",
        about="Lets a small network learn from shadow models what answers on members look like.",
        source="Shokri et al. 2017, section V; Salem et al. 2019",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        costly=True,
    ),
    AttackInfo(
        name="confidence_by_class",
        title="Confidence, threshold by class",
        about="Accuses records on which the target is confident, with a threshold for each class from shadows.",
        source="Song & Mittal 2021, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        threshold=True,
    ),
    AttackInfo(
        name="loss",
        title="Loss threshold",
        about="Accuses records on which the target's loss is small; the simplest attack there is.",
        source="Yeom et al. 2018, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="loss_by_class",
        title="Loss, threshold by class",
        about="Accuses records of small loss, by class; decides as confidence does, of which the loss is −log.",
        source="Yeom et al. 2018, section 3.2; Song & Mittal 2021, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        threshold=True,
    ),
    AttackInfo(
        name="confidence",
        title="Confidence threshold",
        about="Accuses records on which the target is confident; decides as the loss does, which is −log of it.",
        source="Song & Mittal 2021, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="entropy",
        title="Entropy threshold",
        about="Accuses records on which the target's answer is decided, whether right or wrong.",
        source="Song & Mittal 2021, equation 7",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="entropy_by_class",
        title="Entropy, threshold by class",
        about="Accuses records on which the target's answer is decided, with a threshold for each class.",
        source="Song & Mittal 2021, equation 7",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        threshold=True,
    ),
    AttackInfo(
        name="modified_entropy",
        title="Modified entropy threshold",
        about="Accuses records on which the target's answer is decided and right.",
        source="Song & Mittal 2021, equation 8",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="modified_entropy_by_class",
        title="Modified entropy, threshold by class",
        about="Accuses records on which the target's answer is decided and right, with a threshold for each class.",
        source="Song & Mittal 2021, equation 8",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
        threshold=True,
    ),
    AttackInfo(
        name="average_loss",
        title="Average loss",
        about="Accuses records whose loss is at most the average training loss, as shadow models show it.",
        source="Yeom et al. 2018, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="powerful_loss",
        title="Powerful loss threshold",
        about="Accuses records of small loss, with the best threshold for 100 + 100 records of shadow models.",
        source="Kaya & Dumitras 2021, section 3",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="powerful_loss_augmented",
        title="Powerful loss threshold on changed copies",
        about="As the powerful loss threshold, on the mean loss over changed copies, as augmentation makes them.",
        source="Kaya & Dumitras 2021, section 3 (augmentation-aware)",
        knows=("outputs", "shadows", "augmented"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="correctness",
        title="Correctness (gap)",
        about="Accuses every record that the target classifies correctly.",
        source="Yeom et al. 2018, section 3; Song & Mittal 2021, section 3.2",
        knows=("labels",),
        ranks_without_shadows=True,
    ),
    AttackInfo(
        name="robustness_to_augmentation",
        title="Robustness to augmentation",
        about="Accuses records that stay correctly classified when they are changed as augmentation does.",
        source="Choquette-Choo et al. 2021",
        knows=("labels", "shadows", "augmented"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="robustness_to_noise",
        title="Robustness to noise",
        about="Accuses records that stay correctly classified under noise.",
        source="Choquette-Choo et al. 2021",
        knows=("labels", "shadows", "noisy"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="gradient_norm",
        title="Gradient norm",
        about="Accuses records on which the loss pulls little at the weights, as after training on them.",
        source="Nasr et al. 2019",
        knows=("weights", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="distance_l2",
        title="Distance to confident, L2",
        about="Accuses records that need little change until the target is confident of their label.",
        source="Kaya et al. 2020 (our reading)",
        knows=("weights", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
    AttackInfo(
        name="distance_linf",
        title="Distance to confident, L∞",
        about="Likewise, with the largest change of one feature; our reading of the paper.",
        source="Kaya et al. 2020 (our reading)",
        knows=("weights", "shadows"),
        ranks_without_shadows=True,
        threshold=True,
    ),
)

CATALOGUE: dict[str, AttackInfo] = {info.name: info for info in _ALL}
