"""Headers of every response: what a page may load and do, who may frame it, and what it tells other pages."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.validate import InvalidValueError

_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # the view is in the URL
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}

_POLICY: Mapping[str, str] = {
    "default-src": "'self'",
    "script-src": "'self' blob:",  # Streamlit imports the scripts of components from blobs
    "style-src": "'self' 'unsafe-inline'",  # Streamlit and Plotly write style elements and attributes
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


def hash_of(text: str) -> str:
    """What a policy calls an inline script or style that it allows."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def origin(text: str) -> str:
    """An origin as a policy names it.

    Raises:
        InvalidValueError: when it is none, with one sentence.
    """
    parts = urlsplit(text.rstrip("/"))
    bare = f"{parts.scheme}://{parts.netloc}"
    plain = re.fullmatch(r"[A-Za-z0-9.\-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?", parts.netloc)
    if parts.scheme not in {"http", "https"} or plain is None or bare != text.rstrip("/"):
        raise InvalidValueError(f"--embed-from must be an origin such as https://slides.example.org, got {text!r}")
    return bare


def policy(**changed: str) -> str:
    """A content-security policy that permits no foreign host; who may frame a page is added to every policy alike.

    Args:
        changed: directives, with _ for -, in place of those of every page.
    """
    directives = {**_POLICY, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


@cache
def _inline_scripts() -> str:
    """The hashes of the scripts that stand in Streamlit's own page."""
    page = Path(streamlit.__file__).with_name("static").joinpath("index.html").read_text(encoding="utf-8")
    return " ".join(map(hash_of, re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)))


class Headers:
    """Middleware that adds the headers to every response, whoever made it.

    Args:
        app: what answers; a policy that it sets stays, and is told who may frame the page.
        frames: origins whose pages may show ours in a frame, beside our own.
    """

    def __init__(self, app: ASGIApp, *, frames: Sequence[str] = ()) -> None:
        self._app = app
        scripts = f"{_POLICY['script-src']} {_inline_scripts()}".strip()
        self._policy = policy(script_src=scripts)
        self._frames = " ".join(("frame-ancestors 'self'", *frames))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_ALWAYS)
                headers["Content-Security-Policy"] = (
                    f"{headers.get('Content-Security-Policy', self._policy)}; {self._frames}"
                )
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
