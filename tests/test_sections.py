"""The sections behind the headline of Explore."""

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.state.view import View
from tests.explored import APP, put, shown
from tests.handmade import assessment, claim, headline, whole

SECTION_FIGURES = {
    "What the attacker sees": ("figure-scores",),
    "Few false alarms": ("figure-roc",),
    "Who is at risk": ("records", "figure-record", "figure-risk", "figure-group-class"),
    "ε from below and above": ("figure-bounds",),
    "Can I believe this?": ("figure-reliability", "figure-found-out"),
}


def with_section(title: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in query.items():
        app.query_params[name] = text
    app.session_state["sections"] = title
    return app.run()


def components(app: AppTest) -> list[str]:
    """The names that the figures of the sections were given."""
    ids = [element.proto.id for element in app.get("bidi_component")]
    return [name for name in ids if not name.endswith(("-tradeoff", "-glance", "-keys"))]


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


def test_a_choice_that_is_not_in_the_list_shows_the_first_record(store):
    put(store, View(), whole())
    for chosen, title in (("1", "Record 1, class 1"), ("77", "Record 2, class 3"), ("<b>", "Record 2, class 3")):
        app = AppTest.from_file(str(APP), default_timeout=20)
        app.session_state["sections"], app.session_state["records-chosen"] = "Who is at risk", chosen
        assert f'<h2 class="pd-title">{title}</h2>' in shown(app.run())


def test_a_lower_bound_above_the_proved_epsilon_is_an_error_on_the_page(store):
    put(store, View(), whole(headline(claim=claim(0.5))))
    (error,) = with_section("ε from below and above").error
    assert error.value.replace("\\", "").startswith(
        "The one-run audit measured ε ≥ 1.25, more than the proved 0.50. Both cannot hold"
    )
    put(store, View(), whole(headline(claim=claim(5.0))))
    assert not with_section("ε from below and above").error
