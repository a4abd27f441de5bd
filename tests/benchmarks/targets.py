"""What a benchmark has to reach: a verdict for each figure that has a target, and one for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """A limit that a figure is held to.

    Attributes:
        figure: its name.
        limit: in the figure's own unit.
        least: whether the figure must be at least the limit, rather than at most.
    """

    figure: str
    limit: float
    least: bool = False

    def reached(self, figures: Mapping[str, float]) -> bool:
        """Whether the figure, which must be among them, keeps to the limit; what is no number does not."""
        value = figures[self.figure]
        return value >= self.limit if self.least else value <= self.limit

    def verdict(self, figures: Mapping[str, float]) -> str:
        """The target in words and whether it is reached."""
        bound = "at least" if self.least else "at most"
        return f"(target {bound} {self.limit:g} {'reached' if self.reached(figures) else 'MISSED'})"


def status(targets: Sequence[Target], figures: Mapping[str, float]) -> int:
    """The exit status of a benchmark: 0 when all targets are reached, else 1."""
    return int(not all(target.reached(figures) for target in targets))


def lines(targets: Sequence[Target], figures: Mapping[str, float], *, width: int, digits: int) -> list[str]:
    """One line for each figure: its name, padded to a width, its value, and the verdict where it has a target."""
    verdicts = {target.figure: f"  {target.verdict(figures)}" for target in targets}
    return [f"{name:{width}} {value:12,.{digits}f}{verdicts.get(name, '')}" for name, value in figures.items()]
