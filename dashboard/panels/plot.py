"""The components that draw figures: Plotly, kept alive between reruns, loaded from the dashboard itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from dashboard.results.exports import file_name
from dashboard.results.figures import Figure
from dashboard.results.palette import PALETTES
from dashboard.results.thresholds import Cuts, for_browser

PLOTLY_ROUTE = f"/assets/plotly-{version('plotly')}.min.js"
"""Where the dashboard serves plotly.js; the name changes with the version, so that browsers may keep it."""

_HERE = Path(__file__).parent
_FIGURE = """
  <div class="pd-plot" role="group" tabindex="0"></div>
  <div class="pd-ring" hidden></div>
  <div class="pd-live" role="status" aria-live="polite"></div>
"""
_SAVE = """
  <div class="pd-save" role="group">
    <span aria-hidden="true">Save as</span>
    <button type="button" data-format="svg">SVG</button>
    <button type="button" data-format="png">PNG</button>
  </div>
"""
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


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_DRAWING = f"const PALETTES = {json.dumps(PALETTES)};\n{_read('plot.js')}"
_plot = component(
    "privacydial_plot",
    html=f'<div class="pd-figure">{_FIGURE}{_SAVE}</div>',
    css=_read("plot.css"),
    js=_DRAWING,
    isolate_styles=False,
)
_with_threshold = component(
    "privacydial_threshold",
    html=f'<div class="pd-figure">{_FIGURE}{_THRESHOLD}{_SAVE}</div>',
    css=_read("plot.css") + _read("threshold.css"),
    js=_DRAWING + _read("threshold.js"),
    isolate_styles=False,
)


def _shown(figure: Figure, alt: str, title: str) -> dict[str, object]:
    """What the components are told of a figure."""
    return {"figure": figure, "alt": alt, "title": title, "file": file_name(title or "figure")}


def plot(
    figure: Figure, *, key: str, alt: str, title: str = "", on_pick: Callable[[str], None] | None = None
) -> None:
    """Draw a figure.

    Args:
        figure: a Plotly figure with colours by role.
        key: its identity; the node on the page is kept as long as the key stays.
        alt: what the figure shows, as a finding.
        title: stands above the figure where it is saved, and names the file.
        on_pick: called with the ``customdata`` of a chosen point before the page runs again. It comes from the
            browser, so it is to be checked.
    """

    def picked() -> None:
        value = st.session_state[key].get("pick")
        if on_pick is not None and isinstance(value, str):
            on_pick(value)

    _plot(
        key=key,
        data={**_shown(figure, alt, title), "source": PLOTLY_ROUTE},
        height="content",
        on_pick_change=picked,
    )


def threshold_plot(figure: Figure, made: Cuts, *, key: str, alt: str, title: str = "") -> None:
    """Draw a histogram of scores over a slider that moves a threshold through it, all of it in the browser.

    Args:
        figure: a Plotly figure whose horizontal axis is the score.
        made: what is accused at the stops of the slider.
        key: its identity, as in ``plot``; the threshold stays where the visitor put it.
        alt: what the figure shows, as a finding.
        title: as in ``plot``.
    """
    _with_threshold(
        key=key,
        data={**_shown(figure, alt, title), "source": PLOTLY_ROUTE, "cuts": for_browser(made)},
        height="content",
    )
