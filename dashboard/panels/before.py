"""Before and after: the choice of another measured setting, and what became of records and classes."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from cache.store import Store
from dashboard.panels.panel import panel
from dashboard.results import slopes
from dashboard.results.figures import phrase
from dashboard.results.links import how_html
from dashboard.results.risks import Risks, basis
from dashboard.results.slopes import WHICH, Slopes
from dashboard.state.beside import begin_choice, keep_choice
from dashboard.state.cohorts import pairs_looked_at, risk_by_pair
from dashboard.state.landscape import Landscape, same_setting
from dashboard.state.stops import ARCHITECTURE, DIALS
from dashboard.state.view import View, key, refusal
from engine.assessment.values import Assessment

_NONE_ELSE = (
    "No other setting of these records has been measured with as many models. Turn a dial, let it be measured, and "
    "come back."
)


def comparable(store: Store, found: Landscape) -> tuple[View, ...]:
    """The other measured settings of the same records and as many models: without protections, then from the far end.

    Args:
        store: the cache.
        found: what it knows around the view, whose waves are at least 1.
    """
    view = found.view
    bare = view
    for name in view.in_use:
        bare = bare.without(name)
    candidates = [bare, *(spot.view for spot in (*reversed(found.path), *found.ghosts))]
    alike = [
        at
        for i, at in enumerate(candidates)
        if (at.population, at.contested) == (view.population, view.contested)
        and refusal(at) is None
        and not any(same_setting(at, other) for other in (view, *candidates[:i]))
    ]
    keys = {at: key(at, found.waves) for at in alike}
    measured = store.measured(keys.values())
    return tuple(at for at, its in keys.items() if its in measured)


def setting_name(view: View, beside: View) -> str:
    """A setting by its protections, and by its architecture where that is not the same as of the one beside it."""
    other = {ARCHITECTURE.name} if view.architecture != beside.architecture else set()
    names = [name for name in DIALS if name in {*view.in_use, *other}]
    parts = [f"{phrase(DIALS[name].title)} {DIALS[name].label(getattr(view, name))}" for name in names]
    return ", ".join(parts) or "no protection"


def before_and_after(store: Store, found: Landscape, assessment: Assessment, of: Risks) -> None:
    """Draw the choice and the two figures.

    Args:
        store: the cache.
        found: what it knows around the view.
        assessment: of the view.
        of: its risks.
    """
    others = comparable(store, found)
    if not others:
        st.html(f'<p class="pd-finding">{_NONE_ELSE}</p>')
        return
    other, which = _choices(found.view, others)
    made = _slopes(store, found, assessment, other, which, of.prior)
    if made is None:
        st.html(
            '<p class="pd-finding">These two settings cannot be compared record by record: measure both again.</p>'
        )
        return
    how = how_html("changes", "Before and after")
    st.html(f'<p class="pd-answer">{escape(slopes.answer(made))}{escape(basis(of))} {how}</p>')
    _figures(made)


def _choices(view: View, others: Sequence[View]) -> tuple[View, slopes.Which]:
    left, right = st.columns([3, 2])
    by_address = {at.address: at for at in others}
    with left:
        addresses = list(by_address)
        at = addresses.index(begin_choice("other", "risk-other", addresses, addresses[0]))
        chosen = st.selectbox(
            f"Compare “{setting_name(view, view)}” with",
            addresses,
            at,
            format_func=lambda address: setting_name(by_address[address], view),
            help="Measured settings of the same records. The one with fewer protections stands before.",
            key="risk-other",
        )
        keep_choice("other", chosen, addresses[0])
    with right:
        at = WHICH.index(begin_choice("drawn", "risk-which", WHICH, WHICH[0]))
        which = st.selectbox("Records to draw", WHICH, at, key="risk-which")
        keep_choice("drawn", which, WHICH[0])
    return by_address[chosen], which


def _slopes(
    store: Store, found: Landscape, assessment: Assessment, other: View, which: slopes.Which, prior: float
) -> Slopes | None:
    """The two settings, the one with fewer protections before; None where they are not of the same masks."""
    theirs = store.assessment(key(other, found.waves))
    own = assessment.answers
    if theirs is None or theirs.answers is None or own is None:
        return None
    if not np.array_equal(theirs.answers.members, own.members):
        return None
    pairs = pairs_looked_at(own)
    sides = [
        (at, risk_by_pair(key(at, found.waves), each, prior, pairs=pairs))
        for at, each in ((other, theirs), (found.view, assessment))
    ]
    (before, first), (after, second) = sorted(sides, key=lambda side: len(side[0].in_use))
    if first is None or second is None:
        return None
    names = setting_name(before, after), setting_name(after, before)
    return slopes.slopes(first, second, own.labels, names=names, which=which, prior=prior)


def _figures(made: Slopes) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        panel(
            "slopes",
            f"Records: {made.which}",
            slopes.records(made),
            finding=slopes.records_words(made),
            rows=lambda: slopes.records_rows(made),
            about="changes",
        )
    with right:
        panel(
            "slopes-class",
            "Classes",
            slopes.classes(made),
            finding=slopes.classes_words(made),
            rows=lambda: slopes.classes_rows(made),
            about="changes",
        )
