"""The page Compare: two to four settings, pair by pair on the same masks."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard.controls.pinning import adding, choosing_first
from dashboard.panels.lacking import lacking
from dashboard.panels.panel import panel, table_panel
from dashboard.panels.problems import problems
from dashboard.panels.taking import take_settings
from dashboard.results import contrast, multiples
from dashboard.results.contrast import Contrasts
from dashboard.results.links import how_html
from dashboard.results.rates import Scale
from dashboard.results.settings import differences, short_words
from dashboard.results.tables import numbers
from dashboard.results.tiles import HOW, headline_html, tiles_html
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.hiding import shown
from dashboard.state.lineup import Lineup, comparison, lineup, missing
from dashboard.state.pins import keep_pins, this_pins
from dashboard.state.readymade import ready_made
from dashboard.state.story import EXAMPLE
from dashboard.state.view import View, key, point
from dashboard.state.visit import begin, write_address
from engine.assessment.values import Headline

_EXAMPLE = (
    "This is an example: the overfitted preset and the one with strong DP. Pin two to four settings on Explore to "
    "compare your own, or take a ready-made comparison from the end of this page."
)
_SETTING = {"A setting": "word-recipe", "Trainable parameters": "parameters", "Matched sizes": "matching"}
_MULTIPLES: tuple[tuple[Scale, str], ...] = (("linear", "All rates"), ("logarithmic", "Few false alarms"))


def page() -> None:
    """Draw the page for the pins of the session."""
    state = begin(st.query_params)
    write_address()
    found = _lineup(state.view)
    problems(state.problems)
    with st.container(key="lineup-place"):
        if found.sentences:
            st.info("  \n".join(map(unmarked, found.sentences)))
    if len(found.settings) < 2:
        _empty(state.view, found)
        return
    compared = _compared(found)
    _answers(found, compared)
    with st.container(key="lacking-place"):
        lacking(found)
    if this_pins():
        adding(state.view)
        choosing_first()
    else:
        st.html(f'<p class="pd-finding">{_EXAMPLE}</p>')
    if compared:
        _differences(found, compared)
    _settings(found)
    _curves(found)
    if compared:
        _loss_ranks(found, compared)
    with st.container(key="take-place", horizontal=True, horizontal_alignment="right"):
        if shown("take"):
            take_settings({letter: point(view) for letter, view in found.settings.items()})
    with st.expander("Ready-made comparisons", key="ready-made", expanded=not this_pins()):
        _ready_made(state.view)


def _lineup(view: View) -> Lineup:
    """The pins; where there are none, two presets, if they ship and are of the records that the visitor looks at."""
    pinned, example = lineup(this_pins()), lineup(EXAMPLE)
    elsewhere = any((view.population, view.contested) != (one.population, one.contested) for one in EXAMPLE)
    if this_pins() or elsewhere or missing(example, running().store, running().jobs):
        return pinned
    return example


def _compared(found: Lineup) -> Contrasts:
    """The comparisons that there are, by letter."""
    store, jobs = running().store, running().jobs
    made = {letter: comparison(found.versus(letter), store, jobs) for letter in found.others}
    return {letter: of for letter, of in made.items() if of is not None}


def _empty(view: View, found: Lineup) -> None:
    """What to do where there are not two settings to compare."""
    one = next(iter(found.settings.values()), None)
    first = "Does one setting really leak less than another?"
    second = (
        "Pin two to four settings on Explore, or take one of the comparisons below. Models of all settings are "
        "trained on the same random halves of the records, so that chance cancels and even small differences show."
    )
    if one is not None:
        second = f"{short_words(one)} is pinned; one more setting is needed. Pin it on Explore, or add it here."
    st.html(headline_html(first, second, about=None))
    adding(view)
    _ready_made(view)


def _ready_made(view: View) -> None:
    """The ready-made comparisons, side by side."""
    for column, made in zip(st.columns(3), ready_made(view), strict=True):
        with column, st.container(border=True, height="stretch", key=f"ready-{made.name}"):
            how = f" {how_html('matching', made.title)}" if made.matched else ""
            about = f'<p class="pd-finding">{escape(made.about)}{how}</p>'
            st.html(f'<h2 class="pd-title">{escape(made.title)}</h2>{about}')
            st.button(
                f"Compare these *({made.title})*",
                key=f"compare-{made.name}",
                on_click=keep_pins,
                args=(made.pins,),
                disabled=not made.pins,
            )


def _answers(found: Lineup, compared: Contrasts) -> None:
    """The plain answers, or the question while they are to come."""
    short = {letter: short_words(view) for letter, view in found.settings.items()}
    first = found.first
    scope = (
        f"{first} is {short[first]}. Every other setting is compared with it on models that were trained on the same "
        "random halves of the records. Without a difference a yes or no comes up in at most 5 % of cases, however "
        "often one looks."
    )
    sentence = contrast.headline(first, compared) if compared else f"Which leaks less: {' or '.join(short)}?"
    st.html(headline_html(sentence, scope, about=contrast.ABOUT))
    st.html(tiles_html(contrast.tiles(first, short, compared)))


def _differences(found: Lineup, compared: Contrasts) -> None:
    panel(
        "differences",
        "What differs, and by how much",
        contrast.figure(found.first, compared),
        finding=contrast.finding(found.first, compared),
        rows=lambda: contrast.rows(found.first, compared),
        about=contrast.ABOUT,
    )


def _settings(found: Lineup) -> None:
    """What tells the settings apart, and each one's own numbers."""
    rows = [
        {"Setting": f"{letter}: {short_words(view)}", **numbers(head, stopped=view.stopped)}
        for letter, view in found.settings.items()
        if (head := _headline(view)) is not None
    ]
    with st.container(key="settings"):
        table_panel("set", "How they are set", differences(found.settings), about=_SETTING)
        table_panel("alone", "Each by itself", rows, about=HOW)


def _headline(view: View) -> Headline | None:
    at = key(view, view.waves)
    return running().store.headlines([at]).get(at)


def _curves(found: Lineup) -> None:
    """ROC curves side by side, on linear and on logarithmic axes."""
    store = running().store
    stored = {letter: store.assessment(key(view, view.waves)) for letter, view in found.settings.items()}
    drawn = {letter: one for letter, one in stored.items() if one is not None}
    if not drawn:
        return
    for column, (scale, title) in zip(st.columns(2, gap="large"), _MULTIPLES, strict=True):
        with column:
            panel(
                f"multiples-{scale}",
                f"ROC curves: {title.lower()}",
                multiples.figure(drawn, scale),
                finding=multiples.finding(drawn, scale),
                rows=lambda: multiples.rows(drawn),
                about="roc",
            )


def _loss_ranks(found: Lineup, compared: Contrasts) -> None:
    said = (
        "Spearman's rank correlation of the losses of two models with the same members, mean over models with its "
        "95 % interval (Kaya and Dumitraș 2021, section 6): 1 is the same order, 0 no relation."
    )
    title, listed = "Are the same members hard for both?", contrast.loss_ranks(found.first, compared)
    table_panel("loss-ranks", title, listed, about="loss-ranks", finding=said)
