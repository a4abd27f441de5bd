"""The attacker who adapts to the defence beside the one who does not, with their paired difference."""

from __future__ import annotations

from html import escape

from cache.store import Store
from dashboard.results.links import how_html
from dashboard.results.words import between, decimals
from dashboard.state.landscape import Landscape
from dashboard.state.view import key
from engine.assessment.values import Assessment, Attackers


def both_attackers(store: Store, found: Landscape, shown: Assessment | None) -> Attackers | None:
    """Both numbers of the setting, None until the one who does not adapt has been measured with as many models."""
    if shown is None or shown.attackers is not None:
        return shown.attackers if shown else None
    other = store.assessment(key(found.view.turned("calibration", "undefended"), found.waves))
    return other.attackers if other else None


def attackers_words(both: Attackers) -> str:
    """What adapting is worth to the attacker."""
    if both.difference.low > 0:
        return "Adapting helps: by the attacker who does not adapt the defence looks better than it is."
    if both.difference.high < 0:
        return "Here the attacker who does not adapt does better."
    return "With this many models the two cannot be told apart."


def attackers_html(both: Attackers) -> str:
    """The two AUCs side by side and their difference; every text is escaped."""
    rows = (
        ("Attack AUC, adapts to the defence", both.adaptive),
        ("Attack AUC, does not adapt", both.non_adaptive),
        ("Difference, on the same masks", both.difference),
    )
    listed = "".join(
        f"<div><dt>{escape(name)}</dt><dd><b>{escape(decimals(value))}</b> {escape(between(value))}</dd></div>"
        for name, value in rows
    )
    words = f'<p class="pd-finding">{escape(attackers_words(both))} {how_html("attackers", "Both attackers")}</p>'
    return f'<dl class="pd-both">{listed}</dl>{words}'
