"""Pictures of records that no assessment keeps: workers are asked for the records, and the page runs again then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from dashboard.results.drawing import drawn
from dashboard.results.people import Named
from dashboard.serving.running import running
from dashboard.state.view import View, point
from engine.populations.catalogue import POPULATIONS

POLL = 1.0
"""Seconds between two looks whether the workers have answered."""


def with_pictures(view: View, listed: Sequence[Named]) -> tuple[Named, ...]:
    """The records, each with its picture; without where no worker has answered yet.

    Args:
        view: whose contested records they are.
        listed: the records.
    """
    lacking = tuple(dict.fromkeys(one.record for one in listed if one.picture is None))
    values = _values(view, lacking) if lacking else None
    if values is None:
        if lacking and running().problem is None:
            st.fragment(_look, run_every=POLL)(view, lacking)
        return tuple(listed)
    info = POPULATIONS[view.population]
    by_record = dict(zip(lacking, values, strict=True))
    return tuple(
        one if one.picture is not None else replace(one, picture=drawn(info, by_record[one.record])) for one in listed
    )


def _values(view: View, records: tuple[int, ...]) -> NDArray[np.float32] | None:
    jobs = running().jobs
    return None if jobs is None else jobs.records.values(point(view).recipe.population, records)


def _look(view: View, records: tuple[int, ...]) -> None:
    """Run the page again once the workers have answered."""
    if _values(view, records) is not None:
        st.rerun()
