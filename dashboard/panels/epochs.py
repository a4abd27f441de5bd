"""The panel of a training by epoch, which is also the dial of early stopping."""

from __future__ import annotations

from dashboard.panels.panel import epochs_panel
from dashboard.results import epochs
from dashboard.serving.running import running
from dashboard.state.landscape import models_of
from dashboard.state.stops import OFF
from dashboard.state.view import View, point
from dashboard.state.visit import go, this_visit


def training(view: View) -> None:
    """Draw how the first wave of the setting's recipe was trained, where that was heard to its end."""
    asked = point(view)
    trace = running().store.reports.trace(asked.recipe)
    if not trace:
        return
    kept, chosen = asked.recipe.kept_epochs, asked.recipe.kept(asked.release)
    epochs_panel(
        "epochs",
        "The training, epoch by epoch",
        epochs.figure(trace, asked.recipe.epochs, kept=kept),
        traced=epochs.for_browser(trace, kept, chosen),
        finding=epochs.finding(trace, models_of(1)),
        rows=lambda: epochs.rows(trace),
        about="accuracy",
        on_pick=publish,
    )


def publish(epoch: str) -> None:
    """Publish the weights of an epoch from now on; what is no stop of the dial is ignored."""
    view = this_visit().view
    stop = OFF if epoch == str(point(view).recipe.epochs) else epoch
    if stop in view.stops("stop_after"):
        go(view.turned("stop_after", stop).turned("sweep", "stop_after"))
