"""The page Methods: what every word and number means, how it is computed, and what it does not say."""

from __future__ import annotations

import streamlit as st

from dashboard.panels.place import go_to_place
from dashboard.panels.problems import problems
from dashboard.results.chapters import chapters
from dashboard.results.methods import chapter_html, contents_html, matching
from dashboard.results.tiles import headline_html
from dashboard.state.beside import begin_text, keep_choice
from dashboard.state.visit import begin, write_address


def page() -> None:
    """Draw the page: a filter, the chapters that have what it asks for, and links to them."""
    state = begin(st.query_params)
    write_address()
    problems(state.problems)
    st.html(
        headline_html(
            "How everything is measured.",
            "Every definition, formula, assumption and limit, in the words of the functions that compute them. "
            "Letters in brackets are the shapes of arrays: M models, N records.",
            about=None,
        )
    )
    begun = begin_text("find", "methods-filter")
    wanted = st.text_input("Find", begun, key="methods-filter", placeholder="LiRA, dropout, interval, ε …") or ""
    keep_choice("find", wanted, "")
    found = matching(chapters(), wanted)
    if not found:
        st.html('<p class="pd-finding" role="status">Nothing here has all of these words. Try fewer of them.</p>')
        return
    st.html(contents_html(found))
    for chapter in found:
        st.html(chapter_html(chapter))
    go_to_place()
