"""Contested records come from workers, without waiting, and are asked for anew when workers were lost."""

from __future__ import annotations

import time

import numpy as np

from cache.contested import ContestedRecords
from engine.populations.records import split
from engine.recipe import PopulationChoice

DIGITS = PopulationChoice(name="digits", contested=100)


def until_there(asked: ContestedRecords, records: tuple[int, ...]) -> np.ndarray:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        values = asked.values(DIGITS, records)
        if values is not None:
            return values
        time.sleep(0.02)
    raise AssertionError("no worker answered")


def test_the_values_are_those_of_the_population_in_the_order_asked(cluster):
    asked = ContestedRecords(lambda: cluster.client)
    values = until_there(asked, (7, 3))
    assert np.array_equal(values, split(DIGITS).contested.flat[[7, 3]])
    again = asked.values(DIGITS, (7, 3))
    assert again is not None  # at once, for it has been asked before
    assert np.array_equal(again, values)


def test_what_a_worker_refuses_is_no_value_and_is_asked_anew(cluster):
    asked = ContestedRecords(lambda: cluster.client)
    deadline = time.monotonic() + 60
    while asked.values(DIGITS, (5000,)) is None and asked._asked and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not asked._asked
