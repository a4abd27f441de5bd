"""Records as small pictures, of every population there is."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.results.drawing import INK, drawn, how
from engine.populations.catalogue import POPULATIONS
from engine.populations.records import split
from engine.recipe import PopulationChoice


@pytest.mark.parametrize("name", POPULATIONS)
def test_every_population_is_drawn_with_ink_on_paper(name):
    contested = split(PopulationChoice(name=name, contested=40)).contested
    pictures = [drawn(POPULATIONS[name], flat) for flat in contested.flat]
    assert all(picture.dtype == np.uint8 and picture.ndim == 2 for picture in pictures)
    assert all(picture.max() > INK // 2 and picture.min() == 0 for picture in pictures)
    assert any(not np.array_equal(picture, pictures[0]) for picture in pictures)
    if POPULATIONS[name].picture is not None:
        assert np.array_equal(pictures[0], contested.picture(0))


def test_a_curve_that_rises_goes_from_the_lower_left_to_the_upper_right():
    picture = drawn(POPULATIONS["mnist1d"], np.linspace(-1, 1, 40, dtype=np.float32))
    rows = [int(np.flatnonzero(column)[0]) for column in picture.T]
    assert rows == sorted(rows, reverse=True)
    assert (rows[0], rows[-1]) == (53, 0)
    assert drawn(POPULATIONS["mnist1d"], np.zeros(40, dtype=np.float32)).any()  # a flat curve is a curve


def test_a_measurement_above_average_has_its_bar_above_the_middle():
    values = np.zeros(30, dtype=np.float32)
    values[[0, 1]] = (4.0, -400.0)
    picture = drawn(POPULATIONS["breast-cancer"], values)
    up, down = (np.flatnonzero(picture[:, column] == INK) for column in (0, 2))
    assert (up.min(), up.max()) == (1, 28)
    assert (down.min(), down.max()) == (28, 55)  # cut off at the edge


def test_a_bit_is_one_square():
    values = np.zeros(600, dtype=np.float32)
    values[[0, 26]] = 1
    picture = drawn(POPULATIONS["purchases"], values)
    assert picture.shape == (25, 25)
    assert np.argwhere(picture == INK).tolist() == [[0, 0], [1, 1]]


def test_what_is_no_picture_says_how_it_is_to_be_read():
    assert [bool(how(info)) for info in POPULATIONS.values()] == [
        info.picture is None for info in POPULATIONS.values()
    ]
    assert "30 measurements" in how(POPULATIONS["breast-cancer"])
