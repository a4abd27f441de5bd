"""Undo and redo: one step back or forth among the views that the visitor chose.

The browser counts the steps and tells all of them every time. Were each a message of its own, as of Streamlit's
buttons, two that arrive before the server turns to them would be taken for one. Every session has a name, so that
a new one does not take the steps of the one before on the same document.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from dashboard.state.visit import forget_doubts, redo, this_visit, undo

_HERE = Path(__file__)
_KEY = "history-steps"
_DONE = "history-done"
_SESSION = "history-session"
_STEPS: Mapping[str, Callable[[], None]] = {"u": undo, "r": redo}

_buttons = component(
    "privacydial_history",
    html="""
      <div class="pd-history" role="group" aria-label="History">
        <button type="button" data-step="u" title="Ctrl+Z" aria-keyshortcuts="Control+Z">Undo</button>
        <button type="button" data-step="r" title="Ctrl+Shift+Z" aria-keyshortcuts="Control+Shift+Z">Redo</button>
      </div>
    """,
    js=_HERE.with_suffix(".js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def history() -> None:
    """Draw the two buttons; their keys work everywhere but in text fields, which have an undo of their own."""
    visit = this_visit()
    possible = [step for step, those in (("u", visit.past), ("r", visit.future)) if those]
    told = {"possible": possible, "session": st.session_state.setdefault(_SESSION, secrets.token_hex(8))}
    with st.container(key="history"):
        _buttons(key=_KEY, data=told, height="content", on_steps_change=_walk)


def _walk() -> None:
    """Take the steps of this session that were not taken yet."""
    match st.session_state[_KEY].get("steps"):  # it comes from the browser
        case [session, int(total), str(latest)] if session == st.session_state.get(_SESSION):
            done = st.session_state.get(_DONE, 0)
            if steps := new_steps(total, latest, done):
                forget_doubts()  # a quick visitor's browser: it has not heard yet of the step before
            for step in steps:
                _STEPS[step]()
            # Here, because a pattern's names are bound before its guard says no: they may be another session's.
            st.session_state[_DONE] = max(total, done)


def new_steps(total: int, latest: str, done: int) -> str:
    """The steps that are to be taken, each ``u`` or ``r``.

    Args:
        total: how many steps there were.
        latest: the latest of them, in order.
        done: how many were taken.
    """
    new = latest[max(0, len(latest) - max(0, total - done)) :]
    return "".join(step for step in new if step in _STEPS)
