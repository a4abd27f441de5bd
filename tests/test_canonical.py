"""Canonical JSON, the way back, and the checks at the edge."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.canonical import build, canonical_json, digest, plain
from engine.validate import InvalidValueError, choice, number, whole


@dataclass(frozen=True, kw_only=True)
class Leaf:
    size: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SameFields:
    size: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Tree:
    title: str
    leaves: tuple[Leaf, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TreeInAnotherOrder:
    leaves: tuple[Leaf, ...] = ()
    title: str


KINDS: dict[str, type] = {"Leaf": Leaf, "Tree": Tree}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_the_text_is_sorted_and_has_no_white_space():
    assert canonical_json(Tree(title="oak", leaves=(Leaf(),))) == (
        '{"kind":"Tree","leaves":[{"kind":"Leaf","size":1.0}],"title":"oak"}'
    )


def test_the_digest_is_the_sha256_of_the_text():
    assert digest(()) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"  # printf '[]' | sha256sum


def test_the_order_of_fields_changes_nothing_but_the_kind():
    one, other = canonical_json(Tree(title="oak")), canonical_json(TreeInAnotherOrder(title="oak"))
    assert one == other.replace("TreeInAnotherOrder", "Tree")


def test_kinds_with_the_same_fields_have_different_digests():
    assert digest(Leaf()) != digest(SameFields())


def test_what_plain_wrote_is_built_again():
    tree = Tree(title="oak", leaves=(Leaf(size=2.0), Leaf(size=0.5)))
    assert build(json.loads(canonical_json(tree)), KINDS) == tree


def test_letters_outside_ascii_survive():
    assert build(json.loads(canonical_json(Tree(title="ÿ 8 × 8"))), KINDS) == Tree(title="ÿ 8 × 8")


@settings(deadline=None, max_examples=50)
@given(JSON)
def test_json_stays_what_it_is(value: object):
    assert json.loads(canonical_json(value)) == value


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object(), Leaf], ids=["set", "bytes", "object", "class"])
def test_a_value_that_is_no_json_is_refused(value: object):
    with pytest.raises(TypeError, match="has no canonical JSON"):
        plain(value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_without_json_are_refused(value: float):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(Leaf(size=value))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "Bush"}, "kind must be one of Leaf, Tree, got 'Bush'"),
        ({"size": 1.0}, "kind must be one of Leaf, Tree, got None"),
        ({"kind": ["Leaf"]}, "kind must be one of Leaf, Tree, got ['Leaf']"),
        ({"kind": "Leaf"}, "Leaf must have the fields size: 'size' is missing"),
        ({"kind": "Leaf", "size": 1, "age": 2}, "Leaf must have the fields size: 'age' is not a field of it"),
        ({"kind": "Tree", "title": "oak"}, "Tree must have the fields leaves, title: 'leaves' is missing"),
        (
            {"kind": "Tree", "title": "oak", "leaves": [{"kind": "Twig"}]},
            "kind must be one of Leaf, Tree, got 'Twig'",
        ),
    ],
)
def test_data_that_are_no_value_give_one_sentence(data: object, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        build(data, KINDS)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (-1.0, "clip must be at least 0, got -1.0"),
        (2e6, "clip must be at most 1,000,000.0, got 2000000.0"),
        ("1", "clip must be a finite number, got '1'"),
        (None, "clip must be a finite number, got None"),
        (True, "clip must be a finite number, got True"),
        (math.nan, "clip must be a finite number, got nan"),
        (math.inf, "clip must be a finite number, got inf"),
        (-math.inf, "clip must be a finite number, got -inf"),
        (10**400, f"clip must be a finite number, got {10**400}"),
    ],
)
def test_a_number_out_of_range_gives_one_sentence(value: object, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        number("clip", value, at_least=0, at_most=1e6)
    assert str(caught.value) == sentence


def test_open_bounds_exclude_their_end():
    with pytest.raises(InvalidValueError, match=r"^rate must be above 0, got 0$"):
        number("rate", 0, above=0)
    with pytest.raises(InvalidValueError, match=r"^rate must be below 1, got 1$"):
        number("rate", 1, below=1)
    assert number("rate", 0, at_least=0) == 0
    assert number("rate", 1, at_most=1) == 1


def test_a_number_becomes_a_float_without_negative_zero():
    assert canonical_json(number("rate", 1)) == "1.0"
    assert canonical_json(number("rate", -0.0)) == "0.0"


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (0, "width must be at least 1, got 0"),
        (5000, "width must be at most 4,096, got 5000"),
        (1.0, "width must be a whole number, got 1.0"),
        (True, "width must be a whole number, got True"),
        ("8", "width must be a whole number, got '8'"),
    ],
)
def test_a_whole_number_out_of_range_gives_one_sentence(value: object, sentence: str):
    with pytest.raises(InvalidValueError) as caught:
        whole("width", value, at_least=1, at_most=4096)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("value", ["sigmoid", None, 3, ["relu"], ""])
def test_a_choice_that_is_no_option_gives_one_sentence(value: object):
    with pytest.raises(InvalidValueError) as caught:
        choice("activation", value, ("tanh", "relu"))
    assert str(caught.value) == f"activation must be one of relu, tanh, got {value!r}"


def test_a_field_with_a_default_may_be_missing_where_that_is_allowed():
    older = {"kind": "Tree", "title": "oak"}
    assert build(older, KINDS, defaults=True) == Tree(title="oak")
    with pytest.raises(InvalidValueError, match="'leaves' is missing"):
        build(older, KINDS)
    with pytest.raises(InvalidValueError, match="'title' is missing"):
        build({"kind": "Tree", "leaves": []}, KINDS, defaults=True)
    with pytest.raises(InvalidValueError, match="'bark' is not a field of it"):
        build(older | {"bark": 1}, KINDS, defaults=True)
