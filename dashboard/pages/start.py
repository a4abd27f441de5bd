"""The page Start: what the product is about in one sentence and one picture, five presets, and the ways in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from dashboard.panels.cards import preset_cards
from dashboard.panels.measuring import measuring
from dashboard.panels.panel import panel, table_behind
from dashboard.results import leaflet, opening
from dashboard.results.links import how_html
from dashboard.results.tiles import headline_html
from dashboard.serving.running import running
from dashboard.state.story import SWEET_SPOT, Story, story
from dashboard.state.view import key
from dashboard.state.visit import begin, go_to_address, write_address
from engine.assessment.values import Assessment

EXPLORE = "explore"
"""The path of the page that presets and points open."""

_LEAVING = "start-leaving"
_HEADLINE = {"Times out of 100": "auc", "Accuracy": "accuracy"}
_CARDS = {"Scores": "scores", "Accuracy": "accuracy", "Attack AUC": "auc", "Proved ε": "epsilon"}


def page(leave: Mapping[str, Callable[[], None]]) -> None:
    """Draw the page.

    Args:
        leave: by path, what goes to another page; a path that is missing is not offered.
    """
    begin(st.query_params)
    target = st.session_state.pop(_LEAVING, None)
    if target is not None:
        leave[target]()
    write_address(with_view=False)  # with one the address would open Explore (app.py)
    told = story(running().store)
    left, right = st.columns([5, 7], gap="large", vertical_alignment="center")
    with left:
        _words(told)
        _ways(told, leave)
    with right:
        panel(
            "story",
            "",
            opening.figure(told),
            finding=opening.finding(told),
            rows=lambda: opening.rows(told),
            about="frontier",
            called=opening.TITLE,
            on_pick=_open,
            lasting=True,
        )
    about = f'<p class="pd-finding">{opening.SCORES} {how_html(_CARDS, "The cards")}</p>' if told.told else ""
    st.html(f'<h2 class="pd-title">Five settings to start from</h2>{about}')
    found = _behind(told)
    listed = opening.cards(told, found)
    preset_cards(listed, key="presets", page=EXPLORE, on_pick=_open)
    if found:
        picture = partial(leaflet.svg, listed, opening.CARDS, opening.SCORES)
        table_behind("cards", opening.CARDS, partial(opening.score_rows, found), picture=picture)


def _words(told: Story) -> None:
    st.html(f'<p class="pd-kicker">{opening.ABOUT}</p>')
    st.html(headline_html(*opening.sentences(told), about=_HEADLINE if told.told else None))
    with st.container(key="measuring-place"):
        if not told.complete:
            measuring(told)


def _ways(told: Story, leave: Mapping[str, Callable[[], None]]) -> None:
    """The ways in."""
    with st.container(key="ways", horizontal=True, gap="small"):
        kind = "primary" if told.told else "secondary"  # where nothing is measured, measuring comes first
        st.button("Turn the dials", key="way-explore", type=kind, on_click=_leave, args=(EXPLORE,))
        if SWEET_SPOT.name in told.told:
            address = SWEET_SPOT.view.address
            st.button("Show the result", key="way-result", on_click=_open, args=(address,))
        if "sweep" in leave:
            st.button("Run a sweep", key="way-sweep", on_click=_leave, args=("sweep",))


def _leave(path: str) -> None:
    """Go to another page as soon as this one runs again."""
    st.session_state[_LEAVING] = path


def _open(address: str) -> None:
    """Open the setting of an address in Explore; what is not one is ignored there."""
    go_to_address(address)
    _leave(EXPLORE)


def _behind(told: Story) -> dict[str, Assessment]:
    """What stands behind the presets, by name."""
    found = {name: running().store.assessment(key(spot.view, spot.view.waves)) for name, spot in told.told.items()}
    return {name: each for name, each in found.items() if each is not None}
