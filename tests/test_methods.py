import ast
import re
import sys
from dataclasses import fields
from inspect import Parameter, signature
from pathlib import Path
from subprocess import run
from typing import get_args

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

import dashboard
from cache.starter import Starter
from cache.store import Store
from dashboard.panels.panel import epochs_panel, facts_html, panel, table_panel
from dashboard.results.chapters import anchors, chapters
from dashboard.results.docstrings import docstring, listed, parsed
from dashboard.results.links import how_html
from dashboard.results.methods import Chapter, Entry, anchor, chapter_html, matching
from dashboard.results.tiles import Tile, headline_html
from dashboard.serving import server
from dashboard.serving.running import Running, set_running
from dashboard.state.view import View, point
from engine.architectures import Architecture
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE
from engine.audits.values import BoundName
from engine.calibration import CALIBRATIONS
from engine.glossary import GLOSSARY
from engine.mechanisms import Mechanism
from engine.populations.catalogue import POPULATIONS
from engine.recipe import DpSgd, Optimizer
from engine.references import REFERENCES
from engine.release.values import Outputs, WeightNoise
from tests.handmade import headline, whole
from tests.planted_settings import planted_setting

FOLDER = Path(dashboard.__file__).parent
CITATION = re.compile(r"[A-ZÀ-Ž][\w-]+(?:, [A-Z][\w-]+)*(?: et al\.| & [A-Z][\wÀ-ž-]+)? (?:19|20)\d\d\b")


def script():
    from dashboard.pages import methods

    methods.page()


def sections_script():
    from dashboard.panels.sections import sections
    from tests.handmade import whole

    sections("any", whole(), {})


def opened() -> AppTest:
    return AppTest.from_function(script, default_timeout=20).run()


def html(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.proto.body for element in app.get("html"))


def entries() -> dict[str, Entry]:
    return {entry.anchor: entry for chapter in chapters() for entry in chapter.entries}


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("attack", list(CATALOGUE)),
        ("attack", list(ATTACKS)),
        ("calibration", list(CALIBRATIONS)),
        ("mechanism", [kind.__name__ for kind in get_args(Mechanism)]),
        ("optimizer", [kind.__name__ for kind in (*get_args(Optimizer), DpSgd)]),
        ("release", [kind.__name__ for kind in (WeightNoise, *get_args(Outputs))]),
        ("architecture", [kind.__name__ for kind in get_args(Architecture)]),
        ("population", list(POPULATIONS)),
        ("audit", list(get_args(BoundName))),
        ("word", [term.word for term in GLOSSARY]),
        ("reference", [reference.cites[0] for reference in REFERENCES]),
    ],
)
def test_every_entry_of_every_catalogue_stands_on_the_page(group, names):
    assert {anchor(group, name) for name in names} <= anchors()


def test_every_place_has_a_name_of_its_own():
    named = [entry.anchor for chapter in chapters() for entry in chapter.entries]
    assert len(set(named)) == len(named)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in named)


def test_an_attack_stands_with_its_formula_its_source_and_what_the_attacker_must_know():
    lira = entries()["attack-lira"]
    assert "log N(φ; μ_in, s²_in (1 + 1/n_in)) − log N(φ; μ_out, s²_out (1 + 1/n_out))" in lira.text
    assert ("Defined in", "Carlini et al. 2022, section V (online attack)") in lira.facts
    assert "shadow models" in dict(lira.facts)["The attacker must know"]
    by_class = entries()["attack-entropy-by-class"]
    assert "H = −Σ_i F(x)_i log F(x)_i" in by_class.text


@pytest.mark.parametrize("kind", get_args(Architecture), ids=lambda kind: kind.__name__)
def test_an_architecture_stands_with_all_its_fields_those_of_its_like_too(kind):
    facts = dict(entries()[anchor("architecture", kind.__name__)].facts)
    assert set(facts) == {"In recipe files", *(field.name for field in fields(kind))}
    assert all(facts.values())


def test_the_functions_that_attacks_list_are_found_in_the_source_as_they_are_in_python():
    found = {**listed("engine.attacks", "ATTACKS"), **listed("engine.attacks", "_THRESHOLDED")}
    assert set(found) == set(ATTACKS)
    ((module, name),) = found["rmia"]
    assert getattr(sys.modules[module], name) is ATTACKS["rmia"]


@pytest.mark.parametrize("variable", ["REFERENCES", "Reference", "NO_SUCH_NAME"])
def test_what_is_no_dictionary_of_a_module_lists_nothing(variable):
    with pytest.raises(KeyError, match=variable):
        listed("engine.references", variable)


def test_every_paper_that_the_page_cites_is_among_the_references():
    known = {cite for reference in REFERENCES for cite in reference.cites}
    cited = {
        found
        for entry in entries().values()
        if not entry.anchor.startswith("reference-")
        for found in CITATION.findall(entry.text)
        if not found.startswith(("Source", "Sources"))
    }
    assert len(cited) > 40
    assert {cite for cite in cited if not any(cite in form or form in cite for form in known)} == set()


def test_a_docstring_is_taken_apart():
    found = parsed("""One line
        and its rest.

        Why so:

            a = b
            c = d

        Args:
            x: hidden.

        Attributes:
            one: with a
                second line.
            two: short.
        """)
    assert found.summary == "One line and its rest."
    assert found.paragraphs == ("Why so:", "a = b\nc = d")
    assert found.fields == (("one", "with a second line."), ("two", "short."))


def test_what_is_not_there_is_an_error_and_not_an_empty_entry():
    with pytest.raises(KeyError):
        docstring(("engine.signals", "no_such_function"))
    with pytest.raises(KeyError):
        how_html("no-such-anchor", "Attack AUC")


def test_a_search_finds_every_word_in_any_order_and_case():
    found = [entry.anchor for chapter in matching(chapters(), "LIRA offline") for entry in chapter.entries]
    assert "attack-lira-offline" in found
    assert "attack-rmia" not in found
    assert found == [entry.anchor for chapter in matching(chapters(), "Offline lira") for entry in chapter.entries]
    assert matching(chapters(), "") == chapters()
    assert matching(chapters(), "lira zebra") == ()


def test_markup_in_a_text_stays_text():
    nasty = "<img src=x onerror=alert(1)>&``<b>``"
    page = chapter_html(Chapter(title=nasty, entries=(Entry(anchor="a", title=nasty, paragraphs=(nasty,)),)))
    assert "<img" not in page
    assert "<b>" not in page
    assert "<code>&lt;b&gt;</code>" in page


def test_the_page_shows_all_chapters_and_a_filter_leaves_what_fits():
    app = opened()
    page = html(app)
    assert page.count("<article") == len(anchors())
    app.text_input(key="methods-filter").set_value("label smoothing").run()
    assert 'id="mechanism-label-smoothing"' in html(app)
    assert 'id="population-digits"' not in html(app)
    assert app.query_params["find"] in ("label smoothing", ["label smoothing"])
    app.text_input(key="methods-filter").set_value("").run()
    assert "find" not in app.query_params


def test_what_is_searched_for_comes_from_the_url():
    app = AppTest.from_function(script)
    app.query_params["find"] = "label smoothing"
    assert 'id="population-digits"' not in html(app.run())
    assert app.text_input(key="methods-filter").value == "label smoothing"


def test_a_filter_that_nothing_fits_says_so():
    app = opened()
    app.text_input(key="methods-filter").set_value("zebra").run()
    assert "Nothing here has all of these words" in html(app)
    assert "<article" not in html(app)


def links(app: AppTest) -> list[str]:
    return re.findall(r'href="methods#([^"]*)"', html(app))


DIGITS = View(population="digits", contested=100, architecture="logistic", models=8)
NUMBERS = ["accuracy", "auc", "tpr", "epsilon"]
EXPLORED = ["tpr", *NUMBERS, "attackers", "frontier", "risk", "phi", "attack-lira", "scores", "parameters"]
ASKED = ["cost", *NUMBERS, "frontier", "parameters"]
MATCHED = [*ASKED, "matching"]
COMPARED = ["comparison"] * 3 + [
    "word-recipe",
    *NUMBERS,
    "roc",
    "roc",
    "loss-ranks",
    "matching",
    "parameters",
    "matching",
]
GROUPS = ["group-risk", "group-risk", "phi", "rank-correlation", "group-risk", "group-risk", "agreement"]
RECORD = ["risk", "risk", "phi", "phi", "risk", "verdicts"]


def unmeasured(folder: Path) -> Store:
    """Nothing."""
    return Store(folder)


def measured(folder: Path) -> Store:
    """One setting, by hand."""
    store = Store(folder)
    store.put_assessment(point(View()), whole(headline()))
    return store


def shipped(folder: Path) -> Store:
    """What ships."""
    return Store(folder, below=Starter())


def planted(folder: Path) -> Store:
    """Two stops of a dial, on cohorts whose numbers the engine made."""
    store = Store(folder)
    for view, shift in ((DIGITS, 4.0), (DIGITS.turned("regularization", "1"), 1.0)):
        store.put_assessment(point(view), planted_setting(shift=shift))
    return store


def explore_script():
    from dashboard.pages import explore

    explore.page()


def start_script():
    from dashboard.pages import start

    start.page({})


def compare_script():
    import streamlit as st

    from dashboard.pages import compare

    st.navigation([st.Page(compare.page, title="Compare", url_path="compare")]).run()


def sweep_script():
    from dashboard.pages import sweep

    sweep.page()


def risk_script():
    from dashboard.pages import risk

    risk.page()


@pytest.fixture
def opened_on(tmp_path):
    """Opens a page on the store that a function makes."""
    stores = []

    def opened(made, page, view, session):
        stores.append(made(tmp_path))
        set_running(Running(store=stores[-1]))
        app = AppTest.from_function(page, default_timeout=60)
        for name, text in view.to_query().items():
            app.query_params[name] = text
        for name, value in session.items():
            app.session_state[name] = value
        return app.run()

    yield opened
    set_running(None)
    for store in stores:
        store.close()


@pytest.mark.parametrize(
    ("made", "page", "view", "session", "linked"),
    [
        (measured, explore_script, View(), {}, EXPLORED),
        (unmeasured, explore_script, View(), {}, ASKED),
        (unmeasured, explore_script, View(), {"sizes": True}, MATCHED),
        (unmeasured, sweep_script, View(), {}, []),
        (shipped, start_script, View(), {}, ["auc", "accuracy", "frontier", "scores", "accuracy", "auc", "epsilon"]),
        (shipped, compare_script, View(), {}, COMPARED),
        (planted, risk_script, DIGITS, {}, [*["risk"] * 3, *RECORD, "parameters"]),
        (
            planted,
            risk_script,
            DIGITS,
            {"risk-tabs": "Before and after"},
            [*["risk"] * 2, *["changes"] * 3, "parameters"],
        ),
        (planted, risk_script, DIGITS, {"risk-tabs": "Groups"}, [*["risk"] * 2, *GROUPS, "parameters"]),
    ],
    ids=[
        *("explore", "unmeasured", "matched", "sweep"),
        *("start", "compare", "risk-records", "risk-before", "risk-groups"),
    ],
)
def test_every_number_on_a_page_leads_to_its_definition(opened_on, made, page, view, session, linked):
    app = opened_on(made, page, view, session)
    assert sorted(links(app)) == sorted(linked)
    assert set(linked) <= anchors()
    assert not unexplained(app.main)
    assert not unexplained(app.sidebar)


def test_what_numbers_link_to_is_read_before_the_first_visit(tmp_path):
    store = Store(tmp_path, below=Starter())
    anchors.cache_clear()
    server._warm(store)
    assert anchors.cache_info().currsize == 1
    store.close()


NUMBER = re.compile(
    r"(?<![\w.])[01]?\.\d{3}\b|\d\.\d(?: |\N{NO-BREAK SPACE})%"  # measured
    r"|\d parameters\b|\bparameters: \d|\babout [\d.]+ (?:s|min|h)\b|less than a second"  # counted, estimated
)
TEXTS = {"html", "markdown", "caption"}


def unexplained(block: Block) -> list[str]:
    """Texts with numbers that stand together with no link to a definition."""
    bodies = [child.proto.body for child in block.children.values() if getattr(child, "type", "") in TEXTS]
    alone = [] if "methods#" in "".join(bodies) else [body for body in bodies if NUMBER.search(body)]
    inner = [child for child in block.children.values() if isinstance(child, Block)]
    return alone + [body for child in inner for body in unexplained(child)]


@pytest.mark.parametrize(
    ("section", "linked"),
    [
        ("What the attacker sees", {"scores", "attack-lira"}),
        ("Few false alarms", {"roc", "tpr"}),
        ("Who is at risk", {"riskiest", "phi", "verdicts", "risk", "group-risk"}),
        ("ε from below and above", {"audits", "ceilings"}),
        ("Can I believe this?", {"honesty", "reliability", "precision-recall"}),
    ],
)
def test_every_section_leads_to_the_definitions_of_what_it_shows(section, linked):
    app = AppTest.from_function(sections_script, default_timeout=20)
    app.session_state["sections"] = section
    assert set(links(app.run())) == linked
    assert linked <= anchors()


PANELS = (panel, epochs_panel, table_panel, facts_html, headline_html, Tile)
"""What puts numbers on a page."""


def explained_by(made: object) -> str:
    """The argument that says how the numbers are measured."""
    return "how" if made is Tile else "about"


@pytest.mark.parametrize("made", PANELS, ids=lambda made: made.__name__)
def test_nothing_puts_numbers_on_a_page_without_saying_how_they_are_measured(made):
    assert signature(made).parameters[explained_by(made)].default is Parameter.empty


def test_every_panel_in_the_source_says_how_its_numbers_are_measured_and_every_link_works():
    by_name = {made.__name__: explained_by(made) for made in PANELS}
    said: dict[str, list[ast.expr]] = {name: [] for name in by_name}
    tables = 0
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                tables += node.func.id == "table_html"
                if node.func.id in by_name:
                    asked = by_name[node.func.id]
                    (about,) = (each.value for each in node.keywords if each.arg == asked)
                    said[node.func.id].append(about)
    assert tables == 1  # in the panels' own table: nobody goes around them
    assert min(map(len, said.values())) > 0
    assert len(said["panel"]) >= 15
    assert said["headline_html"]
    literal = {name for made in said.values() for each in made for node in ast.walk(each) if (name := anchored(node))}
    assert {"frontier", "roc", "risk", "audits", "changes", "loss-ranks"} <= literal
    assert literal <= anchors()


def anchored(node: ast.AST) -> str | None:
    """The entry that a text names: the names before them in a mapping begin with a capital."""
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and text[:1].islower() else None


def test_the_links_of_the_page_point_to_its_own_places():
    pages = "".join(map(chapter_html, chapters()))
    assert set(re.findall(r'href="#([^"]*)"', pages)) <= set(re.findall(r'id="([^"]*)"', pages))


def test_making_the_page_imports_no_library_that_trains():
    code = (
        "import sys; from dashboard.results.chapters import chapters; chapters();"
        "print(sorted({'torch', 'opacus', 'sklearn', 'streamlit'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
