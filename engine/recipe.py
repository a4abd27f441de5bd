"""Recipes: frozen values that hold everything that decides how models are trained.

A recipe validates itself, has one canonical JSON and one hash. What cannot change a number (device, threads,
workers) is not in it. What the owner publishes of a trained model is a release, in ``engine.release.values``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, get_args

from engine.architectures import Architecture, Cnn1d, Cnn2d, Logistic, Mlp, why_not
from engine.canonical import build, digest
from engine.mechanisms import DecoupledWeightDecay, Mechanism, ordered, refuse
from engine.populations.catalogue import POPULATIONS, PopulationInfo
from engine.release.values import Release
from engine.validate import InvalidValueError, choice, number, settle, whole

PAIRS_PER_WAVE = 4
MODELS_PER_WAVE = 2 * PAIRS_PER_WAVE
LEAST_NOISE = 1e-3  # as a noise multiplier: with far less, what accounts for it leaves the range of doubles
# Fractions are exact: a tenth of 30 epochs is 3.
_KEPT_SHARES = (Fraction(1, 10), Fraction(1, 5), Fraction(1, 3), Fraction(2, 3), Fraction(1))


@dataclass(frozen=True, kw_only=True)
class PopulationChoice:
    """Which records a study is about.

    Attributes:
        name: a key of ``POPULATIONS``.
        contested: the number N of records that are in or out of any one model's training set.
        seed: of the split into contested and public records.
    """

    name: str = "mnist5k"
    contested: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        choice("population", self.name, POPULATIONS)
        whole(
            f"number of contested records of {self.name}",
            self.contested,
            at_least=40,
            at_most=self.info.contested_limit,
        )
        whole("population seed", self.seed, at_least=0, at_most=2**31 - 1)

    @property
    def info(self) -> PopulationInfo:
        """The catalogue entry of the population."""
        return POPULATIONS[self.name]


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam (Kingma & Ba 2015), betas .9 and .999, ε 1e-8."""

    learning_rate: float = 1e-3

    def __post_init__(self) -> None:
        settle(self, learning_rate=number("learning rate", self.learning_rate, above=0, at_most=10))


@dataclass(frozen=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent with heavy-ball momentum, as torch defines it."""

    learning_rate: float = 0.25
    momentum: float = 0.9

    def __post_init__(self) -> None:
        settle(
            self,
            learning_rate=number("learning rate", self.learning_rate, above=0, at_most=10),
            momentum=number("momentum", self.momentum, at_least=0, below=1),
        )


Optimizer = Adam | Sgd


@dataclass(frozen=True, kw_only=True)
class DpSgd:
    """Differentially private training, in visible steps: Poisson sampling, a clip for each record, Gaussian noise.

    Abadi et al. 2016, algorithm 1.

    Attributes:
        clip: the largest L2 norm C of one record's gradient; None leaves gradients as they are.
        noise_multiplier: σ; each step adds N(0, (σC)²) to the sum of gradients. 0 is "clip only"; else at
            least .001.
    """

    clip: float | None = 1.0
    noise_multiplier: float = 0.0

    def __post_init__(self) -> None:
        noise = number("noise multiplier", self.noise_multiplier, at_least=0, at_most=1000)
        if 0 < noise < LEAST_NOISE:
            raise InvalidValueError(f"noise multiplier must be 0 or at least {LEAST_NOISE}, got {noise}")
        clip = None if self.clip is None else number("clip", self.clip, above=0, at_most=1e6)
        if clip is None and noise > 0:
            raise InvalidValueError(f"noise multiplier must be 0 without a clip, got {noise}")
        settle(self, clip=clip, noise_multiplier=noise)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides how the models of a cohort are trained.

    Attributes:
        population: the records, N of them contested; a model trains on about N/2 of them.
        architecture: the family of models and its sizes.
        mechanisms: regularization mechanisms, at most one of each kind, kept in order of their names.
        optimizer: the rule that turns gradients into steps.
        privacy: Poisson sampling, clip and noise, or None for shuffled batches.
        epochs: passes over the training records.
        batch: records in a batch B; with ``privacy`` the expected number.
        seed: of membership masks, initial weights, batch order and training noise.
    """

    population: PopulationChoice = field(default_factory=PopulationChoice)
    architecture: Architecture = field(default_factory=Mlp)
    mechanisms: tuple[Mechanism, ...] = ()
    optimizer: Optimizer = field(default_factory=Adam)
    privacy: DpSgd | None = None
    epochs: int = 30
    batch: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, kind in (
            ("population", self.population, PopulationChoice),
            ("architecture", self.architecture, Architecture),
            ("optimizer", self.optimizer, Optimizer),
            ("privacy", self.privacy, DpSgd | None),
        ):
            if not isinstance(value, kind):
                raise InvalidValueError(f"{name} must be of a known kind, got {value!r}")
        refused = why_not(self.architecture, self.population.info)
        if refused is not None:
            raise InvalidValueError(refused)
        whole("epochs", self.epochs, at_least=1, at_most=10_000)
        whole("batch", self.batch, at_least=1, at_most=self.population.contested // 2)
        whole("seed", self.seed, at_least=0, at_most=2**31 - 1)
        settle(self, mechanisms=ordered(self.mechanisms))
        self._refuse_divergence()
        for mechanism in self.mechanisms:
            refuse(
                mechanism,
                self.population.info,
                hidden=not isinstance(self.architecture, Logistic),
                channels=isinstance(self.architecture, Cnn1d | Cnn2d),
                private=self.privacy is not None,
            )

    def _refuse_divergence(self) -> None:
        """Refuse a weight decay that would flip the sign of every weight at every step."""
        for mechanism in self.mechanisms:
            if isinstance(mechanism, DecoupledWeightDecay):
                shrink = mechanism.strength * self.optimizer.learning_rate
                number("weight decay × learning rate", shrink, below=1)

    @property
    def steps(self) -> int:
        """Optimizer steps of a whole training, the same for every model whatever its number of members."""
        return sum(self.steps_in_epoch(epoch) for epoch in range(1, self.epochs + 1))

    def steps_in_epoch(self, epoch: int) -> int:
        """Optimizer steps of an epoch, from 1: round(N/2/B).

        With Poisson sampling, whose draws are not bound to epochs, the rounding is of the running total instead:
        after e epochs round(e · N/2/B) steps are done, so that the whole training has round(epochs / q).
        """
        if self.privacy is None:
            return max(1, _nearest(1 / self.sampling_rate))
        return _nearest(epoch / self.sampling_rate) - _nearest((epoch - 1) / self.sampling_rate)

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """The epochs whose weights a wave keeps, at most five: about 1/10, 1/5, 1/3 and 2/3 of all, and the last.

        Early stopping is to publish one of them; Kaya & Dumitras 2021 do so at epochs 3, 4 and 7 of 35, by the
        config.json of their code.
        """
        return tuple(sorted({math.ceil(self.epochs * share) for share in _KEPT_SHARES}))

    def kept(self, release: Release) -> int:
        """The epoch whose weights a release publishes.

        Raises:
            InvalidValueError: when a wave of this recipe does not keep it.
        """
        if release.epoch is None:
            return self.epochs
        *earlier, _ = self.kept_epochs
        if release.epoch not in earlier:
            stops = ", ".join([*map(str, earlier), "none (the last)"])
            raise InvalidValueError(f"kept epoch must be one of {stops}, got {release.epoch}")
        return release.epoch

    @property
    def sampling_rate(self) -> float:
        """Poisson rate q = B / (N/2), from the expected number of members, never the private count."""
        return self.batch / (self.population.contested / 2)

    @property
    def hash(self) -> str:
        """The identity of the recipe: SHA-256 of its canonical JSON."""
        return digest(self)


def _nearest(value: float) -> int:
    """The nearest whole number, halves up."""
    return math.floor(value + 0.5)


_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        PopulationChoice,
        *get_args(Architecture),
        *get_args(Mechanism),
        Adam,
        Sgd,
        DpSgd,
        Recipe,
    )
}


def recipe_from_json(data: Any) -> Recipe:
    """The recipe that ``plain(recipe)`` wrote, validated again.

    Raises:
        InvalidValueError: when the data are not a recipe, with one sentence that says why.
    """
    recipe = build(data, _KINDS)
    if not isinstance(recipe, Recipe):
        raise InvalidValueError(f"recipe must be an object of kind 'Recipe', got {type(recipe).__name__}")
    return recipe
