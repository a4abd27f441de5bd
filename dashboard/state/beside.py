"""Choices of one page, beside the view in the URL: its address opens the page as it was."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.results.words import quoted, unmarked

T = TypeVar("T")

_LISTED = 8
_LONGEST_TEXT = 200
_WRITTEN = "beside-written"


def choice_text(value: object) -> str:
    """A value in the URL; an interval as its two ends."""
    return (
        "-".join(map(choice_text, value))
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def begin_choice(
    part: str, widget: str, options: Sequence[T], default: T, *, text: Callable[[T], str] = choice_text
) -> T:
    """The value of a control, on its first run from the URL, or its default; a sentence where the URL means none.

    The control is to have it as its own default, too, as in ``controls.dials.bound``.

    Args:
        part: of the URL.
        widget: the key of the control.
        options: all its values.
        default: one of them.
        text: how a value is written in the URL.
    """
    if st.session_state.get(widget) in options:
        return st.session_state[widget]
    # A value that is none of the options any more was one before a dial was turned: nobody wrote it by hand.
    asked = st.query_params.get(part) if widget not in st.session_state else None
    chosen = default if asked is None else read_choice(asked, options, text=text)
    if chosen is None:
        st.warning(unmarked(_no_choice(part, str(asked), [text(one) for one in options], text(default))), icon=_ICON)
    st.session_state[widget] = begun = default if chosen is None else chosen
    return begun


def begin_number(part: str, kept: str, default: float) -> float:
    """A number of the session, on its first run from the URL, or its default; a sentence where the URL has none.

    Args:
        part: of the URL.
        kept: its name in the session.
        default: where nothing was chosen.
    """
    asked = st.query_params.get(part)
    if kept not in st.session_state:
        number = default if asked is None else read_number(asked)
        if number is None:
            rule = f"{part} must be a number such as 1.5, got {quoted(str(asked))}; {default:g} is used instead."
            st.warning(unmarked(rule), icon=_ICON)
        st.session_state[kept] = default if number is None else number
    return st.session_state[kept]


def begin_text(part: str, widget: str) -> str:
    """The text in a field, on its first run from the URL; empty where there is none."""
    return st.session_state.setdefault(widget, st.query_params.get(part, "")[:_LONGEST_TEXT])


def keep_choice(part: str, value: T, default: T, *, text: Callable[[T], str] = choice_text) -> None:
    """Write a choice into the URL; a default is left out."""
    wanted = [] if value == default else [text(value)]
    written: dict[str, list[str]] = st.session_state.setdefault(_WRITTEN, {})
    # What the browser says of its address may be old, as in ``state.visit.write_address``.
    if st.query_params.get_all(part) != wanted or written.get(part, wanted) != wanted:
        others = {name: st.query_params.get_all(name) for name in st.query_params if name != part}
        st.query_params.from_dict(others | ({part: wanted} if wanted else {}))
    written[part] = wanted


def read_choice(written: str, options: Sequence[T], *, text: Callable[[T], str] = choice_text) -> T | None:
    """The option that is written like this, None where none is."""
    return next((option for option in options if text(option) == written), None)


def read_number(written: str) -> float | None:
    """The finite number that is written like this, with as many digits as a URL keeps; None where none is."""
    try:
        number = float(written)
    except ValueError:
        return None
    return float(choice_text(number)) if math.isfinite(number) else None


_ICON = ":material/link_off:"


def _no_choice(part: str, written: str, options: Sequence[str], default: str) -> str:
    listed = ", ".join(options[:_LISTED]) + (" …" if len(options) > _LISTED else "")
    return f"{part} must be one of {listed}, got {quoted(written)}; {default} is shown instead."
