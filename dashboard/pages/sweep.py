"""The page Sweep: many settings at once, landing on the figure while they arrive."""

from __future__ import annotations

import streamlit as st

from cache.admission import NOTHING, Nothing
from cache.sweeps.run import SweepProgress
from cache.sweeps.values import Plan
from dashboard.controls.composing import composed
from dashboard.panels.problems import problems
from dashboard.panels.taking import take_sweep
from dashboard.panels.watching import watched
from dashboard.results.outcomes import short
from dashboard.results.tiles import headline_html
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.hiding import shown
from dashboard.state.optimizing import replicate_words
from dashboard.state.person import this_person
from dashboard.state.visit import begin, write_address
from engine.validate import InvalidValueError

POLL = 1.0
"""Seconds between two looks whether the workers are there."""


def page() -> None:
    """Draw the page: what to measure, and the run that all visitors share."""
    state = begin(st.query_params)
    write_address()
    problems(state.problems)
    sweeps = running().sweeps
    run = sweeps.current if sweeps else None
    active = run is not None and run.progress().active
    st.html(
        headline_html(
            "Measure many settings.",
            "Every setting gets its first eight models before any gets its next, as far as the cache has room for "
            "all of them. Everybody at this dashboard sees "
            "the same sweep; it goes on when you close the page, and what is measured is never measured again.",
            about=None,
        )
    )
    with st.container(key="sweep-place"):
        if run is not None:
            watched(run)
            _take(run.plan, "take")
            if unfinished(run.progress()) and running().problem is None:
                st.button("Go on with this sweep", key="sweep-go-on", on_click=_start, args=(run.plan,))
        elif sweeps is not None and sweeps.before is not None:
            _before(sweeps.before)
    with st.expander("What to measure", expanded=not active, key="sweep-form"):
        _form(busy=active)


def unfinished(now: SweepProgress) -> bool:
    """Whether a run ended before everything was measured."""
    return now.state in {"cancelled", "stopped"} or bool(now.state == "done" and now.failed)


def _before(plan: Plan) -> None:
    """The offer to go on with the sweep that the dashboard before this one was at."""
    with st.container(key="sweep-before"):
        st.markdown(before_words(plan))
        st.button("Go on with that sweep", key="sweep-go-on", on_click=_start, args=(plan,))
        _take(plan, "take")


def before_words(plan: Plan) -> str:
    """What the sweep was, as Markdown."""
    settings = f"{len(plan.settings):,} settings" if len(plan.settings) > 1 else "one setting"
    turned = f" ({', '.join(unmarked(short(dial)) for dial in plan.dials)})" if plan.dials else ""
    return (
        f"The latest sweep here is one of {settings}{turned}; the dashboard that was at it has been closed since. "
        "What it measured is kept."
    )


def _form(*, busy: bool) -> None:
    """The controls, what they come to, and the button that starts it."""
    try:
        plan = composed()
    except InvalidValueError as error:
        st.error(unmarked(f"{str(error)[0].upper()}{str(error)[1:].rstrip('.')}."))
        return
    waves = plan.waves * len(plan.settings)
    refused = f"; {len(plan.refused):,} combinations are not possible" if plan.refused else ""
    looked = replicate_words(setting.point.recipe for setting in plan.settings)
    st.markdown(f"{len(plan.settings):,} settings, {waves:,} waves of eight models{refused}. {looked}".strip())
    _take(plan, "take-composed")
    if isinstance(running().training, Nothing):
        st.info(NOTHING)
    elif running().problem is not None:
        st.error(running().problem)
    elif running().sweeps is None:
        st.fragment(_starting, run_every=POLL)()
    else:
        st.button("Start the sweep", key="sweep-start", type="primary", on_click=_start, args=(plan,), disabled=busy)
        if busy:
            st.markdown("A sweep is in work: cancel it or wait for its end.")


def _take(plan: Plan, key: str) -> None:
    """The sweep as files and commands: one that was put together here can be measured elsewhere, too."""
    if shown("take"):
        take_sweep(plan, key=key)


def _starting() -> None:
    """Run the page again once the workers are there."""
    if running().sweeps is not None or running().problem is not None:
        st.rerun()
    st.markdown("Starting the workers …")


def _start(plan: Plan) -> None:
    sweeps = running().sweeps
    if sweeps is not None:
        sweeps.start(plan, this_person())
