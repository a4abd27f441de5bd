"""Architectures with as many parameters as each other."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import pytest

from engine.architectures import (
    LARGEST_SIZE,
    Architecture,
    Cnn1d,
    Cnn2d,
    Gru,
    Logistic,
    Lstm,
    Mlp,
    Rnn,
    parameter_count,
    why_not,
)
from engine.matching import match, match_both
from engine.models.network import network
from engine.populations.catalogue import POPULATIONS
from engine.validate import InvalidValueError

FAMILIES: tuple[Architecture, ...] = (
    Mlp(),
    Mlp(depth=3),
    Rnn(),
    Rnn(layers=2, bidirectional=True),
    Gru(),
    Gru(layers=2),
    Lstm(),
    Lstm(bidirectional=True, pooling="mean"),
    Cnn1d(),
    Cnn1d(depth=3),
    Cnn2d(),
    Cnn2d(depth=1),
)
READABLE = {name: tuple(one for one in FAMILIES if why_not(one, info) is None) for name, info in POPULATIONS.items()}
"""The families that can read the records of each population."""
PAIRS = [(*pair, name) for name, readable in READABLE.items() for pair in itertools.permutations(readable, 2)]


def count(architecture: Architecture, population: str) -> int:
    return sum(math.prod(shape) for shape in network(architecture, POPULATIONS[population]).shapes.values())


def sized(architecture: Architecture, size: int) -> Architecture:
    return replace(architecture, **{"width" if hasattr(architecture, "width") else "hidden": size})


def size_of(architecture: Architecture) -> int:
    return getattr(architecture, "width", 0) or getattr(architecture, "hidden", 0)


@pytest.mark.parametrize("population", POPULATIONS)
def test_parameters_are_counted_without_building_the_network(population: str):
    info = POPULATIONS[population]
    options = itertools.product((Rnn, Gru, Lstm), (1, 2, 4), (False, True), (1, 7, 64))
    recurrent = [kind(layers=n, bidirectional=both, hidden=size) for kind, n, both, size in options]
    perceptrons = [Mlp(width=width, depth=depth) for width in (1, 37) for depth in (1, 2, 8)]
    convolutional = [
        kind(width=width, depth=depth) for kind in (Cnn1d, Cnn2d) for width in (1, 5) for depth in (1, 2, 3)
    ]
    readable = [one for one in (Logistic(), *perceptrons, *recurrent, *convolutional) if not why_not(one, info)]
    assert len(readable) >= 7
    for architecture in readable:
        assert parameter_count(architecture, info) == count(architecture, population)


def test_every_population_has_families_to_match():
    assert {name: len(readable) for name, readable in READABLE.items()} == {
        "digits": 12,
        "mnist5k": 12,
        "mnist1d": 10,
        "breast-cancer": 2,
        "purchases": 2,
    }


@pytest.mark.parametrize(
    ("second", "population"), [(one, name) for name, readable in READABLE.items() for one in readable], ids=str
)
def test_the_nearest_width_is_that_of_brute_force(second: Architecture, population: str):
    counts = {size: count(sized(second, size), population) for size in range(1, LARGEST_SIZE[type(second)] + 1)}
    for first in (Logistic(), *READABLE[population], Mlp(width=1), Mlp(width=4096)):
        found = match(first, second, POPULATIONS[population])
        wanted = count(first, population)
        best = min(counts, key=lambda size: (abs(counts[size] - wanted), size))
        assert found.second == sized(second, best)
        assert (found.first_parameters, found.second_parameters) == (wanted, counts[best])
        assert found.gap == pytest.approx(counts[best] / wanted - 1)


@pytest.mark.parametrize(("first", "second", "population"), PAIRS, ids=str)
def test_above_10_000_parameters_every_pair_of_families_is_within_2_per_cent(
    first: Architecture, second: Architecture, population: str
):
    tried = 0
    for size in (16, 24, 37, 64, 100, 150, 256, 400):
        chosen = sized(first, size)
        largest = count(sized(second, LARGEST_SIZE[type(second)]), population)
        if not 10_000 < count(chosen, population) < largest:
            continue
        tried += 1
        found = match_both(chosen, second, POPULATIONS[population])
        assert found.close
        assert abs(found.gap) <= 0.02
        assert abs(size_of(found.first) - size) <= max(1, size / 4)
        assert found.first_parameters == count(found.first, population)
        assert found.second_parameters == count(found.second, population)
    assert tried > 0


def reaches(architecture: Architecture, population: str) -> bool:
    return count(sized(architecture, LARGEST_SIZE[type(architecture)]), population) > 260_000


@pytest.mark.parametrize(
    ("first", "second", "population"),
    [
        (first, second, population)
        for first, second, population in PAIRS
        if reaches(first, population) and reaches(second, population)
    ],
    ids=str,
)
def test_from_250_000_parameters_on_the_first_need_not_give_way(first, second, population):
    sizes = (sized(first, size) for size in itertools.count(1))
    chosen = next(one for one in sizes if count(one, population) > 250_000)
    assert match(chosen, second, POPULATIONS[population]).close


def test_the_first_gives_way_by_as_few_units_as_bring_the_gap_below_2_per_cent():
    first, second, info = Lstm(hidden=37), Cnn2d(depth=1), POPULATIONS["mnist5k"]
    alone, both = match(first, second, info), match_both(first, second, info)
    assert not alone.close
    assert both.close
    moved = abs(size_of(both.first) - 37)
    nearer = range(37 - moved + 1, 37 + moved)
    assert not any(match(Lstm(hidden=hidden), second, info).close for hidden in nearer)


def test_where_no_size_within_a_quarter_of_the_first_has_a_partner_the_nearest_beyond_is_taken():
    """CNN 1-D 24×3 has 22,330 parameters, and BiLSTMs of 25 and 26 units in two layers are 3.7 % and more away."""
    first, second, info = Cnn1d(width=24, depth=3), Lstm(layers=2, bidirectional=True), POPULATIONS["mnist1d"]
    found = match_both(first, second, info)
    assert found.close
    assert found.first == replace(first, width=31)
    assert replace(found.second, hidden=second.hidden) == second
    assert not any(match(replace(first, width=width), second, info).close for width in range(18, 31))


def test_where_the_second_family_ends_before_the_first_gives_way_as_far_as_that_takes():
    found = match_both(Mlp(width=4096, depth=8), Cnn1d(depth=1), POPULATIONS["digits"])
    assert found.close
    assert size_of(found.first) < 1024


def test_pairs_without_a_partner_are_told_by_their_gap():
    """Logistic regression cannot give way: 650 parameters, and 610 or 685 of a perceptron of 8 or 9 units."""
    found = match_both(Logistic(), Mlp(), POPULATIONS["digits"])
    assert found.first == Logistic()
    assert not found.close


def test_a_match_that_is_close_already_leaves_the_first_alone():
    info = POPULATIONS["mnist5k"]
    assert match_both(Mlp(), Lstm(), info) == match(Mlp(), Lstm(), info)


def test_an_lstm_against_the_mlp_of_the_default_view():
    """784 · 128 + 128 + 128 · 10 + 10 = 101,770 numbers; an LSTM of H has 4H(28 + H + 2) + 10H + 10."""
    found = match(Mlp(), Lstm(), POPULATIONS["mnist5k"])
    assert found.first_parameters == 101_770
    assert found.second == Lstm(hidden=144)
    assert found.second_parameters == 4 * 144 * (28 + 144 + 2) + 10 * 144 + 10
    assert f"{found.gap:.2%}" == "-0.09%"


def test_everything_but_the_width_of_the_second_stays():
    second = Gru(hidden=3, layers=3, bidirectional=True, pooling="mean")
    found = match(Mlp(), second, POPULATIONS["digits"]).second
    assert sized(found, 3) == second


def test_beyond_the_largest_width_the_largest_is_the_nearest():
    found = match(Mlp(width=4096, depth=8), Cnn1d(depth=1), POPULATIONS["digits"])
    assert found.second == Cnn1d(width=512, depth=1)
    assert found.gap < -0.9


@pytest.mark.parametrize("family", LARGEST_SIZE, ids=lambda family: family.__name__)
def test_the_largest_size_is_the_limit_of_a_recipe(family: type):
    assert size_of(sized(family(), LARGEST_SIZE[family])) == LARGEST_SIZE[family]
    with pytest.raises(InvalidValueError, match="must be at most"):
        sized(family(), LARGEST_SIZE[family] + 1)


def test_logistic_regression_can_be_matched_but_cannot_follow():
    info = POPULATIONS["digits"]
    assert match_both(Logistic(), Mlp(), info).first_parameters == 650
    with pytest.raises(InvalidValueError, match=r"second architecture must have a width to match with, got Logistic"):
        match(Mlp(), Logistic(), info)


def test_a_family_without_its_view_is_refused():
    with pytest.raises(InvalidValueError, match="architecture Lstm reads a sequence view, and Breast cancer has no"):
        match(Mlp(), Lstm(), POPULATIONS["breast-cancer"])
