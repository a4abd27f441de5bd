"""Every option of every architecture: its one token, and its control on the page Explore."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.controls.options import TITLES, option_key
from dashboard.results.docstrings import explanation
from dashboard.results.settings import differences
from dashboard.state.families import architecture_of, changed, family_of, label_of, token_of
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.view import View, point
from engine.architectures import LARGEST_SIZE, OPTIONS, Architecture, Gru, Logistic, Lstm, Mlp
from engine.matching import match_both, size_field
from engine.populations.catalogue import POPULATIONS
from engine.validate import InvalidValueError
from tests.explored import opened, shown

KINDS: tuple[Any, ...] = get_args(Architecture)
FIELDS = [(kind, field.name) for kind in KINDS for field in dataclasses.fields(kind)]


def takes(kind: Any, field: str, value: object) -> bool:
    try:
        kind(**{field: value})
    except InvalidValueError:
        return False
    return True


def values_of(kind: Any, field: str) -> list[Any]:
    """All values that the engine takes, from the annotation and by trying."""
    hint = get_type_hints(kind)[field]
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [False, True] if hint is bool else [n for n in range(10_000) if takes(kind, field, n)]


VALUES = {(kind, field): values_of(kind, field) for kind, field in FIELDS}


def architectures() -> st.SearchStrategy[Architecture]:
    """All architectures of the engine."""
    return st.one_of(
        [
            st.builds(kind, **{name: st.sampled_from(VALUES[of, name]) for of, name in FIELDS if of is kind})
            for kind in KINDS
        ]
    )


@given(architectures())
def test_every_architecture_has_one_token_and_lives_in_the_url(architecture):
    token = token_of(architecture)
    assert architecture_of(token) == architecture
    view, problems = View.from_query({"architecture": token})
    assert not problems
    assert point(view).recipe.architecture == architecture
    assert View.from_query(dict(parse_qsl(view.address))) == (view, ())


@given(architectures(), architectures())
def test_two_architectures_share_neither_token_nor_label(one, other):
    assert (token_of(one) == token_of(other)) == (label_of(one) == label_of(other)) == (one == other)


@given(
    st.from_regex(r"(mlp|lstm|cnn2d)-[1-9][0-9]?(x[0-9])?(-(tanh|relu|mean|last|bidirectional)){0,3}", fullmatch=True)
)
def test_what_names_an_architecture_is_its_token(token):
    architecture = architecture_of(token)
    assert architecture is None or token_of(architecture) == token


@given(architectures())
def test_a_family_is_an_architecture_without_its_size(architecture):
    family = family_of(architecture)
    if isinstance(architecture, Logistic):
        assert family is None
    else:
        assert family is not None
        size = getattr(architecture, size_field(architecture))
        assert changed(family.base, size_field(architecture), size) == architecture
        assert token_of(architecture).replace(f"-{size}", "", 1) == family.key


@given(architectures())
def test_an_architecture_between_the_stops_stands_beside_its_like(architecture):
    token = token_of(architecture)
    stops = View(architecture=token).stops("architecture")
    assert [stop for stop in stops if stop in ARCHITECTURE.stops] == list(ARCHITECTURE.stops)
    before = stops[stops.index(token) - 1]
    assert token in ARCHITECTURE.stops or type(ARCHITECTURE.value(str(before))) is type(architecture)


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_field_has_at_least_two_values_that_a_view_reaches(kind: Any, field: str):
    values = VALUES[kind, field]
    assert len(values) >= 2
    views = [View(architecture=token_of(kind(**{field: value}))) for value in values[:3] + values[-3:]]
    reached = {getattr(point(view).recipe.architecture, field) for view in views}
    assert reached == {*values[:3], *values[-3:]}


@pytest.mark.parametrize("kind", KINDS)
def test_the_options_of_a_family_are_all_values_of_all_fields_but_its_size(kind: Any):
    fields = [name for of, name in FIELDS if of is kind and name not in {"width", "hidden"}]
    assert {name: list(values) for name, values in OPTIONS[kind].items()} == {
        name: VALUES[kind, name] for name in fields
    }


@pytest.mark.parametrize(("kind", "field"), FIELDS)
def test_every_field_is_explained_by_one_sentence_of_a_docstring(kind: Any, field: str):
    words = explanation(kind, field)
    assert words[0].isupper()
    assert words.endswith(".")
    assert words.count(". ") == 0
    docs = " ".join(" ".join((owner.__doc__ or "").split()) for owner in kind.__mro__)
    assert words[1:-1] in docs


def test_what_no_docstring_explains_is_an_error():
    with pytest.raises(KeyError, match="colour"):
        explanation(Mlp, "colour")


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("mlp-128x3-tanh", "MLP 128×3 tanh"),
        ("lstm-37x2-bidirectional-mean", "BiLSTM 37×2 mean"),
        ("gru-64-bidirectional", "BiGRU 64"),
        ("rnn-8-mean", "RNN 8 mean"),
        ("cnn2d-8x3", "CNN 2-D 8×3"),
        ("cnn1d-16x1", "CNN 1-D 16×1"),
    ],
)
def test_published_tokens_and_their_labels_stay(token: str, label: str):
    assert ARCHITECTURE.label(token) == label
    rows = differences({"A": View(), "B": View(architecture=token)})
    assert {"Dial": "Architecture", "A": "MLP 128", "B": label} in rows


def test_parameters_are_matched_with_all_options_of_both_as_they_are():
    """BiLSTM 37×2 on rows of 28: 2 · 4 · 37 · (28 + 39) + 2 · 4 · 37 · (74 + 39) + 75 · 10 = 54,030."""
    first, second = Lstm(hidden=37, layers=2, bidirectional=True), Mlp(depth=3, activation="tanh")
    found = match_both(first, second, POPULATIONS["mnist5k"])
    assert found.close
    assert found.first_parameters == 54_030
    assert family_of(found.first) == family_of(first)
    assert family_of(found.second) == family_of(second)


def with_options(**query: str):
    app = opened(**query)
    app.session_state["sizes"] = True
    return app.run()


def control(app: Any, architecture: Architecture, field: str) -> Any:
    key = option_key(architecture, field)
    (found,) = [one for kind in ("number_input", "button_group") for one in app.get(kind) if one.key == key]
    return found


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Logistic], ids=lambda kind: kind.__name__)
def test_every_field_has_a_control_that_turns_the_view_and_keeps_the_others(store, kind: Any):
    at = kind()
    app = with_options(architecture=token_of(at), population="digits")
    for of, field in FIELDS:
        if of is kind:
            shown_as = control(app, at, field)
            assert shown_as.label == TITLES[field]
            assert shown_as.help == explanation(kind, field)
            value = VALUES[kind, field][-1] if field not in {"width", "hidden"} else 5
            assert getattr(at, field) != value
            at = dataclasses.replace(at, **{field: value})
            shown_as.set_value(value)
            app.session_state["sizes"] = True  # AppTest sends nothing of an open popover back
            app.run()
            assert not app.exception
            assert app.query_params["architecture"] == token_of(at)
    assert shown(app)
    assert len(app.get("number_input")) == 2
    assert [control(app, at, field).value for of, field in FIELDS if of is kind] == list(
        dataclasses.asdict(at).values()
    )


def test_logistic_regression_has_no_options(store):
    app = with_options(architecture="logistic")
    assert "no options" in " ".join(caption.value for caption in app.caption)
    assert not app.get("number_input")


def test_a_control_of_a_family_that_is_gone_does_not_count():
    assert changed(Gru(), "activation", "tanh") is None
    assert changed(Mlp(), "width", 0) is None
    assert changed(Mlp(), "width", LARGEST_SIZE[Mlp] + 1) is None
    assert changed(Mlp(), "width", 3.5) is None
    assert option_key(Gru(), "layers") != option_key(Lstm(), "layers")


def test_a_network_looked_at_before_can_be_matched_with_its_options(store):
    app = with_options(architecture="mlp-128x3-tanh", population="digits")
    app.select_slider(key="dial-architecture-mlp-128x3-tanh").set_value("lstm-64").run()
    partner = app.selectbox(key="match-digits-lstm-64")
    assert partner.options[-1] == "MLP ×3 tanh"
    partner.set_value("mlpx3-tanh").run()
    (button,) = [button for button in app.button if button.label.startswith("Show MLP")]
    button.click().run()
    assert app.query_params["architecture"].endswith("x3-tanh")
    assert not app.exception
