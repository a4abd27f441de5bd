"""Sizes: the parameters of the chosen architecture, its options, and another family matched to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

import streamlit as st

from cache.admission import too_large
from dashboard.controls.options import options, show
from dashboard.results import words
from dashboard.results.links import how_html
from dashboard.results.words import signed
from dashboard.serving.running import running
from dashboard.state.families import FAMILIES, Family, family_of, label_of, token_of
from dashboard.state.landscape import Landscape
from dashboard.state.pins import this_pins
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.view import View, point
from dashboard.state.visit import this_visit
from engine.architectures import Architecture, parameter_count, why_not
from engine.matching import Match, match_both
from engine.populations.catalogue import POPULATIONS, PopulationInfo


def sizes(found: Landscape) -> None:
    """Draw the parameter count of the architecture into the rail; the rest is made when somebody opens it."""
    view = found.view
    info, architecture = POPULATIONS[view.population], ARCHITECTURE.value(view.architecture)
    with st.container(
        key="sizes-row", horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.html(_count_html(architecture, info))
        # Its label stays: by another one it would be another popover to the browser, and close at every turn.
        place = st.popover("Options", key="sizes", on_change="rerun")
    large = _too_large(found)
    if large is not None:
        st.caption(words.unmarked(large))
    if not place.open:
        return
    with place, st.container(key="sizes-open"):
        refused = why_not(architecture, info)
        if refused is None:
            options(architecture)
            _matching(view, architecture, info)
        else:
            st.caption(words.refused(refused))


def _too_large(found: Landscape) -> str | None:
    """Why the setting is not trained for want of memory; None where nothing of it is left to be trained."""
    if found.complete or found.refusal:
        return None
    asked, here = point(found.view), running()
    for recipe in (asked.recipe, asked.shadow_recipe):
        large = too_large(recipe, here.memory)
        if large is not None and not here.store.trained(recipe, asked.waves):
            return large
    return None


def _matching(view: View, architecture: Architecture, info: PopulationInfo) -> None:
    """The choice of another family, its nearest size, and buttons that turn the view to it."""
    seen = (ARCHITECTURE.value(at.architecture) for at in (*this_visit().before, *this_pins()))
    partners, without = families_beside(architecture, info, seen)
    key = st.selectbox(
        "Match parameters with",
        list(partners),
        format_func=lambda key: partners[key].name,
        help="Families with the options of a network that you looked at before are offered, too.",
        key=f"match-{view.population}-{view.architecture}",
    )
    found = match_both(architecture, partners[key].base, info)
    how = how_html("matching", "parameters of both families")
    st.html(f'<p class="pd-finding">{escape(match_words(architecture, found))} {how}</p>')
    for one in (found.first, found.second):
        if one != architecture:
            st.button(f"Show {label_of(one)}", key=f"match-{token_of(one)}", on_click=show, args=(one,))
    for why in without:
        st.caption(why)


def _count_html(architecture: Architecture, info: PopulationInfo) -> str:
    """The count, and how it is made where there is one."""
    how = how_html("parameters", "parameters") if why_not(architecture, info) is None else ""
    return f'<p class="pd-count">{escape(count_words(architecture, info))}</p>{how}'


def count_words(architecture: Architecture, info: PopulationInfo) -> str:
    """How many parameters the architecture has on the records of a population."""
    if why_not(architecture, info) is not None:
        return f"{label_of(architecture)} cannot read these records"
    return f"{parameter_count(architecture, info):,} parameters"


def families_beside(
    architecture: Architecture, info: PopulationInfo, seen: Iterable[Architecture] = ()
) -> tuple[Mapping[str, Family], tuple[str, ...]]:
    """The other families that can be matched, by key, and one sentence for each reason why others cannot.

    Args:
        architecture: the one that is matched.
        info: the population.
        seen: architectures whose families are offered beside those that everybody is.
    """
    own = family_of(architecture)
    families = (*FAMILIES.values(), *(family for one in seen if (family := family_of(one)) is not None))
    others = {family.key: family for family in families if family != own}
    lacking = {key: info.why_no_view(family.base.view) for key, family in others.items()}
    reasons = [reason for reason in dict.fromkeys(lacking.values()) if reason is not None]
    sentences = tuple(_without([others[key] for key in others if lacking[key] == why], why) for why in reasons)
    return {key: family for key, family in others.items() if lacking[key] is None}, sentences


def _without(families: list[Family], why: str) -> str:
    return f"Not {', '.join(family.name for family in families)}: {why}."


def match_words(chosen: Architecture, found: Match) -> str:
    """Both counts, the gap, and which of the two sizes gave way."""
    pair = (
        f"{label_of(found.first)} has {found.first_parameters:,} parameters, {label_of(found.second)} has "
        f"{found.second_parameters:,}: {signed(f'{100 * found.gap:.1f}')}\u00a0%"
    )
    if found.first != chosen:
        return f"{pair}. No size of the second is within 2 % of {label_of(chosen)}, so both sizes moved."
    return f"{pair}." if found.close else f"{pair}. No sizes of the two are within 2 %: they are not matched."
