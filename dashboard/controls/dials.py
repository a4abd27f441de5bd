"""The rail: the dials and the other controls, each with marks for the stops that are already measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from itertools import chain
from typing import TypedDict

import streamlit as st

from dashboard.controls.attacks import attack_control, needs_shadows
from dashboard.controls.history import history
from dashboard.controls.sizes import sizes
from dashboard.state.landscape import ALWAYS, Landscape, Mark, Marks, stop_label
from dashboard.state.stops import ARCHITECTURE, DIALS, FOUR, GROUPS
from dashboard.state.view import SWEEPS, View
from dashboard.state.visit import go, this_visit
from engine.calibration import CALIBRATIONS, Calibration, calibrations
from engine.populations.catalogue import POPULATIONS

CONTESTED_TITLE = "Contested records N"
_CONTESTED_ABOUT = (
    "How many records are in or out of any one model's training set; a model trains on about half of them. "
    "Fewer records are easier to remember."
)


_ADAPTS: Mapping[Calibration, str] = {
    "adaptive": "adapts",
    "undefended": "does not adapt",
    "known-members": "knows half",
    "oracle": "upper bound, no attacker",
}
_MORE = "more-dials"
_CLASSES: Mapping[Mark, str] = {"measured": " pd-on", "open": "", "refused": " pd-no"}


class _Bound(TypedDict):
    """The arguments that tie a control to a field of the view."""

    key: str
    on_change: Callable[[str, str], None]
    args: tuple[str, str]


def sweep_title(name: str) -> str:
    """The name on screen of a dial that can be traced."""
    return DIALS[name].title if name in DIALS else CONTESTED_TITLE


def dials_on_page() -> tuple[str, ...]:
    """The dials whose marks are on the page: most are there only while "More dials" is open."""
    more = tuple(chain(*GROUPS.values())) if st.session_state.get(_MORE) else ()
    return (*ALWAYS, *more)


def _turn(name: str, widget: str) -> None:
    """Take over a control's new value; turning a dial also traces the path along it."""
    stop = st.session_state[widget]
    if stop is None:
        return
    view = this_visit().view.turned(name, stop)
    go(view.turned("sweep", name) if name in SWEEPS else view)


def bound(name: str, widget: str, view: View) -> _Bound:
    """What ties a control to a field of the view: the view is the truth, the control shows it."""
    # Only where they differ: a write is sent to the browser, where it would undo a turn that is still on its way.
    if st.session_state.get(widget) != getattr(view, name):
        st.session_state[widget] = getattr(view, name)
    return _Bound(key=widget, on_change=_turn, args=(name, widget))


def rail(found: Landscape) -> None:
    """Draw all controls of a view into the sidebar."""
    view = found.view
    with st.sidebar, st.container(key="rail"):
        st.html('<p class="pd-brand">Privacy Dial</p>')
        history()
        for name in FOUR:
            _dial(found, name)
            if name == ARCHITECTURE.name:
                sizes(view)
        _slider(found, "contested", CONTESTED_TITLE, _CONTESTED_ABOUT)
        st.selectbox(
            "Population",
            view.stops("population"),
            format_func=lambda name: POPULATIONS[name].title,
            help=" ".join(f"{info.title}: {info.about}" for info in POPULATIONS.values()),
            **bound("population", "control-population", view),
        )
        attack_control(view)
        st.segmented_control(
            "Attacker",
            view.stops("calibration"),
            format_func=_ADAPTS.__getitem__,
            help=" ".join(
                f"{_ADAPTS[name].capitalize()}: {about}."
                for name, about in CALIBRATIONS.items()
                if name in calibrations(view.attack)
            ),
            required=True,
            disabled=not needs_shadows(view),
            **bound("calibration", "control-calibration", view),
        )
        st.segmented_control(
            "Models trained and attacked",
            view.stops("models"),
            help="More models take longer and give narrower intervals; each is attacked with the others as shadows.",
            required=True,
            **bound("models", "control-models", view),
        )
        _more(found)


def _more(found: Landscape) -> None:
    """The dials on request; they are made when somebody opens them."""
    more = st.expander("More dials", key=_MORE, on_change="rerun")
    if not more.open:
        return
    with more:
        for heading, names in GROUPS.items():
            st.html(f'<h3 class="pd-group">{escape(heading)}</h3>')
            for name in names:
                _dial(found, name)


def sweep_control(view: View) -> None:
    """The choice of the dial along which the path is traced: those that are always there, and those in use."""
    shown = {*ALWAYS, *view.in_use, view.sweep}
    st.selectbox(
        "Path along",
        [name for name in SWEEPS if name in shown],
        format_func=sweep_title,
        help="The line joins the measured stops of this dial while all others stay where they are.",
        # Turning a dial changes this control, too. Its key goes with its value, so that what a quick visitor's
        # browser still holds of the former value is not taken for a choice.
        **bound("sweep", f"control-sweep-{view.sweep}", view),
    )


def _dial(found: Landscape, name: str) -> None:
    _slider(found, name, DIALS[name].title, DIALS[name].about)


def _slider(found: Landscape, name: str, title: str, about: str) -> None:
    stops = found.view.stops(name)
    st.select_slider(
        title,
        stops,
        format_func=lambda stop: stop_label(name, stop),
        help=about,
        **bound(name, dial_key(found.view, name), found.view),
    )
    st.html(marks_html(name, found.marks[name], getattr(found.view, name)))


def dial_key(view: View, name: str) -> str:
    """The key of a dial on the page: one that has other stops than before is another control to the browser."""
    if name == "contested":
        return f"dial-{name}-{view.population}"
    at = getattr(view, name)
    return f"dial-{name}" if at in DIALS[name].stops else f"dial-{name}-{at}"


def marks_html(name: str, marks: Marks, at: str | int) -> str:
    """The strip under a dial: filled where measured, hollow where not, crossed where refused; also in words."""
    dots = "".join(
        f'<i class="pd-mark{_CLASSES[mark]}{" pd-here" if stop == at else ""}"></i>' for stop, mark in marks.items()
    )
    return (
        f'<div class="pd-marks" data-dial="{escape(name)}"><span class="pd-dots" aria-hidden="true">{dots}</span>'
        f'<span class="pd-hidden">{escape(marks_words(name, marks))}</span></div>'
    )


def marks_words(name: str, marks: Marks) -> str:
    """The strip in words."""
    measured, refused = (_labels(name, marks, kind) for kind in ("measured", "refused"))
    rest = len(marks) - len(measured) - len(refused)
    first = f"Measured: {', '.join(measured)}; {rest} stops not yet" if measured else f"{rest} stops not measured yet"
    return f"{first}; not possible here: {', '.join(refused)}." if refused else f"{first}."


def _labels(name: str, marks: Marks, kind: Mark) -> list[str]:
    return [stop_label(name, stop) for stop, mark in marks.items() if mark == kind]
