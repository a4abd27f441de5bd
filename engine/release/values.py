"""Releases: frozen values that say what the owner of a trained model publishes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.canonical import build
from engine.validate import InvalidValueError, choice, number, settle, whole


@dataclass(frozen=True, kw_only=True)
class WeightNoise:
    """θ + N(0, σ²I) on weights after training (Yang, Gohari & Topcu 2022).

    Attributes:
        sigma: the standard deviation σ of the noise on every weight, or with ``scale`` "relative" its share of the
            tensor's root mean square ‖θₜ‖/√d, so that the noise on a tensor is about σ times as long as the tensor.
        draws: K independent noisy copies of each model; the attacker sees one, metrics are means over all K.
        seed: of the noise.
        tensors: noise on all weights, or on those of the output layer only; the others are then published exactly.
        scale: whether σ is absolute, or relative to each tensor.
    """

    sigma: float
    draws: int = 4
    seed: int = 0
    tensors: Literal["all", "output"] = "all"
    scale: Literal["absolute", "relative"] = "absolute"

    def __post_init__(self) -> None:
        settle(self, sigma=number("post-training noise", self.sigma, above=0, at_most=1000))
        whole("draws of post-training noise", self.draws, at_least=1, at_most=64)
        whole("seed of post-training noise", self.seed, at_least=0, at_most=2**31 - 1)
        choice("tensors with post-training noise", self.tensors, ("all", "output"))
        choice("scale of post-training noise", self.scale, ("absolute", "relative"))


@dataclass(frozen=True, kw_only=True)
class Release:
    """What the owner publishes of a trained model: full probabilities, from exact or noisy weights.

    Attributes:
        epoch: early stopping: the epoch whose weights are published, one of the recipe's ``kept_epochs`` but the
            last; None is the last.
        weight_noise: noise added to those weights, or None.
    """

    epoch: int | None = None
    weight_noise: WeightNoise | None = None

    def __post_init__(self) -> None:
        if self.epoch is not None:
            whole("kept epoch", self.epoch, at_least=1, at_most=10_000)
        if not isinstance(self.weight_noise, WeightNoise | None):
            raise InvalidValueError(f"post-training noise must be of a known kind, got {self.weight_noise!r}")

    @property
    def draws(self) -> int:
        """K, the number of released copies of each model."""
        return self.weight_noise.draws if self.weight_noise else 1


_KINDS: dict[str, type] = {kind.__name__: kind for kind in (WeightNoise, Release)}


def release_from_json(data: Any) -> Release:
    """The release that ``plain(release)`` wrote, validated again.

    Raises:
        InvalidValueError: when the data are not a release, with one sentence that says why.
    """
    release = build(data, _KINDS)
    if not isinstance(release, Release):
        raise InvalidValueError(f"release must be an object of kind 'Release', got {type(release).__name__}")
    return release
