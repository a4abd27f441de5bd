"""Options of the chosen architecture: its size, and all else that its family can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypedDict

import streamlit as st

from dashboard.results.docstrings import explanation
from dashboard.state.families import changed, token_of
from dashboard.state.stops import ARCHITECTURE
from dashboard.state.visit import bind, take, this_visit, turn
from engine.architectures import LARGEST_SIZE, OPTIONS, Architecture, Logistic, Option
from engine.matching import size_field

TITLES: Mapping[str, str] = {
    "width": "Width",
    "hidden": "Hidden units",
    "depth": "Depth",
    "layers": "Layers",
    "activation": "Activation",
    "bidirectional": "Directions",
    "pooling": "Pooling",
}
"""The name on screen of every field of an architecture."""

_LABELS: Mapping[Option, str] = {
    "relu": "ReLU",
    "tanh": "tanh",
    False: "forward",
    True: "both ways",
    "last": "last state",
    "mean": "mean of all",
}


class _Kept(TypedDict):
    """The arguments that tie a control to a field of the architecture."""

    key: str
    on_change: Callable[[str, str], None]
    args: tuple[str, str]


def options(architecture: Architecture) -> None:
    """Draw one control for each field of the architecture; those that hold numbers stand beside each other."""
    if isinstance(architecture, Logistic):
        st.caption("Logistic regression has no size and no options.")
        return
    size = size_field(architecture)
    numbers = {size: LARGEST_SIZE[type(architecture)]}
    choices: dict[str, tuple[Option, ...]] = {}
    for name, values in OPTIONS[type(architecture)].items():
        if type(values[0]) is int:
            numbers[name] = int(values[-1])
        else:
            choices[name] = values
    with st.container(horizontal=True):
        for name, most in numbers.items():
            _number(architecture, name, most)
    for name, values in choices.items():
        _choice(architecture, name, values)


def show(architecture: Architecture) -> None:
    """Turn the view to an architecture, and trace the path along the dial of architectures."""
    turn(ARCHITECTURE.name, token_of(architecture))


def _number(architecture: Architecture, name: str, most: int) -> None:
    st.number_input(
        TITLES[name],
        min_value=1,
        max_value=most,
        value=getattr(architecture, name),
        step=1,
        help=explanation(type(architecture), name),
        **_kept(architecture, name),
    )


def _choice(architecture: Architecture, name: str, values: tuple[Option, ...]) -> None:
    st.segmented_control(
        TITLES[name],
        values,
        default=getattr(architecture, name),
        format_func=_LABELS.__getitem__,
        help=explanation(type(architecture), name),
        required=True,
        **_kept(architecture, name),
    )


def option_key(architecture: Architecture, name: str) -> str:
    """The key of the control of a field."""
    return f"option-{type(architecture).__name__}-{name}"


def _kept(architecture: Architecture, name: str) -> _Kept:
    """What ties a control to its field: the view is the truth, the control shows it."""
    widget = option_key(architecture, name)
    bind(widget, getattr(architecture, name))
    return _Kept(key=widget, on_change=_turn, args=(name, widget))


def _turn(name: str, widget: str) -> None:
    """Take over an option's new value."""
    take(widget, partial(_change, name, widget, st.session_state[widget]))


def _change(name: str, widget: str, value: Option) -> None:
    """Change one option and keep the others; a control of a family that is no longer there does not count."""
    architecture = ARCHITECTURE.value(this_visit().view.architecture)
    made = changed(architecture, name, value)
    if made is not None and widget == option_key(architecture, name):
        show(made)
