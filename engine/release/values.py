"""Releases: frozen values that say what the owner of a trained model publishes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from engine.canonical import build
from engine.validate import InvalidValueError, choice, number, settle, whole

NEIGHBOURS = 32
"""How many neighbours of a model are trained for a measured sensitivity, unless another number is asked for."""


@dataclass(frozen=True, kw_only=True)
class WeightNoise:
    """Gaussian noise of standard deviation σ on every weight of the finished model, before it is published.

    θ + N(0, σ²I) on the trained weights θ (Yang, Gohari & Topcu 2022).

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
class Temperature:
    """Probabilities are softmax(z/T) of the logits z (Shokri et al. 2017, section VIII).

    Attributes:
        temperature: T; above 1 answers are less sure than the model is.
    """

    temperature: float

    def __post_init__(self) -> None:
        settle(self, temperature=number("temperature of the answers", self.temperature, above=0, at_most=1000))


@dataclass(frozen=True, kw_only=True)
class Rounding:
    """Probabilities are rounded to some decimals (Shokri et al. 2017, section VIII), and the label is told.

    Attributes:
        decimals: d; answers are multiples of 10^−d.
    """

    decimals: int

    def __post_init__(self) -> None:
        whole("decimals of the answers", self.decimals, at_least=1, at_most=12)


@dataclass(frozen=True, kw_only=True)
class TopK:
    """Only the k largest probabilities are told, with their classes (Shokri et al. 2017, section VIII).

    Attributes:
        k: how many; where a population has no more classes than that, nothing is withheld.
    """

    k: int

    def __post_init__(self) -> None:
        whole("number of classes in an answer", self.k, at_least=1, at_most=1000)


@dataclass(frozen=True, kw_only=True)
class LabelOnly:
    """Only the predicted class is told (Choquette-Choo et al. 2021)."""


@dataclass(frozen=True, kw_only=True)
class MemGuard:
    """Noise on each answer that leaves a membership classifier in doubt and the predicted class as it is.

    Jia et al. 2019, "MemGuard: defending against black-box membership inference attacks via adversarial examples";
    see ``engine.release.memguard``.

    Attributes:
        budget: the largest expected L1 distance of an answer from the true probabilities, in [0, 2].
        seed: of the defender's classifier and of the draws that decide which answers are changed.
    """

    budget: float
    seed: int = 0

    def __post_init__(self) -> None:
        settle(self, budget=number("utility budget of MemGuard", self.budget, at_least=0, at_most=2))
        whole("seed of MemGuard", self.seed, at_least=0, at_most=2**31 - 1)


Reduction = Temperature | Rounding | TopK | LabelOnly
"""Treatments that look at nothing but the answer."""
Outputs = Reduction | MemGuard


@dataclass(frozen=True, kw_only=True)
class Release:
    """What the owner publishes of a trained model.

    Without a treatment of outputs that is the model itself, exact or with noise on its weights. With one it is an
    interface that answers queries: whoever held the weights could compute the untreated answers.

    Attributes:
        epoch: early stopping: the weights after this epoch are published, which the training has kept on its way.
            One of the recipe's ``kept_epochs`` but the last; None is the last.
        weight_noise: noise added to those weights, or None.
        outputs: what is done to every answer before it is given. None is nothing: full probabilities.
    """

    epoch: int | None = None
    weight_noise: WeightNoise | None = None
    outputs: Outputs | None = None

    def __post_init__(self) -> None:
        if self.epoch is not None:
            whole("kept epoch", self.epoch, at_least=1, at_most=10_000)
        if not isinstance(self.weight_noise, WeightNoise | None):
            raise InvalidValueError(f"post-training noise must be of a known kind, got {self.weight_noise!r}")
        if not isinstance(self.outputs, Outputs | None):
            raise InvalidValueError(f"treatment of outputs must be of a known kind, got {self.outputs!r}")

    @property
    def draws(self) -> int:
        """K, the number of released copies of each model."""
        return self.weight_noise.draws if self.weight_noise else 1


_KINDS: dict[str, type] = {kind.__name__: kind for kind in (WeightNoise, *get_args(Outputs), Release)}


def release_from_json(data: Any) -> Release:
    """The release that ``plain(release)`` wrote, validated again.

    Raises:
        InvalidValueError: when the data are not a release, with one sentence that says why.
    """
    release = build(data, _KINDS)
    if not isinstance(release, Release):
        raise InvalidValueError(f"release must be an object of kind 'Release', got {type(release).__name__}")
    return release
