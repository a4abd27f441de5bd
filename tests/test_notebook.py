import json
import re
import sys
from pathlib import Path
from subprocess import run

import plotly.graph_objects as go
import pytest

import dashboard
import engine
from dashboard.results import notebook
from dashboard.results.palette import PALETTES, coloured
from engine.validate import InvalidValueError
from tests.handmade import headline, whole

ROOT = Path(__file__).parent.parent


def blocks(document: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_example_in_the_readme_runs_as_it_stands(capsys):
    (example,) = blocks("README.md")
    names: dict[str, object] = {}
    exec(example, names)  # noqa: S102  our own document
    told = capsys.readouterr().out
    assert re.findall(r"^(.+): AUC 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)$", told, flags=re.MULTILINE) == [
        "no defence",
        "noise on the weights",
        "label smoothing",
    ]
    for name in ("figure", "curve"):
        assert isinstance(names[name], go.Figure)
    (points,) = json.loads(names["figure"].to_json())["data"]  # type: ignore[attr-defined]
    assert points["text"] == ["no defence", "noise on the weights", "label smoothing"]
    assert points["x"] == [found.headline.auc.estimate for found in names["measured"].values()]  # type: ignore[attr-defined]


def test_naming_values_of_the_engine_loads_no_torch_and_naming_train_does():
    code = (
        "import sys; from engine import Recipe, Release, Mlp, Dropout, InvalidValueError;"
        "print('torch' in sys.modules); from engine import train; print('torch' in sys.modules)"
    )
    told = run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["False", "True"]


def test_every_name_that_the_engine_offers_is_there_and_others_are_not():
    assert list(engine.__all__) == sorted(engine.__all__, key=lambda name: (name.islower(), name))
    for name in engine.__all__:
        assert getattr(engine, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Dial'"):
        engine.Dial  # type: ignore[attr-defined]  # noqa: B018


def test_what_a_release_does_not_give_is_refused_with_the_reason():
    recipe = engine.Recipe(population=engine.PopulationChoice(name="digits", contested=100), epochs=1, batch=20)
    with pytest.raises(InvalidValueError, match="attack LiRA needs the probabilities"):
        engine.assess(recipe, (), release=engine.Release(outputs=engine.LabelOnly()))
    with pytest.raises(InvalidValueError, match="waves must be"):
        engine.train(recipe, waves=0)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "draw", [notebook.roc, notebook.scores, notebook.risk, notebook.reliability, notebook.bounds]
)
def test_every_figure_is_a_plotly_object_without_roles_left(draw, theme):
    text = draw(whole(headline()), theme=theme).to_json()
    assert '"@' not in text
    assert PALETTES[theme]["paper"] in text


def test_markup_in_a_name_is_shown_as_it_is():
    figure = notebook.tradeoff({"<b>x</b>": whole(headline())})
    assert json.loads(str(figure.to_json()))["data"][0]["text"] == ["&lt;b&gt;x&lt;/b&gt;"]


def test_both_palettes_have_every_role_that_figures_name():
    assert PALETTES["light"].keys() == PALETTES["dark"].keys()
    sources = "".join(
        file.read_text(encoding="utf-8") for file in (Path(dashboard.__file__).parent / "results").glob("*.py")
    )
    named = set(re.findall(r'"@([a-z-]+)"', sources))
    assert len(named) > 10
    assert named <= PALETTES["light"].keys()


def test_colouring_leaves_the_figure_as_it_is():
    figure = {"a": ["@ink", {"b": "@paper"}], "c": 1, "d": "plain"}
    assert coloured(figure, "light") == {"a": ["#222222", {"b": "#ffffff"}], "c": 1, "d": "plain"}
    assert figure["a"] == ["@ink", {"b": "@paper"}]
