"""Choices on the page Who is at risk, beside the view in the URL: its address opens the page as it was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import streamlit as st

from dashboard.results.words import unmarked

T = TypeVar("T")

_LISTED = 8
_LONGEST = 40


def begin_choice(part: str, widget: str, options: Sequence[T], default: T) -> T:
    """The value of a control, on its first run from the URL, or its default; a sentence where the URL means none.

    The control is to have it as its own default, too, as in ``controls.dials.bound``.

    Args:
        part: of the URL.
        widget: the key of the control.
        options: all its values.
        default: one of them.
    """
    if st.session_state.get(widget) in options:
        return st.session_state[widget]
    text = st.query_params.get(part)
    chosen = read_choice(text, options) if text is not None else default
    if chosen is None:
        st.warning(unmarked(_problem(part, str(text), options)), icon=":material/link_off:")
    st.session_state[widget] = begun = default if chosen is None else chosen
    return begun


def keep_choice(part: str, value: object, default: object) -> None:
    """Write a choice into the URL; a default is left out."""
    if value == default:
        if part in st.query_params:
            del st.query_params[part]
    elif st.query_params.get(part) != choice_text(value):
        st.query_params[part] = choice_text(value)


def choice_text(value: object) -> str:
    """A value in the URL; an interval as its two ends."""
    return (
        "-".join(map(choice_text, value))
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def read_choice(text: str, options: Sequence[T]) -> T | None:
    """The option that is written like this, None where none is."""
    return next((option for option in options if choice_text(option) == text), None)


def _problem(part: str, text: str, options: Sequence[object]) -> str:
    listed = ", ".join(map(choice_text, options[:_LISTED])) + (" …" if len(options) > _LISTED else "")
    shown = repr(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
    return f"{part} must be one of {listed}, got {shown}; {choice_text(options[0])} is shown instead."
