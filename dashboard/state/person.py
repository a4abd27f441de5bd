"""Who sits at a session: an account, a browser, or where neither is known this tab alone."""

from __future__ import annotations

import secrets

import streamlit as st

from cache.admission import Person
from dashboard.serving.access import is_local
from dashboard.serving.login import who
from dashboard.serving.visitors import named

_TAB = "tab"
"""Of the session: the name of a person of whom nothing else is known."""


def this_person() -> Person:
    """Whoever asks in this session; limits are a person's, not a tab's."""
    address = st.context.ip_address
    # A connection that has just been lost has no address either, but it has no headers then.
    return Person(name=_name(), here=bool(st.context.headers) and (address is None or is_local(address)))


def _name() -> str:
    """The same in all tabs, if it can be; kinds of names are told apart, so that none can pass for another."""
    cookies = st.context.cookies
    known = who(cookies)
    if known is not None:
        return f"account {known.get('iss')} {known.get('sub') or known.get('email')}"
    browser = named(cookies)
    if browser is not None:
        return f"browser {browser}"
    return f"tab {st.session_state.setdefault(_TAB, secrets.token_hex(8))}"
