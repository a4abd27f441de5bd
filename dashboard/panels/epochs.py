"""The panel of a training by epoch, which is also the dial of early stopping."""

from __future__ import annotations

import streamlit as st

from cache.admission import Nothing
from cache.progress import TracePoint
from dashboard.panels.panel import epochs_panel
from dashboard.results import epochs
from dashboard.serving.running import running
from dashboard.state.hiding import shown
from dashboard.state.landscape import Landscape, landscape, models_of
from dashboard.state.stops import OFF, STOP_AFTER
from dashboard.state.view import point
from dashboard.state.visit import this_visit, turn

UNTOLD = (
    "How this training went by epoch was not kept with this result: those of sweeps, and imported ones, hold the end "
    "of a training only."
)
TO_SEE_ONE = "Turn a dial to a stop that is not measured yet: what is trained here can be followed epoch by epoch."


def training(found: Landscape) -> None:
    """Draw how the first wave of the setting's recipe was trained, or say why that is not known.

    The place stays while nothing has been measured. The style sheet hides it while no figure is in it, so what is
    said instead has a place of its own.
    """
    trace = running().store.reports.trace(point(found.view).recipe) if found.waves else ()
    untold = bool(found.waves) and not trace
    with st.container(key="training-untold" if untold else "training-place"):
        if trace:
            _traced(found, trace)
        elif untold:
            how = "" if isinstance(running().training, Nothing) else f" {TO_SEE_ONE}"
            st.html(f'<p class="pd-finding">{UNTOLD}{how}</p>')


def _traced(found: Landscape, trace: tuple[TracePoint, ...]) -> None:
    asked = point(found.view)
    kept, chosen = asked.recipe.kept_epochs, asked.recipe.kept(asked.release)
    offered = [epoch for epoch in kept if _stop(found, epoch) in published(found)]
    epochs_panel(
        "epochs",
        "The training, epoch by epoch",
        epochs.figure(trace, asked.recipe.epochs, kept=kept),
        traced=epochs.for_browser(trace, offered, chosen),
        finding=epochs.finding(trace, models_of(1)),
        rows=lambda: epochs.rows(trace),
        about="accuracy",
        on_pick=publish if {*offered} - {chosen} else None,
    )


def _stop(found: Landscape, epoch: int) -> str:
    """The stop of the dial that publishes an epoch's weights."""
    return OFF if epoch == point(found.view).recipe.epochs else str(epoch)


def published(found: Landscape) -> tuple[str | int, ...]:
    """The stops of early stopping that a visitor can choose: none where a link hides the dial."""
    return found.offered(STOP_AFTER.name) if shown(STOP_AFTER.name) else ()


def publish(epoch: str) -> None:
    """Publish the weights of an epoch from now on; what is no stop of the dial, or not offered here, is ignored."""
    view, name = this_visit().view, STOP_AFTER.name
    found = landscape(running().store, view, dials=(name,), training=running().training)
    if epoch.isdecimal() and _stop(found, int(epoch)) in published(found):
        turn(name, _stop(found, int(epoch)))
