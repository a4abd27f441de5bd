import pytest

from cache.admission import Everything, Listed, Nothing, refusal
from dashboard.state.presets import training
from dashboard.state.view import View, point
from engine.validate import InvalidValueError


def test_nobody_and_everybody_are_what_they_say():
    assert training("nobody") == Nothing()
    assert training("everybody") == Everything()
    assert refusal(Everything(), point(View()).recipe, 8) is None
    assert "Nothing is trained here" in str(refusal(Nothing(), point(View()).recipe, 1))


def test_a_file_lists_settings_by_their_addresses(tmp_path):
    file = tmp_path / "presets"
    file.write_text(
        "# for Monday\n\nhttp://127.0.0.1:8501/?population=digits\nregularization=3&models=8\nregularization=3\n"
    )
    digits, decayed = (
        point(view).recipe for view in (View().turned("population", "digits"), View(regularization="3"))
    )
    assert training(str(file)) == Listed(waves={digits: 2, decayed: 2})
    listed = training(str(file))
    assert refusal(listed, digits, 2) is None
    assert "Only 16 models" in str(refusal(listed, digits, 3))
    assert "listed settings only" in str(refusal(listed, point(View()).recipe, 1))


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("colour=blue", "line 2: 'colour' is not part of a view"),
        ("population=mars", "line 2: population must be one of .*, got 'mars'"),
        ("some words", "line 2: 'some words' is not part of a view"),
        ("dp=1&mixup=0.4", "line 2: "),
    ],
)
def test_a_line_that_is_no_setting_is_one_sentence(tmp_path, line, sentence):
    (tmp_path / "presets").write_text(f"models=8\n{line}\n")
    with pytest.raises(InvalidValueError, match=sentence):
        training(str(tmp_path / "presets"))


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(InvalidValueError, match="--train must be nobody, everybody or a readable file, got"):
        training(str(tmp_path))
