"""The page Explore: turn a dial, see what it costs in accuracy and what it gives away."""

from __future__ import annotations

import streamlit as st

from dashboard.controls.attacks import attack_list, ways_out
from dashboard.controls.chips import chips
from dashboard.controls.dials import dials_on_page, rail, sweep_control
from dashboard.controls.named import presets
from dashboard.panels.panel import panel
from dashboard.panels.sections import sections
from dashboard.panels.taking import take
from dashboard.panels.waiting import waiting
from dashboard.results import figures, findings, tables, words
from dashboard.results.adapting import attackers_html, both_attackers
from dashboard.results.tiles import Tile, empty_tiles, headline_html, tiles, tiles_html
from dashboard.serving.running import running
from dashboard.state.landscape import Landscape, best_key, landscape, models_of
from dashboard.state.stops import OFF
from dashboard.state.view import point, release_words, training_words
from dashboard.state.visit import Visit, begin, go_to_address, write_address
from engine.populations.catalogue import POPULATIONS

_TRADEOFF = "What accuracy costs in privacy"


def page() -> None:
    """Draw the page for the view in the URL or in the session."""
    store = running().store
    state = begin(st.query_params)
    found = landscape(store, state.view, state.before, dials=dials_on_page())
    rail(found)
    attack_list(found.view)
    write_address()
    with st.container(key="problems-place"):
        _problems(state)
    presets(found.view)
    chips(found.view)
    _headline(found)
    # Places that are empty at times stay where they are: a shift would make the browser draw all below anew.
    with st.container(key="waiting-place"):
        if not found.complete and not found.refusal:
            waiting(found.waves)
    st.html(tiles_html(_tiles(found)))
    best = best_key(found)
    assessment = store.assessment(best) if best else None
    both = both_attackers(store, found, assessment)
    with st.container(key="attackers-place"):
        if both is not None:
            st.html(attackers_html(both))
    _tradeoff(found)
    with st.container(key="take-place", horizontal=True, horizontal_alignment="right"):
        if not found.refusal:
            take(point(found.view).with_waves(found.waves or found.view.waves), assessment)
    if assessment is not None:
        sections(assessment)


def _problems(state: Visit) -> None:
    """What could not be read of the URL."""
    if state.problems:
        st.warning("  \n".join(map(words.unmarked, state.problems)), icon=":material/link_off:")


def _headline(found: Landscape) -> None:
    """The measurement in one sentence, or what is to come."""
    if found.refusal:
        first, second = words.refused(found.refusal), ways_out(found.view)
    elif found.current is None:
        setup = _setup(found)
        first, second = (
            "This setting has not been measured yet.",
            f"{_coming(found)} {setup}".strip(),
        )
    else:
        head, setup = found.current.headline, _setup(found)
        first = words.finding(head)
        second = f"{words.scope(head, POPULATIONS[found.view.population].title)} {setup}".strip()
    few = "" if found.complete or not found.waves else f"{models_of(found.waves)} of {found.view.models} models"
    st.html(headline_html(first, second, few))


def _setup(found: Landscape) -> str:
    """What there is to know of how the setting is trained and published."""
    return f"{training_words(found.view)} {release_words(found.view)}".strip()


def _tiles(found: Landscape) -> tuple[Tile, ...]:
    if found.current is None:
        return empty_tiles("not possible") if found.refusal else empty_tiles()
    return tiles(found.current.headline, stopped=found.view.stop_after != OFF)


def _coming(found: Landscape) -> str:
    return (
        f"{found.view.models} models are trained on random halves of {found.view.contested:,} records and attacked; "
        f"the first numbers appear after {models_of(1)} of them."
    )


def _tradeoff(found: Landscape) -> None:
    with st.container(key="tradeoff"):
        left, right = st.columns([3, 1], vertical_alignment="bottom")
        left.html(f'<h2 class="pd-title">{_TRADEOFF}</h2>')
        with right:
            sweep_control(found.view)
        panel(
            "tradeoff",
            "",
            figures.tradeoff(found),
            finding=findings.tradeoff(found),
            rows=lambda: tables.spots(found),
            about="frontier",
            called=_TRADEOFF,
            on_pick=go_to_address,
        )
