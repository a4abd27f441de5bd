"""Random numbers by name."""

from __future__ import annotations

import numpy as np

from engine.seeds import entropy, generator


def test_the_same_name_gives_the_same_numbers():
    assert np.array_equal(generator(3, "masks", 1).random(100), generator(3, "masks", 1).random(100))


def test_every_part_of_the_name_counts():
    paths = [
        (0,),
        (1,),
        (0, "masks"),
        (0, "noise"),
        (0, "masks", 0),
        (0, "masks", 1),
        (0, "masks", 0, 1),
        (0, 1, "masks"),
    ]
    assert len({entropy(*path) for path in paths}) == len(paths)


def test_a_name_has_128_bits():
    names = 4000
    ones = np.array([sum(entropy(0, name) >> bit & 1 for name in range(names)) for bit in range(128)])
    assert abs(ones / names - 0.5).max() < 5 * 0.5 / np.sqrt(names)
    assert max(entropy(0, name).bit_length() for name in range(100)) == 128


def test_a_changed_meaning_of_names_is_a_decision():
    assert entropy(0, "masks", 1) == 271392566149469014482786395067226761383


def test_neighbouring_names_are_uncorrelated():
    draws = np.stack([generator(0, "noise", name).standard_normal(10_000) for name in range(8)])
    off_diagonal = np.asarray(np.corrcoef(draws))[~np.eye(8, dtype=bool)]
    assert abs(off_diagonal).max() < 5 / np.sqrt(draws.shape[1])


def test_the_global_generator_is_not_touched():
    np.random.seed(1)  # noqa: NPY002 - the global state is what must not move
    untouched = np.random.random(5)  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    generator(0, "masks").random(10)
    assert np.array_equal(np.random.random(5), untouched)  # noqa: NPY002
