from collections.abc import Mapping
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from dashboard.results.figures import tradeoff
from dashboard.results.findings import tradeoff as tradeoff_words
from dashboard.results.settings import differences, short_words
from dashboard.results.tables import spots
from dashboard.state.landscape import landscape
from dashboard.state.pins import LETTERS, by_letter, read_pins, with_pin, without_pin
from dashboard.state.view import View
from tests.handmade import interval, measure

APP = Path(dashboard.__file__).parent / "pages" / "app.py"
SMOOTH, DECAY, NOISY = View(label_smoothing="0.3"), View(regularization="10"), View(noise="0.05")


def opened(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in ({"sweep": "regularization"} | query).items():  # with a dial in it, an address opens Explore
        app.query_params[name] = text
    return app.run()


def test_pins_come_back_from_their_addresses_the_default_setting_included():
    pins = (View(), SMOOTH, DECAY, NOISY)
    assert read_pins([pin.address for pin in pins]) == (pins, ())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dp=strong", "dp must be one of off, optimizer, clip"),
        ("colour=<script>", "'colour' is not part of a view"),
        ("mixup=1&dp=1", "mixup must be off with DP-SGD"),
        ("x" * 5000, "is not part of a view"),
    ],
)
def test_an_address_that_is_no_setting_is_left_out_with_one_sentence(text, words):
    pins, (problem,) = read_pins(["", text])
    assert pins == (View(),)
    assert problem.startswith("A pin of the address means no setting and was left out: ")
    assert words in problem
    assert len(problem) < 400


def test_a_fifth_pin_is_left_out_with_one_sentence_and_a_second_of_one_setting_silently():
    pins, problems = read_pins(["", "", *(f"regularization={strength}" for strength in (1, 2, 3, 5, 10))])
    assert len(pins) == len(LETTERS) == 4
    assert problems == ("There is room for 4 pins; one more of the address was left out.",)


def test_a_pin_is_kept_once_and_its_letter_goes_to_the_next_when_it_is_taken_away():
    pins = with_pin(with_pin(with_pin((), View()), View(sweep="dp")), SMOOTH)
    assert pins == (View(), SMOOTH)
    assert by_letter(without_pin(pins, View(sweep="noise"))) == {"A": SMOOTH}


def test_a_setting_in_short_names_what_protects_it_and_the_difference_names_only_what_differs():
    assert short_words(View()) == "MLP 128, no protection"
    assert short_words(SMOOTH) == "MLP 128, label smoothing 0.3"
    assert differences({"A": View(), "B": SMOOTH}) == [{"Dial": "Label smoothing", "A": "off", "B": "0.3"}]
    assert differences({"A": View(), "B": View(sweep="dp")}) == []


def test_measured_pins_have_a_ring_and_a_letter_on_the_figure_and_a_row_in_its_table(store):
    for view in (View(), SMOOTH):
        measure(store, view)
    found = landscape(store, View(), pins={"A": SMOOTH, "B": NOISY})
    (trace,) = [trace for trace in tradeoff(found)["data"] if trace.get("name") == "pinned"]
    assert trace["text"] == ["<b>A</b>"]
    assert trace["marker"]["symbol"] == "circle-open"
    assert trace["customdata"] == [SMOOTH.address]
    assert "Pinned, by accuracy and AUC: A at 86.8 % and .796." in tradeoff_words(found)
    assert len(spots(found)) == 2


def test_a_pin_that_no_other_setting_beats_is_named_by_its_letter(store):
    measure(store, View())
    measure(store, SMOOTH, auc=interval(0.6, 0.59, 0.61))
    found = landscape(store, View(), pins={"A": SMOOTH})
    assert tradeoff_words(found).endswith(
        "leaks at most as much: pin A. Pinned, by accuracy and AUC: A at 86.8 % and .600."
    )


def test_pinning_writes_the_url_and_unpinning_takes_it_out(store):
    app = opened(dp="clip")
    app.button(key="pin").click().run()
    assert app.query_params == {"dp": "clip", "pin": "dp=clip"}
    app.select_slider(key="dial-dp").set_value("1").run()
    app.button(key="pin").click().run()
    assert app.query_params["pin"] == ["dp=clip", "dp=1"]
    app.button(key="unpin-A").click().run()
    assert app.query_params["pin"] == "dp=1"
    app.button(key="unpin").click().run()
    assert "pin" not in app.query_params


def test_four_pins_close_the_button_and_a_bad_one_in_the_url_gives_a_sentence(store):
    app = opened(pin=["", "dp=1", "dp=2", "nothing=1", "dp=3"])
    assert app.button(key="unpin").label == "Unpin this setting"
    (warning,) = app.warning
    assert "A pin of the address means no setting" in warning.value.replace("\\", "")
    assert app.query_params["pin"] == ["", "dp=1", "dp=2", "dp=3"]
    app.select_slider(key="dial-noise").set_value("0.05").run()
    assert app.button(key="pin").disabled


def one_page():
    import streamlit as st

    from dashboard.pages import compare, explore, methods, risk, start, sweep

    pages = {"compare": compare, "explore": explore, "methods": methods, "risk": risk, "sweep": sweep}
    if st.session_state["at"] == "start":
        start.page({})
    else:
        pages[st.session_state["at"]].page()


def address(app: AppTest) -> dict[str, list[str]]:
    """The query of the address."""
    return {name: [text] if isinstance(text, str) else list(text) for name, text in app.query_params.items()}


def gone_to(app: AppTest, page: str) -> AppTest:
    """A page of the visitor's session; a click on its name takes the query out of the address."""
    app.session_state["at"] = page
    app.query_params.clear()
    app.run()
    assert not app.exception
    return app


def loaded(page: str, query: Mapping[str, str | list[str]]) -> AppTest:
    """A page as it is when its address is opened anew, in a session of its own."""
    app = AppTest.from_function(one_page, default_timeout=20)
    app.session_state["at"] = page
    for name, text in query.items():
        app.query_params[name] = text
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("page", ["compare", "risk", "sweep", "methods"])
def test_the_view_and_the_pins_survive_a_reload_of_every_other_page(store, page):
    there = {"dp": ["4"], "pin": [SMOOTH.address, NOISY.address]}
    app = gone_to(loaded("explore", there), page)
    assert address(app) == there
    again = gone_to(loaded(page, there), "explore")
    assert again.select_slider(key="dial-dp").value == "4"
    assert [again.button(key=f"unpin-{letter}").label for letter in "AB"]


def test_the_pins_survive_a_reload_of_start_whose_address_has_no_view(store):
    app = gone_to(loaded("explore", {"dp": "4", "pin": [SMOOTH.address]}), "start")
    assert address(app) == {"pin": [SMOOTH.address]}
    again = gone_to(loaded("start", {"pin": [SMOOTH.address]}), "explore")
    assert again.button(key="unpin-A").label


def test_sweep_and_methods_say_what_they_cannot_read_of_their_address(store):
    for page in ("sweep", "methods"):
        (warning,) = loaded(page, {"dp": "hello"}).warning
        assert warning.value.startswith("dp must be one of")
