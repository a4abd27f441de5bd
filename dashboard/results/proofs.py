"""ε from below and from above: what audits measured, what an accountant proves, and whether the two can both hold."""

from __future__ import annotations

from typing import Any

from dashboard.results.figures import Figure, axis, layout
from dashboard.results.words import attack_title, epsilon, scientific, short
from engine.assessment.values import CHOSEN_EPOCH, Assessment, LowerBound

HEIGHT = 240
Facts = list[tuple[str, str]]


def proved(found: Assessment) -> float | None:
    """The ε that is proved, None where none is finite."""
    claim = found.headline.claim
    return claim.epsilon if claim else None


def bounds(found: Assessment) -> Figure:
    """Lower bounds as arrows that point to larger ε, the proved one as a bar that nothing may pass."""
    above = proved(found)
    names = [_name(bound) for bound in found.audits]
    values = [bound.epsilon for bound in found.audits]
    most = max([*values, above or 0.0, 0.5])
    traces = [
        _marks("at least, measured", values, names, {"color": "@member", "symbol": "triangle-right", "size": 14})
    ]
    if above is not None:
        traces.append(
            _marks("at most, proved", [above], ["accountant"], {"color": "@proved", "symbol": "square", "size": 12})
        )
    return {
        "data": traces,
        "layout": layout(
            height=HEIGHT,
            dragmode=False,
            xaxis=axis("ε", range=[-0.02 * most, 1.12 * most]),
            yaxis=axis("", type="category"),
            shapes=[] if above is None else [_wall(above)],
        ),
    }


def _name(bound: LowerBound) -> str:
    return f"{bound.name} audit"


def _marks(name: str, values: list[float], names: list[str], marker: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": name,
        "x": values,
        "y": names,
        "text": [f"{value:.2f}" for value in values],
        "textposition": "top center",
        "textfont": {"size": 12, "color": "@ink"},
        "marker": marker,
        "hovertemplate": f"%{{y}}: {name}, %{{x:.3f}}<extra></extra>",
        "cliponaxis": False,
    }


def _wall(at: float) -> dict[str, Any]:
    line = {"color": "@proved", "width": 2, "dash": "dash"}
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line}


def finding(found: Assessment, *, stopped: bool = False) -> str:
    """Both sides in a few sentences; ``stopped`` where an early epoch is kept, here and below."""
    above = proved(found)
    best = max(found.audits, key=lambda bound: bound.epsilon, default=None)
    if best is None:
        measured = "No audit bounds ε from below here."
    elif best.epsilon == 0:
        measured = "No audit shows that ε is above 0: with these records and models the attack says too little."
    else:
        measured = (
            f"Measured: ε is at least {best.epsilon:.2f}, if its assumption holds ({_name(best)}, {best.assumption})."
        )
    if above is None:
        return f"{measured} No ε is proved, so nothing bounds it from above."
    together = "Both cannot hold." if contradictions(found) else "The truth lies between."
    chosen = f", {CHOSEN_EPOCH} not covered" if stopped else ""
    return f"{measured} Proved: ε is at most {above:.2f}{chosen}. {together}"


def crossings(found: Assessment) -> tuple[str, ...]:
    """What is to be told, and never hidden, when an attack does better than is proved possible."""
    crossing = found.crossing
    if crossing is None or not crossing.crossed:
        return ()
    return (f"The attack crosses the ceiling. {crossing.sentence}",)


def contradictions(found: Assessment) -> tuple[str, ...]:
    """Sentences on every lower bound above the proved ε at the same δ: one of the two is wrong."""
    claim, above = found.headline.claim, proved(found)
    if claim is None or above is None:
        return ()
    return tuple(
        f"The {_name(bound)} measured ε ≥ {bound.epsilon:.2f}, more than the proved {above:.2f}. Both cannot hold: "
        f"there is a bug, or an assumption is broken ({bound.assumption})."
        for bound in found.audits
        if bound.epsilon > above and bound.delta >= claim.delta
    )


def facts(found: Assessment, *, stopped: bool = False) -> Facts:
    """Every bound with what it rests on."""
    value, behind = epsilon(found.headline, stopped=stopped)
    attack = attack_title(found.headline.attack)
    return [
        (f"Proved: {value}", behind),
        *((f"{_name(bound)}: ε ≥ {bound.epsilon:.2f}", _rests_on(bound, attack)) for bound in found.audits),
        *(
            (
                f"Ceiling: no AUC above {short(ceiling.auc)}",
                f"{_sentence(ceiling.sentence)} Drawn beside the ROC curve.",
            )
            for ceiling in found.ceilings
        ),
        *([("Does the attack cross the ceiling?", found.crossing.sentence)] if found.crossing else []),
    ]


def _rests_on(bound: LowerBound, attack: str) -> str:
    guesses, sure = bound.guesses, f"{100 * (1 - bound.level):g} %"
    return (
        f"{_sentence(bound.assumption)} At δ = {scientific(bound.delta)}, with {sure} confidence, from "
        f"{guesses.made:,} guesses about the middle one of {bound.targets} models, {guesses.correct:,} of them "
        f"right. Attack: {attack}."
    )


def _sentence(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}."


def rows(found: Assessment, *, stopped: bool = False) -> list[dict[str, str]]:
    """The bounds as a table."""
    above = proved(found)
    listed = [
        {
            "Bound": _name(bound),
            "ε": f"at least {bound.epsilon:.3f}",
            "δ": scientific(bound.delta),
            "Rests on": bound.assumption,
        }
        for bound in found.audits
    ]
    claim = found.headline.claim
    if claim is not None and above is not None:
        listed.append(
            {
                "Bound": f"{claim.accountant} accountant",
                "ε": f"at most {above:.3f}",
                "δ": scientific(claim.delta),
                "Rests on": f"{claim.relation}; {CHOSEN_EPOCH} is not covered" if stopped else claim.relation,
            }
        )
    return listed
