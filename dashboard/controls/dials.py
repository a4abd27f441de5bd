"""The rail: the dials and the other controls, each with marks for the stops that are already measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from itertools import chain
from typing import TypedDict

import streamlit as st

from cache.admission import Nothing, Training
from dashboard.controls.attacks import attack_control, needs_shadows
from dashboard.controls.history import history
from dashboard.controls.sizes import sizes
from dashboard.results.docstrings import explanation
from dashboard.results.words import unmarked
from dashboard.serving.running import running
from dashboard.state.hiding import CONTROLS, shown
from dashboard.state.landscape import ALWAYS, Landscape, Mark, Marks, stop_label
from dashboard.state.stops import ARCHITECTURE, DIALS, FOUR, GROUPS
from dashboard.state.view import SWEEPS, View, refusal
from dashboard.state.visit import bind, take, turn
from engine.calibration import CALIBRATIONS, Calibration, calibrations
from engine.populations.catalogue import POPULATIONS
from engine.recipe import PopulationChoice

_CONTESTED_ABOUT = (
    f"{explanation(PopulationChoice, 'contested')} A model trains on about half of them. "
    "Fewer records are easier to remember."
)
_ADAPTS: Mapping[Calibration, str] = {
    "adaptive": "adapts",
    "undefended": "does not adapt",
    "known-members": "knows half",
    "oracle": "upper bound, no attacker",
}
_MORE = "more-dials"
_BOUND = "bound"
_CLASSES: Mapping[Mark, str] = {"measured": " pd-on", "open": "", "closed": "", "refused": " pd-no"}

Reasons = Mapping[str | int, str]
"""By stop of a dial that the engine refuses, why."""


class _Bound(TypedDict):
    """The arguments that tie a control to a field of the view."""

    key: str
    on_change: Callable[[str, str], None]
    args: tuple[str, str]


def dials_on_page() -> tuple[str, ...]:
    """The dials whose marks are on the page: most are there only while "More dials" is open."""
    more = tuple(chain(*GROUPS.values())) if st.session_state.get(_MORE) else ()
    return (*ALWAYS, *more)


def _turn(name: str, widget: str) -> None:
    """Take over a control's new value.

    A quick visitor's browser still speaks of controls whose places others have taken meanwhile: they do not count.
    """
    stop = st.session_state[widget]
    if stop is not None and widget == st.session_state[f"{_BOUND}-{name}"]:
        take(widget, partial(turn, name, stop))


def bound(name: str, widget: str, view: View) -> _Bound:
    """What ties a control to a field of the view: the view is the truth, the control shows it.

    Every control has its field as its default, too. What is written here reaches the browser once; where a quick
    visitor interrupts that run, the control would stand at its first stop, and his next click would turn it there.
    """
    bind(widget, getattr(view, name))
    st.session_state[f"{_BOUND}-{name}"] = widget
    return _Bound(key=widget, on_change=_turn, args=(name, widget))


def rail(found: Landscape) -> None:
    """Draw all controls of a view into the sidebar."""
    if not shown("rail"):
        return
    with st.sidebar, st.container(key="rail"):
        st.html('<p class="pd-brand">Privacy Dial</p>')
        if shown("history"):
            history()
        if found.limited:
            st.caption(limited_words(running().training))
        for name in FOUR:
            _dial(found, name)
            if name == ARCHITECTURE.name and shown("sizes") and not found.limited:
                sizes(found)
        _slider(found, "contested", CONTROLS["contested"], _CONTESTED_ABOUT)
        for name, draw in _OTHERS.items():
            if shown(name):
                draw(found)
        if shown("more"):
            _more(found)


def limited_words(training: Training) -> str:
    """What can be chosen where not everything is trained."""
    if isinstance(training, Nothing):
        return "Only what has been measured can be chosen here; nothing is trained."
    return "Only what has been measured, or may be trained here, can be chosen."


def _population(found: Landscape) -> None:
    offered = found.offered("population")
    st.selectbox(
        "Population",
        offered,
        offered.index(found.view.population),
        format_func=lambda name: POPULATIONS[name].title,
        help=unmarked(" ".join(f"{info.title}: {info.about}" for info in POPULATIONS.values())),
        **bound("population", _other("population", found), found.view),
    )


def _calibration(found: Landscape) -> None:
    view = found.view
    st.segmented_control(
        "Attacker",
        found.offered("calibration"),
        default=view.calibration,
        format_func=_ADAPTS.__getitem__,
        help=" ".join(
            f"{_ADAPTS[name].capitalize()}: {about}."
            for name, about in CALIBRATIONS.items()
            if name in calibrations(view.attack)
        ),
        required=True,
        disabled=not needs_shadows(view),
        **bound("calibration", _other("calibration", found), view),
    )


def _models(found: Landscape) -> None:
    st.segmented_control(
        "Models trained and attacked",
        found.offered("models"),
        default=found.view.models,
        help="More models take longer and give narrower intervals; each is attacked with the others as shadows.",
        required=True,
        **bound("models", _other("models", found), found.view),
    )


_OTHERS: Mapping[str, Callable[[Landscape], None]] = {
    "population": _population,
    "attack": attack_control,
    "calibration": _calibration,
    "models": _models,
}
"""The controls beside the dials, in the order of the rail."""


def _other(name: str, found: Landscape) -> str:
    """The key of a control beside the dials."""
    return f"control-{name}{_limits(name, found)}"


def _more(found: Landscape) -> None:
    """The dials on request; they are made when somebody opens them."""
    more = st.expander("More dials", key=_MORE, on_change="rerun")
    if not more.open:
        return
    with more:
        for heading, names in GROUPS.items():
            st.html(f'<h3 class="pd-group">{escape(heading)}</h3>')
            for name in names:
                if len(found.offered(name)) > 1:
                    _dial(found, name)


def sweep_control(view: View) -> None:
    """The choice of the dial along which the path is traced: those that are always there, and those in use."""
    if not shown("sweep"):
        return
    listed = [name for name in SWEEPS if name in {*ALWAYS, *view.in_use, view.sweep}]
    st.selectbox(
        "Path along",
        listed,
        listed.index(view.sweep),
        format_func=CONTROLS.__getitem__,
        help="The line joins the measured stops of this dial while all others stay where they are.",
        # Turning a dial changes this control, too. Its key goes with its value, so that what a quick visitor's
        # browser still holds of the former value is not taken for a choice.
        **bound("sweep", f"control-sweep-{view.sweep}", view),
    )


def _dial(found: Landscape, name: str) -> None:
    _slider(found, name, DIALS[name].title, DIALS[name].help)


def _slider(found: Landscape, name: str, title: str, words: str) -> None:
    if not shown(name):
        return
    stops, at = found.offered(name), getattr(found.view, name)
    if len(stops) == 1:
        st.html(f'<p class="pd-only">{escape(title)}<b>{escape(stop_label(name, at))}</b></p>')
        return
    marks = found.offered_marks(name)
    why = reasons(found.view, name, marks)
    impossible = f"\n\nNot possible here: {unmarked(_refused(name, why))}." if why else ""
    st.select_slider(
        title,
        stops,
        at,
        format_func=lambda stop: stop_label(name, stop),
        help=f"{words}{impossible}",
        **bound(name, dial_key(found, name), found.view),
    )
    st.html(marks_html(name, marks, at, why))


def dial_key(found: Landscape, name: str) -> str:
    """The key of a dial on the page: one that has other stops than before is another control to the browser."""
    limits = _limits(name, found)
    if name == "contested":
        return f"dial-{name}-{found.view.population}{limits}"
    at = getattr(found.view, name)
    return f"dial-{name}{limits}" if at in DIALS[name].stops else f"dial-{name}-{at}{limits}"


def _limits(name: str, found: Landscape) -> str:
    """What tells a control with some of its stops from one with others; nothing where all can be chosen."""
    return "".join(f"-{stop}" for stop in found.offered(name)) if found.limited else ""


def reasons(view: View, name: str, marks: Marks) -> Reasons:
    """Why the engine refuses the stops of a dial that are crossed out."""
    refused = (stop for stop, mark in marks.items() if mark == "refused")
    return {stop: _reason(view.turned(name, stop), name).rstrip(".") for stop in refused}


def _reason(view: View, name: str) -> str:
    """Why a setting is refused; of the dial of architectures, first what these records lack for one."""
    if name == ARCHITECTURE.name:
        lacking = POPULATIONS[view.population].why_no_view(ARCHITECTURE.value(view.architecture).view)
        if lacking is not None:
            return lacking
    return refusal(view) or ""


def marks_html(name: str, marks: Marks, at: str | int, why: Reasons) -> str:
    """The strip under a dial: filled where measured, hollow where not, crossed where refused; also in words."""
    dots = "".join(
        f'<i class="pd-mark{_CLASSES[mark]}{" pd-here" if stop == at else ""}"{_title(name, stop, why)}></i>'
        for stop, mark in marks.items()
    )
    return (
        f'<div class="pd-marks" data-dial="{escape(name)}"><span class="pd-dots" aria-hidden="true">{dots}</span>'
        f'<span class="pd-hidden">{escape(marks_words(name, marks, why))}</span></div>'
    )


def _title(name: str, stop: str | int, why: Reasons) -> str:
    """What a mark says under the mouse: why its stop is crossed out."""
    return f' title="{escape(f"{stop_label(name, stop)}: {why[stop]}.")}"' if stop in why else ""


def marks_words(name: str, marks: Marks, why: Reasons) -> str:
    """The strip in words."""
    measured = ", ".join(stop_label(name, stop) for stop, mark in marks.items() if mark == "measured")
    rest = sum(mark in {"open", "closed"} for mark in marks.values())
    first = f"Measured: {measured}" if measured else ""
    if rest:
        first = f"{first}; {rest} stops not yet" if measured else f"{rest} stops not measured yet"
    return f"{first}; not possible here: {_refused(name, why)}." if why else f"{first}."


def _refused(name: str, why: Reasons) -> str:
    """The stops that are refused, those with one reason together and before it."""
    alike: dict[str, list[str]] = {}
    for stop, reason in why.items():
        alike.setdefault(reason, []).append(stop_label(name, stop))
    return "; ".join(f"{', '.join(stops)}, because {reason}" for reason, stops in alike.items())
