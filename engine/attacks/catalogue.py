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
        costly: whether fitting it to shadows takes seconds, so that it cannot be repeated for every pair left out.
    """

    name: str
    title: str
    about: str
    source: str
    knows: tuple[Knowledge, ...]
    ranks_without_shadows: bool
    costly: bool = False


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
        name="confidence_by_class",
        title="Confidence, threshold by class",
        about="Accuses records on which the target is confident, with a threshold for each class from shadows.",
        source="Song & Mittal 2021, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="loss",
        title="Loss threshold",
        about="Accuses records on which the target's loss is small; the simplest attack there is.",
        source="Yeom et al. 2018, section 3.2",
        knows=("outputs", "shadows"),
        ranks_without_shadows=True,
    ),
)

CATALOGUE: dict[str, AttackInfo] = {info.name: info for info in _ALL}
