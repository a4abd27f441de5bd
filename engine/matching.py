"""Two families with as many parameters as each other: pure arithmetic, without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from engine.architectures import LARGEST_SIZE, Architecture, parameter_count, why_not
from engine.populations.catalogue import PopulationInfo
from engine.validate import InvalidValueError

CLOSE = 0.02


@dataclass(frozen=True, kw_only=True)
class Match:
    """Two architectures that are compared at equal size.

    Attributes:
        first: the architecture that sets the size.
        second: the one that follows, at its nearest width (or number of hidden units).
        first_parameters: trainable numbers of a model of the first.
        second_parameters: trainable numbers of a model of the second.
    """

    first: Architecture
    second: Architecture
    first_parameters: int
    second_parameters: int

    @property
    def gap(self) -> float:
        """How far the second is from the first, as a share of the first; positive where it is larger."""
        return self.second_parameters / self.first_parameters - 1

    @property
    def close(self) -> bool:
        """Whether the sizes are within 2 %."""
        return abs(self.gap) <= CLOSE


def match(first: Architecture, second: Architecture, population: PopulationInfo) -> Match:
    """The second architecture at the whole width, or hidden units, that comes nearest to the first's parameters.

    Everything else of the second stays: depth, layers, directions, pooling. The smaller of two equally near widths
    is taken. Where one more unit is many parameters, the nearest may be far: ``gap`` tells.

    Raises:
        InvalidValueError: when the population lacks a view, or the second has no width (logistic regression).
    """
    name = size_field(second)
    for architecture in (first, second):
        refused = why_not(architecture, population)
        if refused is not None:
            raise InvalidValueError(refused)
    wanted = parameter_count(first, population)

    def count(size: int) -> int:
        return parameter_count(replace(second, **{name: size}), population)

    low, high = 1, LARGEST_SIZE[type(second)]
    while high - low > 1:  # counts grow with the size, so the nearest is one of the last two
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= wanted else (low, middle)
    size = min((low, high), key=lambda size: abs(count(size) - wanted))
    return Match(
        first=first,
        second=replace(second, **{name: size}),
        first_parameters=wanted,
        second_parameters=count(size),
    )


def match_both(first: Architecture, second: Architecture, population: PopulationInfo) -> Match:
    """Like ``match``, but where the gap is above 2 % the first gives way too, by as few units as close it.

    A convolution or a perceptron on pictures grows by hundreds of parameters with every unit, so that a given small
    network may have no partner within 2 %, while one with a unit more or less has. Deep networks, all of whose
    layers grow at once, may have to give way by more than that. If no size of the first has a partner, or the first
    has no size, the nearest of ``match`` is the answer: ``close`` tells.

    Raises:
        InvalidValueError: as ``match``.
    """
    nearest = match(first, second, population)
    if nearest.close or type(first) not in LARGEST_SIZE:
        return nearest
    name = size_field(first)
    size, most = getattr(first, name), LARGEST_SIZE[type(first)]
    ends = (replace(second, **{size_field(second): end}) for end in (1, LARGEST_SIZE[type(second)]))
    fewest, largest = (parameter_count(end, population) for end in ends)
    for away in range(1, max(size, most - size + 1)):
        moved = (replace(first, **{name: other}) for other in (size - away, size + away) if 1 <= other <= most)
        within = [
            one for one in moved if fewest / (1 + CLOSE) <= parameter_count(one, population) <= largest / (1 - CLOSE)
        ]
        found = min((match(one, second, population) for one in within), key=lambda one: abs(one.gap), default=nearest)
        if found.close:
            return found
    return nearest


def size_field(architecture: Architecture) -> str:
    """The field that sets how large a layer is.

    Raises:
        InvalidValueError: when there is none.
    """
    names = {field.name for field in fields(architecture)} & {"width", "hidden"}
    if not names:
        raise InvalidValueError(f"second architecture must have a width to match with, got {architecture}")
    return names.pop()
