"""What one visitor's session remembers: the view, the settings before it, and what was asked of the workers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import parse_qsl

import streamlit as st

from cache.progress import Progress
from dashboard.state.landscape import same_setting
from dashboard.state.pins import PART, Pins, begin_pins, this_pins
from dashboard.state.view import BESIDE, SWEEPS, View, key

REST = 0.5
"""Seconds that a dial rests on a stop before its training starts."""

MEMORY = 24
"""Settings that a session remembers; many of them may only have been passed on the way to another."""

STEPS = 200
"""Views that can be undone."""

_WRITTEN = "address-written"
_DOUBTS = "doubtful-turns"
_KNOWN = "known"

Step = Literal["starting", "resting", "ask", "watch", "held", "failed", "refused"]


@dataclass(frozen=True, kw_only=True)
class Visit:
    """The state of a session.

    Attributes:
        visitor: a random name, known to the workers' queue only.
        view: what the visitor has chosen.
        problems: sentences about a URL that could not be read whole.
        before: settings visited before, most recent first.
        past: views that undo returns to, most recent first.
        future: views that were undone, the latest first.
        turned_at: when the view last became another setting, by the monotonic clock, in seconds.
        asked: the key of the setting that the workers were asked for.
        held: whether the visitor cancelled, so that nothing starts by itself until a dial moves.
    """

    visitor: str
    view: View
    problems: tuple[str, ...] = ()
    before: tuple[View, ...] = ()
    past: tuple[View, ...] = ()
    future: tuple[View, ...] = ()
    turned_at: float
    asked: str | None = None
    held: bool = False

    def moved(self, view: View, now: float) -> Visit:
        """The session after the visitor has chosen another view; a choice can be undone and ends what was undone."""
        if view == self.view:
            return replace(self, problems=())
        return replace(self._at(view, now), past=(self.view, *self.past)[:STEPS], future=())

    def undone(self, now: float) -> Visit:
        """The session one choice earlier; itself where there was none."""
        if not self.past:
            return self
        view, *past = self.past
        return replace(self._at(view, now), past=tuple(past), future=(self.view, *self.future))

    def redone(self, now: float) -> Visit:
        """The session with the choice that was undone last; itself where none was."""
        if not self.future:
            return self
        view, *future = self.future
        return replace(self._at(view, now), past=(self.view, *self.past), future=tuple(future))

    def _at(self, view: View, now: float) -> Visit:
        """The session at a view, with what it remembers of settings before."""
        if same_setting(view, self.view):
            return replace(self, view=view, problems=())
        before = [at for at in (self.view, *self.before) if not same_setting(at, view)]
        distinct = [at for i, at in enumerate(before) if not any(same_setting(at, b) for b in before[:i])]
        return replace(self, view=view, problems=(), before=tuple(distinct[:MEMORY]), turned_at=now, held=False)

    def step(self, now: float, *, ready: bool, progress: Progress | None) -> Step:
        """What is to be done about a setting that has not been measured.

        Args:
            now: the monotonic clock, in seconds.
            ready: whether workers are there.
            progress: of this setting, None when nobody has asked for it.
        """
        if self.held:
            return "held"
        if not ready:
            return "starting"
        asked = self.asked == key(self.view, self.view.waves)
        if asked and progress is not None and progress.state in {"failed", "refused"}:
            return "failed" if progress.state == "failed" else "refused"
        if asked and progress is not None and progress.state == "cancelled":
            return "held"
        if asked:
            return "watch"
        return "ask" if now - self.turned_at >= REST else "resting"


def this_visit() -> Visit:
    """The session's state; it exists once the page has run."""
    return st.session_state["visit"]


def visited() -> tuple[View, ...]:
    """The view that the session is at and the settings before it; none before a page with a view has run."""
    state: Visit | None = st.session_state.get("visit")
    return () if state is None else (state.view, *state.before)


def begin(query: Mapping[str, str]) -> Visit:
    """The session's state, its pins included, made from the URL on its first run."""
    if "visit" not in st.session_state:
        view, problems = View.from_query(query)
        st.session_state["visit"] = Visit(
            visitor=secrets.token_hex(8),
            view=view,
            problems=(*problems, *begin_pins(st.query_params.get_all(PART))),
            turned_at=time.monotonic(),
        )
    for turned in forget_doubts():
        turned()
    return this_visit()


def keep(state: Visit) -> None:
    """Remember a new state of the session."""
    st.session_state["visit"] = state


def whole_query(view: View | None, pins: Pins, before: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """All of a URL's query: the view if there is to be one, what stood beside one there before, and the pins."""
    beside = {name: values for name, values in before.items() if name in BESIDE and name != PART}
    pinned = {PART: [pin.address for pin in pins]} if pins else {}
    return {name: [text] for name, text in (view.to_query() if view else {}).items()} | beside | pinned


def write_address(*, with_view: bool = True) -> None:
    """Write the session's view and pins into the URL, or its pins only; what stands beside them there stays."""
    in_browser = {name: st.query_params.get_all(name) for name in st.query_params}
    listed = whole_query(this_visit().view if with_view else None, this_pins(), in_browser)
    # What the browser says of its address is old where a quick visitor's turn sets out before the page of the turn
    # before has arrived, so what was written last counts, too: of there and back, "there" would stand for ever.
    if listed != in_browser or listed != st.session_state.get(_WRITTEN, listed):
        st.query_params.from_dict(listed)
        st.session_state[_WRITTEN] = listed


def go(view: View) -> None:
    """Show another view from the next run on."""
    keep(this_visit().moved(view, time.monotonic()))


def turn(name: str, stop: str | int) -> None:
    """Turn a control to a stop; turning a dial also traces the path along it."""
    view = this_visit().view.turned(name, stop)
    go(view.turned("sweep", name) if name in SWEEPS else view)


def bind(widget: str, value: Hashable) -> None:
    """Let a control show a value of the view, which is the truth, and remember that it is known to stand there."""
    # Only where they differ: a write is sent to the browser, where it would undo a turn that is still on its way.
    if st.session_state.get(widget) != value:
        st.session_state[widget] = value
    st.session_state.setdefault(f"{_KNOWN}-{widget}", set()).add(value)


def take(widget: str, turned: Callable[[], None]) -> None:
    """Take over what the browser says of a widget that ``bind`` was told of.

    Where steps back or forth came in between, a quick visitor's browser also speaks of values that the widget has
    left. So a value where it was known to stand is taken over only after the steps that may come with it, which
    Streamlit tells of last, and not at all when there are any.

    Args:
        widget: its key.
        turned: shows the view with the widget's new value.
    """
    known, value = st.session_state[f"{_KNOWN}-{widget}"], st.session_state[widget]
    doubts = st.session_state.setdefault(_DOUBTS, {})
    doubts.pop(widget, None)  # of an interrupted run: the browser has said something later of it
    if value in known:
        doubts[widget] = turned
    else:
        turned()
        known.clear()
    known.add(value)


def forget_doubts() -> tuple[Callable[[], None], ...]:
    """Forget the turns that are in doubt until the next page is made; what would take them."""
    return tuple(st.session_state.pop(_DOUBTS, {}).values())


def go_to_address(address: str) -> None:
    """Show the view that a picked point carries; anything that is not one is ignored."""
    view, problems = View.from_query(dict(parse_qsl(address)))
    if not problems:
        go(view)


def undo() -> None:
    """Show the view before the last choice from the next run on."""
    keep(this_visit().undone(time.monotonic()))


def redo() -> None:
    """Show the view of the choice that was undone last from the next run on."""
    keep(this_visit().redone(time.monotonic()))
