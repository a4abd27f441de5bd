"""What may lie below a store: results that can only be read."""

from __future__ import annotations

from typing import Protocol


class Layer(Protocol):
    """Tables like those of a store that can only be read."""

    def rows(self, statement: str, value: object) -> list[tuple]:
        """What a query finds."""
        ...
