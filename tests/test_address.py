"""The whole address: the view, the pins, what is hidden, and every choice beside them."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from hypothesis import given
from hypothesis import strategies as st

import dashboard
from dashboard.controls.filters import BETWEEN
from dashboard.pages.risk import TABS
from dashboard.panels.sections import SECTIONS
from dashboard.results.rates import SCALES
from dashboard.results.risks import BOUNDS, SHOWS
from dashboard.results.slopes import WHICH
from dashboard.results.thresholds import PRIORS
from dashboard.state.beside import choice_text, read_choice, read_number
from dashboard.state.hiding import HIDABLE, hidden_in
from dashboard.state.hiding import PART as HIDE
from dashboard.state.pins import PART, read_pins, with_pin
from dashboard.state.view import BESIDE, View, refusal
from dashboard.state.visit import whole_query
from tests.test_view import views

CHOICES = {
    "class": ("all", *range(100)),
    "above": BOUNDS,
    "show": SHOWS,
    "between": BETWEEN,
    "prior": PRIORS,
    "drawn": WHICH,
    "tab": tuple(TABS),
    "section": tuple(SECTIONS),
    "axes": SCALES,
    "page": range(1, 200),
    "record": range(5000),
}
"""Every choice of a page from a list, by its part of the URL."""

OF_OTHERS = {"embed", "embed_options", "lesson", "step"}
"""Parts that Streamlit reads, or that are kept for pages to come."""

READERS = {"begin_choice", "begin_number", "begin_text", "keep_choice", "tabs"}


WIDGETS = {
    *("camera_input", "audio_input", "chat_input", "checkbox", "color_picker", "data_editor", "date_input", "dialog"),
    *("datetime_input", "expander", "feedback", "file_uploader", "multiselect", "number_input", "pills", "popover"),
    *("radio", "segmented_control", "select_slider", "selectbox", "slider", "tabs", "text_area", "text_input"),
    *("time_input", "toggle", "component"),
}
"""What of Streamlit a visitor can set."""

OF_THE_VIEW = {
    *(
        "budget.budget_control select_slider",
        "dials._calibration segmented_control",
        "dials._models segmented_control",
    ),
    *("dials._population selectbox", "dials._slider select_slider", "dials.sweep_control selectbox"),
    *("named.presets pills", "options._choice segmented_control", "options._number number_input"),
}
"""Controls whose values are fields of the view, by module, function and kind."""

_BUILDER = "what a sweep is built of is kept in the session; a started sweep belongs to all, and its file can be sent"
_OPEN = "what is folded out shows more of what the address says, and chooses nothing"
_ASKED = "asks for something that happens once"
_CHOSEN = "what is chosen in it goes into the view, or has a part of the address of its own"
OUTSIDE = {
    "composing.composed segmented_control": _BUILDER,
    "composing._of_dials selectbox": _BUILDER,
    "composing._of_dials segmented_control": _BUILDER,
    "composing._further number_input": _BUILDER,
    "composing._further segmented_control": _BUILDER,
    "composing._stops multiselect": _BUILDER,
    "composing._of_file text_area": _BUILDER,
    "composing._of_file file_uploader": _BUILDER,
    "composing._of_dials expander": _OPEN,
    "dials._more expander": _OPEN,
    "budget.budget_control popover": _OPEN,
    "sizes.sizes popover": _OPEN,
    "compare.page expander": _OPEN,
    "sweep.page expander": _OPEN,
    "panel.table_behind expander": _OPEN,
    "watching._refused expander": _OPEN,
    "attacks.attack_list dialog": _CHOSEN,
    "taking._offer popover": _ASKED,
    "history. component": _ASKED,
    "place. component": _ASKED,
    "cards. component": _CHOSEN,
    "records. component": _CHOSEN,
    "sizes._matching selectbox": "asks how large another family would be; a button beside it goes to that view",
    "plot. component": "the epoch under the scrubber, zoom and hidden entries of a legend are looks at one figure; a "
    "point, an epoch to be kept and a threshold have parts of the address",
}
"""What a visitor can set and the address does not say, by module, function and kind, with the reason."""


@dataclass(frozen=True)
class Whole:
    """All that an address says."""

    view: View
    pins: tuple[View, ...]
    hidden: frozenset[str]
    chosen: Mapping[str, Any]
    other: str
    threshold: float
    find: str

    def beside(self) -> dict[str, list[str]]:
        chosen = {part: [choice_text(value)] for part, value in self.chosen.items()}
        hidden = {HIDE: [",".join(sorted(self.hidden))]} if self.hidden else {}
        free = {"other": self.other, "threshold": choice_text(self.threshold), "find": self.find}
        return chosen | hidden | {part: [text] for part, text in free.items()}

    def written(self) -> str:
        return urlencode(whole_query(self.view, self.pins, self.beside()), doseq=True)


@st.composite
def wholes(draw: st.DrawFn) -> Whole:
    possible = [view for view in draw(st.lists(views(), max_size=3)) if refusal(view) is None]
    return Whole(
        view=draw(views()),
        pins=reduce(with_pin, possible, ()),
        hidden=draw(st.frozensets(st.sampled_from(sorted(HIDABLE)), max_size=5)),
        chosen={part: draw(st.sampled_from(options)) for part, options in CHOICES.items()},
        other=draw(views()).address,
        threshold=draw(st.floats(-1e6, 1e6).map(lambda number: float(choice_text(number)))),
        find=draw(st.text(max_size=40)),
    )


def read(written: str) -> tuple[Whole, tuple[str, ...]]:
    """The address as the pages read it, and what they would complain of."""
    query = parse_qs(written, keep_blank_values=True)
    view, problems = View.from_query({name: texts[-1] for name, texts in query.items()})
    pins, wrong = read_pins(query.get(PART, []))
    hidden, unknown = hidden_in(query.get(HIDE, [""])[0])
    chosen = {part: read_choice(query[part][0], options) for part, options in CHOICES.items()}
    threshold = read_number(query["threshold"][0])
    assert threshold is not None
    found = Whole(view, pins, hidden, chosen, query["other"][0], threshold, query["find"][0])
    return found, (*problems, *wrong, *([unknown] if unknown else []))


@given(wholes())
def test_the_whole_state_survives_the_way_through_the_address(whole):
    found, problems = read(whole.written())
    assert problems == ()
    assert found == whole


@given(wholes())
def test_an_address_that_is_written_again_stays_as_it_is(whole):
    found, _ = read(whole.written())
    assert found.written() == whole.written()


def test_every_choice_of_a_page_is_a_part_of_the_address_and_has_this_test():
    folder = Path(str(dashboard.__file__)).parent
    read_by_pages = {part for file in folder.rglob("*.py") for part in parts_in(file)}
    assert read_by_pages == {*CHOICES, "other", "threshold", "find"}
    assert BESIDE - OF_OTHERS - {PART, HIDE} == {*CHOICES, "other", "threshold", "find"}


def test_whatever_a_visitor_can_set_is_in_the_address_or_has_a_reason_not_to_be():
    folder = Path(str(dashboard.__file__)).parent
    found = {place for file in folder.rglob("*.py") for place in settable_in(file)}
    assert not OF_THE_VIEW & OUTSIDE.keys()
    assert found == OF_THE_VIEW | OUTSIDE.keys()


def settable_in(file: Path) -> set[str]:
    """What a module lets a visitor set, by module, function and kind, but where each begins with the address."""
    module = ast.parse(file.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    inside = {id(call): one.name for one in functions for call in calls_in(one)}
    own = {one.name for one in functions if begins_with_the_address(one)}
    return {
        f"{file.stem}.{inside.get(id(call), '')} {name_of(call)}"
        for call in calls_in(module)
        if is_widget(call) and inside.get(id(call)) not in own
    }


def begins_with_the_address(function: ast.FunctionDef) -> bool:
    """Whether it reads as many parts of the address as it draws widgets."""
    calls = calls_in(function)
    return sum(map(is_widget, calls)) == sum(name_of(call).startswith("begin_") for call in calls)


def is_widget(call: ast.Call) -> bool:
    """Whether it is Streamlit's, or makes a component; the function ``tabs`` of the dashboard reads the address."""
    own = isinstance(call.func, ast.Name) and name_of(call) != "component"
    return name_of(call) in WIDGETS and not own


def calls_in(node: ast.AST) -> list[ast.Call]:
    return [one for one in ast.walk(node) if isinstance(one, ast.Call)]


def name_of(call: ast.Call) -> str:
    """The name of what is called, wherever it is from."""
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def parts_in(file: Path) -> set[str]:
    """The parts of the URL that a module reads or writes."""
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id in READERS
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
