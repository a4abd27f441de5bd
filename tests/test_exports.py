import csv
import io
import json
import tomllib
import zipfile
from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from streamlit.testing.v1 import AppTest

from cache.keys import Point, asked, assessment_key
from cache.records import records_npz, records_parquet
from cache.sweeps.reading import sweep_from_toml
from cache.sweeps.results import Result
from cache.sweeps.values import Plan, Refused, Setting
from cache.sweeps.writing import plan_to_toml, point_to_toml, recipe_files, recipe_name, recipes_zip
from dashboard.results import outcomes
from dashboard.results.exports import file_name, plain_cell, table_csv
from dashboard.state.budget import LIMITS
from dashboard.state.view import View, point, refusal
from engine.architectures import Gru
from engine.mechanisms import Dropout, GaussianInput
from engine.packages import Package
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import LabelOnly, Release, WeightNoise
from engine.validate import InvalidValueError
from engine.version import ENGINE_VERSION
from tests.handmade import ANSWERS, assessment, headline, whole
from tests.test_view import views

NASTY = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "＝1+1",
    '🦊 fox, "quoted"\nand a second line',
    "\u202eשלום עולם",
    "n" * 300,
    "../../etc/passwd",
)


@pytest.mark.parametrize("name", NASTY)
def test_a_foreign_name_is_harmless_in_a_table_and_can_be_read_back(name):
    content = table_csv([{"Population": name, name: "1"}]).decode("utf-8-sig")
    head, row = csv.reader(io.StringIO(content, newline=""))
    for cell, was in ((head[1], name), (row[0], name)):
        assert cell in {was, f"'{was}"}
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


@pytest.mark.parametrize("name", NASTY)
def test_a_foreign_name_makes_a_harmless_file_name(name):
    made = file_name(name, ".csv")
    assert len(made) <= 64
    assert made.endswith(".csv")
    assert all(letter.isalnum() or letter == "-" for letter in made.removesuffix(".csv"))
    assert not made.startswith(("-", "."))


def test_numbers_with_their_intervals_keep_their_signs_and_formulas_do_not():
    for number in ("-0.5", "+.012", "-.012 (-.020 to -.004)", "+1.5 %", "-3e-05", "–", ".796 (.790 – .802)"):
        assert plain_cell(number) == number
    for formula in ("-1+1", "+A1", "=1", "@x", "-", "-.5)&x"):
        assert plain_cell(formula) == f"'{formula}"


def test_titles_become_names_that_say_what_is_in_the_file():
    assert file_name("What accuracy costs in privacy", ".csv") == "what-accuracy-costs-in-privacy.csv"
    assert file_name("ε measured from below, proved from above") == "ε-measured-from-below-proved-from-above"
    assert file_name("?/\\") == "table"


def test_a_table_without_rows_is_an_empty_file():
    assert table_csv([]).decode("utf-8-sig") == ""


def test_names_in_a_sweep_do_no_harm_in_its_file():
    setting = Setting(values=("=1+1",), point=point(View()))
    plan = Plan(dials=("@dial",), settings=(setting,), refused=(), waves=2)
    content = outcomes.csv_bytes(plan, [Result(setting=setting, waves=2, headline=headline())]).decode()
    head, row = csv.reader(io.StringIO(content))
    assert head[0] == "'@dial"
    assert row[0] == "'=1+1"
    assert row[head.index("auc")] == "0.796"


def read_back(setting: Point) -> Point:
    (found,) = sweep_from_toml(point_to_toml(setting).encode()).plan().settings
    return found.point


RICH = Point(
    recipe=Recipe(
        population=PopulationChoice(name="digits", contested=100, seed=3),
        architecture=Gru(hidden=7, bidirectional=True, pooling="mean"),
        mechanisms=(Dropout(rate=0.25), GaussianInput(sigma=0.1)),
        optimizer=Sgd(learning_rate=1e-5),
        privacy=DpSgd(clip=None),
        epochs=10,
        batch=20,
        seed=9,
    ),
    release=Release(epoch=2, weight_noise=WeightNoise(sigma=0.05, tensors="output"), outputs=LabelOnly()),
    attack="correctness",
    waves=3,
)


def test_a_recipe_file_says_every_field_and_means_the_same_setting():
    text = point_to_toml(RICH)
    assert read_back(RICH) == RICH
    assert 'privacy.clip = "off"' in text
    assert "optimizer.learning_rate = 1e-05" in text
    assert "architecture.bidirectional = true" in text
    assert tomllib.loads(text)["mechanisms"]["Dropout"] == {"rate": 0.25}
    assert {field.name for field in fields(Recipe)} - {"privacy"} <= set(tomllib.loads(text))


@st.composite
def settings_asked(draw: st.DrawFn) -> View:
    """A view with everything in it at any stop, and of its protections as many as the engine allows together."""
    view = draw(views())
    for name in (*draw(st.permutations(view.in_use)), "architecture", "attack"):
        if refusal(view) is not None:
            view = view.without(name)
    return view


@given(settings_asked())
@settings(max_examples=100, deadline=None)
def test_the_recipe_file_of_every_view_asks_for_its_setting(view):
    setting = point(view)
    assert setting.waves == view.waves
    assert read_back(setting) == setting


@pytest.mark.parametrize("name", [field.name for field in fields(View) if field.name not in {*LIMITS, "sweep"}])
def test_the_recipe_file_has_every_stop_of_every_control(name):
    for stop in View().stops(name):
        view = View().turned(name, stop)
        if refusal(view) is None:
            assert read_back(point(view)) == point(view)


def keys(plan: Plan) -> list[str]:
    return [assessment_key(setting.point) for setting in plan.settings]


def plan_with(points: Iterable[Point], dials: tuple[str, ...] = ()) -> Plan:
    """A plan of some settings, each with the same names as the values of its dials."""
    settings = tuple(Setting(values=dials, point=point) for point in dict.fromkeys(points))
    return Plan(dials=dials, settings=settings, refused=(), waves=settings[0].point.waves)


@given(st.lists(settings_asked(), min_size=1, max_size=6), st.integers(1, 3))
@settings(max_examples=100, deadline=None)
def test_the_sweep_file_of_any_settings_asks_for_them_bit_for_bit(chosen, waves):
    plan = plan_with(point(view).with_waves(waves) for view in chosen)
    found = sweep_from_toml(plan_to_toml(plan).encode()).plan()
    assert keys(found) == keys(plan)
    assert found.waves == waves
    assert not found.refused or "in_step" not in plan_to_toml(plan)


def test_settings_that_are_all_combinations_are_written_as_a_grid_and_others_in_step():
    grid = sweep_from_toml(b"""
        architecture.kind = "Logistic"
        epochs = [10, 20]
        mechanisms.Dropout.rate = ["off", 0.5]
        mechanisms.LabelSmoothing.alpha = ["off", 0.3]
        release.weight_noise.sigma = ["off", 0.05]
        privacy.noise_multiplier = ["off", 1.0]
    """).plan()
    text = plan_to_toml(grid)
    for line in ("epochs = [10, 20]", 'privacy.noise_multiplier = ["off", 1.0]', "release.weight_noise.draws = 4"):
        assert line in text.splitlines()
    assert "in_step" not in text
    less = plan_with(setting.point for setting in grid.settings[1:])
    text = plan_to_toml(less)
    assert tomllib.loads(text)["in_step"] is True
    assert keys(sweep_from_toml(text.encode()).plan()) == keys(less)
    alone = plan_to_toml(plan_with([RICH]))
    assert tomllib.loads(alone) == tomllib.loads(point_to_toml(RICH))


def test_a_grid_is_taken_along_in_its_own_order():
    grid = sweep_from_toml(
        b'architecture.kind = "Logistic"\nseed = [3, 1]\nepochs = [20, 10]\nbatch = [16, 32]'
    ).plan()
    assert [(one.point.recipe.seed, one.point.recipe.epochs) for one in grid.settings[::2]] == [
        (3, 20),
        (3, 10),
        (1, 20),
        (1, 10),
    ]
    text = plan_to_toml(grid)
    assert "in_step" not in text
    assert keys(sweep_from_toml(text.encode()).plan()) == keys(grid)


def test_foreign_names_of_dials_and_values_are_not_in_the_sweep_file():
    plan = replace(
        plan_with([point(View()), RICH.with_waves(2)], NASTY), refused=(Refused(values=NASTY, reason=NASTY[0]),)
    )
    text = plan_to_toml(plan)
    assert not any(name in text for name in NASTY)
    assert keys(sweep_from_toml(text.encode()).plan()) == keys(plan)


def test_the_recipe_files_of_a_sweep_are_its_settings_in_their_order():
    plan = sweep_from_toml(b"seed = [3, 1, 2]\nmechanisms.Dropout.rate = ['off', 0.1, 0.2, 0.5]").plan()
    with zipfile.ZipFile(io.BytesIO(recipes_zip(plan))) as archive:
        names = archive.namelist()
        found = [sweep_from_toml(archive.read(name)).plan() for name in names]
    assert names == [*recipe_files(plan)] == sorted(names)
    assert names[0] == f"01-{recipe_name(plan.settings[0].point)}.toml"
    assert [key for one in found for key in keys(one)] == keys(plan)


def test_what_is_known_of_every_record_comes_as_arrays_that_need_no_pickle():
    setting = point(View())
    with np.load(io.BytesIO(records_npz(setting, whole())), allow_pickle=False) as found:
        assert np.array_equal(found["labels"], ANSWERS.labels)
        assert np.array_equal(found["masks"], ANSWERS.masks)
        assert np.array_equal(found["scores"], ANSWERS.scores)
        assert np.array_equal(found["phi"], ANSWERS.phi)
        assert np.array_equal(found["risk"], whole().risk.member)
        assert asked(str(found["question"])) == setting
        assert json.loads(str(found["question"]))["engine"] == ENGINE_VERSION


def package(name: str, version: str) -> Package:
    return Package(name=name, version=version)


TORCHES = ((package("python", "3.14.1"), package("torch", "8.0")), (package("torch", "9.0+cu999"),), ())
SAID = [{"python": "3.14.1", "torch": "8.0"}, {"torch": "9.0+cu999"}, "not recorded"]


@pytest.mark.parametrize(
    ("found", "trained_with", "assessed_with"),
    [
        (replace(whole(), trained_with=TORCHES, assessed_with=TORCHES[1]), SAID, SAID[1]),
        (replace(whole(), trained_with=((),), assessed_with=TORCHES[0]), ["not recorded"], SAID[0]),
        (whole(), ["not recorded"], "not recorded"),
    ],
)
def test_the_files_name_the_versions_that_made_the_result_not_those_of_this_machine(
    found, trained_with, assessed_with
):
    made_with = {"trained_with": trained_with, "assessed_with": assessed_with}
    with np.load(io.BytesIO(records_npz(point(View()), found)), allow_pickle=False) as arrays:
        assert json.loads(str(arrays["versions"])) == made_with
    table = parquet.read_table(io.BytesIO(records_parquet(point(View()), found)))
    assert json.loads(table.schema.metadata[b"privacydial.versions"]) == made_with


def test_the_parquet_file_has_a_row_for_every_target_and_record():
    setting = point(View())
    found = parquet.read_table(io.BytesIO(records_parquet(setting, whole())))
    rows = found.to_pylist()
    assert len(rows) == ANSWERS.masks.size
    for row in rows:
        model, record = row["model"], row["record"]
        assert row["pair"] == model // 2
        assert row["member"] == ANSWERS.masks[model, record]
        assert row["score"] == ANSWERS.scores[model, record]
        assert row["phi"] == ANSWERS.phi[model, record]
        assert row["label"] == ANSWERS.labels[record]
        assert row["risk"] == whole().risk.member[record]
    assert asked(found.schema.metadata[b"privacydial.question"].decode()) == setting


def test_without_scores_record_by_record_there_is_no_file_but_a_sentence():
    with pytest.raises(InvalidValueError, match="stored record by record, got none for attack lira"):
        records_npz(point(View()), assessment())


def script(setting, found):
    from dashboard.panels.taking import take

    take(setting, found)


@pytest.mark.parametrize(
    ("found", "sentence", "files"),
    [
        (None, "Nothing has been measured here yet.", ["Recipe file"]),
        (assessment(), "scores are not kept record by record", ["Recipe file"]),
        (whole(), "the versions of what measured it were not recorded", ["Recipe file", "NumPy", "Parquet"]),
        (
            replace(whole(), assessed_with=TORCHES[0]),
            "the versions of what attacked the models; not all of those that trained them were recorded.",
            ["Recipe file", "NumPy", "Parquet"],
        ),
        (
            replace(whole(), assessed_with=TORCHES[0], trained_with=TORCHES),
            "not all of those that trained them were recorded.",
            ["Recipe file", "NumPy", "Parquet"],
        ),
        (
            replace(whole(), assessed_with=TORCHES[0], trained_with=TORCHES[:2]),
            "with the recipe and the versions of what trained and attacked the models.",
            ["Recipe file", "NumPy", "Parquet"],
        ),
    ],
)
def test_what_can_be_taken_along(found, sentence, files):
    app = AppTest.from_function(script, args=(replace(RICH, attack="correctness"), found), default_timeout=20)
    app.session_state["take"] = True
    app.run()
    assert not app.exception
    assert [button.proto.label for button in app.get("download_button")] == files
    assert sentence in " ".join(element.proto.body for element in app.get("html"))
    assert "privacydial sweep digits-correctness-" in app.code[0].value
