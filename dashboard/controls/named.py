"""The presets as a row of buttons: settings with a name, one tap away."""

from __future__ import annotations

import streamlit as st

from dashboard.state.landscape import same_setting
from dashboard.state.story import PRESETS
from dashboard.state.view import View
from dashboard.state.visit import go


def presets(view: View) -> None:
    """Draw one button for each preset; the one that is shown is marked, in words too."""
    with st.container(key="presets-row", horizontal=True, gap="small"):
        for preset in PRESETS:
            here = same_setting(preset.view, view)
            st.button(
                f"{preset.title} *(shown)*" if here else preset.title,
                key=f"preset-{preset.name}",
                help=preset.about,
                type="primary" if here else "secondary",
                on_click=go,
                args=(preset.view,),
            )
