"""The panel of a setting that has not been measured: rest, ask, progress, cancel, retry."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from html import escape

import streamlit as st

from cache.costs import Cost, cost
from cache.jobs import Jobs
from cache.progress import Progress
from cache.reports import effort
from dashboard.panels.panel import panel
from dashboard.results import epochs
from dashboard.results.figures import Figure
from dashboard.results.links import how_html
from dashboard.results.words import short, unmarked
from dashboard.serving.running import running
from dashboard.state.landscape import models_of
from dashboard.state.person import this_person
from dashboard.state.view import key, point
from dashboard.state.visit import Step, keep, this_visit

POLL = 0.5
"""Seconds between two looks at a training."""

TRACE_HEIGHT = 190

FAILED = (
    "This setting could not be measured.",
    "Try again, or turn a dial: what is measured of other settings is not touched by this.",
)
"""The headline of a page whose setting failed, and what can be done."""

_RESTS = {"held", "failed", "refused"}  # steps that only the visitor ends


def waiting(waves: int) -> None:
    """Draw the panel; it looks again by itself only while something is still to come.

    Args:
        waves: how many waves of the setting are on the page already.
    """
    polls = running().problem is None and _look()[0] not in _RESTS
    with st.container(key="waiting"):
        st.fragment(_panel, run_every=POLL if polls else None)(waves, polls, _cost())


def failed() -> bool:
    """Whether the workers were asked for the visitor's setting and gave it up."""
    return running().problem is None and _look()[0] == "failed"


def _look() -> tuple[Step, Progress | None]:
    """What is to be done now, and how far the workers are."""
    state, jobs = this_visit(), running().jobs
    progress = jobs.progress(point(state.view), state.visitor) if jobs else None
    return state.step(time.monotonic(), ready=jobs is not None, progress=progress), progress


def _cost() -> Cost | None:
    """What the waves that are missing would take to train; None when none is."""
    asked, store = point(this_visit().view), running().store
    recipes = {asked.recipe, asked.shadow_recipe}
    missing = {recipe: store.missing(recipe, asked.waves) for recipe in recipes}
    timed = store.reports.timed()
    costs = [cost(effort(recipe), waves, timed) for recipe, waves in missing.items() if waves]
    return replace(costs[0], seconds=sum(one.seconds for one in costs)) if costs else None


def _cost_html(found: Cost | None) -> str:
    """The estimate, and how it is made where there is one."""
    how = f" {how_html('cost', 'time of the training')}" if found else ""
    return f'<p class="pd-finding">{escape(cost_words(found))}{how}</p>'


def cost_words(found: Cost | None) -> str:
    """What a training would cost, with what that rests on."""
    if found is None:
        return "Its models are trained already; only the attack is missing."
    rests = {
        "similar": f"from {found.trainings} similar training{'s' * (found.trainings > 1)} timed here",
        "others": f"from {found.trainings} training{'s' * (found.trainings > 1)} of other kinds timed here: a guess",
        "typical": "a guess, because nothing has been timed here yet",
    }
    return f"Estimated: {duration(found.seconds)} of training on one core ({rests[found.basis]})."


def duration(seconds: float) -> str:
    """A time to wait, as coarse as an estimate is."""
    if seconds < 1:
        return "less than a second"
    if seconds < 90:
        return f"about {round(seconds)} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def _panel(waves: int, polls: bool, costs: Cost | None) -> None:
    """One look: ask when the dial has rested, run the page again when there is news, else show how far it is."""
    problem = running().problem
    if problem is not None:
        st.error(problem)
        return
    step, progress = _look()
    if step == "ask" and (jobs := running().jobs) is not None:
        _ask(jobs)
        step, progress = _look()
    if _news(waves) or polls != (step not in _RESTS):
        st.rerun()  # the whole page, which then starts or ends the polling
    _draw(step, progress, costs)


def _news(waves: int) -> bool:
    """Whether the cache holds more of this setting than the page shows."""
    view = this_visit().view
    return bool(running().store.measured([key(view, more) for more in range(waves + 1, view.waves + 1)]))


def _ask(jobs: Jobs) -> None:
    state = this_visit()
    jobs.request(state.visitor, point(state.view), person=this_person().name)
    keep(replace(state, asked=key(state.view, state.view.waves), held=False))


def _again() -> None:
    """Ask anew, at once: what failed or was cancelled starts again."""
    jobs = running().jobs
    if jobs is not None:
        _ask(jobs)


def _cancel() -> None:
    """Leave the job; nothing starts by itself until a dial moves."""
    state, jobs = this_visit(), running().jobs
    if jobs is not None:
        jobs.cancel(state.visitor)
    keep(replace(state, held=True, asked=None))


def _draw(step: Step, progress: Progress | None, costs: Cost | None) -> None:
    if step == "failed" and progress is not None:
        st.error(unmarked(f"The training failed: {progress.message} The log has the rest."))
        st.button("Try again", key="retry", on_click=_again)
    elif step == "refused" and progress is not None:
        st.info(unmarked(progress.message))
        st.html(_cost_html(costs))
        st.button("Ask again", key="ask-again", on_click=_again)
    elif step == "held":
        st.markdown(unmarked(held_words(progress)))
        st.html(_cost_html(costs))
        st.button("Measure this", key="measure", on_click=_again)
    else:
        _under_way(step, progress, costs)


def held_words(progress: Progress | None) -> str:
    """Why nothing is trained."""
    reason = progress.message if progress is not None and progress.message else "Cancelled."
    return f"{reason} Nothing is trained until you turn a dial."


def _under_way(step: Step, progress: Progress | None, costs: Cost | None) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        st.progress(share(progress), text=progress_words(step, progress, this_visit().view.models))
        if progress is not None and progress.message:
            st.caption(unmarked(progress.message))
        else:
            st.html(_cost_html(costs))
        st.button("Cancel", key="cancel", on_click=_cancel)
    with right:
        if progress is not None and progress.trace:
            panel(
                "trace",
                "The training so far",
                _figure(progress),
                finding=trace_words(progress),
                rows=partial(epochs.rows, progress.trace),
                about="accuracy",
            )


def _figure(progress: Progress) -> Figure:
    """The wave in work so far, small."""
    margin = {"l": 40, "r": 8, "t": 24, "b": 28}
    return epochs.figure(progress.trace, progress.epochs, height=TRACE_HEIGHT, margin=margin)


def share(progress: Progress | None) -> float:
    """How much of a job is done, in [0, 1]."""
    if progress is None:
        return 0.0
    done = progress.wave - 1 + progress.epoch / max(1, progress.epochs)
    return min(1.0, done / max(1, progress.waves))


def progress_words(step: Step, progress: Progress | None, models: int) -> str:
    """How far a job is, in words."""
    if step == "starting":
        return "Starting the workers …"
    if step == "resting" or progress is None:
        return f"Not measured yet. {models} models are trained as soon as the dial rests."
    of = f"models {models_of(progress.wave - 1) + 1} to {models_of(progress.wave)} of {models}"
    if progress.state == "queued":
        return f"Waiting for a free worker to train {of}{ahead_words(progress.ahead)} …"
    if progress.state == "elsewhere":
        return f"Waiting for {of}, which another program on the same cache has taken on …"
    if progress.state == "training" and progress.teachers and not progress.epoch:
        return f"Training the teachers of {of}, for soft labels: epoch {progress.teachers} of {progress.epochs} …"
    if progress.state == "training":
        return f"Training {of}: epoch {progress.epoch} of {progress.epochs} …"
    return f"Attacking {of} …"


def ahead_words(ahead: int) -> str:
    """How many trainings come first."""
    if not ahead:
        return ""
    return f"; {ahead:,} training{' is' if ahead == 1 else 's are'} ahead of yours"


def trace_words(progress: Progress) -> str:
    """The latest epoch in words."""
    last = progress.trace[-1]
    return (
        f"After epoch {last.epoch}: train accuracy {last.train_accuracy:.1%}, "
        f"test accuracy {last.test_accuracy:.1%}, AUC of the loss threshold {short(last.loss_auc)}."
    )
