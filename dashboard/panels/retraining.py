"""The panel that measures how far one record moves the weights, for a setting with noise on them."""

from __future__ import annotations

import streamlit as st

from cache.keys import Point
from cache.reports import Sensitivity
from cache.sensitivities import why_not_asked
from dashboard.panels.panel import facts_html, panel
from dashboard.results import sensitivity
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.person import this_person
from dashboard.state.view import View, point
from engine.assessment.values import Assessment

POLL = 1.0
"""Seconds between two looks at the workers."""

_ABOUT = "measured-ceiling"
_REFUSED = "sensitivity refused"
"""Of the session: why the latest measurement that was asked for here was not begun, and of which setting."""


def retraining(view: View, found: Assessment, known: Sensitivity | None) -> None:
    """Draw what was measured or the button that measures it; nothing without noise on the weights.

    Args:
        view: the setting.
        found: its assessment, with the ceiling that follows from what was measured.
        known: what ``measured`` says of the view.
    """
    asked = point(view)
    if asked.release.weight_noise is None:
        return
    reason = sensitivity.why_no_ceiling(asked.release.weight_noise) or (None if known else _why_not_asked(asked))
    if reason is not None:
        said = f"{reason[0].upper()}{reason[1:].rstrip('.')}."
        st.html(facts_html(sensitivity.TITLE, [("No ceiling", said)], about=_ABOUT))
    elif known is not None:
        panel(
            "changes",
            sensitivity.TITLE,
            sensitivity.strip(known),
            finding=sensitivity.finding(known),
            rows=lambda: sensitivity.rows(known),
            about="sensitivity",
        )
        st.html(facts_html("What that would allow", sensitivity.facts(found, known), about=_ABOUT))
    else:
        polls = _state(view) == "in work"
        st.fragment(_offer, run_every=POLL if polls else None)(view, polls)


def _why_not_asked(asked: Point) -> str | None:
    """Why workers are not asked to measure it, one sentence."""
    return why_not_asked(asked.recipe, running().training, running().memory)


def measured(view: View) -> Sensitivity | None:
    """What was measured of the weights that the view publishes; nothing is read for a view without noise on them."""
    asked = point(view)
    if asked.release.weight_noise is None:
        return None
    return running().store.reports.sensitivity(asked.recipe, asked.release)


def _state(view: View) -> str:
    jobs, asked = running().jobs, point(view)
    return "absent" if jobs is None else jobs.sensitivities.look(asked.recipe, asked.release)


def _offer(view: View, polled: bool) -> None:
    """One look; when there is news the whole page runs again."""
    state = _state(view)
    if polled != (state == "in work") or measured(view) is not None:
        st.rerun()
    st.html(facts_html(sensitivity.TITLE, [("Not measured yet", sensitivity.OFFER)], about=_ABOUT))
    if state == "failed":
        st.error("The measurement failed. The log has the rest.")
    of, reason = st.session_state.get(_REFUSED, (None, None))
    if of == view and reason is not None and state != "in work":
        st.warning(unmarked(reason))
    label = "Measuring …" if state == "in work" else "Measure how far one record moves the weights"
    disabled = state == "in work" or running().jobs is None
    st.button(label, key="measure-sensitivity", disabled=disabled, on_click=_ask, args=(view,))


def _ask(view: View) -> None:
    jobs, asked = running().jobs, point(view)
    if jobs is not None:
        reason = jobs.sensitivities.ask(asked.recipe, asked.release, person=this_person().name)
        st.session_state[_REFUSED] = view, reason
