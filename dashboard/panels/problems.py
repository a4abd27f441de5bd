"""What could not be read of the address, above a page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.results.words import unmarked


def problems(sentences: Sequence[str]) -> None:
    """Draw the sentences, foreign texts among them; their place stays when there are none."""
    with st.container(key="problems-place"):
        if sentences:
            st.warning("  \n".join(map(unmarked, sentences)), icon=":material/link_off:")
