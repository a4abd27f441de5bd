"""The page Who is at risk, on planted cohorts whose numbers the engine made."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as st_
from streamlit.testing.v1 import AppTest

from cache.store import Store
from cache.sweeps.writing import recipe_name
from dashboard.controls.filters import BETWEEN
from dashboard.results.risks import BOUNDS, SHOWS
from dashboard.results.slopes import WHICH
from dashboard.results.thresholds import PRIORS
from dashboard.serving.running import Running, set_running
from dashboard.state.beside import choice_text, read_choice
from dashboard.state.view import View, point
from engine.assessment.values import Assessment
from tests.explored import asked
from tests.handmade import whole
from tests.planted_settings import RECORDS, planted_setting

VIEW = View(population="digits", contested=100, architecture="logistic", models=8)
SMOOTH = replace(VIEW, label_smoothing="0.3")


@pytest.fixture
def store(tmp_path):
    st.cache_resource.clear()  # cohorts of other tests have the same keys
    store = Store(tmp_path)
    set_running(Running(store=store))
    yield store
    set_running(None)
    store.close()


def put(store: Store, view: View, found: Assessment) -> None:
    store.put_assessment(point(view), found)


def script() -> None:
    from dashboard.pages.risk import page

    page()


def prepared(view: View = VIEW, **beside: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=20)
    for name, text in {**view.to_query(), **beside}.items():
        app.query_params[name] = text
    return app


def shown(app: AppTest) -> str:
    assert not app.exception
    kinds = ("html", "markdown", "warning", "error")
    found = [getattr(element, "body", None) or element.proto.body for kind in kinds for element in app.get(kind)]
    return " ".join(map(str, found))


def figures(app: AppTest) -> list[str]:
    found = [element.proto.id.rpartition("figure-") for element in app.get("bidi_component")]
    return [name for _, figure, name in found if figure]


def test_an_empty_cache_says_what_is_to_come_and_waits(store):
    app = prepared().run()
    assert "This setting has not been measured yet." in shown(app)
    assert "Who is at risk is known once 8 of 8 models have been trained on random halves of 100 records" in shown(
        app
    )
    assert [button.label for button in app.main.button] == ["Cancel"]


def test_a_refused_setting_says_why(store):
    assert "Turn one of these dials back" in shown(prepared(replace(VIEW, dp="clip", mixup="1")).run())


def test_workers_that_did_not_start_are_told_of_only_where_something_is_missing(store):
    set_running(Running(store=store, problem="The workers could not be started."))
    assert [error.value for error in prepared().run().error] == ["The workers could not be started."]
    put(store, VIEW, planted_setting(shift=4.0))
    app = prepared().run()
    assert not app.error
    assert "records are at a risk above" in shown(app)


def test_the_setting_and_its_records_can_be_taken_along(store):
    app = prepared()
    app.session_state["take"] = True
    assert [button.proto.label for button in app.run().get("download_button")] == ["Recipe file"]
    put(store, VIEW, planted_setting())
    app = prepared()
    app.session_state["take"] = True
    app.run()
    assert [button.proto.label for button in app.get("download_button")][-3:] == ["Recipe file", "NumPy", "Parquet"]
    assert app.code[0].value == f"privacydial sweep {recipe_name(point(VIEW))}.toml"


def test_the_first_models_are_shown_while_more_are_to_come(store):
    more = replace(VIEW, models=16)
    put(store, VIEW, planted_setting(shift=4.0))
    app = prepared(more).run()
    assert "records are at a risk above" in shown(app)
    assert "8 of 16 models" in shown(app)
    assert "Cancel" in [button.label for button in app.main.button]


def test_a_measured_setting_counts_those_at_risk_and_tells_the_story_of_the_riskiest(store):
    made = planted_setting()
    put(store, VIEW, made)
    text = shown(app := prepared().run())
    assert made.risk.low is not None
    above, sure = int((made.risk.member > 0.8).sum()), int((made.risk.low > 0.8).sum())
    assert above > 0
    assert f"{above} of {RECORDS} records are at a risk above .8, {sure} of them for certain." in text
    assert made.riskiest is not None
    assert f'<h2 class="pd-title">Record {made.riskiest.record[0]}, class' in text
    assert "Records 1 – 20 of 60" in text
    assert figures(app)[0] == "risks"
    assert figures(app)[-1] == "record"
    assert len(app.get("image")) == 1


def test_the_filter_narrows_count_histogram_and_gallery(store):
    made = planted_setting()
    put(store, VIEW, made)
    app = prepared().run()
    app.selectbox(key="risk-class-digits").set_value(1).run()
    assert made.answers is not None
    of_class = int((made.answers.labels == 1).sum())
    assert f"of {of_class} records of class 1 are at a risk above .8" in shown(app)
    assert f"Shown: {of_class} of {RECORDS} records." in shown(app)
    app.segmented_control(key="risk-show").set_value("at risk").run()
    at_risk = int(((made.answers.labels == 1) & (made.risk.member > 0.8)).sum())
    assert re.search(rf"Records 1 – {at_risk} of {at_risk},", shown(app))


def test_a_filter_that_lets_nobody_through_says_so_and_keeps_the_record(store):
    put(store, VIEW, planted_setting())
    app = prepared(record="7").run()
    app.slider(key="risk-between").set_range(0.0, 0.05).run()
    assert "The filter lets none of the 60 records through." in shown(app)
    assert "widen it to see some again" in shown(app)
    assert "Record 7, class" in shown(app)


def test_pages_turn_and_end(store):
    put(store, VIEW, planted_setting())
    app = prepared().run()
    assert app.button(key="page-before").disabled
    app.button(key="page-after").click().run()
    app.button(key="page-after").click().run()
    assert "Records 41 – 60 of 60" in shown(app)
    assert app.button(key="page-after").disabled


def test_the_page_of_the_records_and_the_open_tab_stand_in_the_url_and_come_back_from_it(store):
    put(store, VIEW, planted_setting())
    app = prepared().run()
    app.button(key="page-after").click().run()
    assert asked(app)["page"] == "2"
    assert "Records 21 – 40 of 60" in shown(prepared(page="2").run())
    again = prepared(tab="groups", page="2").run()
    assert {"tab": "groups", "page": "2"}.items() <= asked(again).items()
    assert not again.warning
    assert "Risk by class" in shown(again)


@pytest.mark.parametrize(
    ("part", "rule"), [("tab", "one of records, before, groups, got "), ("page", "one of 1, 2, 3, got ")]
)
@pytest.mark.parametrize("text", ["0", "4", "<b>x</b>" * 50, ""])
def test_a_tab_or_a_page_that_there_is_not_gives_one_sentence_and_the_first(store, part, rule, text):
    put(store, VIEW, planted_setting())
    app = prepared(**{part: text}).run()
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith(f"{part} must be {rule}")
    assert part not in app.query_params
    assert "Records 1 – 20 of 60" in shown(app)


def test_a_page_that_a_filter_takes_away_is_let_go_without_a_word(store):
    put(store, VIEW, planted_setting())
    app = prepared(page="3").run()
    assert asked(app)["page"] == "3"
    app.slider(key="risk-between").set_value((0.9, 1.0)).run()
    assert not app.warning
    assert "page" not in app.query_params


def test_the_url_names_the_record_and_keeps_it(store):
    put(store, VIEW, planted_setting())
    app = prepared(record="7").run()
    assert '<h2 class="pd-title">Record 7, class' in shown(app)
    assert app.query_params["record"] == ["7"] or app.query_params["record"] == "7"
    assert "not part of a view" not in shown(app)


FILTERS = {"class": "1", "above": "0.6", "show": "at risk", "between": "0.2-0.95", "prior": "0.1"}


def filters_of(app: AppTest) -> dict[str, object]:
    return {
        "class": app.selectbox(key="risk-class-digits").value,
        "above": app.selectbox(key="risk-bound").value,
        "show": app.segmented_control(key="risk-show").value,
        "between": app.slider(key="risk-between").value,
        "prior": app.selectbox(key="risk-prior").value,
    }


def test_the_filters_stand_in_the_url_and_come_back_from_it(store):
    put(store, VIEW, planted_setting())
    app = prepared(VIEW, **FILTERS).run()
    assert not app.exception
    assert not app.warning
    assert filters_of(app) == {
        "class": 1,
        "above": 0.6,
        "show": "at risk",
        "between": (0.2, 0.95),
        "prior": 0.1,
    }
    assert {name: app.query_params[name] for name in FILTERS} == FILTERS
    app.selectbox(key="risk-bound").set_value(0.8).run()
    app.segmented_control(key="risk-show").set_value("for certain").run()
    assert "above" not in app.query_params
    assert app.query_params["show"] == "for certain"
    assert filters_of(app)["class"] == 1


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_that_means_nothing_gives_one_sentence_and_its_default(store, name):
    put(store, VIEW, planted_setting())
    app = prepared(VIEW, **{name: "<b>x</b>" * 50}).run()
    (warning,) = app.warning
    assert warning.value.replace("\\", "").startswith(f"{name} must be one of ")
    assert len(warning.value) < 400
    assert name not in app.query_params


@given(st_.data())
def test_a_choice_survives_the_way_through_the_url(data):
    options = data.draw(st_.sampled_from([BETWEEN, BOUNDS, SHOWS, PRIORS, WHICH, ("all", *range(100))]))
    value = data.draw(st_.sampled_from(options))
    assert read_choice(choice_text(value), options) == value


@pytest.mark.parametrize("text", ["60", "-1", "x", "<b>7</b>", "٧", "9" * 300, ""])
def test_a_record_that_there_is_not_gives_one_sentence(store, text):
    put(store, VIEW, planted_setting())
    (warning,) = prepared(record=text).run().warning
    plain = warning.value.replace("\\", "")
    assert plain.startswith("record must be one of 0 to 59, got '")
    assert len(plain) < 140


def test_a_rarer_member_is_at_a_lower_risk(store):
    put(store, VIEW, planted_setting())
    app = prepared().run()
    before = int(re.search(r"(\d+) of 60 records", shown(app))[1])  # type: ignore[index]
    app.selectbox(key="risk-prior").set_value(0.01).run()
    after = int(re.search(r"(\d+) of 60 records", shown(app))[1])  # type: ignore[index]
    assert after < before
    assert "when 1 in 100 of those asked about is a member" in shown(app)


def with_tab(title: str, view: View = VIEW) -> AppTest:
    app = prepared(view)
    app.session_state["risk-tabs"] = title
    return app.run()


def test_without_another_setting_there_is_nothing_to_compare_and_it_says_so(store):
    put(store, VIEW, planted_setting())
    app = with_tab("Before and after")
    assert "No other setting of these records has been measured" in shown(app)
    assert figures(app) == ["risks"]


def test_before_and_after_a_protection_are_compared_with_no_protection_first(store):
    put(store, VIEW, planted_setting(shift=1.0))
    put(store, SMOOTH, planted_setting(shift=4.0))
    app = with_tab("Before and after", SMOOTH)
    assert app.selectbox(key="risk-other").options == ["no protection"]
    assert figures(app) == ["risks", "slopes", "slopes-class"]
    assert re.search(r"the risk of 0 of 60 records fell and that of \d+ rose beyond its interval", shown(app))


def test_settings_with_other_masks_are_not_compared(store):
    put(store, VIEW, planted_setting())
    put(store, SMOOTH, planted_setting(seed=6))
    assert "cannot be compared record by record" in shown(with_tab("Before and after", SMOOTH))


def test_groups_stand_beside_what_models_answer_on_them(store):
    put(store, VIEW, planted_setting())
    app = with_tab("Groups")
    assert set(figures(app)) == {"risks", "group-class", "profits", "group-answer-without-it", "group-difficulty"}
    assert "Do the attacks agree on who is at risk?" in shown(app)


@pytest.mark.parametrize("tab", ["Record by record", "Before and after", "Groups"])
def test_measurements_without_intervals_or_with_too_few_models_stay_whole(store, tab):
    put(store, VIEW, whole())
    text = shown(app := with_tab(tab))
    assert "2 of 4 records are at a risk above .8." in text
    assert app.selectbox(key="risk-prior").options == ["1 in 2"]
    assert "nan" not in text.lower().split()
