"""A sweep while it runs: how far it is, pause and cancel, and its points as they arrive."""

from __future__ import annotations

from functools import lru_cache
from html import escape

import streamlit as st

from cache.sweeps.current import ABANDONED, Turn
from cache.sweeps.results import Gathered, Result
from cache.sweeps.run import SweepProgress, SweepRun
from dashboard.panels.panel import panel
from dashboard.results.outcomes import csv_bytes, refusals, rows
from dashboard.results.parallel import MOST_DRAWN, landed, parallel
from dashboard.results.words import decimals, percent, unmarked
from dashboard.serving.running import running
from dashboard.state.person import this_person

POLL = 1.0
"""Seconds between two looks at a run."""

_LONG = f"{ABANDONED / 60:.0f} minutes"

OTHERS = (
    "Somebody else started this: only he, and whoever sits at the machine it runs on, can pause or cancel it. "
    f"Once it has been paused for {_LONG}, everybody can resume or cancel it."
)
"""What stands in place of the buttons that a visitor may not press."""

LEFT = f"This has been paused for more than {_LONG}: everybody can resume or cancel it now."
"""What stands beside the buttons that everybody may press."""

_LISTED = 10  # combinations of one reason


def watched(run: SweepRun) -> None:
    """Draw a run; it looks again by itself only while something is still to come."""
    state = run.progress().state
    with st.container(key="sweep-run"):
        st.fragment(_panel, run_every=POLL if state in {"starting", "running", "paused"} else None)(run, state)


def _panel(run: SweepRun, before: str) -> None:
    """One look; when the state has changed the whole page runs again, which starts or ends the polling."""
    now = run.progress()
    if now.state != before:
        st.rerun()
    _head(run, now)
    found = _found(run)
    _figures(run, found)
    _refused(run)


def _head(run: SweepRun, now: SweepProgress) -> None:
    st.progress(now.waves_done / max(1, now.waves), text=progress_words(now))
    if now.news:
        st.info(now.news)
    if now.message:
        st.warning(unmarked(now.message))
    mine = may_turn()
    with st.container(horizontal=True, gap="small"):
        if now.active and mine:
            if now.state == "running":
                st.button("Pause", key="sweep-pause", on_click=turn, args=(run, "pause"))
            if now.state == "paused":
                st.button("Resume", key="sweep-resume", on_click=turn, args=(run, "resume"))
            st.button("Cancel the sweep", key="sweep-cancel", on_click=turn, args=(run, "cancel"))
        st.download_button(
            "Download as CSV",
            lambda: csv_bytes(run.plan, _found(run)),
            file_name="sweep.csv",
            mime="text/csv",
            on_click="ignore",
            key="sweep-csv",
        )
    if now.active:
        whose(mine=mine)


def whose(*, mine: bool) -> None:
    """Say who may turn the current run, where that is not who began it alone."""
    sweeps = running().sweeps
    if not mine:
        st.caption(OTHERS)
    elif sweeps is not None and sweeps.abandoned:
        st.caption(LEFT)


def may_turn() -> bool:
    """Whether this visitor may pause, resume and cancel the current run."""
    sweeps = running().sweeps
    return sweeps is not None and sweeps.may_turn(this_person())


def turn(run: SweepRun, to: Turn) -> None:
    """Pause, resume or cancel a run, if this visitor may."""
    sweeps = running().sweeps
    if sweeps is not None:
        sweeps.turn(run, to, this_person())


def _found(run: SweepRun) -> list[Result]:
    """What has been measured."""
    return _gathered(run).results(run.assessed)


@lru_cache(maxsize=4)
def _gathered(run: SweepRun) -> Gathered:
    """What has been measured is read once for all visitors who look."""
    return Gathered(running().store, run.plan)


def _figures(run: SweepRun, found: list[Result]) -> None:
    panel(
        "sweep",
        "What has arrived",
        landed(run.plan, found),
        finding=landed_words(run, found),
        rows=lambda: rows(run.plan, found),
        about="frontier",
    )
    if run.plan.dials:
        panel(
            "parallel",
            "All dials side by side",
            parallel(run.plan, found),
            finding=(
                "Each line is one setting: it crosses every dial at its value and ends at the accuracy and the AUC "
                "that were measured. Dotted lines are the half of the settings that leak more."
            ),
            rows=lambda: rows(run.plan, found),
            about={"Accuracy": "accuracy", "Attack AUC": "auc"},
        )


def _refused(run: SweepRun) -> None:
    """The combinations that the engine refuses."""
    if not run.plan.refused:
        return
    with st.expander(f"{len(run.plan.refused):,} combinations are not possible", key="sweep-refused"):
        for reason, combinations in refusals(run.plan).items():
            more = f" … and {len(combinations) - _LISTED:,} more" if len(combinations) > _LISTED else ""
            listed = "; ".join(combinations[:_LISTED]) + more
            st.html(f'<p class="pd-finding"><b>{escape(reason)}</b><br>{escape(listed)}</p>')


def landed_words(run: SweepRun, found: list[Result]) -> str:
    """The finding of the figure, in words."""
    if not found:
        return "No setting has been measured yet."
    least = min(found, key=lambda one: one.headline.auc.estimate)
    most = max(found, key=lambda one: one.headline.auc.estimate)
    drawn = f" The first {MOST_DRAWN:,} are drawn." if len(found) > MOST_DRAWN else ""
    return (
        f"{len(found):,} of {len(run.plan.settings):,} settings are measured. The attack AUC goes from "
        f"{decimals(least.headline.auc)} at a test accuracy of {percent(least.headline.test_accuracy)} to "
        f"{decimals(most.headline.auc)} at {percent(most.headline.test_accuracy)}. The extremes of many settings "
        f"are flattered by chance.{drawn}"
    )


def progress_words(now: SweepProgress) -> str:
    """How far a run is, in words."""
    done = f"{now.points_done:,} of {now.points:,} settings, {now.waves_done:,} of {now.waves:,} waves"
    failed = f" {now.failed:,} could not be measured." if now.failed else ""
    match now.state:
        case "starting":
            return "Looking what is measured already …"
        case "running":
            return f"Measuring: {done}. {_left(now.seconds_left)}{failed}"
        case "paused":
            return f"Paused: {done}.{failed}"
        case "done":
            return f"Done: {done}.{failed}"
        case "cancelled":
            return f"Cancelled: {done} are kept. Start it again to go on."
        case "stopped":
            return f"Stopped, because nothing could be measured any more: {done} are kept."


def _left(seconds: float | None) -> str:
    if seconds is None:
        return "The time left is not known yet."
    if seconds < 60:
        return "Less than a minute left."
    minutes = round(seconds / 60)
    hours, rest = divmod(minutes, 60)
    return f"About {hours} h {rest} min left." if hours else f"About {minutes} min left."
