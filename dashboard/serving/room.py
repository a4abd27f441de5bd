"""The room code: what lets visitors in, and the signed cookie that remembers whom it let in."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256

from engine.validate import InvalidValueError

SHORTEST = 10
"""Letters and digits that a code must have at least."""

STAY = 12 * 3600
"""Seconds that a visitor need not type the code again."""

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that are read for others: i l o 0 1
_GROUPS, _GROUP = 4, 5


def random_code() -> str:
    """A code of 99 random bits, in groups, fit to be read from a wall and typed on a phone."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def room_code(text: str) -> str:
    """A code that a person chose.

    Raises:
        InvalidValueError: when it is too short, with one sentence; it does not repeat the code.
    """
    if len(_plain(text)) < SHORTEST:
        raise InvalidValueError(
            f"--room-code must have at least {SHORTEST} letters and digits, got {len(_plain(text))}; "
            "without a value it is a long random one"
        )
    return text


def _plain(text: str) -> str:
    """What counts of a code: letters and digits; phones add spaces and capitals."""
    return re.sub(r"[\W_]", "", text).casefold()


def same_code(typed: str, code: str) -> bool:
    """Whether a code is the right one, in a time that does not tell how much of it is."""
    one, other = (sha256(_plain(text).encode("utf-8", "surrogatepass")).digest() for text in (typed, code))
    return hmac.compare_digest(one, other)


class Passes:
    """Passes for visitors who knew the code: a time, signed with a key that ends with the process."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)

    def made(self) -> str:
        """A new pass."""
        text = f"{self._clock():.0f}.{secrets.token_hex(8)}"
        return f"{text}.{self._signature(text)}"

    def valid(self, text: str) -> bool:
        """Whether a pass was made here less than ``STAY`` seconds ago."""
        content, _, signature = text.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            return False
        return self._clock() - float(content.partition(".")[0]) < STAY

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), sha256).hexdigest()
