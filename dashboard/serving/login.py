"""Visitors who sign in by OpenID Connect, as Streamlit's secrets say: what ``st.login`` does, before any page runs.

Everything here that Streamlit does not document as its interface is named in this module alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from streamlit.auth_util import (
    encode_provider_token,
    get_cookie_with_chunks,
    get_secrets_auth_section,
    is_authlib_installed,
    validate_auth_credentials,
)
from streamlit.errors import StreamlitAuthError
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from engine.validate import InvalidValueError

OPEN_PATHS = frozenset({"/auth/login", "/auth/logout", "/oauth2callback"})
"""What somebody who is not signed in yet must reach."""

_DEFAULT = "default"


def configured() -> bool:
    """Whether Streamlit's secrets have a section for it."""
    return bool(get_secrets_auth_section())


def providers() -> tuple[str, ...]:
    """The names of the providers that visitors can sign in with.

    Raises:
        InvalidValueError: when the configuration or a package is missing, with one sentence that says what to do.
    """
    if not is_authlib_installed():
        raise InvalidValueError('--login needs the extra auth: pip install "privacydial[auth]"')
    named = [name for name, value in get_secrets_auth_section().items() if isinstance(value, Mapping)]
    found = tuple(name for name in named if name != _DEFAULT) or (_DEFAULT,)
    try:
        for name in found:
            validate_auth_credentials(name)
    except StreamlitAuthError as error:
        raise InvalidValueError(f"--login needs Streamlit's secrets: {' '.join(str(error).split())}") from error
    return found


def sign_in_path(provider: str) -> str:
    """Where a visitor begins to sign in; good for some minutes."""
    return f"/auth/login?provider={encode_provider_token(provider)}"


def who(cookies: Mapping[str, str]) -> Mapping[str, object] | None:
    """What the provider said of the visitor, from Streamlit's signed cookie; None when he is not signed in."""

    def single(name: str) -> bytes | None:
        value = cookies.get(name)
        return None if value is None else decode_signed_value(get_cookie_secret(), name, value)

    content = get_cookie_with_chunks(single, USER_COOKIE_NAME)
    known = None if content is None else json.loads(content)
    return known if isinstance(known, dict) and known.get("is_logged_in") is True else None


def admitted(known: Mapping[str, object], guests: tuple[str, ...]) -> bool:
    """Whether somebody who is signed in may come in.

    Args:
        known: what the provider says of him.
        guests: addresses, or domains that begin with @; none lets everybody in whom the provider knows.
    """
    if not guests:
        return True
    address = str(known.get("email", "")).casefold()
    verified = known.get("email_verified") in {True, "true"}
    return verified and (address in guests or f"@{address.rpartition('@')[2]}" in guests)
