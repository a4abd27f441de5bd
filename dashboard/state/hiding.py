"""What a link can hide of the dashboard, for slides and classes: ``?hide=dp,noise,sections``.

What is hidden is not drawn, and its value is that of the link or the default. Hiding is no protection: whoever may
train what is decided where jobs are accepted (``cache.admission``).
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.results.words import quoted
from dashboard.state.stops import DIALS

PART = "hide"
"""The part of the URL."""

CONTROLS: Mapping[str, str] = {
    **{name: dial.title for name, dial in DIALS.items()},
    "contested": "Contested records N",
    "population": "Population",
    "attack": "Attack",
    "calibration": "Attacker",
    "models": "Models trained and attacked",
    "sweep": "Path along",
}
"""The controls that can be hidden, by name: what stands beside their field of the view in the URL."""

PARTS: Mapping[str, str] = {
    "pages": "The list of pages",
    "rail": "All controls at the side",
    "history": "Undo and redo",
    "sizes": "Parameter counts and options of architectures",
    "more": "More dials",
    "presets": "Settings with a name",
    "chips": "What is in use",
    "tiles": "The four numbers",
    "attackers": "Both attackers side by side",
    "tradeoff": "Accuracy against attack AUC",
    "budget": "The budget",
    "pins": "Pins",
    "training": "The training, epoch by epoch",
    "take": "What can be taken along",
    "sections": "What stands behind the headline",
}
"""The parts of pages that can be hidden, by name."""

HIDABLE: Mapping[str, str] = {**CONTROLS, **PARTS}
"""Everything that can be hidden, with its name on screen."""


def hidden_in(text: str) -> tuple[frozenset[str], str | None]:
    """What a list of names hides, and one sentence about the names that are none."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in HIDABLE]
    if not unknown:
        return frozenset(names), None
    first = ", ".join(map(quoted, unknown[:3]))
    return frozenset(names) - set(unknown), f"hide must list names of {', '.join(HIDABLE)}, got {first}."


def hide() -> str | None:
    """Take over what the URL hides, and keep it there: pages that a visitor goes to forget it.

    Returns:
        One sentence when names in it mean nothing, else None.
    """
    if PART in st.query_params:
        st.session_state[PART] = st.query_params[PART]
    elif st.session_state.get(PART):
        st.query_params[PART] = st.session_state[PART]
    st.session_state["hidden"], problem = hidden_in(st.session_state.get(PART, ""))
    return problem


def shown(name: str) -> bool:
    """Whether a control or a part is drawn in this session.

    Raises:
        KeyError: when it is nothing that can be hidden.
    """
    return bool(HIDABLE[name]) and name not in st.session_state.get("hidden", ())
