"""The page Who is at risk: records one by one and in groups, before and after a protection."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cache.store import Store
from dashboard.controls.attacks import attack_list
from dashboard.controls.chips import chips
from dashboard.controls.dials import dials_on_page, rail
from dashboard.controls.filters import filters
from dashboard.panels.autopsy import autopsy
from dashboard.panels.before import before_and_after
from dashboard.panels.drawn import with_pictures
from dashboard.panels.panel import group_panel, panel, table_panel
from dashboard.panels.problems import problems
from dashboard.panels.records import records
from dashboard.panels.tabs import tabs
from dashboard.panels.taking import take
from dashboard.panels.waiting import FAILED, failed, waiting
from dashboard.results import gallery, people, profits, words
from dashboard.results import risks as all_risks
from dashboard.results.drawing import how
from dashboard.results.links import how_html
from dashboard.results.risks import Filter, Risks
from dashboard.results.standing import Fate, fate
from dashboard.results.tiles import headline_html
from dashboard.serving.running import running
from dashboard.state.beside import begin_choice, keep_choice
from dashboard.state.cohorts import enough_pairs, risk_by_pair
from dashboard.state.hiding import CONTROLS, shown
from dashboard.state.landscape import Landscape, best_key, landscape, models_of
from dashboard.state.view import key, point
from dashboard.state.visit import begin, write_address
from engine.assessment.values import Assessment
from engine.populations.catalogue import POPULATIONS

RECORD = "record"
"""The part of a URL that names a record beside the view."""

TABS = {"records": "Record by record", "before": "Before and after", "groups": "Groups"}
"""What the page tells below the histogram, by the names in the URL."""


def link() -> None:
    """The way to this page from another."""
    st.page_link(
        st.Page(page, title="Who is at risk", url_path="risk"),
        label="All records, before and after a protection, groups",
        icon=":material/arrow_forward:",
    )


def page() -> None:
    """Draw the page for the view in the URL or in the session."""
    store = running().store
    state = begin(st.query_params)
    found = landscape(store, state.view, state.before, dials=dials_on_page(), training=running().training)
    rail(found)
    attack_list(found)
    write_address()
    problems(state.problems)
    best = best_key(found)
    assessment = store.assessment(best) if best else None
    headline = st.container(key="risk-headline", gap="small")
    if shown("chips"):
        chips(found)
    with st.container(key="waiting-place"):
        if not found.complete and not found.refusal:
            waiting(found.waves)
    if best is not None and assessment is not None:
        _everybody(store, found, best, assessment, headline)
    else:
        with headline:
            _nobody_yet(found)
    with st.container(key="take-place", horizontal=True, horizontal_alignment="right"):
        if not found.refusal and shown("take"):
            take(point(found.view).with_waves(found.waves or found.view.waves), assessment)


def _everybody(store: Store, found: Landscape, best: str, assessment: Assessment, headline: DeltaGenerator) -> None:
    """All that is known of the records of a measured setting."""
    with st.container(key="risk-filters"):
        chosen, prior = filters(found.view, assessment, priors=enough_pairs(assessment))
    of = all_risks.risks(assessment, risk_by_pair(best, assessment, prior), prior)
    few = "" if found.complete else f"{models_of(found.waves)} of {found.view.models} models"
    headline.html(headline_html(all_risks.count(of, chosen), all_risks.meaning(of), few, about="risk"))
    panel(
        "risks",
        "Risk of all records",
        all_risks.histogram(of, chosen),
        finding=all_risks.histogram_words(of, chosen),
        rows=lambda: all_risks.histogram_rows(of, chosen),
        about="risk",
    )
    below = tabs("tab", TABS, key="risk-tabs")
    if below["records"].open:
        with below["records"]:
            _records(store, found, assessment, of, chosen)
    if below["before"].open:
        with below["before"]:
            before_and_after(store, found, assessment, of)
    if below["groups"].open:
        with below["groups"]:
            _groups(assessment, of)


def _nobody_yet(found: Landscape) -> None:
    """What stands in place of the numbers where there are none."""
    if found.refusal:
        st.html(headline_html(words.refused(found.refusal), "Turn one of these dials back to go on.", about=None))
        return
    if failed():
        st.html(headline_html(*FAILED, about=None))
        return
    coming = (
        f"Who is at risk is known once {models_of(1)} of {found.view.models} models have been trained on random "
        f"halves of {found.view.contested:,} records and attacked."
    )
    st.html(headline_html("This setting has not been measured yet.", coming, about=None))


def _records(store: Store, found: Landscape, assessment: Assessment, of: Risks, chosen: Filter) -> None:
    """The gallery of what the filter lets through, and the story of the chosen record."""
    through = of.order[all_risks.kept(of, chosen)[of.order]]
    asked, problem = gallery.record_in(st.query_params.get(RECORD), of.member.size)
    if problem:
        st.warning(words.unmarked(problem), icon=":material/link_off:")
    record = asked if asked is not None else int(through[0] if through.size else of.order[0])
    last = gallery.pages(through.size) - 1
    at = begin_choice("page", "risk-page", range(last + 1), 0, text=_counted)
    keep_choice("page", at, 0, text=_counted)
    shown = through[at * gallery.PAGE : (at + 1) * gallery.PAGE]
    *listed, one = with_pictures(found.view, gallery.listed(assessment, of, [*shown, record]))
    if listed:
        order = gallery.caption(of, page=at, records=through.size)
        drawn = how(POPULATIONS[found.view.population])
        st.html(f'<p class="pd-finding">{order} {drawn} {how_html("risk", "The records in order")}</p>')
        records(listed, key="gallery", chosen=record, on_pick=_choose)
        _pager(at, last)
    else:
        st.html('<p class="pd-finding">The filter lets no record through: widen it to see some again.</p>')
    autopsy(assessment, one, _fates(store, found, record), CONTROLS[found.view.sweep])


def _pager(at: int, last: int) -> None:
    """The way to the pages of the gallery before and after this one."""
    if last:
        with st.container(horizontal=True, gap="small"):
            st.button("Riskier", key="page-before", on_click=_turn_to, args=(at - 1,), disabled=at == 0)
            st.button("Less at risk", key="page-after", on_click=_turn_to, args=(at + 1,), disabled=at == last)


def _counted(at: int) -> str:
    """A page of the gallery in the URL, where the first one is 1."""
    return str(at + 1)


def _choose(record: int) -> None:
    st.query_params[RECORD] = str(record)


def _turn_to(at: int) -> None:
    st.session_state["risk-page"] = at


def _fates(store: Store, found: Landscape, record: int) -> list[Fate]:
    """The record at every measured stop of the dial that is traced."""
    told = []
    for spot in found.path:
        measured = store.assessment(key(spot.view, spot.view.waves))
        one = fate(spot.label, measured, record) if measured else None
        if one is not None:
            told.append(one)
    return told


def _groups(assessment: Assessment, of: Risks) -> None:
    """Classes and subgroups, whether those at risk profit, what goes with risk, and whether attacks agree."""
    left, right = st.columns(2, gap="large")
    with left:
        for group in people.of_classes(assessment, of.pairs, of.prior):
            group_panel(group)
        _profits(assessment, of)
    with right:
        if assessment.answers is not None and of.pairs is not None:
            for group in people.subgroups(assessment.answers, of.pairs):
                group_panel(group)
    table_panel("reasons", "What goes with the risk", people.reasons(assessment), about="reasons")
    title = "Do the attacks agree on who is at risk?"
    table_panel("agreement", title, people.agreement(assessment), about="agreement")


def _profits(assessment: Assessment, of: Risks) -> None:
    made = profits.profits(of.member, assessment.answers) if assessment.answers is not None else None
    if made is not None:
        panel(
            "profits",
            "Do those at risk profit?",
            profits.figure(made),
            finding=profits.words(made),
            rows=lambda: profits.rows(made),
            about={"Risk": "group-risk", "Probability of the label": "phi", "Rank correlation": "rank-correlation"},
        )
