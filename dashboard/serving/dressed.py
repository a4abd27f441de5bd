"""Streamlit's page with our style sheet in it, so that nothing is seen without, not even for a moment."""

from __future__ import annotations

import gzip
import re
from hashlib import sha256

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.panels.kept import STYLE

_BODY = re.compile(rb"<body\b[^>]*>")
# In the body: of two rules of the same weight ours holds, not the one that Streamlit's client writes into the head.
_LINK = f'<link rel="stylesheet" href="{STYLE}">'.encode()


class Dressed:
    """Middleware that links the style sheet in every page, and says 304 to who has the page as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does; a page that it answers with is held back until it is whole.

        What is asked for with HEAD is made as for GET: a page's length and tag are known once it is dressed.
        """
        if scope["type"] == "http" and scope["method"] in {"GET", "HEAD"}:
            if scope["method"] == "HEAD":
                scope, send = {**scope, "method": "GET"}, _without_body(send)
            send = _Page(Request(scope).headers.get("if-none-match", ""), send)
        await self._app(scope, receive, send)


class _Page:
    """What is sent in one answer."""

    def __init__(self, known: str, send: Send) -> None:
        self._known, self._send = known, send
        self._start: Message | None = None  # of a page, until its end has come
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_page(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._end(self._start)

    async def _end(self, start: Message) -> None:
        headers = MutableHeaders(raw=start["headers"])
        body = self._body
        if (
            headers.get("Content-Encoding") == "gzip"
        ):  # by Streamlit, of pages other than the first; ours packs it again
            body = gzip.decompress(body)
            del headers["Content-Encoding"]
        body = _BODY.sub(lambda found: found[0] + _LINK, body, count=1)
        tag = f'W/"{sha256(body).hexdigest()[:16]}"'
        headers["ETag"] = tag
        del headers["Last-Modified"]  # of the file, which does not change with the style sheet
        if tag in self._known:
            del headers["Content-Length"]
            start["status"], body = 304, b""
        else:
            headers["Content-Length"] = str(len(body))
        await self._send({**start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _without_body(send: Send) -> Send:
    async def sent(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return sent


def _is_page(start: Message) -> bool:
    kind = MutableHeaders(raw=start["headers"]).get("Content-Type", "")
    return start["status"] == 200 and kind.startswith("text/html")
