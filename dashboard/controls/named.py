"""The presets as a row: settings with a name, one tap away."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.serving.running import running
from dashboard.state.landscape import Landscape, reachable, same_setting
from dashboard.state.story import PRESETS, Preset
from dashboard.state.visit import go

_BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in PRESETS}
_KEY = "presets-row"
_COUNT = "presets-rows"


def presets(found: Landscape) -> None:
    """Draw the row; the preset that is shown is the chosen one, and none is where the view is another setting."""
    here = next((preset.name for preset in PRESETS if same_setting(preset.view, found.view)), None)
    offered = _offered(found, here)
    if not offered:
        return
    widget = _widget(here)
    st.pills(
        "Presets",
        offered,
        default=here,
        format_func=lambda name: _BY_NAME[name].title,
        key=widget,
        label_visibility="collapsed",
        on_change=_chosen,
        args=(widget,),
    )


def _offered(found: Landscape, here: str | None) -> list[str]:
    """The presets that can be chosen: all; or those measured or trained here, and the one that is shown."""
    if not found.limited:
        return list(_BY_NAME)
    known = reachable(running().store, [preset.view for preset in PRESETS], running().training)
    return [preset.name for preset in PRESETS if preset.view in known or preset.name == here]


def _widget(here: str | None) -> str:
    """The key of a row that shows this preset: a new one where the row on the page shows another.

    Turning a dial changes the row, too. What a quick visitor's browser still says of the row before would be taken
    for a choice if it were the same row.
    """
    count = st.session_state.setdefault(_COUNT, 0)
    if st.session_state.get(f"{_KEY}-{count}") != here:
        st.session_state[_COUNT] = count = count + 1
        st.session_state[f"{_KEY}-{count}"] = here
    return f"{_KEY}-{count}"


def _chosen(widget: str) -> None:
    """Show the chosen preset; taking back the choice changes nothing."""
    name = st.session_state[widget]
    if name is not None and widget == f"{_KEY}-{st.session_state[_COUNT]}":
        go(_BY_NAME[name].view)
