"""The chips: every protection in use, above the page, each a button that takes it out of use."""

from __future__ import annotations

import streamlit as st

from dashboard.state.landscape import Landscape
from dashboard.state.stops import DIALS
from dashboard.state.view import View
from dashboard.state.visit import go, this_visit


def chips(found: Landscape) -> None:
    """Draw one chip for each dial in use; the place stays when there is none."""
    view = found.view
    with st.container(key="chips-place"), st.container(key="chips", horizontal=True, gap="small"):
        for name in view.in_use:
            # From a setting that has not been measured every way out is good.
            stays = found.current is not None and getattr(View, name) not in found.offered(name)
            st.button(chip_label(view, name), key=f"chip-{name}", on_click=_remove, args=(name,), disabled=stays)


def chip_label(view: View, name: str) -> str:
    """The chip's text; the emphasized word is read out, and on screen a × at the end stands for it."""
    return f"*Remove* {DIALS[name].title} {DIALS[name].label(getattr(view, name))}"


def _remove(name: str) -> None:
    go(this_visit().view.without(name))
