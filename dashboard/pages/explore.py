"""The page Explore: turn a dial, see what it costs in accuracy and what it gives away."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.controls.attacks import attack_list, ways_out
from dashboard.controls.budget import best_link, budget_control
from dashboard.controls.chips import chips
from dashboard.controls.dials import dial_key, dials_on_page, limited_words, rail, sweep_control
from dashboard.controls.named import presets
from dashboard.controls.pinning import pinning
from dashboard.pages import compare, risk
from dashboard.panels.epochs import training
from dashboard.panels.glances import bars_around
from dashboard.panels.panel import panel
from dashboard.panels.problems import problems
from dashboard.panels.retraining import measured, retraining
from dashboard.panels.sections import FEW_FALSE_ALARMS, WHO_IS_AT_RISK, sections
from dashboard.panels.taking import take
from dashboard.panels.waiting import FAILED, failed, waiting
from dashboard.results import figures, findings, glance, sensitivity, tables, words
from dashboard.results.adapting import attackers_html, both_attackers
from dashboard.results.previews import previews
from dashboard.results.tiles import Tile, empty_tiles, headline_html, tiles, tiles_html
from dashboard.serving.running import running
from dashboard.state.hiding import shown
from dashboard.state.landscape import Landscape, best_key, landscape, models_of
from dashboard.state.optimizing import training_words
from dashboard.state.pins import by_letter, this_pins
from dashboard.state.view import SWEEPS, point, release_words
from dashboard.state.visit import begin, go_to_address, write_address
from engine.assessment.values import Assessment
from engine.populations.catalogue import POPULATIONS

_RISK = "Each record: utility and risk"
_TRADEOFF = "What accuracy costs in privacy"


def page() -> None:
    """Draw the page for the view in the URL or in the session."""
    store = running().store
    state = begin(st.query_params)
    found = landscape(
        store,
        state.view,
        state.before,
        dials=dials_on_page(),
        pins=by_letter(this_pins()),
        training=running().training,
    )
    write_address()
    problems(state.problems)
    if shown("presets"):
        presets(found)
    if shown("chips"):
        chips(found)
    _headline(found)
    best = best_key(found)
    assessment = store.assessment(best) if best else None
    _first(found, assessment)
    if shown("tradeoff"):
        _tradeoff(found, assessment)
    if shown("pins"):
        pinning(found.view, compared_on=st.Page(compare.page, title="Compare", url_path="compare"))
    rail(found)  # beside the page, so it may come after what a visitor waits for
    attack_list(found)
    _further(found, best, assessment)


def _first(found: Landscape, assessment: Assessment | None) -> None:
    """What is waited for, the four numbers, and both attackers.

    Places that are empty at times stay where they are: a shift would make the browser draw all below anew.
    """
    with st.container(key="waiting-place"):
        if not found.complete and not found.refusal:
            waiting(found.waves)
    if shown("tiles"):
        st.html(tiles_html(_tiles(found)))
    both = both_attackers(running().store, found, assessment)
    with st.container(key="attackers-place"):
        if both is not None and shown("attackers"):
            st.html(attackers_html(both))


def _further(found: Landscape, best: str | None, assessment: Assessment | None) -> None:
    """What can be taken along, the training by epoch, and what stands behind the headline."""
    with st.container(key="take-place", horizontal=True, horizontal_alignment="right"):
        if not found.refusal and shown("take"):
            take(point(found.view).with_waves(found.waves or found.view.waves), assessment)
    if shown("training"):
        training(found)
    if best and assessment is not None and shown("sections"):
        known = measured(found.view)
        with_ceiling = sensitivity.with_ceiling(assessment, known, point(found.view).release)
        further = {WHO_IS_AT_RISK: risk.link, FEW_FALSE_ALARMS: partial(retraining, found.view, with_ceiling, known)}
        sections(best, with_ceiling, further, stopped=found.view.stopped)


def _headline(found: Landscape) -> None:
    """The measurement in one sentence, or what is to come."""
    if found.refusal:
        first, second = words.refused(found.refusal), ways_out(found.view)
    elif found.current is None and failed():
        first, second = FAILED
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
    st.html(headline_html(first, second, few, about="tpr" if found.current else None))


def _setup(found: Landscape) -> str:
    """What there is to know of how the setting is trained and published."""
    return f"{training_words(found.view)} {release_words(found.view)}".strip()


def _tiles(found: Landscape) -> tuple[Tile, ...]:
    if found.current is None:
        return empty_tiles("not possible") if found.refusal else empty_tiles()
    return tiles(found.current.headline, stopped=found.view.stopped)


def _coming(found: Landscape) -> str:
    if found.limited:
        return f"{limited_words(running().training)} Turn a dial to go to a setting that is."
    return (
        f"{found.view.models} models are trained on random halves of {found.view.contested:,} records and attacked; "
        f"the first numbers appear after {models_of(1)} of them."
    )


def _tradeoff(found: Landscape, assessment: Assessment | None) -> None:
    """Utility against risk for the setting and its neighbours, and beside it both for each record."""
    with st.container(key="tradeoff"):
        left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
        left.html(f'<h2 class="pd-title">{_TRADEOFF}</h2>')
        with middle:
            if shown("budget"):
                budget_control(found.view)
        with right:
            sweep_control(found.view)
        figure, people = st.columns([7, 3], gap="medium")
        with figure:
            panel(
                "tradeoff",
                "",
                figures.tradeoff(found),
                finding=findings.tradeoff(found),
                rows=lambda: tables.spots(found),
                about="frontier",
                called=_TRADEOFF,
                on_pick=go_to_address,
                dials=previews(
                    found,
                    {name: dial_key(found, name) for name in found.marks if name in SWEEPS},
                    bars_around(found) if assessment else {},  # without one there is no figure for them
                ),
            )
            with st.container(key="best-place"):
                best_link(found)
        with people:
            _risk(assessment)


def _risk(assessment: Assessment | None) -> None:
    """Utility and risk of each record, small; its place stays when nothing has been measured."""
    st.html(f'<h3 class="pd-title">{_RISK}</h3>')
    if assessment is None:
        st.html('<p class="pd-finding">It appears here once the setting has been measured.</p>')
        return
    panel(
        "glance",
        "",
        glance.figure(assessment),
        finding=glance.finding(assessment),
        rows=lambda: glance.rows(assessment),
        about={"Risk": "risk", "Probability of the label": "phi"},
        called=_RISK,
    )
