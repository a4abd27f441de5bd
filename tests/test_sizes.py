"""Architectures of any size in URLs, and parameters matched on the page Explore."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from dashboard.controls.sizes import count_words, families_beside, match_words
from dashboard.state.families import FAMILIES, architecture_of, changed, label_of, token_of
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.view import View, point
from engine.architectures import LARGEST_SIZE, Cnn2d, Lstm, Mlp
from engine.matching import match_both, size_field
from engine.populations.catalogue import POPULATIONS
from engine.validate import InvalidValueError
from tests.explored import opened, shown


@pytest.mark.parametrize("key", FAMILIES)
def test_every_size_of_a_family_has_one_token_that_names_it_alone(key: str):
    base = FAMILIES[key].base
    largest = LARGEST_SIZE[type(base)]
    for size in (1, 2, 37, largest):
        architecture = changed(base, size_field(base), size)
        assert architecture is not None
        token = token_of(architecture)
        assert architecture_of(token) == architecture
        assert str(size) in label_of(architecture)
        view, problems = View.from_query({"architecture": token})
        assert not problems
        assert point(view).recipe.architecture == architecture
        assert View.from_query(dict(parse_qsl(view.address))) == (view, ())
    assert changed(base, size_field(base), largest + 1) is None


@pytest.mark.parametrize(
    "token",
    [
        *(
            "lstm-0",
            "lstm-007",
            "lstm-1025",
            "mlp-4097",
            "lstm-",
            "lstm",
            "lstm-3.5",
            "lstm--3",
            "gru-5x1",
            "gru-5x5",
            "mlp-5x9",
            "mlp-5-relu",
            "mlp-5-mean",
            "lstm-5-mean-bidirectional",
            "lstm-5-mean-mean",
            "cnn2d-8x2",
            "cnn2d-8x4",
        ),
        *("logistic-5", "cnn3d-4", "MLP-5", "mlp-٣", "mlp-99999999", "<script>"),
    ],
)
def test_a_token_outside_the_grammar_is_refused_with_the_grammar(token: str):
    view, (problem,) = View.from_query({"architecture": token})
    assert view == View()
    assert "or a family with a size and options such as lstm-37 or lstm-37x2-mean, got" in problem
    with pytest.raises(InvalidValueError, match="architecture must be one of"):
        View(architecture=token)


def test_the_tokens_of_the_stops_are_those_of_their_architectures():
    for token, stop in ARCHITECTURE.stops.items():
        assert token_of(stop.value) == token
        assert label_of(stop.value) == stop.label


def test_a_size_between_the_stops_stands_beside_its_family():
    stops = View(architecture="mlp-37").stops("architecture")
    assert [stop for stop in stops if stop not in ARCHITECTURE.stops] == ["mlp-37"]
    assert stops[stops.index("mlp-37") - 1] == "mlp-256"
    assert View(architecture="mlp-128").stops("architecture") == tuple(ARCHITECTURE.stops)


def test_the_sentence_of_a_match_has_both_counts_and_the_gap():
    """MLP 128 on 28 × 28: 785 · 128 + 129 · 10; LSTM 144 reads rows of 28: 4 · 144 · (28 + 144 + 2) + 145 · 10."""
    info = POPULATIONS["mnist5k"]
    found = match_both(Mlp(), Lstm(), info)
    assert count_words(Mlp(), info) == "101,770 parameters"
    assert found.second == Lstm(hidden=144)
    assert match_words(Mlp(), found) == "MLP 128 has 101,770 parameters, LSTM 144 has 101,674: −0.1\u00a0%."


def test_where_one_more_unit_is_many_parameters_both_sizes_move_and_the_sentence_says_so():
    """LSTM 64 on rows of 28: 4 · 64 · 94 + 65 · 10 = 24,714; a CNN grows by some 1,300 with each channel."""
    found = match_both(Lstm(), Cnn2d(), POPULATIONS["mnist5k"])
    assert match_words(Lstm(), found) == (
        "LSTM 65 has 25,360 parameters, CNN 2-D 19 has 25,356: 0.0\u00a0%. No size of the second is within 2 % of "
        "LSTM 64, so both sizes moved."
    )


def test_families_without_their_view_are_not_offered_and_the_reason_is_said():
    partners, reasons = families_beside(Mlp(), POPULATIONS["purchases"])
    assert tuple(partners) == ("mlpx2",)
    text = " ".join(reasons)
    assert "Not CNN 1-D, RNN, GRU, LSTM: Purchases" in text
    assert "has no sequence view" in text
    assert "has no picture view" in text


def test_the_page_offers_a_match_and_turns_to_it(store):
    app = opened()
    app.session_state["sizes"] = True
    app.run()
    assert '<p class="pd-count">101,770 parameters</p>' in shown(app)
    assert "Options" in [block.proto.popover.label for block in app.get("popover")]
    app.selectbox(key="match-mnist5k-mlp-128").set_value("lstm").run()
    (button,) = [button for button in app.button if button.label.startswith("Show LSTM")]
    button.click().run()
    assert app.query_params["architecture"] == button.label.replace("Show LSTM ", "lstm-")
    dial = app.select_slider(key=f"dial-architecture-{app.query_params['architecture']}")
    assert dial.value == app.query_params["architecture"]
    dial.set_value("mlp-64").run()
    assert app.query_params["architecture"] == "mlp-64"
    assert not app.exception


def test_an_architecture_that_cannot_read_the_records_says_why(store):
    text = shown(opened(population="purchases", architecture="lstm-37"))
    assert "has no sequence view" in text
