"""The matrix: every family and option × {plain, DP} has its reference, and a missing cell is a failing test."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Literal, get_args, get_origin

import pytest

from engine.architectures import LARGEST_SIZE, Architecture, Logistic
from tests import test_dpsgd, test_training
from tests.torch_reference import ARCHITECTURES

FAMILIES: tuple[Any, ...] = get_args(Architecture)
SIZES = ("width", "hidden")
OPTIONS = [(kind, field.name) for kind in FAMILIES for field in dataclasses.fields(kind) if field.name not in SIZES]

# The tests that hold a training to its reference, by the column of the matrix.
COLUMNS = {
    "plain: one-by-one torch.nn": test_training.test_stacked_training_equals_torch_nn_one_by_one,
    "DP: Opacus": test_dpsgd.test_per_record_clipped_gradients_equal_opacus,
    "DP: other records stay as they are": (
        test_dpsgd.test_changing_one_record_leaves_the_clipped_gradients_of_others_bit_identical
    ),
}


def cells(column: str) -> set[Architecture]:
    """The architectures that a column's test runs on."""
    marks = [mark for mark in vars(COLUMNS[column])["pytestmark"] if mark.args[0] == "architecture"]
    return {architecture for mark in marks for architecture in mark.args[1]}


def missing(kind: Any, option: str, found: set[Architecture]) -> set[Any]:
    """The values of an option that no architecture has; of a number, one and more than one."""
    values = {getattr(architecture, option) for architecture in found if type(architecture) is kind}
    hint = typing.get_type_hints(kind)[option]
    if get_origin(hint) is Literal:
        return set(get_args(hint)) - values
    if hint is bool:
        return {True, False} - values
    assert hint is int, f"{option} is of a kind that this test does not know"
    return {1, "more than 1"} - {value if value == 1 else "more than 1" for value in values}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(("kind", "option"), OPTIONS)
def test_every_option_of_every_family_has_its_reference(kind: Any, option: str, column: str):
    assert not missing(kind, option, cells(column))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_has_its_reference(kind: Any, column: str):
    assert any(type(architecture) is kind for architecture in cells(column))


@pytest.mark.parametrize(("kind", "option"), OPTIONS)
def test_what_is_taken_out_is_missed(kind: Any, option: str):
    own = {architecture for architecture in ARCHITECTURES if type(architecture) is kind}
    one = next(iter(own))
    alike = {architecture for architecture in own if getattr(architecture, option) == getattr(one, option)}
    assert missing(kind, option, alike)
    assert len(missing(kind, option, set(ARCHITECTURES) - own)) == 2


def test_every_family_but_logistic_regression_has_a_size():
    assert set(LARGEST_SIZE) == set(FAMILIES) - {Logistic}
