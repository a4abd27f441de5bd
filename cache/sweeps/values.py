"""What a sweep is: dials with lists of values in place of values, and the settings that they stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from cache.keys import MOST_WAVES, Point
from cache.sweeps.dials import OFF, Scalar, dials
from cache.sweeps.settings import Values, point_of
from engine.validate import InvalidValueError, choice, flag, number, whole

MOST_POINTS = 10_000
_DIGITS = 4  # of a number drawn from a range: short enough to be read, and written again in a recipe


@dataclass(frozen=True, kw_only=True)
class Range:
    """All numbers between two, for a sample to draw from.

    Attributes:
        low: the smallest.
        high: the largest.
        scale: "linear", or "log" for numbers whose logarithms are spread evenly.
    """

    low: float
    high: float
    scale: str = "linear"

    def at(self, share: float, *, whole: bool) -> float:
        """The number at a share in [0, 1) of the way, to four digits or whole."""
        if self.scale == "log":
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        return round(value) if whole else float(f"{value:.{_DIGITS}g}")


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One dial with what a sweep turns it to.

    Attributes:
        dial: its dotted name, a key of ``dials()``.
        values: one value, the values of a list in their order, or a range.
    """

    dial: str
    values: tuple[Scalar, ...] | Range

    def __post_init__(self) -> None:
        if self.dial not in dials():
            near = get_close_matches(self.dial, dials(), n=1, cutoff=0)[0]
            raise InvalidValueError(
                f"a dial of a sweep must be a field of a recipe or a release such as {near}, got {_short(self.dial)}"
            )
        leaf, off = dials()[self.dial].leaf, dials()[self.dial].off
        if isinstance(self.values, Range):
            _check_range(self.dial, self.values, numeric=leaf.numeric)
            return
        if not self.values:
            raise InvalidValueError(f"{self.dial} must have at least one value, got an empty list")
        for value in self.values:
            if not (value == OFF and off is not None):
                leaf.checked(self.dial, value)

    @property
    def turned(self) -> bool:
        """Whether the sweep turns the dial, rather than setting it."""
        return isinstance(self.values, Range) or len(self.values) > 1

    def at(self, share: float) -> Scalar:
        """The value at a share in [0, 1) of the way; the values of a list are equally likely."""
        if isinstance(self.values, Range):
            return self.values.at(share, whole=dials()[self.dial].leaf.whole)
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Points of a scrambled Sobol sequence, in place of a grid (Owen 1998, by ``scipy.stats.qmc``).

    Attributes:
        points: how many.
        seed: of the scrambling.
    """

    points: int
    seed: int = 0

    def __post_init__(self) -> None:
        whole("sample.points", self.points, at_least=1, at_most=MOST_POINTS)
        whole("sample.seed", self.seed, at_least=0, at_most=2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a sweep.

    Attributes:
        values: of the dials that the sweep turns, in their order; None where the setting has no such dial.
        point: what is measured, with all waves.
    """

    values: tuple[Scalar | None, ...]
    point: Point


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A combination that the engine refuses.

    Attributes:
        values: of the dials that the sweep turns, in their order.
        reason: the engine's own sentence.
    """

    values: tuple[Scalar | None, ...]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a sweep comes to: the settings to be measured, each once.

    Attributes:
        dials: names of the dials that are turned.
        settings: in the order of the sweep; no two ask for the same numbers.
        refused: combinations that the engine refuses.
        waves: of every setting.
    """

    dials: tuple[str, ...]
    settings: tuple[Setting, ...]
    refused: tuple[Refused, ...]
    waves: int

    def __post_init__(self) -> None:
        if not self.settings:
            first = self.refused[0].reason if self.refused else "there is none"
            raise InvalidValueError(f"a sweep must have a setting that the engine takes: {first}")


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """A recipe, a release and an attack with lists in place of values.

    Attributes:
        axes: the dials that are not at the engine's default.
        waves: of every setting, four pairs of models each: comparisons use as many on both sides.
        sample: a sample of the combinations, None for all of them.
        in_step: whether the lists go together, all of one length: each place in them is a setting.
    """

    axes: tuple[Axis, ...] = ()
    waves: int = 2
    sample: Sample | None = None
    in_step: bool = False

    def __post_init__(self) -> None:
        whole("waves", self.waves, at_least=1, at_most=MOST_WAVES)
        if flag("in_step", self.in_step):
            self._check_steps()
        elif self.sample is None:
            for axis in self.axes:
                if isinstance(axis.values, Range):
                    raise InvalidValueError(f"{axis.dial} must be a value or a list in a sweep without a sample")
            count = math.prod(len(axis.values) for axis in self.axes if not isinstance(axis.values, Range))
            whole("points of a sweep", count, at_least=1, at_most=MOST_POINTS)
        elif not self.turned:
            raise InvalidValueError("sample must have at least one list or range to draw from, got none")

    def _check_steps(self) -> None:
        """Refuse what has no place in every list."""
        if self.sample is not None:
            raise InvalidValueError("in_step must be false in a sweep with a sample")
        lengths: dict[int, str] = {}
        for axis in self.turned:
            if isinstance(axis.values, Range):
                raise InvalidValueError(f"{axis.dial} must be a value or a list in a sweep without a sample")
            lengths.setdefault(len(axis.values), axis.dial)
        if not lengths:
            raise InvalidValueError("in_step must have at least one list, got none")
        (count, first), *others = lengths.items()
        for length, dial in others:
            raise InvalidValueError(
                f"lists in step must have one length, got {count:,} values of {first} and {length:,} of {dial}"
            )
        whole("points of a sweep", count, at_least=1, at_most=MOST_POINTS)

    @property
    def turned(self) -> tuple[Axis, ...]:
        """The axes along which the sweep moves."""
        return tuple(axis for axis in self.axes if axis.turned)

    def plan(self) -> Plan:
        """All settings, and what the engine refuses.

        Raises:
            InvalidValueError: when the engine takes none of them, or when no setting has one of the dials.
        """
        names = tuple(axis.dial for axis in self.turned)
        settings: dict[Point, Setting] = {}
        refused: dict[tuple[Scalar | None, ...], Refused] = {}
        used: set[str] = set()
        for values in self._combinations():
            shown = tuple(values[name] for name in names)
            try:
                point, of_point = point_of(values, self.waves)
            except InvalidValueError as error:
                refused.setdefault(shown, Refused(values=shown, reason=str(error)))
                continue
            used |= of_point
            own = tuple(values[name] if name in of_point else None for name in names)
            settings.setdefault(point, Setting(values=own, point=point))
        if settings:
            _refuse_idle((axis.dial for axis in self.axes), used)
        return Plan(dials=names, settings=tuple(settings.values()), refused=tuple(refused.values()), waves=self.waves)

    def _combinations(self) -> Iterator[Values]:
        """Values of all dials, one setting after another."""
        names = [axis.dial for axis in self.axes]
        if self.sample is None:
            lists = [axis.values for axis in self.axes if not isinstance(axis.values, Range)]
            combined = _in_step(lists) if self.in_step else itertools.product(*lists)
            yield from (dict(zip(names, values, strict=True)) for values in combined)
            return
        fixed = {axis.dial: axis.at(0.0) for axis in self.axes if not axis.turned}
        for shares in sobol(len(self.turned), self.sample):
            drawn = {axis.dial: axis.at(share) for axis, share in zip(self.turned, shares, strict=True)}
            yield {name: drawn.get(name, fixed.get(name, OFF)) for name in names}


def _in_step(lists: Sequence[tuple[Scalar, ...]]) -> Iterator[tuple[Scalar, ...]]:
    """The first values of all lists, then the second ones, and so on; what has one value only keeps it."""
    count = max(map(len, lists))
    return zip(*(values if len(values) > 1 else values * count for values in lists), strict=True)


def sobol(dimensions: int, sample: Sample) -> Sequence[Sequence[float]]:
    """Points in [0, 1)^dimensions: the first of a scrambled Sobol sequence, so that a larger sample begins alike."""
    from scipy.stats import qmc

    power = math.ceil(math.log2(sample.points))  # only whole powers of two are balanced
    return qmc.Sobol(dimensions, rng=sample.seed).random_base2(power)[: sample.points].tolist()


def _check_range(name: str, values: Range, *, numeric: bool) -> None:
    """Refuse a range that holds nothing, or for a dial that is no number."""
    if not numeric:
        raise InvalidValueError(f"{name} must be a value or a list, got a range")
    choice(f"{name}.scale", values.scale, ("linear", "log"))
    number(f"{name}.from", values.low, above=0 if values.scale == "log" else None)
    number(f"{name}.to", values.high, above=values.low)


def _refuse_idle(names: Iterable[str], used: set[str]) -> None:
    """Refuse a dial that no setting has: somebody would wait for nothing."""
    for name in names:
        if name not in used:
            table = name.rpartition(".")[0]
            raise InvalidValueError(
                f"{name} must belong to a setting of the sweep, but no kind of {table} in it has it"
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:60] + "…")
