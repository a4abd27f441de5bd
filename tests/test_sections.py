"""The sections behind the headline of Explore."""

import gc
import json
import weakref
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.state.view import View
from engine.assessment.values import Answers, Assessment
from tests.explored import asked, opened, put, shown
from tests.handmade import assessment, claim, headline, whole

SHORT = {
    "What the attacker sees": "scores",
    "Few false alarms": "rates",
    "Who is at risk": "people",
    "ε from below and above": "bounds",
    "Can I believe this?": "belief",
}
SECTION_FIGURES = {
    "What the attacker sees": ("figure-scores",),
    "Few false alarms": ("figure-roc",),
    "Who is at risk": ("records", "figure-record", "figure-risk", "figure-group-class"),
    "ε from below and above": ("figure-bounds",),
    "Can I believe this?": ("figure-reliability", "figure-found-out"),
}


def with_section(title: str, **query: str) -> AppTest:
    return opened(**{"section": SHORT[title], **query})


def components(app: AppTest) -> list[str]:
    """The names that the figures of the sections were given."""
    ids = [element.proto.id for element in app.get("bidi_component")]
    return [name for name in ids if not name.endswith(("-tradeoff", "-glance", "-steps"))]


@pytest.mark.parametrize("title", SECTION_FIGURES)
def test_each_section_makes_its_own_figures_and_no_other(store, title):
    put(store, View(), whole())
    made = components(with_section(title))
    assert len(made) == len(SECTION_FIGURES[title])
    for name, found in zip(SECTION_FIGURES[title], made, strict=True):
        assert name in found


@pytest.mark.parametrize("title", SECTION_FIGURES)
def test_sections_of_measurements_from_before_there_were_such_parts_stay_whole(store, title):
    put(store, View(), assessment())
    text = shown(with_section(title))
    assert "nan" not in text.lower().split()


def test_a_records_story_stands_under_the_list_with_every_attacks_verdict(store):
    put(store, View(), whole())
    app = with_section("Who is at risk")
    assert "Record 2, class 3" in shown(app)
    assert "belief that it did is .970 (.900 – 1.000)" in shown(app)
    assert "<td>Loss threshold</td><td>50 %</td><td>50 %</td>" in shown(app)


@pytest.mark.parametrize("title", SECTION_FIGURES)
def test_the_open_section_stands_in_the_url_and_comes_back_from_it(store, title):
    put(store, View(), whole())
    app = with_section(title)
    query = asked(app)
    assert query == ({} if title == "What the attacker sees" else {"section": SHORT[title]})
    again = opened(**query)
    assert components(again) == components(app)
    assert not again.warning


def test_the_axes_the_threshold_and_the_record_come_from_the_url_and_stay_there(store):
    put(store, View(), whole())
    app = opened(section="rates", axes="linear")
    assert app.segmented_control(key="roc-scale").value == "linear"
    app.segmented_control(key="roc-scale").set_value("logarithmic").run()
    assert asked(app) == {"section": "rates"}
    app = opened(threshold="0.25", prior="0.1")
    (cuts,) = [json.loads(one.proto.json) for one in app.get("bidi_component") if "figure-scores" in one.proto.id]
    assert cuts["at"] == [0.25, "0.1"]
    assert asked(app) == {"threshold": "0.25", "prior": "0.1"}
    app = opened(section="people", record="1")
    assert '<h2 class="pd-title">Record 1, class 1</h2>' in shown(app)
    assert not app.warning


@pytest.mark.parametrize("section", ["scores", "rates"])
def test_a_threshold_among_the_scores_of_one_attack_is_not_kept_for_another(store, section):
    put(store, View(), whole())
    put(store, View(attack="loss"), whole(headline(attack="loss")))
    app = opened(threshold="0.25", prior="0.1", section=section)
    app.session_state["visit"] = replace(app.session_state["visit"], view=View(attack="loss"))
    app.run()
    assert "threshold" not in asked(app)
    app.session_state["sections"] = "What the attacker sees"
    (scores,) = [json.loads(one.proto.json) for one in app.run().get("bidi_component") if "-scores" in one.proto.id]
    assert (scores["at"], scores["attack"]) == ([0, "0.1"], "loss")


@pytest.mark.parametrize(
    ("section", "part", "rule"),
    [
        ("", "section", "section must be one of scores, rates, people, bounds, belief, got "),
        ("rates", "axes", "axes must be one of logarithmic, linear, got "),
        ("scores", "threshold", "threshold must be a number such as 1.5, got "),
        ("scores", "prior", "prior must be one of 0.5, 0.1, 0.01, 0.001, got "),
        ("people", "record", "record must be one of 2, 1, got "),
    ],
)
@pytest.mark.parametrize("text", ["<b>x</b>" * 50, "77e999", "nan", ""])
def test_what_means_nothing_gives_one_sentence_and_the_default(store, section, part, rule, text):
    put(store, View(), whole())
    app = opened(**({"section": section} if section else {}), **{part: text})
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith(rule)
    assert len(warning.value) < 400
    assert part not in app.query_params
    assert not app.run().warning


@pytest.mark.parametrize("title", SECTION_FIGURES)
def test_a_session_holds_no_measurement_once_its_page_has_been_made(store, monkeypatch, title):
    put(store, View(), whole())
    read: list[weakref.ref[Answers]] = []

    def noted(key: str) -> Assessment | None:
        found = from_store(key)
        if found is not None and found.answers is not None:
            read.append(weakref.ref(found.answers))
        return found

    from_store = store.assessment
    monkeypatch.setattr(store, "assessment", noted)
    app = with_section(title)
    gc.collect()
    assert shown(app)
    assert read
    assert not any(answers() for answers in read)


def test_a_lower_bound_above_the_proved_epsilon_is_an_error_on_the_page(store):
    put(store, View(), whole(headline(claim=claim(0.5))))
    (error,) = with_section("ε from below and above").error
    assert error.value.replace("\\", "").startswith(
        "The one-run audit measured ε ≥ 1.25, more than the proved 0.50. Both cannot hold"
    )
    put(store, View(), whole(headline(claim=claim(5.0))))
    assert not with_section("ε from below and above").error
