"""A record's story: its picture, what models with and without it say, every attack's verdict, and other settings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import streamlit as st

from dashboard.panels.panel import facts_html, panel, table_panel
from dashboard.results import people, standing
from dashboard.results.links import how_html
from dashboard.results.people import Named
from dashboard.results.standing import Fate
from engine.assessment.values import Assessment

_PICTURE = 240  # pixels on screen, along the longer side
_RANKED = {"Risk": "risk", "Probability of the label": "phi"}


def story(found: Assessment, one: Named) -> None:
    """A record's risk in one sentence, the models' confidence of it, and what every attack says."""
    _heading(one)
    left, right = st.columns(2, gap="large")
    with left:
        _confidences(found, one)
    with right:
        _verdicts(found, one)


def autopsy(found: Assessment, one: Named, fates: Sequence[Fate], title: str) -> None:
    """The story of a record, what is peculiar about it, and how it fares along a dial.

    Args:
        found: the assessment.
        one: the record.
        fates: the record at the measured stops of a dial, in order.
        title: of the dial.
    """
    with st.container(key="autopsy"):
        _heading(one)
        left, right = st.columns(2, gap="large")
        with left:
            with st.container(horizontal=True, gap="medium", vertical_alignment="top"):
                _picture(one)
                ranks = standing.ranks(found, one.record)
                st.html(facts_html("Its place among all records", ranks, about=_RANKED))
            _confidences(found, one)
        with right:
            if len(fates) > 1:
                panel(
                    "fates",
                    f"How it fares along the dial “{title}”",
                    standing.fates(fates, title),
                    finding=standing.fates_words(fates, title),
                    rows=lambda: standing.fates_rows(fates),
                    about="risk",
                )
            _verdicts(found, one)


def _heading(one: Named) -> None:
    st.html(
        f'<h2 class="pd-title">{escape(one.title)}</h2><p class="pd-finding">{escape(people.story(one))} '
        f"{how_html('risk', one.title)}</p>"
    )


def _confidences(found: Assessment, one: Named) -> None:
    answers = found.answers
    if answers is not None:
        panel(
            "record",
            "How confident the models are of it",
            people.confidences(answers, one),
            finding=people.confidences_words(answers, one),
            rows=lambda: people.confidences_rows(answers, one),
            about="phi",
        )


def _verdicts(found: Assessment, one: Named) -> None:
    table_panel("verdicts", "What every attack says", people.verdicts(found, one), about="verdicts")


def _picture(one: Named) -> None:
    """The record as a picture, without smoothing; nothing where it is not kept as one."""
    if one.picture is None:
        return
    times = max(1, _PICTURE // max(one.picture.shape))
    enlarged = np.kron(255 - one.picture, np.ones((times, times), dtype=np.uint8))
    st.image(enlarged, width=enlarged.shape[1], alt=one.title)
