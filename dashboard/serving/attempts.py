"""Attempts at the room code, limited: wrong ones are followed by a delay that grows."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How the delay after wrong attempts grows.

    Attributes:
        free: wrong attempts that cost nothing; a class makes some.
        first: seconds of delay after the next one; every further one doubles it.
        longest: seconds of the longest delay.
        forgotten: seconds without a wrong attempt after which all are forgotten.
    """

    free: int
    first: float = 1.0
    longest: float = 300.0
    forgotten: float = 1800.0

    def delay(self, wrong: int) -> float:
        """Seconds to wait after that many wrong attempts."""
        return 0.0 if wrong <= self.free else min(self.longest, self.first * 2.0 ** min(64, wrong - self.free - 1))


ONE = Pace(free=10)
"""For one address: thirty students may share it behind a router, so that a few slips must not shut the others out."""

ALL = Pace(free=200, longest=30.0)
"""For all addresses together: whoever has many of them still guesses at most once in half a minute."""

_MOST = 10_000  # addresses that are remembered

_EVERYBODY = ""


@dataclass(frozen=True, kw_only=True)
class _Wrong:
    """Wrong attempts so far, and when the last one was."""

    count: int = 0
    last: float = 0.0


class Attempts:
    """Who made how many wrong attempts; of the addresses, the latest ten thousand are remembered."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, _Wrong] = OrderedDict()

    def wait(self, address: str) -> float:
        """Seconds until an attempt from an address is looked at; 0 when it is at once."""
        return max(self._left(_EVERYBODY, ALL), self._left(network(address), ONE))

    def failed(self, address: str) -> None:
        """Count a wrong attempt from an address."""
        for name, pace in ((_EVERYBODY, ALL), (network(address), ONE)):
            self._wrong[name] = _Wrong(count=self._counted(name, pace).count + 1, last=self._clock())
            self._wrong.move_to_end(name)
        self._wrong.move_to_end(_EVERYBODY)
        while len(self._wrong) > _MOST:
            self._wrong.popitem(last=False)

    def _left(self, name: str, pace: Pace) -> float:
        wrong = self._counted(name, pace)
        return max(0.0, wrong.last + pace.delay(wrong.count) - self._clock())

    def _counted(self, name: str, pace: Pace) -> _Wrong:
        """The wrong attempts that are not forgotten."""
        wrong = self._wrong.get(name, _Wrong())
        return wrong if self._clock() - wrong.last < pace.forgotten else _Wrong(last=wrong.last)


def network(address: str) -> str:
    """What counts as one address: with IPv6 the network of 64 bits that one household has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address or "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
