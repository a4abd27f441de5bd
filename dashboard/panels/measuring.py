"""What stands on the page Start while presets have not been measured: a way to measure them, and how far that is."""

from __future__ import annotations

import streamlit as st

from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.panels.watching import may_turn, progress_words, turn, whose
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.person import this_person
from dashboard.state.story import PRESETS, Story, story
from dashboard.state.view import point

POLL = 1.0
"""Seconds between two looks."""


def measuring(told: Story) -> None:
    """Draw it; it looks again by itself only while something is still to come."""
    run = _run()
    polls = running().problem is None and (running().sweeps is None or (run is not None and run.progress().active))
    with st.container(key="measuring"):
        st.fragment(_panel, run_every=POLL if polls else None)(len(told.told), polls)


def _panel(known: int, polls: bool) -> None:
    """One look; the whole page runs again when a preset has arrived, or when looking is to begin or to end."""
    problem, sweeps = running().problem, running().sweeps
    if problem is not None:
        st.error(problem)
        return
    if sweeps is None:
        st.progress(0.0, text="Starting the workers …")
        return
    run = _run()
    active = run is not None and run.progress().active
    if active != polls or (active and len(story(running().store).told) != known):
        st.rerun()
    if run is not None:
        _progress(run)
    if not active:
        busy = sweeps.current is not None and sweeps.current.progress().active
        st.button("Measure the five settings", key="measure-presets", type="primary", on_click=_start, disabled=busy)
        if busy:
            st.markdown("A sweep is in work: its end comes first.")


def _progress(run: SweepRun) -> None:
    now = run.progress()
    st.progress(now.waves_done / max(1, now.waves), text=progress_words(now))
    if now.message:
        st.warning(unmarked(now.message))
    if now.active:
        mine = may_turn()
        if mine:
            st.button("Cancel", key="cancel-presets", on_click=turn, args=(run, "cancel"))
        whose(mine=mine)


def _plan() -> Plan:
    """The presets as a sweep without a dial."""
    points = [point(preset.view) for preset in PRESETS]
    waves = max(each.waves for each in points)
    return Plan(dials=(), settings=tuple(Setting(values=(), point=each) for each in points), refused=(), waves=waves)


def _run() -> SweepRun | None:
    """The run of the presets, None where the latest run is another one's."""
    sweeps = running().sweeps
    run = sweeps.current if sweeps else None
    return run if run is not None and run.plan == _plan() else None


def _start() -> None:
    sweeps = running().sweeps
    if sweeps is not None:
        sweeps.start(_plan(), this_person())
