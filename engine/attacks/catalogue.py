"""Which attacks there are, in words; the formulas are in the other modules of this folder."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AttackInfo:
    """One attack as the dashboard lists it.

    Attributes:
        name: its name in URLs and cache keys.
        title: its name on screen.
        about: one sentence on what the attacker does.
        source: the paper and section that define it.
        ranks_without_shadows: whether shadows only set the threshold, so that the order of scores (and with it
            AUC and TPR at an FPR) depends on the target alone.
    """

    name: str
    title: str
    about: str
    source: str
    ranks_without_shadows: bool


_ALL = (
    AttackInfo(
        name="lira",
        title="LiRA",
        about="Compares the target's confidence on a record with shadow models that did and did not see it.",
        source="Carlini et al. 2022, section V (online attack)",
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="confidence_by_class",
        title="Confidence, threshold by class",
        about="Accuses records on which the target is confident, with a threshold for each class from shadows.",
        source="Song & Mittal 2021, section 3.2",
        ranks_without_shadows=False,
    ),
    AttackInfo(
        name="loss",
        title="Loss threshold",
        about="Accuses records on which the target's loss is small; the simplest attack there is.",
        source="Yeom et al. 2018, section 3.2",
        ranks_without_shadows=True,
    ),
)

CATALOGUE: dict[str, AttackInfo] = {info.name: info for info in _ALL}
