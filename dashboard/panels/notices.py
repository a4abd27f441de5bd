"""What has happened to this dashboard that every page must tell: a cache that was damaged."""

from __future__ import annotations

import streamlit as st

from dashboard.results.words import unmarked
from dashboard.serving.running import running


def notices() -> None:
    """Draw them above a page; nothing where there are none."""
    with st.container(key="notices-place"):
        damaged = running().store.damaged
        if damaged:
            st.warning(damaged_words(damaged[-1].name))


def damaged_words(aside: str) -> str:
    """What became of a damaged cache, as Markdown.

    Args:
        aside: the name that its file has now.
    """
    return (
        "The file with the results was damaged. What was whole in it has been saved, the rest is measured again when "
        f"it is asked for. The damaged file is kept beside the new one as {unmarked(aside)}."
    )
