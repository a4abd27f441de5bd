"""Who is at risk: the riskiest records with the story of each, groups of records, and what goes with the risk."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.results.details import SMALL_HEIGHT
from dashboard.results.figures import Figure, axis, layout
from dashboard.results.standing import beliefs
from dashboard.results.words import DASH, attack_title, between, decimals, short
from engine.assessment.risk import PairRisk, group_risk
from engine.assessment.values import Answers, Assessment, GroupRisk

Rows = list[dict[str, str]]

STORY_HEIGHT = 220
MOST_GROUPS = 12
"""Groups that are drawn: those at the highest risk; the table has all."""

_LANES = 5  # dots of one row stand on so many heights, so that equal ones can be told apart


@dataclass(frozen=True, kw_only=True)
class Named:
    """A record with its risk.

    Attributes:
        rank: from 0, the place among the riskiest that the assessment names; None where it is not one of them.
        record: its position among the contested records.
        label: its class; None where the assessment has no labels.
        member: its risk in models that trained on it, with the ends of its 95 % interval.
        non_member: its risk in models that did not.
        chosen: the risk by which it has its place, measured on other models; None where all models were asked.
        picture: (rows, columns) of ink, None where it is not a picture.
    """

    rank: int | None
    record: int
    label: int | None
    member: tuple[float, float, float]
    non_member: float
    chosen: float | None
    picture: NDArray[np.uint8] | None

    @property
    def title(self) -> str:
        """Its name on screen."""
        return f"Record {self.record:,}" + ("" if self.label is None else f", class {self.label}")


def named(found: Assessment) -> tuple[Named, ...]:
    """The riskiest records, the riskiest first; none in assessments that do not name any."""
    risky = found.riskiest
    if risky is None:
        return ()
    labels = found.answers.labels if found.answers else None
    drawn = pictures(found)
    return tuple(
        Named(
            rank=rank,
            record=int(record),
            label=None if labels is None else int(labels[record]),
            member=(float(risky.member[rank]), float(risky.low[rank]), float(risky.high[rank])),
            non_member=float(risky.non_member[rank]),
            chosen=float(risky.chosen[rank]),
            picture=drawn.get(int(record)),
        )
        for rank, record in enumerate(risky.record)
    )


def pictures(found: Assessment) -> dict[int, NDArray[np.uint8]]:
    """The records that are kept as pictures, by position."""
    if found.pictures is None:
        return {}
    return {int(record): pixels for record, pixels in zip(found.pictures.record, found.pictures.pixels, strict=True)}


def naming(found: Assessment) -> str:
    """How the riskiest records were chosen, or why none is named."""
    if found.riskiest is None:
        return "This measurement names no records: it was stored before there was such a list. Measure it again."
    return (
        "The records with the highest posterior of membership, chosen on one half of the models and shown with what "
        "the other half says, so that nobody is listed by chance alone. Choose one to see its story."
    )


def story(one: Named) -> str:
    """A record's risk in one sentence."""
    estimate, low, high = one.member
    others = "" if one.chosen is None else f" It was chosen on the other models, at {short(one.chosen)}."
    return (
        f"Where a model trained on it, the attacker's belief that it did is {short(estimate)} "
        f"({short(low)} {DASH} {short(high)}); where it did not, {short(one.non_member)}.{others}"
    )


def confidences(answers: Answers, one: Named) -> Figure:
    """The record's φ in every model: one row of dots for those that trained on it, one for the others."""
    inside, outside = _sides(answers, one)
    looks = (
        ("trained on it", inside, 1, {"color": "@member", "symbol": "circle"}),
        ("left it out", outside, 0, {"color": "@outsider", "symbol": "diamond"}),
    )
    return {
        "data": [_dots(name, phi, row, marker) for name, phi, row, marker in looks],
        "layout": layout(
            height=STORY_HEIGHT,
            dragmode=False,
            xaxis=axis("Confidence in its label, on the logit scale (φ)"),
            yaxis=axis("", range=[-0.6, 1.6], tickvals=[0, 1], ticktext=["left out", "trained"], showgrid=False),
        ),
    }


def _sides(answers: Answers, one: Named) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """φ of the record in models with it and without it."""
    phi, member = answers.phi[:, one.record], answers.masks[:, one.record]
    return phi[member], phi[~member]


def _dots(name: str, phi: NDArray[np.float32], row: int, marker: dict[str, str]) -> dict[str, Any]:
    lanes = (np.arange(phi.size) % _LANES - _LANES // 2) * 0.09
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": np.sort(phi).astype(float).round(4).tolist(),
        "y": (row + lanes).tolist(),
        "marker": {**marker, "size": 9, "line": {"color": "@paper", "width": 1}},  # dots that overlap stay apart
        "hovertemplate": f"{name}: φ = %{{x:.2f}}<extra></extra>",
    }


def confidences_words(answers: Answers, one: Named) -> str:
    """What the two rows of dots show."""
    inside, outside = _sides(answers, one)
    if not inside.size or not outside.size:
        return "Not every record is on both sides with this few models."
    ahead = np.mean(np.sign(inside[:, None] - outside[None, :]) / 2 + 0.5)
    return (
        f"The {inside.size} models that trained on it reach φ = {inside.mean():.2f} on average, the {outside.size} "
        f"that left it out {outside.mean():.2f}. Of one model of each kind, the one that trained on it is the more "
        f"confident in {100 * ahead:.0f} % of all such pairs; 50 % would tell nothing."
    )


def confidences_rows(answers: Answers, one: Named) -> Rows:
    """φ of the record in every model."""
    sides = zip(answers.phi[:, one.record], answers.masks[:, one.record], strict=True)
    return [
        {"Model": str(model + 1), "Trained on it": "yes" if member else "no", "φ": f"{phi:.2f}"}
        for model, (phi, member) in enumerate(sides)
    ]


def verdicts(found: Assessment, one: Named) -> Rows:
    """What every attack says about the record; only the one that is shown where the record is not named."""
    said, answers = found.verdicts, found.answers
    if said is not None and one.rank is not None:
        return [
            _verdict(*row)
            for row in zip(said.attacks, said.found[:, one.rank], said.blamed[:, one.rank], strict=True)
        ]
    if answers is None:
        return []
    accused, member = answers.scores[:, one.record] >= 0, answers.masks[:, one.record]
    if member.all() or not member.any():
        return []
    return [_verdict(found.headline.attack, accused[member].mean(), accused[~member].mean())]


def _verdict(attack: str, found: float, blamed: float) -> dict[str, str]:
    return {
        "Attack": attack_title(attack),
        "Says “member” where a model trained on it": f"{100 * found:.0f} %",
        "Says so where it did not": f"{100 * blamed:.0f} %",
    }


_GROUPS = {
    "difficulty": ("easiest third", "middle third", "hardest third"),
    "answer without it": ("right label likely", "right label in doubt"),
}
"""The names of groups that are not told apart by numbers."""


def of_classes(found: Assessment, pairs: PairRisk | None, prior: float) -> tuple[GroupRisk, ...]:
    """Risk by class: as stored at prior ½, else from the pairs."""
    if prior == 0.5 or pairs is None or found.answers is None:
        return found.groups
    return (group_risk(pairs, found.answers.labels, by="class"),)


def subgroups(answers: Answers, pairs: PairRisk) -> tuple[GroupRisk, ...]:
    """Risk by what models without a record answer on it: whether its label is in doubt, and in thirds by how much.

    The groups are taken from all models, as fixed properties of the records; only those that are not empty are told.

    Args:
        answers: of the M models.
        pairs: the risk of the first of them.
    """
    left_out = beliefs(answers).left_out
    if np.isnan(left_out).any():  # with few models some records are in all of them
        return ()
    ranks = np.argsort(np.argsort(-left_out, kind="stable"), kind="stable")
    return (
        group_risk(pairs, (left_out < 0.5).astype(np.int64), by="answer without it"),
        group_risk(pairs, 3 * ranks // left_out.size, by="difficulty"),
    )


def group_name(group: GroupRisk, number: int) -> str:
    """A group's name on screen."""
    return _GROUPS[group.by][number] if group.by in _GROUPS else f"{group.by} {number}"


def groups(group: GroupRisk) -> Figure:
    """Mean risk of each group with its interval, those at the highest risk on top."""
    order = np.argsort(group.risk)[-MOST_GROUPS:]
    # Plotly reads some tags, and shows a quotation mark that is written as HTML does as it is written.
    names = [escape(group_name(group, number), quote=False) for number in group.group[order]]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "name": "mean risk, 95 % interval",
                "x": group.risk[order].tolist(),
                "y": names,
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": (group.high - group.risk)[order].tolist(),
                    "arrayminus": (group.risk - group.low)[order].tolist(),
                    "thickness": 1.5,
                    "width": 4,
                    "color": "@member",
                },
                "marker": {"color": "@member", "size": 9},
                "text": [f"{count:,} records" for count in group.records[order]],
                "hovertemplate": "%{y}: risk %{x:.3f}, %{text}<extra></extra>",
            }
        ],
        "layout": layout(
            height=max(SMALL_HEIGHT, 90 + 22 * len(names)),
            dragmode=False,
            xaxis=axis("Mean risk of its records, in training"),
            yaxis=axis("", type="category"),
        ),
    }


def groups_words(group: GroupRisk) -> str:
    """Which group is at the highest and which at the lowest risk."""
    top, low = int(group.risk.argmax()), int(group.risk.argmin())
    left = (
        ""
        if len(group.group) <= MOST_GROUPS
        else f" Of {len(group.group)} groups the {MOST_GROUPS} highest are drawn."
    )
    apart = "" if group.low[top] > group.high[low] else " Their intervals overlap: do not read much into it."
    return (
        f"Highest: {group_name(group, group.group[top])} at {short(group.risk[top])} ({short(group.low[top])} {DASH} "
        f"{short(group.high[top])}); lowest: {group_name(group, group.group[low])} at {short(group.risk[low])}."
        f"{apart}{left}"
    )


def groups_rows(group: GroupRisk) -> Rows:
    """All groups, the riskiest first."""
    return [
        {
            group.by.capitalize(): _GROUPS[group.by][group.group[i]] if group.by in _GROUPS else str(group.group[i]),
            "Records": f"{group.records[i]:,}",
            "Mean risk": short(group.risk[i]),
            "95 % interval": f"{short(group.low[i])} {DASH} {short(group.high[i])}",
        }
        for i in map(int, np.argsort(-group.risk))
    ]


def reasons(found: Assessment) -> Rows:
    """What goes with a record's risk."""
    return [
        {
            "Property of a record": reason.name,
            "Rank correlation with its risk": decimals(reason.correlation),
            "95 % interval": between(reason.correlation),
        }
        for reason in found.reasons
    ]


def agreement(found: Assessment) -> Rows:
    """How far other attacks hold the same records to be at risk as the one that is shown."""
    same = found.agreement
    if same is None or not same.attacks:
        return []
    own = same.attacks.index(found.headline.attack) if found.headline.attack in same.attacks else 0
    return [
        {
            f"Against {attack_title(same.attacks[own])}": attack_title(name),
            "Rank correlation of records": short(same.correlation[own, i]),
            f"Of its top {same.top} the same": f"{100 * same.overlap[own, i]:.0f} %",
        }
        for i, name in enumerate(same.attacks)
        if i != own
    ]
