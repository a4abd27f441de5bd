"""What was made of waves: assessments go to the store, comparisons and logits stay in memory for a while."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cache.codec import assessment_from_bytes, comparison_from_bytes
from cache.keys import Asked, Outputs, Point, Versus, asked_key, comparison_key, outputs_key
from cache.recent import Recent
from cache.store import Store
from engine.assessment.values import Comparison

_COMPARISONS, _LOGITS = 2000, 2  # that are kept: small ones, and some that take megabytes


class Answers:
    """Answers to all that can be asked; every method may be called from any thread."""

    def __init__(self, store: Store) -> None:
        """Remember where to look.

        Args:
            store: of assessments, and of the comparisons that ship.
        """
        self._store = store
        self._comparisons = Recent[Comparison](_COMPARISONS)
        self._logits = Recent[NDArray[np.float32]](_LOGITS)

    def needless(self, points: Sequence[Asked]) -> set[str]:
        """The keys of those that need no answer, the same question with 1, 2, … waves.

        Only assessments are made for every number of waves on the way to the last.
        """
        keys = [asked_key(point) for point in points]
        match points[-1]:
            case Point():
                return self._store.measured(keys)
            case Versus() as versus:
                there = self.comparison(versus) is not None
            case Outputs() as outputs:
                there = self.logits(outputs) is not None
        return set(keys if there else keys[:-1])

    def comparison(self, versus: Versus) -> Comparison | None:
        """How two settings compare, None until that was measured."""
        return self._comparisons.get(comparison_key(versus)) or self._store.comparison(versus)

    def logits(self, outputs: Outputs) -> NDArray[np.float32] | None:
        """What a point's released models answer, (models, records, classes); None until that was asked of them."""
        return self._logits.get(outputs_key(outputs))

    def put(self, asked: Asked, blob: bytes) -> None:
        """Keep an answer as a worker wrote it."""
        match asked:
            case Point():
                self._store.put_assessment(asked, assessment_from_bytes(blob), blob)
            case Versus():
                self._comparisons.put(comparison_key(asked), comparison_from_bytes(blob))
            case Outputs():
                population = asked.recipe.population
                shape = (-1, population.contested, population.info.classes)
                self._logits.put(outputs_key(asked), np.frombuffer(blob, dtype=np.float32).reshape(shape))
