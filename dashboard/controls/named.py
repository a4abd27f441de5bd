"""The presets as a row: settings with a name, one tap away."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboard.state.landscape import same_setting
from dashboard.state.story import PRESETS, Preset
from dashboard.state.view import View
from dashboard.state.visit import go

_BY_NAME: Mapping[str, Preset] = {preset.name: preset for preset in PRESETS}
_KEY = "presets-row"


def presets(view: View) -> None:
    """Draw the row; the preset that is shown is the chosen one, and none is where the view is another setting."""
    here = next((preset.name for preset in PRESETS if same_setting(preset.view, view)), None)
    # Only where they differ: a write is sent to the browser, where it would undo a choice that is still on its way.
    if st.session_state.get(_KEY) != here:
        st.session_state[_KEY] = here
    st.pills(
        "Presets",
        list(_BY_NAME),
        format_func=lambda name: _BY_NAME[name].title,
        key=_KEY,
        label_visibility="collapsed",
        on_change=_chosen,
    )


def _chosen() -> None:
    """Show the chosen preset; taking back the choice changes nothing."""
    name = st.session_state[_KEY]
    if name is not None:
        go(_BY_NAME[name].view)
