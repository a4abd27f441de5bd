"""What stands behind the headline, in five sections of which one is open: only that one is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from dashboard.panels.panel import downloadable, panel, threshold_panel
from dashboard.panels.records import records
from dashboard.results import belief, details, findings, people, proofs, rates, tables
from dashboard.results.links import how_html
from dashboard.results.words import attack_title
from engine.assessment.values import Assessment, GroupRisk
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE


def sections(found: Assessment) -> None:
    """Draw the sections of an assessment, and above them what must not be overlooked in any."""
    for sentence in (*proofs.crossings(found), *proofs.contradictions(found)):
        st.error(sentence, icon=":material/error:")
    for tab, draw in zip(st.tabs(list(SECTIONS), key="sections", on_change="rerun"), SECTIONS.values(), strict=True):
        if tab.open:
            with tab:
                draw(found)


def _scores(found: Assessment) -> None:
    left, right = st.columns([5, 2], gap="large")
    with left:
        threshold_panel("scores", "Scores of members and of others", found)
    with right:
        st.html(facts_html("The attack", attack_facts(found.headline.attack)))


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


def _rates(found: Assessment) -> None:
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
        st.html(facts_html("At few false alarms", rates.facts(found)))


def _people(found: Assessment) -> None:
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
            _group(group)
    _table("What goes with the risk", people.reasons(found), "reasons")
    _table("Do the attacks agree on who is at risk?", people.agreement(found), "agreement")


def _story(found: Assessment) -> None:
    """The list of records and what is known of the chosen one; choosing runs this part of the page alone."""
    one = records(people.named(found), key="records")
    st.html(f'<h3 class="pd-title">{escape(one.title)}</h3><p class="pd-finding">{escape(people.story(one))}</p>')
    left, right = st.columns(2, gap="large")
    answers = found.answers
    if answers is not None:
        with left:
            panel(
                "record",
                "How confident the models are of it",
                people.confidences(answers, one),
                finding=people.confidences_words(answers, one),
                rows=lambda: people.confidences_rows(answers, one),
                about="phi",
            )
    with right:
        _table("What every attack says", people.verdicts(found, one), "verdicts")


def _group(group: GroupRisk) -> None:
    panel(
        f"group-{group.by}",
        f"Risk by {group.by}",
        people.groups(group),
        finding=people.groups_words(group),
        rows=lambda: people.groups_rows(group),
        about="group-risk",
    )


def _table(title: str, listed: Sequence[dict[str, str]], name: str) -> None:
    """A table under a heading; nothing where there is nothing to say. Its name is its entry of the page Methods."""
    if listed:
        with st.container(key=f"list-{name}"):
            st.html(f'<h2 class="pd-title">{escape(title)}</h2>{how_html(name, title)}')
            downloadable(name, title, listed)


def _proofs(found: Assessment) -> None:
    left, right = st.columns([5, 3], gap="large")
    with left:
        panel(
            "bounds",
            "ε measured from below, proved from above",
            proofs.bounds(found),
            finding=proofs.finding(found),
            rows=lambda: proofs.rows(found),
            about="audits",
        )
    with right:
        st.html(facts_html("What each bound rests on", proofs.facts(found)))


def _belief(found: Assessment) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.html(
            facts_html("Before you believe it", belief.facts(found)) + how_html("honesty", "Before you believe it")
        )
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


SECTIONS: dict[str, Callable[[Assessment], None]] = {
    "What the attacker sees": _scores,
    "Few false alarms": _rates,
    "Who is at risk": _people,
    "ε from below and above": _proofs,
    "Can I believe this?": _belief,
}
"""The sections by title, in the order of the page."""


def facts_html(title: str, listed: Sequence[tuple[str, str]]) -> str:
    """Terms and their sentences under a heading; every text is escaped."""
    body = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in listed)
    return f'<h2 class="pd-title">{escape(title)}</h2><dl class="pd-facts">{body}</dl>'
