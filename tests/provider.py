"""A small OpenID Connect provider on this machine, with a key of its own: whoever asks is signed in at once."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT = "privacydial"


def new_key() -> rsa.RSAPrivateKey:
    """A key that nobody has published."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _coded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass(kw_only=True)
class Provider:
    """Who is signed in, and with which key that is confirmed.

    Attributes:
        address: its origin.
        email: of the one who is signed in.
        key: the published one.
        signs_with: the one that signs; another one forges.
    """

    address: str = ""
    email: str = "ann@example.org"
    key: rsa.RSAPrivateKey = field(default_factory=new_key)
    signs_with: rsa.RSAPrivateKey | None = None
    nonces: dict[str, str] = field(default_factory=dict)

    def configuration(self) -> dict[str, object]:
        """What OpenID Connect Discovery asks for."""
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, object]:
        """The public key, RFC 7517."""
        public = self.key.public_key().public_numbers()
        n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (public.n, public.e))
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": _coded(n), "e": _coded(e)}]}

    def token(self, code: str) -> dict[str, object]:
        """What a code is worth: an access token that opens nothing, and the signed ID token, RFC 7519."""
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 600,
            "nonce": self.nonces.pop(code),
            "email": self.email,
            "email_verified": True,
        }
        parts = ({"alg": "RS256", "kid": "1", "typ": "JWT"}, claims)
        text = ".".join(_coded(json.dumps(part).encode()) for part in parts)
        signature = (self.signs_with or self.key).sign(text.encode(), padding.PKCS1v15(), SHA256())
        return {"access_token": "a", "token_type": "Bearer", "id_token": f"{text}.{_coded(signature)}"}


@contextmanager
def providing() -> Iterator[Provider]:
    """A provider that answers."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
            if path == "/authorize":
                code = str(len(provider.nonces))
                provider.nonces[code] = query["nonce"][0]
                self.send_response(302)
                back = urlencode({"code": code, "state": query["state"][0]})
                self.send_header("Location", f"{query['redirect_uri'][0]}?{back}")
                self.end_headers()
            else:
                self.answer(provider.keys() if path == "/keys" else provider.configuration())

        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.answer(provider.token(form["code"][0]))

        def answer(self, content: dict[str, object]) -> None:
            body = json.dumps(content).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
