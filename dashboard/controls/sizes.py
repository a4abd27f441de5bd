"""Sizes: the parameters of the chosen architecture, and another family matched to them."""

from __future__ import annotations

import streamlit as st

from dashboard.results import words
from dashboard.state.families import FAMILIES, Family, family_of, label_of, token_of
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.view import View
from dashboard.state.visit import go, this_visit
from engine.architectures import Architecture, parameter_count, why_not
from engine.matching import Match, match_both
from engine.populations.catalogue import POPULATIONS, PopulationInfo


def sizes(view: View) -> None:
    """Draw the parameter count of the architecture into the rail; what matches it is made when somebody opens it."""
    info, architecture = POPULATIONS[view.population], ARCHITECTURE.value(view.architecture)
    place = st.popover(count_words(architecture, info), width="stretch", key="sizes", on_change="rerun")
    if not place.open:
        return
    with place:
        refused = why_not(architecture, info)
        if refused is None:
            _matching(view, architecture, info)
        else:
            st.caption(words.refused(refused))


def _matching(view: View, architecture: Architecture, info: PopulationInfo) -> None:
    """The choice of another family, its nearest size, and buttons that turn the view to it."""
    partners, without = families_beside(architecture, info)
    name = st.selectbox(
        "Match parameters with",
        partners,
        format_func=lambda key: FAMILIES[key].name,
        key=f"match-{view.population}-{view.architecture}",
    )
    found = match_both(architecture, FAMILIES[name].base, info)
    st.markdown(match_words(architecture, found))
    for one in (found.first, found.second):
        if one != architecture:
            st.button(f"Show {label_of(one)}", key=f"match-{token_of(one)}", on_click=_show, args=(token_of(one),))
    for why in without:
        st.caption(why)


def count_words(architecture: Architecture, info: PopulationInfo) -> str:
    """How many parameters the architecture has on the records of a population."""
    if why_not(architecture, info) is not None:
        return f"{label_of(architecture)} cannot read these records"
    return f"{parameter_count(architecture, info):,} parameters · match"


def families_beside(architecture: Architecture, info: PopulationInfo) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the other families that can be matched, and one sentence for each reason why others cannot."""
    own = family_of(architecture)
    others = {name: family for name, family in FAMILIES.items() if family != own}
    lacking = {name: info.why_no_view(family.base.view) for name, family in others.items()}
    reasons = [reason for reason in dict.fromkeys(lacking.values()) if reason is not None]
    sentences = tuple(_without([others[name] for name in others if lacking[name] == why], why) for why in reasons)
    return tuple(name for name in others if lacking[name] is None), sentences


def _without(families: list[Family], why: str) -> str:
    return f"Not {', '.join(family.name for family in families)}: {why}."


def match_words(chosen: Architecture, found: Match) -> str:
    """Both counts, the gap, and which of the two sizes gave way."""
    pair = (
        f"{label_of(found.first)} has {found.first_parameters:,} parameters, {label_of(found.second)} has "
        f"{found.second_parameters:,}: {100 * found.gap:+.1f} %"
    )
    if found.first != chosen:
        return (
            f"{pair}. No size of the second is within 2 % of {label_of(chosen)}, because one more unit is many "
            f"parameters, so both sizes moved."
        )
    return (
        f"{pair}." if found.close else f"{pair}. No size comes within 2 %, because one more unit is many parameters."
    )


def _show(token: str) -> None:
    name = ARCHITECTURE.name
    go(this_visit().view.turned(name, token).turned("sweep", name))
