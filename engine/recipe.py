"""Recipes and releases: frozen values that hold everything that decides a number.

A recipe says how a model is trained, a release what its owner publishes of it. Both validate themselves, have
one canonical JSON and one hash. What cannot change a number (device, threads, workers) is in neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Literal, get_args

from engine.canonical import build, digest
from engine.mechanisms import DecoupledWeightDecay, Mechanism, ordered, refuse
from engine.populations.catalogue import POPULATIONS, PopulationInfo, View
from engine.validate import InvalidValueError, choice, flag, number, settle, whole

PAIRS_PER_WAVE = 4
MODELS_PER_WAVE = 2 * PAIRS_PER_WAVE
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
class Logistic:
    """Multinomial logistic regression on the flat view of a record."""

    view: ClassVar[View] = "flat"


@dataclass(frozen=True, kw_only=True)
class Mlp:
    """A feed-forward network on the flat view: ``depth`` hidden layers of ``width`` units."""

    width: int = 128
    depth: int = 1
    activation: Literal["relu", "tanh"] = "relu"

    view: ClassVar[View] = "flat"

    def __post_init__(self) -> None:
        whole("width", self.width, at_least=1, at_most=4096)
        whole("depth", self.depth, at_least=1, at_most=8)
        choice("activation", self.activation, ("relu", "tanh"))


@dataclass(frozen=True, kw_only=True)
class _RecurrentFamily:
    """What the recurrent families share.

    Attributes:
        hidden: units of one layer and direction.
        layers: layers on top of each other.
        bidirectional: whether every layer also reads the sequence from its end.
        pooling: what the outputs see: the last state (of each direction), or the mean of all states.
    """

    hidden: int = 64
    layers: int = 1
    bidirectional: bool = False
    pooling: Literal["last", "mean"] = "last"

    view: ClassVar[View] = "sequence"

    def __post_init__(self) -> None:
        whole("hidden", self.hidden, at_least=1, at_most=1024)
        whole("layers", self.layers, at_least=1, at_most=4)
        flag("bidirectional", self.bidirectional)
        choice("pooling", self.pooling, ("last", "mean"))


@dataclass(frozen=True, kw_only=True)
class Rnn(_RecurrentFamily):
    """Simple recurrent layers with tanh over the sequence view (Elman 1990)."""


@dataclass(frozen=True, kw_only=True)
class Gru(_RecurrentFamily):
    """Gated recurrent layers over the sequence view (Cho et al. 2014)."""


@dataclass(frozen=True, kw_only=True)
class Lstm(_RecurrentFamily):
    """Long short-term memory layers over the sequence view (Hochreiter & Schmidhuber 1997)."""


@dataclass(frozen=True, kw_only=True)
class _ConvolutionalFamily:
    """What the convolutional families share: blocks of convolution (kernel 3), ReLU and max-pooling by 2.

    Attributes:
        width: channels of the first block; each further block doubles them.
        depth: blocks.
    """

    width: int = 16
    depth: int = 2

    def __post_init__(self) -> None:
        whole("width", self.width, at_least=1, at_most=512)
        whole("depth", self.depth, at_least=1, at_most=3)


@dataclass(frozen=True, kw_only=True)
class Cnn1d(_ConvolutionalFamily):
    """Convolutions along the steps of the sequence view, the features of a step as channels."""

    view: ClassVar[View] = "sequence"


@dataclass(frozen=True, kw_only=True)
class Cnn2d(_ConvolutionalFamily):
    """Convolutions over the picture view, one channel."""

    view: ClassVar[View] = "picture"


Architecture = Logistic | Mlp | Rnn | Gru | Lstm | Cnn1d | Cnn2d


# The largest width, or number of hidden units, of each family that has one.
LARGEST_SIZE: dict[type, int] = {Mlp: 4096, Rnn: 1024, Gru: 1024, Lstm: 1024, Cnn1d: 512, Cnn2d: 512}


def why_not(architecture: Architecture, info: PopulationInfo) -> str | None:
    """Why the architecture cannot read the records of a population, in one sentence; None where it can."""
    lacking = info.why_no_view(architecture.view)
    return lacking and f"architecture {type(architecture).__name__} reads a {architecture.view} view, and {lacking}"


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
    """Poisson sampling, per-record clipping and Gaussian noise (Abadi et al. 2016), in visible steps.

    Attributes:
        clip: the largest L2 norm C of one record's gradient; None leaves gradients as they are.
        noise_multiplier: σ; each step adds N(0, (σC)²) to the sum of gradients. 0 is "clip only".
    """

    clip: float | None = 1.0
    noise_multiplier: float = 0.0

    def __post_init__(self) -> None:
        noise = number("noise multiplier", self.noise_multiplier, at_least=0, at_most=1000)
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
        """The epochs whose weights a wave keeps, at most five: about 1/10, 1/5, 1/3 and 2/3 of all, and the last."""
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


def _nearest(value: float) -> int:
    """The nearest whole number, halves up."""
    return math.floor(value + 0.5)


_KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        PopulationChoice,
        Logistic,
        Mlp,
        Rnn,
        Gru,
        Lstm,
        Cnn1d,
        Cnn2d,
        *get_args(Mechanism),
        Adam,
        Sgd,
        DpSgd,
        Recipe,
        WeightNoise,
        Release,
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


def release_from_json(data: Any) -> Release:
    """The release that ``plain(release)`` wrote, validated again.

    Raises:
        InvalidValueError: when the data are not a release, with one sentence that says why.
    """
    release = build(data, _KINDS)
    if not isinstance(release, Release):
        raise InvalidValueError(f"release must be an object of kind 'Release', got {type(release).__name__}")
    return release
