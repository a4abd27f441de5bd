"""What has happened to this dashboard that every page must tell: results that were damaged."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.results.words import unmarked
from dashboard.serving.running import running


def notices(place: DeltaGenerator) -> None:
    """Draw them in their place above a page, once the page has read what it shows; nothing where there are none."""
    store = running().store
    with place:
        if store.damaged:
            st.warning(damaged_words(store.damaged[-1].name))
        if store.dropped:
            st.warning(dropped_words(len(store.dropped)))


def damaged_words(aside: str) -> str:
    """What became of a damaged cache, as Markdown.

    Args:
        aside: the name that its file has now.
    """
    return (
        "The file with the results was damaged. What was whole in it has been saved, the rest is measured again when "
        f"it is asked for. The damaged file is kept beside the new one as {unmarked(aside)}."
    )


def dropped_words(entries: int) -> str:
    """What became of results that were damaged in a cache that is whole otherwise.

    Args:
        entries: how many, at least 1.
    """
    were, they_are = ("result was", "it is") if entries == 1 else ("results were", "they are")
    return f"{entries:,} stored {were} damaged and thrown away; {they_are} measured again when asked for."
