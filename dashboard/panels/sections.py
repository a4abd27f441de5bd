"""What stands behind the headline, in five sections of which one is open: only that one is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from dashboard.panels.autopsy import story
from dashboard.panels.panel import facts_html, group_panel, panel, threshold_panel
from dashboard.panels.records import records
from dashboard.results import belief, details, findings, people, proofs, rates, tables
from dashboard.results.links import how_html
from dashboard.results.methods import anchor
from dashboard.results.words import attack_title, unmarked
from engine.assessment.values import Assessment
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE

WHO_IS_AT_RISK = "Who is at risk"
"""The title of a section that has a page of its own."""

FEW_FALSE_ALARMS = "Few false alarms"
"""The title of the section with the ROC curve and what may be over it."""


_BOUNDS = {"From below": "audits", "From above": "ceilings"}


def sections(found: Assessment, further: Mapping[str, Callable[[], None]], *, stopped: bool = False) -> None:
    """Draw the sections of an assessment, and above them what must not be overlooked in any.

    Args:
        found: the assessment.
        further: by the title of a section, what draws the way to more of it.
        stopped: whether an early epoch is kept, which is said beside ε.
    """
    for sentence in (*proofs.crossings(found), *proofs.contradictions(found)):
        st.error(unmarked(sentence), icon=":material/error:")
    tabs = st.tabs(list(SECTIONS), key="sections", on_change="rerun")
    for tab, (title, draw) in zip(tabs, SECTIONS.items(), strict=True):
        if tab.open:
            with tab:
                draw(found, stopped)
                if title in further:
                    further[title]()


def _scores(found: Assessment, _stopped: bool) -> None:
    left, right = st.columns([5, 2], gap="large")
    with left:
        threshold_panel("scores", "Scores of members and of others", found)
    name = found.headline.attack
    about = anchor("attack", name) if name in CATALOGUE else "scores"
    with right:
        st.html(facts_html("The attack", attack_facts(name), about=about))


def attack_facts(name: str) -> list[tuple[str, str]]:
    """What an attack does, what it must know and who wrote it down."""
    info = CATALOGUE.get(name)
    if info is None:
        return [(attack_title(name), "This attack is no longer in the list.")]
    return [
        (info.title, info.about),
        ("The attacker must know", "; ".join(KNOWLEDGE[part] for part in info.knows) + "."),
        ("Defined in", f"{info.source}."),
    ]


def _rates(found: Assessment, _stopped: bool) -> None:
    left, right = st.columns([5, 2], gap="large")
    with right:
        chosen = st.segmented_control("Axes", rates.SCALES, default=rates.SCALES[0], required=True, key="roc-scale")
    with left:
        panel(
            "roc",
            "Members found at every rate of false alarms",
            rates.roc(found, "linear" if chosen == "linear" else "logarithmic"),
            finding=rates.finding(found),
            rows=lambda: rates.rows(found),
            about="roc",
        )
    with right:
        st.html(facts_html("At few false alarms", rates.facts(found), about="tpr"))


def _people(found: Assessment, _stopped: bool) -> None:
    st.html(
        f'<h2 class="pd-title">The riskiest records</h2><p class="pd-finding">{escape(people.naming(found))} '
        f"{how_html('riskiest', 'The riskiest records')}</p>"
    )
    if people.named(found):
        st.fragment(_story)(found)
    left, right = st.columns(2, gap="large")
    with left:
        panel(
            "risk",
            "Risk of all records",
            details.risk(found),
            finding=findings.risk(found),
            rows=lambda: tables.risk(found),
            about="risk",
        )
    with right:
        for group in found.groups:
            group_panel(group)


def _story(found: Assessment) -> None:
    """The list of records and what is known of the chosen one; choosing runs this part of the page alone."""
    listed, key = people.named(found), "records-chosen"
    one = next((one for one in listed if str(one.record) == st.session_state.get(key)), listed[0])
    records(listed, key="records", chosen=one.record, on_pick=lambda record: _remember(key, record))
    story(found, one)


def _remember(key: str, record: int) -> None:
    st.session_state[key] = str(record)


def _proofs(found: Assessment, stopped: bool) -> None:
    left, right = st.columns([5, 3], gap="large")
    with left:
        panel(
            "bounds",
            "ε measured from below, proved from above",
            proofs.bounds(found),
            finding=proofs.finding(found, stopped=stopped),
            rows=lambda: proofs.rows(found, stopped=stopped),
            about="audits",
        )
    with right:
        st.html(facts_html("What each bound rests on", proofs.facts(found, stopped=stopped), about=_BOUNDS))


def _belief(found: Assessment, stopped: bool) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.html(facts_html("Before you believe it", belief.facts(found, stopped=stopped), about="honesty"))
    with right:
        panel(
            "reliability",
            "Do the risks come true?",
            details.reliability(found),
            finding=findings.reliability(found),
            rows=lambda: tables.reliability(found),
            about="reliability",
        )
        if details.curves(found):
            panel(
                "found-out",
                "Who is found, and how often is that right?",
                details.found_out(found),
                finding=findings.found_out(found),
                rows=lambda: tables.found_out(found),
                about="precision-recall",
            )


SECTIONS: dict[str, Callable[[Assessment, bool], None]] = {
    "What the attacker sees": _scores,
    FEW_FALSE_ALARMS: _rates,
    WHO_IS_AT_RISK: _people,
    "ε from below and above": _proofs,
    "Can I believe this?": _belief,
}
"""The sections by title, in the order of the page."""
