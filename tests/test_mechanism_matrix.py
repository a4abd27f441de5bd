"""The cells of what regularizes without being a part of ``Recipe.mechanisms``: each names its test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields

import pytest

from engine.recipe import DpSgd
from tests import test_dpsgd, test_early_stopping, test_mechanisms, test_recipe

COLUMNS = ("limit", "hand", "hash", "DP rule")

CELLS: Mapping[str, Mapping[str, Callable[..., None]]] = {
    "early stopping": {
        "limit": test_early_stopping.test_the_limit_of_no_early_epoch_is_no_early_stopping,
        "hand": test_early_stopping.test_a_few_epochs_are_kept_and_always_the_last,
        "hash": test_recipe.test_every_parameter_of_every_part_changes_the_hash,
        "DP rule": test_early_stopping.test_the_claim_of_dp_is_that_of_the_steps_done_until_the_kept_epoch,
    },
    "DP-SGD": {
        "limit": test_dpsgd.test_a_clip_that_never_binds_and_no_noise_is_no_clip,
        "hand": test_dpsgd.test_a_hand_computed_clip,
        "hash": test_recipe.test_every_parameter_of_every_part_changes_the_hash,
        "DP rule": test_dpsgd.test_changing_one_record_leaves_the_clipped_gradients_of_others_bit_identical,
    },
}
PARAMETERS = ("Release.epoch", "DpSgd.clip", "DpSgd.noise_multiplier")


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("name", CELLS)
def test_early_stopping_and_dp_sgd_have_every_cell(name: str, column: str):
    cell = CELLS[name][column]
    assert cell.__name__.startswith("test_")
    assert callable(cell)


def test_no_part_and_no_parameter_is_left_out():
    """Beside its mechanisms, a recipe regularizes by ``privacy``, and a release by the ``epoch`` it publishes."""
    assert set(CELLS) == {"early stopping", "DP-SGD"}
    assert all(set(cells) == set(COLUMNS) for cells in CELLS.values())
    assert set(PARAMETERS) == {"Release.epoch", *(f"DpSgd.{field.name}" for field in fields(DpSgd))}


@pytest.mark.parametrize("name", PARAMETERS)
def test_their_parameters_are_among_those_that_change_the_hash(name: str):
    assert name in test_recipe.FIELDS


def test_the_mechanisms_of_a_recipe_have_the_same_columns():
    found = {test.__name__ for test in vars(test_mechanisms).values() if getattr(test, "__name__", "")[:5] == "test_"}
    assert {
        "test_the_limit_is_no_mechanism",
        "test_a_hand_computed_example",
        "test_the_hash_changes_with_each_parameter_and_json_keeps_it",
        "test_with_dp_other_records_keep_their_clipped_gradients_bit_by_bit_or_the_recipe_is_refused",
    } <= found
