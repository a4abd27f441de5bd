"""A budget in sentences: how many of the settings drawn keep to it, and which of them is the best."""

from __future__ import annotations

from dashboard.results.budget import best, judged, limits_words
from dashboard.results.settings import short_words
from dashboard.results.words import decimals, percent
from dashboard.state.landscape import Landscape, Spot, same_setting, stop_label
from dashboard.state.stops import DIALS


def finding(found: Landscape) -> str:
    """What the budget leaves, in sentences; empty without one."""
    budget = found.view.budget
    if budget.open:
        return ""
    verdicts = [verdict for _, verdict in judged(found)]
    sure, perhaps, not_allowed = map(verdicts.count, ("yes", "perhaps", "no"))
    if not verdicts:
        return f"Budget: {limits_words(budget)}. No setting of the figure can be held against it yet."
    return (
        f"Budget: {limits_words(budget)}. Of {len(verdicts)} settings of the figure {sure} "
        f"{'is' if sure == 1 else 'are'} allowed for certain (the whole interval is inside), {perhaps} perhaps, "
        f"{not_allowed} not. {_best_words(found, perhaps)}"
    )


def _best_words(found: Landscape, perhaps: int) -> str:
    spot = best(found)
    if spot is not None:
        head = spot.headline
        return (
            f"Best allowed: {name(found, spot)}, accuracy {percent(head.test_accuracy)}, "
            f"attack AUC {decimals(head.auc)}. It was picked by these very numbers, so fresh models will do a "
            "little worse."
        )
    if perhaps:
        return "None is allowed for certain; more models would tell."
    return "No setting of the figure is allowed."


def name(found: Landscape, spot: Spot) -> str:
    """Which of the settings drawn it is: a stop of the traced dial, a pin, or a setting visited before."""
    if any(same_setting(spot.view, at.view) for at in found.path):
        title = DIALS[found.view.sweep].title if found.view.sweep in DIALS else "N"
        return f"{title} {stop_label(found.view.sweep, getattr(spot.view, found.view.sweep))}"
    letter = next((letter for letter, pin in found.pins.items() if same_setting(pin.view, spot.view)), None)
    return f"{f'pin {letter}' if letter else 'visited before'}, {short_words(spot.view)}"
