"""The one component that draws figures: Plotly, kept alive between reruns, loaded from the dashboard itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import streamlit as st
from streamlit.components.v2 import component

from dashboard.figures import Figure

PLOTLY_ROUTE = f"/assets/plotly-{version('plotly')}.min.js"
"""Where the dashboard serves plotly.js; the name changes with the version, so that browsers may keep it."""

_HERE = Path(__file__).parent
_HTML = """
<div class="pd-figure">
  <div class="pd-plot" role="group" tabindex="0"></div>
  <div class="pd-ring" hidden></div>
  <div class="pd-live" role="status" aria-live="polite"></div>
</div>
"""

_component = component(
    "privacydial_plot",
    html=_HTML,
    css=(_HERE / "plot.css").read_text(encoding="utf-8"),
    js=(_HERE / "plot.js").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def plot(figure: Figure, *, key: str, alt: str, on_pick: Callable[[str], None] | None = None) -> None:
    """Draw a figure.

    Args:
        figure: a Plotly figure with colours by role.
        key: its identity; the node on the page is kept as long as the key stays.
        alt: what the figure shows, as a finding.
        on_pick: called with the ``customdata`` of a chosen point before the page runs again. It comes from the
            browser, so it is to be checked.
    """

    def picked() -> None:
        value = st.session_state[key].get("pick")
        if on_pick is not None and isinstance(value, str):
            on_pick(value)

    _component(
        key=key,
        data={"figure": figure, "alt": alt, "source": PLOTLY_ROUTE},
        height="content",
        on_pick_change=picked,
    )
