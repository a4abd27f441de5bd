"""Requests to an ASGI app, without a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the app answered."""

    status: int
    headers: Headers
    text: str


def scope(kind: str, path: str, headers: dict[str, str], **more: Any) -> dict[str, Any]:
    path, _, query = path.partition("?")
    return {
        "type": kind,
        "path": path,
        "query_string": query.encode(),
        "headers": [
            (name.lower().encode(), value.encode()) for name, value in {"host": "127.0.0.1:8501", **headers}.items()
        ],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8501),
        "scheme": "http" if kind == "http" else "ws",
        **more,
    }


def exchanged(app: ASGIApp, asked: dict[str, Any], first: Message) -> list[Message]:
    """All that the app sends after one message."""
    sent: list[Message] = []

    async def receive() -> Message:
        return first

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(app(asked, receive, send))  # type: ignore[arg-type]
    return sent


def request(app: ASGIApp, path: str = "/", *, method: str = "GET", body: str = "", **more: Any) -> Answer:
    """One request; ``headers`` are added to those of a browser that opens a page."""
    headers = {"accept": "text/html", **more.pop("headers", {})}
    asked = scope("http", path, headers, method=method, **more)
    start, *rest = exchanged(app, asked, {"type": "http.request", "body": body.encode(), "more_body": False})
    text = b"".join(part.get("body", b"") for part in rest).decode()
    return Answer(status=start["status"], headers=Headers(raw=start["headers"]), text=text)


def connected(app: ASGIApp, **headers: str) -> bool:
    """Whether a websocket is accepted."""
    sent = exchanged(app, scope("websocket", "/_stcore/stream", headers), {"type": "websocket.connect"})
    return sent[0]["type"] == "websocket.accept"
