"""What stands behind the headline, in five sections of which one is open: only that one is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape

import streamlit as st

from dashboard.panels.autopsy import story
from dashboard.panels.panel import facts_html, group_panel, panel, threshold_panel
from dashboard.panels.records import records
from dashboard.panels.tabs import tabs
from dashboard.results import belief, details, findings, people, proofs, rates, tables
from dashboard.results.figures import Figure
from dashboard.results.links import how_html
from dashboard.results.methods import anchor
from dashboard.results.thresholds import PRIORS, Cuts, cuts
from dashboard.results.words import attack_title, unmarked
from dashboard.state.beside import begin_choice, begin_number, keep_choice, read_choice, read_number
from engine.assessment.values import Assessment
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE

WHO_IS_AT_RISK = "Who is at risk"
"""The title of a section that has a page of its own."""

FEW_FALSE_ALARMS = "Few false alarms"
"""The title of the section with the ROC curve and what may be over it."""


_SCORE, _PRIOR, _RECORD = "threshold-score", "threshold-prior", "records-chosen"
_ATTACK = "threshold-attack"
_DRAWN = 64  # settings whose scores are ready to be drawn
_BOUNDS = {"From below": "audits", "From above": "ceilings"}


def sections(
    key: str, found: Assessment, further: Mapping[str, Callable[[], None]], *, stopped: bool = False
) -> None:
    """Draw the sections of an assessment, and above them what must not be overlooked in any.

    Args:
        key: of the assessment in the cache.
        found: the assessment.
        further: by the title of a section, what draws the way to more of it.
        stopped: whether an early epoch is kept, which is said beside ε.
    """
    for sentence in (*proofs.crossings(found), *proofs.contradictions(found)):
        st.error(unmarked(sentence), icon=":material/error:")
    _threshold_of(found.headline.attack)
    titles = {name: title for name, (title, _) in SECTIONS.items()}
    for name, tab in tabs("section", titles, key="sections").items():
        title, draw = SECTIONS[name]
        if tab.open:
            with tab:
                draw(key, found, stopped)
                if title in further:
                    further[title]()


def _scores(key: str, found: Assessment, _stopped: bool) -> None:
    name = found.headline.attack
    left, right = st.columns([5, 2], gap="large")
    with left:
        at = begin_number("threshold", _SCORE, 0.0), begin_choice("prior", _PRIOR, PRIORS, PRIORS[0])
        st.fragment(_threshold)(*_drawn(key, found), name, at)
    about = anchor("attack", name) if name in CATALOGUE else "scores"
    with right:
        st.html(facts_html("The attack", attack_facts(name), about=about))


def _threshold_of(attack: str) -> None:
    """Forget a threshold that was put among the scores of another attack, in the address, too."""
    if st.session_state.setdefault(_ATTACK, attack) != attack:
        st.session_state[_ATTACK], st.session_state[_SCORE] = attack, 0.0
        keep_choice("threshold", 0.0, 0.0)


@st.cache_resource(max_entries=_DRAWN, show_spinner=False)
def _drawn(key: str, _found: Assessment) -> tuple[Figure, Cuts, str]:  # noqa: ARG001  the key tells
    """What is drawn of the scores; a session keeps what its fragments are called with, so all share it."""
    return details.scores(_found), cuts(_found), findings.scores(_found)


def _threshold(figure: Figure, made: Cuts, finding: str, attack: str, at: tuple[float, float]) -> None:
    """The histogram and its threshold; when the visitor has moved it, this part of the page alone runs again.

    What the component is told stays the same then, where it began included: nothing is drawn anew.
    """
    keep_choice("threshold", st.session_state[_SCORE], 0.0)
    keep_choice("prior", st.session_state[_PRIOR], PRIORS[0])
    title = "Scores of members and of others"
    threshold_panel("scores", title, figure, made, finding=finding, attack=attack, at=at, on_move=_moved)


def _moved(score: str, prior: str) -> None:
    """Remember where the visitor put the threshold; what comes from the browser and is none is ignored."""
    number, share = read_number(score), read_choice(prior, PRIORS)
    if number is not None and share is not None:
        st.session_state[_SCORE], st.session_state[_PRIOR] = number, share


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


def _rates(_key: str, found: Assessment, _stopped: bool) -> None:
    left, right = st.columns([5, 2], gap="large")
    with right:
        begun = begin_choice("axes", "roc-scale", rates.SCALES, rates.SCALES[0])
        chosen = st.segmented_control("Axes", rates.SCALES, default=begun, required=True, key="roc-scale")
        keep_choice("axes", chosen, rates.SCALES[0])
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


def _people(_key: str, found: Assessment, _stopped: bool) -> None:
    st.html(
        f'<h2 class="pd-title">The riskiest records</h2><p class="pd-finding">{escape(people.naming(found))} '
        f"{how_html('riskiest', 'The riskiest records')}</p>"
    )
    if people.named(found):
        _story(found)
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
    """The list of records and what is known of the chosen one; a fragment would keep all of it for its session."""
    listed = {one.record: one for one in people.named(found)}
    first, *_ = listed
    record = begin_choice("record", _RECORD, tuple(listed), first)
    keep_choice("record", record, first)
    records(list(listed.values()), key="records", chosen=record, on_pick=_remember)
    story(found, listed[record])


def _remember(record: int) -> None:
    st.session_state[_RECORD] = record


def _proofs(_key: str, found: Assessment, stopped: bool) -> None:
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


def _belief(_key: str, found: Assessment, stopped: bool) -> None:
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


SECTIONS: Mapping[str, tuple[str, Callable[[str, Assessment, bool], None]]] = {
    "scores": ("What the attacker sees", _scores),
    "rates": (FEW_FALSE_ALARMS, _rates),
    "people": (WHO_IS_AT_RISK, _people),
    "bounds": ("ε from below and above", _proofs),
    "belief": ("Can I believe this?", _belief),
}
"""The sections by their names in the URL, in the order of the page: title, and what draws it."""
