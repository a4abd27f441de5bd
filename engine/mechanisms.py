"""Regularization mechanisms: frozen values that say what is done to records, labels, activations, losses or weights.

The first sentence of each docstring is what the dashboard shows. The computations are in ``engine.training``; no
mechanism is at work when trained models are evaluated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from engine.populations.catalogue import PopulationInfo
from engine.validate import InvalidValueError, number, settle, whole


@dataclass(frozen=True, kw_only=True)
class _Mechanism:
    """What all mechanisms say of themselves.

    Attributes:
        title: its name on screen and in messages.
        coupling: why the analysis of DP-SGD does not hold with it, as the end of a sentence; empty where it holds.
        needs_picture: whether records must be pictures.
        needs_public: how many public records it needs in each part of them.
    """

    title: ClassVar[str]
    coupling: ClassVar[str] = ""
    needs_picture: ClassVar[bool] = False
    needs_public: ClassVar[int] = 0


@dataclass(frozen=True, kw_only=True)
class DecoupledWeightDecay(_Mechanism):
    """Weight decay: every step also shrinks all weights, by learning rate × strength (AdamW as torch defines it).

    Loshchilov & Hutter 2019, "Decoupled weight decay regularization", algorithm 2: weights are multiplied by
    1 − learning rate × strength.
    """

    title: ClassVar[str] = "weight decay"
    strength: float

    def __post_init__(self) -> None:
        settle(self, strength=number(self.title, self.strength, above=0, at_most=10_000))


@dataclass(frozen=True, kw_only=True)
class L2Penalty(_Mechanism):
    """The loss gains strength/2 · ‖θ‖²; the loss is the same for every optimizer, so the strength is never converted.

    Krogh & Hertz 1991, "A simple weight decay can improve generalization", section 1. The
    optimizer sees strength · θ in every gradient; with DP-SGD it touches no record and is added outside the clip.
    """

    title: ClassVar[str] = "L2 penalty"
    strength: float

    def __post_init__(self) -> None:
        settle(self, strength=number(self.title, self.strength, above=0, at_most=10_000))


@dataclass(frozen=True, kw_only=True)
class L1Penalty(_Mechanism):
    """The loss gains strength · Σ|θ|; the loss is the same for every optimizer, so the strength is never converted.

    Tibshirani 1996, "Regression shrinkage and selection via the lasso", section 2.1. Every weight
    is pulled towards zero by the same force: the gradient gains strength · sign(θ), and 0 where a weight is 0. With
    DP-SGD it is added outside the clip.
    """

    title: ClassVar[str] = "L1 penalty"
    strength: float

    def __post_init__(self) -> None:
        settle(self, strength=number(self.title, self.strength, above=0, at_most=10_000))


@dataclass(frozen=True, kw_only=True)
class Dropout(_Mechanism):
    """Every hidden activation is set to zero with probability ``rate``; the others grow to make up for it.

    Srivastava et al. 2014, "Dropout: a simple way to prevent neural networks from overfitting", section 4, in the
    inverted form: the activations that stay are divided by 1 − rate in training. It acts on the hidden layers of a
    perceptron, the outputs of convolutional blocks and the pooled states of recurrent networks.
    """

    title: ClassVar[str] = "dropout"
    rate: float

    def __post_init__(self) -> None:
        settle(self, rate=number(self.title, self.rate, at_least=0, below=1))


@dataclass(frozen=True, kw_only=True)
class SpatialDropout(_Mechanism):
    """Whole channels of a convolution are set to zero with probability ``rate``; the others grow to make up for it.

    Tompson et al. 2015, "Efficient object localization using convolutional networks", section 3.2; inverted as
    ``Dropout``. All positions of a channel are dropped together, for each record anew.
    """

    title: ClassVar[str] = "spatial dropout"
    rate: float

    def __post_init__(self) -> None:
        settle(self, rate=number(self.title, self.rate, at_least=0, below=1))


@dataclass(frozen=True, kw_only=True)
class LabelSmoothing(_Mechanism):
    """Models learn the target (1 − α) · label + α/C, so that no record asks for full confidence.

    Szegedy et al. 2016, "Rethinking the Inception architecture for computer vision", section 7: q′ = (1 − ε) δ + ε u
    with the uniform u = 1/C of C classes. Kaya & Dumitras 2021 find that it helps the attacker.
    """

    title: ClassVar[str] = "label smoothing"
    alpha: float

    def __post_init__(self) -> None:
        settle(self, alpha=number(self.title, self.alpha, at_least=0, below=1))


@dataclass(frozen=True, kw_only=True)
class DisturbLabel(_Mechanism):
    """At every step each label is replaced, with probability θ, by one drawn from all C classes alike.

    Xie et al. 2016, "DisturbLabel: regularizing CNN on the loss layer", section 3: the true class is kept with
    probability 1 − ((C − 1)/C) θ, every other one has θ/C.
    """

    title: ClassVar[str] = "DisturbLabel"
    theta: float

    def __post_init__(self) -> None:
        settle(self, theta=number(self.title, self.theta, at_least=0, at_most=1))


@dataclass(frozen=True, kw_only=True)
class GaussianInput(_Mechanism):
    """Every feature is shown with fresh Gaussian noise of standard deviation σ, cut to the range from 0 to 1.

    Bishop 1995, "Training with noise is equivalent to Tikhonov regularization"; the error with noise is that
    of Bishop 2006, "Pattern recognition and machine learning", section 5.5.5, equation 5.130 with s(x, ξ) = x + ξ.
    The clamp is as in the code of Kaya & Dumitras 2021, "When does data augmentation help with membership inference
    attacks?".
    """

    title: ClassVar[str] = "input noise"
    sigma: float

    def __post_init__(self) -> None:
        settle(self, sigma=number(self.title, self.sigma, at_least=0, at_most=10))


@dataclass(frozen=True, kw_only=True)
class RandomCrop(_Mechanism):
    """Every picture is shown moved by up to ``padding`` pixels each way, with black where it has left.

    He et al. 2016, "Deep residual learning for image recognition", section 4.2: pad with zeros on all sides, then
    crop back to the size at a place drawn for each record at each step.
    """

    title: ClassVar[str] = "random crop"
    needs_picture: ClassVar[bool] = True
    padding: int

    def __post_init__(self) -> None:
        whole(self.title, self.padding, at_least=0, at_most=64)


@dataclass(frozen=True, kw_only=True)
class Cutout(_Mechanism):
    """One square of ``size`` pixels is blacked out in every picture, at another place each time.

    DeVries & Taylor 2017, "Improved regularization of convolutional neural networks with cutout", section 3: the
    centre is drawn from all pixels alike, so part of the square may lie outside.
    """

    title: ClassVar[str] = "cutout"
    needs_picture: ClassVar[bool] = True
    size: int

    def __post_init__(self) -> None:
        whole(self.title, self.size, at_least=0, at_most=64)


@dataclass(frozen=True, kw_only=True)
class Mixup(_Mechanism):
    """Models see weighted means of two records and of their labels instead of single records.

    Zhang et al. 2018, "mixup: beyond empirical risk minimization", section 2: x̃ = λ xᵢ + (1 − λ) xⱼ and
    ỹ = λ yᵢ + (1 − λ) yⱼ with λ ~ Beta(α, α), one λ for a model and batch; j runs through a permutation of the
    same batch.
    """

    title: ClassVar[str] = "mixup"
    coupling: ClassVar[str] = (
        "it blends two records into one gradient, so clipping no longer bounds what one of them does"
    )
    alpha: float

    def __post_init__(self) -> None:
        settle(self, alpha=number(self.title, self.alpha, above=0, at_most=10_000))


@dataclass(frozen=True, kw_only=True)
class SoftLabels(_Mechanism):
    """Models learn what a first model, trained on the same records, answers at a temperature, and no label itself.

    Self-distillation, Hinton, Vinyals & Dean 2015, "Distilling the knowledge in a neural network", equation 1: the
    target is softmax(z/T) of the teacher's logits z; the student's own temperature is 1. The teachers are the cohort
    of the recipe without this mechanism: same members, same initial weights, same batches.
    """

    title: ClassVar[str] = "soft labels"
    coupling: ClassVar[str] = "its targets come from a teacher that was trained on the same records without DP"
    temperature: float

    def __post_init__(self) -> None:
        settle(self, temperature=number("temperature of soft labels", self.temperature, above=0, at_most=10_000))


@dataclass(frozen=True, kw_only=True)
class RelaxLoss(_Mechanism):
    """Whenever the loss of a batch falls below the level α, the step raises or flattens it instead of lowering it.

    Chen, Yu & Fritz 2022, "RelaxLoss: defending membership inference attacks without losing utility", algorithm 1.
    Below the level, odd epochs (from 1) ascend the gradient; even epochs flatten the posterior: the target keeps the
    confidence of the true class as it is and spreads the rest evenly. Targets are constants of the gradient; the
    authors' code also lets gradients flow through them and has variants for each data set, which are not followed.
    """

    title: ClassVar[str] = "RelaxLoss"
    coupling: ClassVar[str] = "the loss of the whole batch decides what each record's gradient is"
    alpha: float

    def __post_init__(self) -> None:
        settle(self, alpha=number(self.title, self.alpha, at_least=0, at_most=100))


@dataclass(frozen=True, kw_only=True)
class AdversarialRegularization(_Mechanism):
    """A second network learns to tell members from public records, and the model learns to deceive it.

    Nasr, Shokri & Houmansadr 2018, "Machine learning with membership privacy using adversarial regularization",
    algorithm 1: the inference network h ascends ½ E[log h] over members + ½ E[log(1 − h)] over others, then the
    model descends its loss + strength · E[log h] over members. Here one step of h precedes every step of the model,
    h has two hidden layers of 64 units and learns by Adam at 1e-3, and the others are the public defender records.
    The code of Song & Mittal 2021 lets the model descend E[h] instead of E[log h]; this follows the paper.
    """

    title: ClassVar[str] = "adversarial regularization"
    needs_public: ClassVar[int] = 300
    coupling: ClassVar[str] = (
        "its inference network carries what it learned of one record into the gradients of others"
    )
    strength: float

    def __post_init__(self) -> None:
        settle(self, strength=number(self.title, self.strength, at_least=0, at_most=1000))


Mechanism = (
    DecoupledWeightDecay
    | L2Penalty
    | L1Penalty
    | Dropout
    | SpatialDropout
    | LabelSmoothing
    | DisturbLabel
    | GaussianInput
    | RandomCrop
    | Cutout
    | Mixup
    | SoftLabels
    | RelaxLoss
    | AdversarialRegularization
)


def ordered(mechanisms: object) -> tuple[Mechanism, ...]:
    """The mechanisms by name, so that the order in which they were switched on changes no hash.

    Raises:
        InvalidValueError: when they are no tuple of mechanisms of different kinds.
    """
    if not isinstance(mechanisms, tuple):
        raise InvalidValueError(f"mechanisms must be a tuple, got {mechanisms!r}")
    for mechanism in mechanisms:
        if not isinstance(mechanism, Mechanism):
            raise InvalidValueError(f"mechanisms must be of known kinds, got {mechanism!r}")
    names = [type(mechanism).__name__ for mechanism in mechanisms]
    if len(set(names)) < len(names):
        raise InvalidValueError(f"mechanisms must be of different kinds, got {', '.join(names)}")
    return tuple(sorted(mechanisms, key=lambda mechanism: type(mechanism).__name__))


def refuse(mechanism: Mechanism, info: PopulationInfo, *, hidden: bool, channels: bool, private: bool) -> None:
    """Refuse a mechanism that the records or the architecture leave nothing to act on, or that voids a DP claim.

    Args:
        mechanism: any.
        info: of the population.
        hidden: whether the architecture has hidden activations.
        channels: whether it has convolutions.
        private: whether training is with DP-SGD.

    Raises:
        InvalidValueError: with one sentence that says why.
    """
    title, needed = mechanism.title, mechanism.needs_public
    if mechanism.needs_picture and info.picture is None:
        raise InvalidValueError(f"{title} must have pictures, which {info.name} has not")
    if info.public_part("defender") < needed:
        has = info.public_part("defender")
        raise InvalidValueError(
            f"{title} must have {needed} public records for the defender alone, {info.name} has {has}"
        )
    if isinstance(mechanism, GaussianInput) and info.standardized:
        raise InvalidValueError(f"{title} must have features between 0 and 1, which {info.name} has not")
    if isinstance(mechanism, Dropout) and not hidden:
        raise InvalidValueError(f"{title} must have hidden activations, which logistic regression has not")
    if isinstance(mechanism, SpatialDropout) and not channels:
        raise InvalidValueError(f"{title} must have the channels of a convolutional network")
    if private and mechanism.coupling:
        raise InvalidValueError(f"{title} must be off with DP-SGD: {mechanism.coupling}")
