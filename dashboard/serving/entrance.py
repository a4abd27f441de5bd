"""The entrance: middleware that stands before everything the server has, pages, files and websocket alike."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from urllib.parse import parse_qs, urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.serving import login
from dashboard.serving.access import Access, Local, Login, Room
from dashboard.serving.attempts import Attempts
from dashboard.serving.headers import hash_of, policy
from dashboard.serving.room import STAY, Passes, same_code

_FORM = "application/x-www-form-urlencoded"
_LONGEST = 1024  # bytes of a form that is read
_POLICY_VIOLATION = 1008  # websocket close code


class Entrance:
    """Middleware that lets in those who may come in, and answers the others itself."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        match access:
            case Local():
                self._may_pass, self._answer = _named_as_here, _wrong_host
            case Room():
                room = _Door(access)
                self._may_pass, self._answer = room.may_pass, room.answer
            case Login():
                desk = _Desk(access)
                self._may_pass, self._answer = desk.may_pass, desk.answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what may pass; refuse a websocket, and answer a request, that may not."""
        if scope["type"] == "lifespan" or self._may_pass(HTTPConnection(scope)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        else:
            response = await self._answer(Request(scope, receive))
            response.headers["Cache-Control"] = "no-store"
            await response(scope, receive, send)


def _named_as_here(connection: HTTPConnection) -> bool:
    """Whether a request calls this machine by an address or as localhost.

    A page of another site whose name was made to lead here calls it by that name (DNS rebinding).
    """
    try:
        host = urlsplit(f"//{connection.headers.get('host', '')}").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False


async def _wrong_host(_request: Request) -> Response:
    return PlainTextResponse("This dashboard is for this machine: open it as localhost.", 421)


class _Door:
    """The room code's: a form, and a signed cookie for those who knew the code."""

    def __init__(self, room: Room) -> None:
        self._code = room.code
        self._passes = Passes()
        self._attempts = Attempts()

    def may_pass(self, connection: HTTPConnection) -> bool:
        if connection.headers.get("content-type", "").startswith(_FORM):
            return False  # the form, sent by somebody who may be in already
        return self._passes.valid(connection.cookies.get(_cookie(connection), ""))

    async def answer(self, request: Request) -> Response:
        if request.method == "POST" and request.headers.get("content-type", "").startswith(_FORM):
            return self._tried(request, await _typed(request))
        return _page_or_word(request, _door)

    def _tried(self, request: Request, typed: str) -> Response:
        """Look at a code; nothing is awaited here, so that attempts at the same time count one after another."""
        address = request.client.host if request.client else ""
        wait = math.ceil(self._attempts.wait(address))
        if wait:
            response = _door(f"Too many wrong codes. Try again in {_seconds(wait)}.", status=429)
            response.headers["Retry-After"] = str(wait)
            return response
        if not same_code(typed, self._code):
            self._attempts.failed(address)
            return _door("That is not the code of this room.")
        return self._let_in(request)

    def _let_in(self, request: Request) -> Response:
        """Send the visitor to where he wanted to go, which is the address of the form itself."""
        query = f"?{request.url.query}" if request.url.query else ""
        # One slash at the beginning: with two, a browser would take what follows for another host.
        response = RedirectResponse(f"/{request.url.path.lstrip('/').lstrip(chr(92))}{query}", 303)
        response.set_cookie(
            _cookie(request),
            self._passes.made(),
            max_age=STAY,
            httponly=True,
            samesite="strict",
            secure=_encrypted(request),
        )
        return response


def _encrypted(connection: HTTPConnection) -> bool:
    return connection.url.scheme in {"https", "wss"}


def _cookie(connection: HTTPConnection) -> str:
    """The name of the cookie; cookies do not know of ports, and two dashboards on a machine must not mix theirs."""
    port = (connection.scope.get("server") or ("", 0))[1]
    return f"{'__Host-' if _encrypted(connection) else ''}privacydial-room-{port}"


async def _typed(request: Request) -> str:
    """The code in a form; empty when there is none, or the form is too long for one."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST:
            return ""
    return parse_qs(body.decode("utf-8", "replace")).get("code", [""])[0]


class _Desk:
    """The one where visitors sign in."""

    def __init__(self, access: Login) -> None:
        self._access = access

    def may_pass(self, connection: HTTPConnection) -> bool:
        if connection.url.path in login.OPEN_PATHS:
            return True
        known = login.who(connection.cookies)
        return known is not None and login.admitted(known, self._access.guests)

    async def answer(self, request: Request) -> Response:
        known = login.who(request.cookies)
        return _page_or_word(request, lambda: self._page(known is not None))

    def _page(self, known: bool) -> Response:
        if known:
            about = "You are signed in, but whoever started this dashboard has not let this account in."
            return _page("Not for this account", f"{_about(about)}{_link('/auth/logout', 'Sign out')}")
        links = (
            _link(login.sign_in_path(name), "Sign in" if name == "default" else f"Sign in with {name}")
            for name in self._access.providers
        )
        return _page("Sign in", "".join(links))


def _page_or_word(request: Request, page: Callable[[], Response]) -> Response:
    """The page for somebody who opens one, a word for a script or a program that asks for a file."""
    if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("accept", ""):
        return page()
    return PlainTextResponse("Not let in.", 403)


def _door(wrong: str = "", *, status: int = 403) -> Response:
    """The form that asks for the code."""
    alert = f'<p class="wrong" id="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    described = ' aria-describedby="wrong" aria-invalid="true"' if wrong else ""
    form = (
        f'<form method="post">{alert}<label for="code">Room code</label>'
        f'<input id="code" name="code" required autofocus autocomplete="off" autocapitalize="none" '
        f'spellcheck="false" maxlength="200"{described}><button>Come in</button></form>'
    )
    return _page("Enter the room code", f"{_about('Whoever runs this dashboard can tell you.')}{form}", status=status)


def _page(title: str, body: str, *, status: int = 403) -> Response:
    style, script = _read("door.css"), _read("door.js")
    page = Template(_read("door.html")).substitute(title=escape(title), style=style, body=body, script=script)
    allowed = policy(default_src="'none'", script_src=hash_of(script), style_src=hash_of(style), connect_src="'self'")
    return HTMLResponse(page, status, headers={"Content-Security-Policy": allowed})


def _about(text: str) -> str:
    return f'<p class="about">{escape(text)}</p>'


def _link(target: str, text: str) -> str:
    return f'<a class="button" href="{escape(target)}">{escape(text)}</a>'


def _seconds(count: int) -> str:
    return f"{count} second{'s' * (count > 1)}"


@cache
def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
