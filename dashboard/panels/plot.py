"""The components that draw figures: Plotly, kept alive between reruns, loaded from the dashboard itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2 import component

from dashboard.panels.kept import kept
from dashboard.panels.scripts import script
from dashboard.results.exports import file_name
from dashboard.results.figures import Figure, identified
from dashboard.results.palette import PALETTES
from dashboard.results.previews import Previews
from dashboard.results.thresholds import Cuts, for_browser

PLOTLY_ROUTE = f"/assets/plotly-{version('plotly')}.min.js"
"""Where the dashboard serves plotly.js; the name changes with the version, so that browsers may keep it."""

_HERE = Path(__file__).parent
_FIGURE = """
  <div class="pd-plot" role="group" tabindex="0"></div>
  <div class="pd-ring" hidden></div>
  <div class="pd-keys" hidden></div>
  <div class="pd-live" role="status" aria-live="polite"></div>
"""
_SAVE = """
  <div class="pd-save" role="group">
    <span aria-hidden="true">Save as</span>
    <button type="button" data-format="svg">SVG</button>
    <button type="button" data-format="png">PNG</button>
  </div>
"""
_DRAG = '<div class="pd-drag" aria-hidden="true" hidden><i></i><b></b></div>'
_THRESHOLD = """
  <div class="pd-line" aria-hidden="true" hidden><i></i></div>
  <div class="pd-threshold">
    <input type="range" class="pd-range" aria-label="Threshold: accuse every record whose score is at least this">
    <div class="pd-settings">
      <button type="button" data-place="own">Where the attack decides</button>
      <button type="button" data-place="few">1 % false alarms</button>
      <label>Members among those asked about <select class="pd-prior"></select></label>
    </div>
    <dl class="pd-rates">
      <div><dt>Members found (TPR)</dt><dd data-rate="tpr"></dd></div>
      <div><dt>False alarms (FPR)</dt><dd data-rate="fpr"></dd></div>
      <div><dt>Accusations that are right (PPV)</dt><dd data-rate="ppv"></dd></div>
    </dl>
  </div>
"""


_EPOCHS = """
  <div class="pd-line" aria-hidden="true" hidden><i></i></div>
  <div class="pd-threshold">
    <input type="range" class="pd-range" min="0" aria-label="Epoch">
    <div class="pd-settings">
      <button type="button" data-play></button>
      <button type="button" data-keep></button>
    </div>
    <dl class="pd-rates">
      <div><dt>After epoch</dt><dd data-number="epoch"></dd></div>
      <div><dt>Train accuracy</dt><dd data-number="train"></dd></div>
      <div><dt>Test accuracy</dt><dd data-number="test"></dd></div>
      <div><dt>AUC of the loss threshold</dt><dd data-number="auc"></dd></div>
    </dl>
  </div>
"""


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_DRAWING = (f"const PALETTES = {json.dumps(PALETTES)};\n", "kept.js", "plot.js")
_plot = component(
    "privacydial_plot",
    html=f'<div class="pd-figure">{_FIGURE}{_DRAG}{_SAVE}</div>',
    js=script("plot", *_DRAWING, "sketch.js", "dragging.js"),
    isolate_styles=False,
)
_with_threshold = component(
    "privacydial_threshold",
    html=f'<div class="pd-figure">{_FIGURE}{_THRESHOLD}{_SAVE}</div>',
    js=script("threshold", *_DRAWING, "percent.js", "threshold.js"),
    isolate_styles=False,
)
_by_epoch, _by_epoch_only = (
    component(
        name,
        html=f'<div class="pd-figure pd-epochs">{_FIGURE}{controls}{_SAVE}</div>',
        js=script("epochs", *_DRAWING, "percent.js", "epochs.js"),
        isolate_styles=False,
    )
    for name, controls in (
        ("privacydial_epochs", _EPOCHS),
        ("privacydial_epochs_only", _EPOCHS.replace("data-keep", "data-keep hidden")),
    )
)


def _shown(figure: Figure, alt: str, title: str) -> dict[str, object]:
    """What the components are told of a figure."""
    return {
        "figure": identified(figure),
        "alt": alt,
        "title": title,
        "file": file_name(title),
        "source": PLOTLY_ROUTE,
    }


def plot(
    figure: Figure,
    *,
    key: str,
    alt: str,
    title: str,
    on_pick: Callable[[str], None] | None = None,
    dials: Previews | None = None,
    lasting: bool = False,
) -> None:
    """Draw a figure.

    Args:
        figure: a Plotly figure with colours by role.
        key: its identity; the node on the page is kept as long as the key stays.
        alt: what the figure shows, as a finding.
        title: stands above the figure where it is saved, and names the file.
        on_pick: called with the ``customdata`` of a chosen point before the page runs again. It comes from the
            browser, so it is to be checked.
        dials: what the page shows while one of these dials is dragged.
        lasting: whether it is the same for all visitors and rarely changes. Then browsers keep it, and draw it
            plainly at once, before plotly.js has come; for scatter plots on linear axes whose ranges and margins the
            figure gives.
    """
    told = _shown(figure, alt, title) | ({"dials": dials} if dials else {})
    _plot(
        key=key,
        data=kept("figure", {**told, "sketched": True}) if lasting else told,
        height="content",
        on_pick_change=_picked(key, on_pick),
    )


def _picked(key: str, on_pick: Callable[[str], None] | None) -> Callable[[], None]:
    """What Streamlit calls when a component says that something was chosen."""

    def picked() -> None:
        value = st.session_state[key].get("pick")
        if on_pick is not None and isinstance(value, str):
            on_pick(value)

    return picked


def epochs_plot(
    figure: Figure,
    traced: Mapping[str, Any],
    *,
    key: str,
    alt: str,
    on_pick: Callable[[str], None] | None,
    title: str,
) -> None:
    """Draw a training by epoch over a slider that walks through it, in the browser; a kept epoch can be chosen.

    Args:
        figure: a Plotly figure whose horizontal axis is the epoch.
        traced: the numbers by epoch, as ``dashboard.results.epochs.for_browser`` makes them.
        key: its identity, as in ``plot``.
        alt: what the figure shows, as a finding.
        on_pick: called with the epoch to be published, as text from the browser: it is to be checked. None where
            none can be: then there is no button for it.
        title: as in ``plot``.
    """
    draw = _by_epoch if on_pick is not None else _by_epoch_only
    draw(
        key=key,
        data={**_shown(figure, alt, title), "epochs": dict(traced)},
        height="content",
        on_pick_change=_picked(key, on_pick),
    )


def threshold_plot(
    figure: Figure,
    made: Cuts,
    at: tuple[float, float],
    *,
    key: str,
    alt: str,
    title: str,
    attack: str,
    on_move: Callable[[str, str], None],
) -> None:
    """Draw a histogram of scores over a slider that moves a threshold through it, in the browser.

    Args:
        figure: a Plotly figure whose horizontal axis is the score.
        made: what is accused at the stops of the slider.
        at: where it begins: the score, and the share of members among those asked about, one of ``PRIORS``.
        key: its identity, as in ``plot``; the threshold stays where the visitor put it, with the same attack.
        alt: what the figure shows, as a finding.
        title: as in ``plot``.
        attack: whose scores they are.
        on_move: called with the two of ``at`` once the visitor has let go, as texts from the browser: they are to be
            checked. What is said of another attack's scores comes too late, and is dropped.
    """

    def moved() -> None:
        match st.session_state[key].get("moved"):
            case [score, prior, of] if of == attack:
                on_move(str(score), str(prior))

    score, prior = at
    _with_threshold(
        key=key,
        data={**_shown(figure, alt, title), "cuts": for_browser(made), "at": [score, f"{prior:g}"], "attack": attack},
        height="content",
        on_moved_change=moved,
    )
