"""Who may come in: everybody on this machine, who knows the room code, or who signs in."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from dashboard.serving.room import random_code, room_code
from engine.validate import InvalidValueError

RANDOM = ""
"""The room code that stands for one made at random."""

EVERYBODY = ""
"""The guests that stand for everybody whom the provider knows."""


@dataclass(frozen=True, kw_only=True)
class Local:
    """Whoever sits at this machine, which nobody else reaches."""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Whoever knows the code.

    Attributes:
        code: what visitors type.
        made: whether it was made at random, so that somebody has to be told.
    """

    code: str
    made: bool = False


@dataclass(frozen=True, kw_only=True)
class Login:
    """Whoever signs in by OpenID Connect.

    Attributes:
        providers: by whom, as Streamlit's secrets name them.
        guests: addresses, or domains that begin with @; none means everybody whom a provider knows.
    """

    providers: tuple[str, ...]
    guests: tuple[str, ...] = ()


Access = Local | Room | Login
"""Who may come in."""


def is_local(host: str) -> bool:
    """Whether only this machine reaches an address that is listened on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_anywhere(host: str) -> bool:
    """Whether an address that is listened on stands for every address of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


def access(host: str, code: str | None, guests: str | None) -> Access:
    """Who may come in.

    Args:
        host: the address that is listened on.
        code: the room code, ``RANDOM``, or None when none was asked for.
        guests: whom to let in by signing in, separated by commas, ``EVERYBODY``, or None when nobody asked for it.

    Raises:
        InvalidValueError: when strangers could come in, or what was asked for cannot be had; with one sentence.
    """
    if code is not None and guests is not None:
        raise InvalidValueError("--room-code and --login cannot be used together: choose one")
    if code is not None:
        return Room(code=random_code(), made=True) if code == RANDOM else Room(code=room_code(code))
    if guests is None and is_local(host):
        return Local()

    from dashboard.serving import login  # Streamlit is heavy: bad input is answered before it is imported

    if guests is None and not login.configured():
        raise InvalidValueError(
            f"other machines can reach the host {host!r}, and anyone who reaches the dashboard can make this machine "
            "train models: add --room-code to ask visitors for a code, or --login to have them sign in"
        )
    return Login(providers=login.providers(), guests=_guests(guests or EVERYBODY))


def _guests(text: str) -> tuple[str, ...]:
    guests = tuple(guest.strip().casefold() for guest in text.split(",") if guest.strip())
    for guest in guests:
        if not guest.partition("@")[2]:
            raise InvalidValueError(
                f"--login must list addresses or domains such as ann@example.org or @example.org, got {guest!r}"
            )
    return guests
