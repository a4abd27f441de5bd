"""The panel of what a comparison still lacks: one button, then progress, one thing after the other."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from cache.jobs import Jobs
from cache.keys import Asked, Point, asked_key
from cache.progress import Progress
from dashboard.panels.waiting import POLL, progress_words, share
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.landscape import models_of
from dashboard.state.lineup import Lineup, missing, models_to_train
from dashboard.state.person import this_person
from dashboard.state.visit import keep, this_visit

_ASKED = "comparison-asked"
"""Of the session: the keys of what the visitor asked to have measured."""

_REQUESTED = "comparison-requested"
"""Of the session: the key of what the workers were asked for last: how others' jobs ended is no news here."""


def lacking(found: Lineup) -> None:
    """Draw the panel, nothing where all is there; it looks again by itself only while something is in work."""
    lacks = missing(found, running().store, running().jobs)
    polls = bool(lacks) and running().problem is None and _wanted(lacks)
    if lacks:
        st.fragment(_panel, run_every=POLL if polls else None)(found, lacks, polls)


def _wanted(lacks: tuple[Asked, ...]) -> bool:
    """Whether it is measured now: it was asked for, or nothing needs to be trained for it."""
    asked = st.session_state.get(_ASKED, frozenset())
    if {asked_key(of) for of in lacks} <= asked:
        return not _halted(lacks[0])
    return not models_to_train(lacks, running().store) and not _halted(lacks[0])


def _progress(of: Asked) -> Progress | None:
    jobs = running().jobs
    return jobs.progress(of, this_visit().visitor) if jobs else None


def _halted(of: Asked) -> bool:
    """Whether its job ended without an answer, so that only the visitor starts it again."""
    progress = _progress(of)
    ended = progress is not None and progress.state in {"failed", "refused", "cancelled"}
    return ended and st.session_state.get(_REQUESTED) == asked_key(of)


def _panel(found: Lineup, before: tuple[Asked, ...], polled: bool) -> None:
    """One look; when there is news the whole page runs again, which shows it and starts or ends the polling."""
    if running().problem is not None:
        st.error(running().problem)
        return
    lacks = missing(found, running().store, running().jobs)
    if lacks != before or polled != _wanted(lacks):
        st.rerun()
    if not polled:
        _offer(lacks, _progress(lacks[0]) if _halted(lacks[0]) else None)
        return
    jobs, progress = running().jobs, _progress(lacks[0])
    if jobs is not None and not (progress is not None and progress.active):
        _request(jobs, lacks[0])
    _under_way(lacks, progress)


def _request(jobs: Jobs, of: Asked) -> None:
    """Ask for one thing; what Explore asked for in this session ends, so it will ask again."""
    state = this_visit()
    jobs.request(state.visitor, of, person=this_person().name)
    st.session_state[_REQUESTED] = asked_key(of)
    keep(replace(state, asked=None))


def _offer(lacks: tuple[Asked, ...], progress: Progress | None) -> None:
    """The button, or what came of it."""
    if progress is not None and progress.state == "failed":
        st.error(unmarked(f"The training failed: {progress.message} The log has the rest."))
    elif progress is not None and progress.state == "refused":
        st.info(unmarked(progress.message))
    st.markdown(unmarked(lacking_words(lacks, models_to_train(lacks, running().store))))
    st.button("Measure what is missing", key="measure-missing", type="primary", on_click=_start, args=(lacks,))


def lacking_words(lacks: tuple[Asked, ...], models: int) -> str:
    """What is to be measured, and what that takes."""
    settings = sum(isinstance(of, Point) for of in lacks)
    unmeasured = {0: "", 1: "1 setting has not been measured. "}.get(
        settings, f"{settings} settings have not been measured. "
    )
    if not models:
        return f"{unmeasured}All models are there: nothing needs to be trained."
    return (
        f"{unmeasured}A comparison goes pair by pair through the models themselves; {models} of them are not stored "
        "here and are trained first."
    )


def _start(lacks: tuple[Asked, ...]) -> None:
    st.session_state[_ASKED] = frozenset(map(asked_key, lacks))
    jobs = running().jobs
    if jobs is not None:
        _request(jobs, lacks[0])


def _cancel() -> None:
    st.session_state[_ASKED] = frozenset()
    jobs = running().jobs
    if jobs is not None:
        jobs.cancel(this_visit().visitor)


def _under_way(lacks: tuple[Asked, ...], progress: Progress | None) -> None:
    left, right = st.columns([5, 1], vertical_alignment="bottom")
    left.progress(share(progress), text=under_way_words(lacks, progress))
    if progress is not None and progress.message:
        left.caption(unmarked(progress.message))
    right.button("Cancel", key="cancel-missing", on_click=_cancel)


def under_way_words(lacks: tuple[Asked, ...], progress: Progress | None) -> str:
    """How far it is, in words."""
    if running().jobs is None:
        return "Starting the workers …"
    left = f"{len(lacks)} {'thing is' if len(lacks) == 1 else 'things are'} left to measure"
    if progress is None or not progress.active:
        return f"{left} …"
    if isinstance(lacks[0], Point) or progress.state != "assessing":
        words = progress_words("watch", progress, models_of(lacks[0].waves))
        return f"{left}. {words}"
    return f"{left}. Comparing pair by pair …"
