"""The stops of every dial: what a person can choose, and what each choice puts into a recipe.

A token is the name of a stop in URLs; once published it never changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from dashboard.results.docstrings import explanation
from dashboard.state.families import architecture_of, family_of, label_of
from engine.architectures import Architecture
from engine.mechanisms import (
    AdversarialRegularization,
    Cutout,
    DecoupledWeightDecay,
    DisturbLabel,
    Dropout,
    GaussianInput,
    L1Penalty,
    L2Penalty,
    LabelSmoothing,
    Mechanism,
    Mixup,
    RandomCrop,
    RelaxLoss,
    SoftLabels,
    SpatialDropout,
)
from engine.recipe import DpSgd, Recipe
from engine.release.values import LabelOnly, MemGuard, Outputs, Release, Rounding, Temperature, TopK, WeightNoise

V_co = TypeVar("V_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Stop(Generic[V_co]):
    """One stop of a dial.

    Attributes:
        token: its name in URLs.
        label: its name on screen and in figures, a few characters.
        value: what it puts into the recipe or the release.
    """

    token: str
    label: str
    value: V_co


@dataclass(frozen=True, kw_only=True)
class Dial(Generic[V_co]):
    """One dial.

    Attributes:
        name: the field of the view and the name in URLs.
        title: its name on screen.
        about: what it turns, the first sentence of a docstring of the engine.
        more: what its stops are and what to know of them, in plain sentences; may be empty.
        stops: all stops by token, in order.
    """

    name: str
    title: str
    about: str
    more: str = ""
    stops: Mapping[str, Stop[V_co]]

    @property
    def help(self) -> str:
        """All that is said beside the dial."""
        return f"{self.about} {self.more}".rstrip()

    def stop(self, token: str) -> Stop[V_co] | None:
        """The stop that a token names, None where it names none."""
        return self.stops.get(token)

    def value(self, token: str) -> V_co:
        """What the stop puts into the recipe or the release.

        Raises:
            KeyError: when there is no such stop.
        """
        return self._known(token).value

    def label(self, token: str) -> str:
        """The stop's name on screen.

        Raises:
            KeyError: when there is no such stop.
        """
        return self._known(token).label

    def _known(self, token: str) -> Stop[V_co]:
        stop = self.stop(token)
        if stop is None:
            raise KeyError(token)
        return stop


OFF = "off"
"""The first stop of a dial that can be out of use."""


def _stops(*rows: tuple[str, str, V_co]) -> Mapping[str, Stop[V_co]]:
    return {token: Stop(token=token, label=label, value=value) for token, label, value in rows}


def _numbers(*tokens: str) -> Mapping[str, Stop[float]]:
    return _stops(*((token, token, float(token)) for token in tokens))


@dataclass(frozen=True, kw_only=True)
class ArchitectureDial(Dial[Architecture]):
    """The dial of architectures: between its stops lies every size and option (``dashboard.state.families``)."""

    def stop(self, token: str) -> Stop[Architecture] | None:
        """The stop of any family, size and options."""
        architecture = architecture_of(token)
        return architecture and Stop(token=token, label=label_of(architecture), value=architecture)

    def tokens(self, at: str) -> tuple[str, ...]:
        """The stops in order, and the one ``at`` which the dial stands beside its like where it lies between."""
        listed, own = tuple(self.stops), self.stop(at)
        if own is None or at in self.stops:
            return listed
        like = [token for token in listed if type(self.value(token)) is type(own.value)]
        kin = [token for token in like if family_of(self.value(token)) == family_of(own.value)]
        place = listed.index((kin or like)[-1]) + 1
        return (*listed[:place], at, *listed[place:])


def _architectures(tokens: str) -> Mapping[str, Stop[Architecture]]:
    made = [(token, architecture_of(token)) for token in tokens.split()]
    return _stops(*((token, label_of(value), value) for token, value in made if value is not None))


ARCHITECTURE = ArchitectureDial(
    name="architecture",
    title="Architecture",
    about=explanation(Recipe, "architecture"),
    more=(
        "Logistic regression remembers least; a wider network has more room to remember single "
        "records; convolutions look at neighbours; recurrent networks (RNN, GRU, LSTM) read the picture row by row."
    ),
    stops=_architectures(
        "logistic mlp-32 mlp-64 mlp-128 mlp-256 mlp-128x2 cnn1d-16 cnn2d-8 rnn-64 gru-64 lstm-32 lstm-64"
    ),
)

REGULARIZATION: Dial[float] = Dial(
    name="regularization",
    title="Regularization strength",
    about=explanation(DecoupledWeightDecay),
    more=(
        "0 is none. When the DP optimizer trains, its learning rate and number of steps are different, so the "
        "strength is converted: over the whole training weights shrink by the same share."
    ),
    stops=_numbers("0", "0.1", "0.3", "1", "2", "3", "5", "10", "20", "50"),
)

DP: Dial[DpSgd | None] = Dial(
    name="dp",
    title="DP noise",
    about=explanation(DpSgd),
    more=(
        "Off: Adam, batches of 32. Optimizer: SGD with momentum "
        "and Poisson sampling, still no protection. Clip: every record's gradient is cut to a norm. Numbers: "
        "Gaussian noise of this multiplier σ on top; only from here on an ε is proved. Rate, clip and batch are "
        "tuned for each stop on public records where the sentence above the tiles says so. σ alone says little: a "
        "larger batch or more steps spend more, so compare the ε in the tile, which counts those of this setting."
    ),
    stops=_stops(
        ("off", "off", None),
        ("optimizer", "optimizer", DpSgd(clip=None)),
        ("clip", "clip", DpSgd(clip=1.0)),
        *(
            (token, f"σ {token}", DpSgd(clip=1.0, noise_multiplier=float(token)))
            for token in ("0.3", "0.5", "0.7", "1", "1.5", "2", "3", "4")
        ),
    ),
)

NOISE: Dial[float] = Dial(
    name="noise",
    title="Noise after training",
    about=explanation(WeightNoise),
    more=("No retraining is needed. It blurs what the model gives away, but no ε is proved for it."),
    stops=_numbers("0", "0.005", "0.01", "0.02", "0.03", "0.05", "0.07", "0.1", "0.15", "0.2"),
)

NOISE_ON: Dial[WeightNoise] = Dial(
    name="noise_on",
    title="Noise on",
    about=explanation(WeightNoise, "tensors"),
    more=(
        "All weights and output layer: the same standard deviation on each. Relative: on all weights, the dial's "
        "number is a share of the root mean square of each weight matrix or bias. Without noise after training it "
        "changes nothing."
    ),
    stops=_stops(
        ("all", "all weights", WeightNoise(sigma=1)),
        ("output", "output layer", WeightNoise(sigma=1, tensors="output")),
        ("relative", "relative", WeightNoise(sigma=1, scale="relative")),
    ),
)

CONTESTED: Mapping[str, tuple[int, ...]] = {
    "mnist5k": (200, 300, 500, 700, 1000, 1500, 2000, 2500, 3000, 3500),
    "digits": (100, 150, 200, 300, 400, 500, 600, 700, 800, 897),
    "mnist1d": (200, 300, 500, 700, 1000, 1500, 2000, 2500, 3000, 3500),
    "breast-cancer": (60, 100, 150, 200, 250, 300, 350, 419),
    "purchases": (500, 700, 1000, 1500, 2000, 3000, 5000, 10000),
}
"""Stops of the dial for N, by population."""

DEFAULT_CONTESTED: Mapping[str, int] = {
    "mnist5k": 1000,
    "digits": 600,
    "mnist1d": 1000,
    "breast-cancer": 300,
    "purchases": 2000,
}

WAVES: Mapping[int, int] = {8: 1, 16: 2, 32: 4, 64: 8}
"""Waves of four pairs, by number of models."""


def _mechanism(name: str, make: Callable[[str], Mechanism], tokens: str) -> Dial[Mechanism | None]:
    """The dial of a mechanism: off, and what is made of each token."""
    stops = [(token, token, make(token)) for token in tokens.split()]
    (kind,) = {type(mechanism) for *_, mechanism in stops}
    return Dial(
        name=name,
        title=kind.title[0].upper() + kind.title[1:],
        about=explanation(kind),
        stops=_stops((OFF, OFF, None), *stops),
    )


_MECHANISMS = (
    _mechanism("l2_penalty", lambda t: L2Penalty(strength=float(t)), "0.0001 0.0003 0.001 0.003 0.01 0.03 0.1"),
    _mechanism("l1_penalty", lambda t: L1Penalty(strength=float(t)), "0.00003 0.0001 0.0003 0.001 0.003 0.01"),
    _mechanism("dropout", lambda t: Dropout(rate=float(t)), "0.1 0.2 0.3 0.5 0.7 0.8 0.9"),
    _mechanism("spatial_dropout", lambda t: SpatialDropout(rate=float(t)), "0.1 0.2 0.3 0.4 0.5 0.7"),
    _mechanism("label_smoothing", lambda t: LabelSmoothing(alpha=float(t)), "0.05 0.1 0.2 0.3 0.4 0.6 0.8 0.9"),
    _mechanism("disturb_label", lambda t: DisturbLabel(theta=float(t)), "0.05 0.1 0.2 0.3 0.5 0.6 0.7 0.8 0.9"),
    _mechanism("soft_labels", lambda t: SoftLabels(temperature=float(t)), "1 2 3 5 10 25 50 100"),
    _mechanism("input_noise", lambda t: GaussianInput(sigma=float(t)), "0.025 0.05 0.1 0.15 0.2 0.25 0.3 0.35"),
    _mechanism("random_crop", lambda t: RandomCrop(padding=int(t)), "1 2 3 4 6 8"),
    _mechanism("cutout", lambda t: Cutout(size=int(t)), "2 4 6 8 12 16 20"),
    _mechanism("mixup", lambda t: Mixup(alpha=float(t)), "0.1 0.25 0.5 1 2 4 16 128"),
    _mechanism("relax_loss", lambda t: RelaxLoss(alpha=float(t)), "0.05 0.1 0.2 0.3 0.5 0.8 1 1.5"),
    _mechanism("adversarial", lambda t: AdversarialRegularization(strength=float(t)), "0.3 1 2 3 5 10 20"),
)

MECHANISMS: Mapping[str, Dial[Mechanism | None]] = {dial.name: dial for dial in _MECHANISMS}
"""The dials that put a mechanism into the recipe, by name."""

STOP_AFTER: Dial[int | None] = Dial(
    name="stop_after",
    title="Stop after epoch",
    about=explanation(Release, "epoch"),
    more="Nothing is trained again. Off is the last epoch, the 30th.",
    stops=_stops((OFF, OFF, None), *((str(epoch), str(epoch), epoch) for epoch in (3, 6, 10, 20))),
)

OUTPUTS: Dial[Outputs | None] = Dial(
    name="outputs",
    title="Answers",
    about=explanation(Release, "outputs"),
    more=(
        "Nothing is trained again. Off: all probabilities. T: they are "
        "softened by a temperature. Digits: they are rounded to so many behind the point. Top: only the largest are "
        "told. Labels only: no probability at all. MemGuard: noise that leaves a membership classifier in doubt and "
        "never changes the predicted class, up to a mean L1 distance from the true probabilities. None of this is a "
        "proof."
    ),
    stops=_stops(
        (OFF, OFF, None),
        *((f"temperature-{t}", f"T {t}", Temperature(temperature=float(t))) for t in ("2", "5", "20")),
        *((f"decimals-{d}", f"{d} digits", Rounding(decimals=int(d))) for d in ("2", "1")),
        *((f"top-{k}", f"top {k}", TopK(k=int(k))) for k in ("3", "1")),
        ("labels", "labels only", LabelOnly()),
        *((f"memguard-{b}", f"MemGuard {b}", MemGuard(budget=float(b))) for b in ("0.1", "0.5", "1")),
    ),
)

FOUR = (ARCHITECTURE.name, REGULARIZATION.name, DP.name, NOISE.name)
"""The dials that everybody sees, in the order of the rail."""

DIALS: Mapping[str, Dial[object]] = {
    dial.name: dial
    for dial in (ARCHITECTURE, REGULARIZATION, DP, NOISE, NOISE_ON, *MECHANISMS.values(), STOP_AFTER, OUTPUTS)
}
"""All dials by name."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Weights": ("l2_penalty", "l1_penalty"),
    "Activations": ("dropout", "spatial_dropout"),
    "Labels": ("label_smoothing", "disturb_label", "soft_labels"),
    "Records": ("input_noise", "random_crop", "cutout", "mixup"),
    "Loss": ("relax_loss", "adversarial"),
    "Training": ("stop_after",),
    "Release": ("noise_on", "outputs"),
}
"""The dials that are shown on request, by what they act on."""
