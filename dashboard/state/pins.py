"""Pins: up to four settings that a visitor keeps to compare, in the session and beside the view in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qsl

import streamlit as st

from dashboard.state.landscape import same_setting
from dashboard.state.view import View, refusal

LETTERS = "ABCD"
"""The pins' names, in their order: there are at most as many pins."""

PART = "pin"
"""The part of a URL that is a pin; it may stand there several times."""

_KEY = "pins"

Pins = tuple[View, ...]


def begin_pins(texts: Sequence[str]) -> tuple[str, ...]:
    """Keep the pins of the URL on a session's first run; one sentence for each part that is none."""
    found, problems = read_pins(texts)
    keep_pins(found)
    return problems


def this_pins() -> Pins:
    """The session's pins; none before its first run."""
    return st.session_state.get(_KEY, ())


def keep_pins(pins: Pins) -> None:
    """Have these pins from the next run on."""
    st.session_state[_KEY] = pins


def read_pins(texts: Sequence[str]) -> tuple[Pins, tuple[str, ...]]:
    """The settings that parts of a URL mean, with one sentence for each that means none; nothing is raised.

    Args:
        texts: addresses of views, as ``View.address`` writes them.
    """
    found: Pins = ()
    problems: list[str] = []
    for text in texts:
        view, wrong = View.from_query(dict(parse_qsl(text, keep_blank_values=True)))
        reason = wrong[0].rpartition("; ")[0] if wrong else refusal(view)
        if reason is not None:
            problems.append(f"A pin of the address means no setting and was left out: {reason.rstrip('.')}.")
        elif is_full(found) and not is_pinned(found, view):
            problems.append(f"There is room for {len(LETTERS)} pins; one more of the address was left out.")
        else:
            found = with_pin(found, view)
    return found, tuple(dict.fromkeys(problems))


def with_pin(pins: Pins, view: View) -> Pins:
    """The pins and one more, without its path; unchanged where it is pinned already or there is no room."""
    return pins if is_full(pins) or is_pinned(pins, view) else (*pins, replace(view, sweep=View.sweep))


def without_pin(pins: Pins, view: View) -> Pins:
    """The pins but the one of this setting; those behind it move up a letter."""
    return tuple(pin for pin in pins if not same_setting(pin, view))


def with_first(pins: Pins, view: View) -> Pins:
    """The pins with the one of this setting as A, with which others are compared; the rest keep their order."""
    chosen = tuple(pin for pin in pins if same_setting(pin, view))
    return (*chosen, *without_pin(pins, view))


def by_letter(pins: Pins) -> dict[str, View]:
    """The pins by their letters."""
    return dict(zip(LETTERS, pins, strict=False))


def is_pinned(pins: Pins, view: View) -> bool:
    """Whether the setting is among the pins."""
    return any(same_setting(pin, view) for pin in pins)


def is_full(pins: Pins) -> bool:
    """Whether there is no room for another."""
    return len(pins) == len(LETTERS)
