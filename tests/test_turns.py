"""What browsers say of controls: on sessions that are plain mappings, as on a page, but said out of turn."""

from __future__ import annotations

from typing import Any

import pytest
import streamlit

from dashboard.controls import history, options
from dashboard.panels import plot
from dashboard.results import details
from dashboard.results.thresholds import cuts
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.view import View
from dashboard.state.visit import Visit, begin
from engine.architectures import Mlp
from tests.handmade import assessment

DP = View(dp="clip", sweep="dp")


@pytest.fixture
def session(monkeypatch) -> dict[str, Any]:
    """A session that has turned one dial."""
    kept: dict[str, Any] = {"visit": Visit(visitor="ann", view=View(), turned_at=0.0).moved(DP, 1.0)}
    monkeypatch.setattr(streamlit, "session_state", kept)
    return kept


def says(session: dict[str, Any], *steps: object) -> None:
    """What the component does when its browser tells the steps."""
    session[history._KEY] = {"steps": list(steps)}
    history._walk()


def test_what_the_session_before_had_counted_is_neither_taken_nor_counted(session):
    session[history._SESSION] = "this"
    says(session, "before", 7, "uuuuuuu")
    says(session, "no steps")
    assert session["visit"].view == DP
    says(session, "this", 1, "u")
    assert session["visit"].view == View()
    says(session, "this", 2, "ur")
    assert session["visit"].view == DP


def shows(session: dict[str, Any], *fields: str) -> dict[str, str]:
    """What a page does: the keys of its controls of options, by field."""
    begin({})
    architecture = ARCHITECTURE.value(session["visit"].view.architecture)
    return {field: options._kept(architecture, field)["key"] for field in fields}


def turns(session: dict[str, Any], field: str, value: object) -> None:
    """What Streamlit does when a browser tells of an option."""
    widget = options.option_key(Mlp(), field)
    session[widget] = value
    options._turn(field, widget)


@pytest.fixture
def undone(session) -> dict[str, Any]:
    """A session that has made its network wider and undone it."""
    session[history._SESSION] = "this"
    shows(session, "width", "depth")
    turns(session, "width", 130)
    shows(session, "width", "depth")
    says(session, "this", 1, "u")
    shows(session, "width", "depth")
    assert session["visit"].view == DP
    return session


def test_an_option_that_a_step_has_left_is_no_turn_beside_the_next_step(undone):
    turns(undone, "width", 130)  # the browser has not heard of the step
    says(undone, "this", 2, "uu")
    shows(undone, "width")
    assert undone["visit"].view == View()
    assert [view.architecture for view in undone["visit"].future] == ["mlp-128", "mlp-130"]


def test_an_option_that_goes_back_to_where_it_was_is_a_turn_without_a_step_and_keeps_what_came_with_it(undone):
    turns(undone, "width", 130)
    turns(undone, "depth", 2)
    shows(undone, "width", "depth")
    assert undone["visit"].view.architecture == "mlp-130x2"


def test_a_turn_in_doubt_of_a_run_that_was_interrupted_does_not_come_after_a_later_one(undone):
    turns(undone, "width", 130)  # in doubt, and the page that would decide is never made
    turns(undone, "width", 140)
    shows(undone, "width")
    assert undone["visit"].view.architecture == "mlp-140"


def test_a_threshold_among_the_scores_of_another_attack_comes_too_late(session, monkeypatch):
    heard: list[tuple[str, str]] = []
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(plot, "_with_threshold", lambda **told: drawn.update(told))
    found = assessment()
    plot.threshold_plot(
        details.scores(found),
        cuts(found),
        (0.0, 0.5),
        key="scores",
        alt="",
        title="",
        attack="lira",
        on_move=lambda score, prior: heard.append((score, prior)),
    )
    for said in (["1.5", "0.1", "loss"], ["2.5", "0.1", "lira"], ["2.5", "0.1"], None):
        session["scores"] = {"moved": said}
        drawn["on_moved_change"]()
    assert heard == [("2.5", "0.1")]
