"""The cookie that tells visitors apart: tabs of one browser share it, and so what one person may have in work."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE = "privacydial-visitor"
"""Its name; without a port, for two dashboards that share it learn nothing from it."""

_BYTES = 16
_NAME = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}", flags=re.ASCII)


def named(cookies: Mapping[str, str]) -> str | None:
    """The random name that a browser was given; None where it has none, or says what is no such name."""
    name = str(cookies.get(COOKIE, ""))
    return name if _NAME.fullmatch(name) else None


class Visitors:
    """Middleware that gives a browser its name with the first page, until the browser is closed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the cookie for a browser that opens a page without one."""

        async def with_name(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", _given(secure=scope["scheme"] == "https"))
            await send(message)

        await self._app(scope, receive, with_name if _opens_unnamed(scope) else send)


def _opens_unnamed(scope: Scope) -> bool:
    """Whether somebody opens a page whose browser has no name; scripts and files need none."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    connection = HTTPConnection(scope)
    return "text/html" in connection.headers.get("accept", "") and named(connection.cookies) is None


def _given(*, secure: bool) -> str:
    """A cookie with a new name. Lax: who follows a link from elsewhere is still the same person."""
    return f"{COOKIE}={secrets.token_hex(_BYTES)}; Path=/; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"
