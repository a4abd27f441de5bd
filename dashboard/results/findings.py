"""What each figure shows, as one or two sentences: read under the figure and in place of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dashboard.results import allowed
from dashboard.results.figures import setting_words
from dashboard.results.thresholds import cuts
from dashboard.results.words import between, decimals, percent, percent_between
from dashboard.state.landscape import Landscape, Spot, models_of
from dashboard.state.stops import DIALS
from engine.assessment.values import Assessment, Reliability


def tradeoff(found: Landscape) -> str:
    """The finding of the accuracy-against-AUC figure."""
    parts = [_here(found), _path(found), _frontier(found), _pins(found), allowed.finding(found)]
    return " ".join(filter(None, parts))


def _here(found: Landscape) -> str:
    """The numbers of this setting."""
    if found.refusal:
        return "This setting is not possible."
    if found.current is None:
        return "This setting has not been measured."
    head = found.current.headline
    few = "" if found.complete else f" so far, on {models_of(found.waves)} of {found.view.models} models"
    return (
        f"This setting reaches a test accuracy of {percent(head.test_accuracy)} "
        f"({percent_between(head.test_accuracy)}) and an attack AUC of {decimals(head.auc)} "
        f"({between(head.auc)}){few}."
    )


def _path(found: Landscape) -> str:
    """What the line joins."""
    title, models = _traced(found), found.view.models
    if not found.path:
        return f"No stop of the dial “{title}” has been measured with {models} models yet."
    stops = len(found.view.stops(found.view.sweep))
    return (
        f"The path joins {len(found.path)} of {stops} stops of the dial “{title}”: those measured with "
        f"{models} models. Nothing between them has been measured."
    )


def _frontier(found: Landscape) -> str:
    """Which settings no other beats; nothing where there are not two to compare."""
    if not found.standings:
        return ""
    on = [spot for spot in found.spots if spot.view in found.standings and found.standings[spot.view].on]
    here = any(spot is found.current for spot in on)
    stops = [spot.label for spot in found.path if any(spot is one for one in on)]
    pins = [letter for letter, pin in found.pins.items() if any(pin is one for one in on)]
    before = len(on) - here - len(stops) - len(pins)
    names = [
        *(["this setting"] if here else []),
        *([f"“{_traced(found)}” at {_listed(stops)}"] if stops else []),
        *(f"pin {letter}" for letter in pins),
        *([f"{before} visited before"] if before else []),
    ]
    return (
        f"On the frontier, where no other of the {len(found.standings)} settings measured alike is at least as "
        f"accurate and leaks at most as much: {_listed(names)}.{_knee(found)}"
    )


def _knee(found: Landscape) -> str:
    """Where the frontier bends most, or that it cannot be told; nothing where fewer than three are on it."""
    on = {spot.headline for spot in _compared(found) if found.standings[spot.view].on}
    if len(on) < 3:
        return ""
    knee = next((spot for spot in _compared(found) if found.standings[spot.view].knee), None)
    if knee is None:
        return " It has no clear knee: no setting can be told from its neighbours as the one where it bends most."
    return f" It bends most, and clearly, at {setting_words(knee)}: the knee."


def _compared(found: Landscape) -> list[Spot]:
    return [spot for spot in found.spots if spot.view in found.standings]


def _pins(found: Landscape) -> str:
    """Where the pins are; nothing where none has been measured."""
    listed = "; ".join(
        f"{letter} at {percent(spot.headline.test_accuracy)} and {decimals(spot.headline.auc)}"
        for letter, spot in found.pins.items()
    )
    return f"Pinned, by accuracy and AUC: {listed}." if listed else ""


def _traced(found: Landscape) -> str:
    """The title of the dial that the path is along."""
    return DIALS[found.view.sweep].title if found.view.sweep in DIALS else "contested records"


def _listed(names: Sequence[str]) -> str:
    """Names with commas, and "and" before the last."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def scores(found: Assessment) -> str:
    """The finding of the score histogram."""
    made = cuts(found)
    own = int(np.abs(made.threshold).argmin())
    return (
        f"Above {_near_zero(made.threshold[own])} the attack says “member”: it says so of "
        f"{100 * made.tpr[own]:.0f} % of the members and {100 * made.fpr[own]:.0f} % of the non-members, over all "
        f"{found.headline.targets} models. Outer bars hold everything beyond."
    )


def _near_zero(threshold: float) -> str:
    return "0" if threshold == 0 else f"{threshold:.2f}"


def risk(found: Assessment) -> str:
    """The finding of the risk histogram."""
    member, other = found.risk.member, found.risk.non_member
    return (
        f"{int((member >= 0.9).sum()):,} of {member.size:,} records are at a risk of .9 or more when a model "
        f"trained on them; of the same records left out, {int((other >= 0.9).sum()):,} look like that. "
        f"The median risk is {np.median(member):.2f} in training and {np.median(other):.2f} left out."
    )


def reliability(found: Assessment) -> str:
    """The finding of the reliability diagram."""
    bins = found.reliability
    scored = found.risk_score
    return (
        f"Where the posterior claims 80 %, about 80 % should have been members. On average over all "
        f"{int(bins.counts.sum()):,} cases claim and truth are {_gap(bins):.1f} points apart"
        + (f"; for Song and Mittal's risk score {_gap(scored.reliability):.1f} points." if scored else ".")
    )


def _gap(bins: Reliability) -> float:
    """How far claim and truth are apart, in points, mean over cases."""
    filled = bins.counts > 0
    gaps = np.abs(bins.claimed[filled] - bins.observed[filled])
    return 100 * float(np.average(gaps, weights=bins.counts[filled])) if filled.any() else 0.0


def found_out(found: Assessment) -> str:
    """The finding of precision and recall."""
    curve = found.precision_recall
    if curve is None:
        return "No precision was measured here."
    at = int(np.abs(curve.threshold - 0.9).argmin())
    if np.isnan(curve.precision[at]):
        return f"Nobody has a posterior of {curve.threshold[at]:.2f} or more."
    return (
        f"Of those with a posterior of {curve.threshold[at]:.2f} or more, {100 * curve.precision[at]:.0f} % were "
        f"members (the precision, circles); {100 * curve.recall[at]:.0f} % of all members are among them "
        "(the recall, diamonds). Half of all cases are members, so guessing has a precision of 50 %."
    )
