"""The families of architectures with their sizes: what a recipe can train.

``engine.models.network`` builds the layers of each.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.populations.catalogue import PopulationInfo, View
from engine.validate import choice, flag, whole


@dataclass(frozen=True, kw_only=True)
class Logistic:
    """Multinomial logistic regression on the flat view of a record."""

    view: ClassVar[View] = "flat"


@dataclass(frozen=True, kw_only=True)
class Mlp:
    """A feed-forward network on the flat view: ``depth`` hidden layers of ``width`` units.

    Attributes:
        width: units of each hidden layer.
        depth: hidden layers on top of each other.
        activation: what a unit makes of its sum: ReLU cuts off what is below 0, tanh bends it into -1 to 1.
    """

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
    gates: ClassVar[int]
    """Affine maps of (input, state) in one layer: the state's own, and those of its gates."""

    def __post_init__(self) -> None:
        whole("hidden", self.hidden, at_least=1, at_most=1024)
        whole("layers", self.layers, at_least=1, at_most=4)
        flag("bidirectional", self.bidirectional)
        choice("pooling", self.pooling, ("last", "mean"))


@dataclass(frozen=True, kw_only=True)
class Rnn(_RecurrentFamily):
    """Simple recurrent layers with tanh over the sequence view (Elman 1990)."""

    gates: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class Gru(_RecurrentFamily):
    """Gated recurrent layers over the sequence view (Cho et al. 2014)."""

    gates: ClassVar[int] = 3


@dataclass(frozen=True, kw_only=True)
class Lstm(_RecurrentFamily):
    """Long short-term memory layers over the sequence view (Hochreiter & Schmidhuber 1997)."""

    gates: ClassVar[int] = 4


@dataclass(frozen=True, kw_only=True)
class _ConvolutionalFamily:
    """What the convolutional families share: blocks of convolution (kernel 3), ReLU and max-pooling by 2.

    Attributes:
        width: channels of the first block; each further block doubles them.
        depth: blocks on top of each other; each looks at twice the distance of the one before.
    """

    width: int = 16
    depth: int = 2

    kernel: ClassVar[int] = 3
    """Positions along each axis that a convolution looks at."""

    axes: ClassVar[int]
    """1 along a sequence, 2 over a picture."""

    def __post_init__(self) -> None:
        whole("width", self.width, at_least=1, at_most=512)
        whole("depth", self.depth, at_least=1, at_most=3)


@dataclass(frozen=True, kw_only=True)
class Cnn1d(_ConvolutionalFamily):
    """Convolutions along the steps of the sequence view, the features of a step as channels."""

    view: ClassVar[View] = "sequence"
    axes: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class Cnn2d(_ConvolutionalFamily):
    """Convolutions over the picture view, one channel."""

    view: ClassVar[View] = "picture"
    axes: ClassVar[int] = 2


Architecture = Logistic | Mlp | Rnn | Gru | Lstm | Cnn1d | Cnn2d


# The largest width, or number of hidden units, of each family that has one.
LARGEST_SIZE: dict[type, int] = {Mlp: 4096, Rnn: 1024, Gru: 1024, Lstm: 1024, Cnn1d: 512, Cnn2d: 512}

Option = int | bool | str

_RECURRENT: dict[str, tuple[Option, ...]] = {
    "layers": (1, 2, 3, 4),
    "bidirectional": (False, True),
    "pooling": ("last", "mean"),
}
_CONVOLUTIONAL: dict[str, tuple[Option, ...]] = {"depth": (1, 2, 3)}

# What a family has beside its size: all values of every other field.
OPTIONS: dict[type, dict[str, tuple[Option, ...]]] = {
    Logistic: {},
    Mlp: {"depth": (1, 2, 3, 4, 5, 6, 7, 8), "activation": ("relu", "tanh")},
    **dict.fromkeys((Rnn, Gru, Lstm), _RECURRENT),
    **dict.fromkeys((Cnn1d, Cnn2d), _CONVOLUTIONAL),
}


def why_not(architecture: Architecture, info: PopulationInfo) -> str | None:
    """Why the architecture cannot read the records of a population, in one sentence; None where it can."""
    lacking = info.why_no_view(architecture.view)
    return lacking and f"architecture {type(architecture).__name__} reads a {architecture.view} view, and {lacking}"


def parameter_count(architecture: Architecture, info: PopulationInfo) -> int:
    """Trainable numbers of one model, by arithmetic alone; it equals the size of the network that is built.

    Raises:
        InvalidValueError: when the population lacks the view that the architecture reads.
    """
    match architecture:
        case Logistic():
            return _linear(info.features, info.classes)
        case Mlp():
            sizes = [info.features, *[architecture.width] * architecture.depth, info.classes]
            return sum(itertools.starmap(_linear, itertools.pairwise(sizes)))
        case Rnn() | Gru() | Lstm():
            return _recurrent(architecture, info)
        case Cnn1d() | Cnn2d():
            return _convolutional(architecture, info)


def _linear(inputs: int, outputs: int) -> int:
    """Weights and biases of one affine map."""
    return (inputs + 1) * outputs


def _recurrent(architecture: Rnn | Gru | Lstm, info: PopulationInfo) -> int:
    """Layers with two biases each, as torch.nn has them, and the output layer on the states of all directions."""
    hidden, directions = architecture.hidden, 2 if architecture.bidirectional else 1
    sizes = [info.shape_of("sequence")[1], *[directions * hidden] * (architecture.layers - 1)]
    layers = sum(directions * architecture.gates * hidden * (inputs + hidden + 2) for inputs in sizes)
    return layers + _linear(directions * hidden, info.classes)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block of a convolutional network, and what it makes of a record.

    Attributes:
        sizes: positions along each axis.
        channels: numbers at each position that come in.
        patch: numbers that a convolution looks at from one position.
        outputs: channels that go out, each halved along every axis.
    """

    sizes: tuple[int, ...]
    channels: int
    patch: int
    outputs: int

    @property
    def positions(self) -> int:
        """How many there are in all."""
        return math.prod(self.sizes)

    @property
    def numbers(self) -> int:
        """How many a training step keeps of a record: patches and what is made of them."""
        return self.positions * (self.patch + self.outputs)

    @property
    def left(self) -> int:
        """How many the pool leaves of a record."""
        return math.prod(size // 2 for size in self.sizes) * self.outputs


def blocks(architecture: Cnn1d | Cnn2d, info: PopulationInfo) -> tuple[Block, ...]:
    """The blocks of a convolutional network: each doubles the channels and halves the positions.

    Raises:
        InvalidValueError: when the population lacks the view that the architecture reads.
    """
    *sizes, channels = (*info.shape_of(architecture.view), 1)[: architecture.axes + 1]
    found = []
    for index in range(architecture.depth):
        outputs, patch = architecture.width * 2**index, channels * architecture.kernel**architecture.axes
        found.append(Block(sizes=tuple(sizes), channels=channels, patch=patch, outputs=outputs))
        sizes, channels = [size // 2 for size in sizes], outputs
    return tuple(found)


def _convolutional(architecture: Cnn1d | Cnn2d, info: PopulationInfo) -> int:
    """Affine maps of patches, and the output layer on what is left of the last block."""
    walk = blocks(architecture, info)
    return sum(_linear(block.patch, block.outputs) for block in walk) + _linear(walk[-1].left, info.classes)
