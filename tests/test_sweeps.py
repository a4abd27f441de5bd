import re
import textwrap
from pathlib import Path

import pytest

import cache.sweeps.reading
from cache.keys import Point
from cache.sweeps.dials import dials
from cache.sweeps.reading import MOST_BYTES, MOST_OWN_BYTES, sweep_from_toml
from cache.sweeps.values import Axis, Range, Sample, Sweep, sobol
from dashboard.commands.terminal import plan_in
from engine.architectures import Logistic, Mlp
from engine.mechanisms import Dropout, Mixup
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.values import Release, WeightNoise
from engine.validate import InvalidValueError

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
EXAMPLES = [
    textwrap.dedent(block) for block in re.findall(r"::\n\n((?: {4}.*\n|\n)+)", cache.sweeps.reading.__doc__ or "")
]


def read(text: str) -> Sweep:
    return sweep_from_toml(text.encode())


def refusal(text: str) -> str:
    """The sentence on a file that is no sweep."""
    with pytest.raises(InvalidValueError) as caught:
        read(text).plan()
    return str(caught.value)


def test_an_empty_file_is_the_default_setting_alone():
    plan = read("").plan()
    assert plan.dials == ()
    assert [setting.point for setting in plan.settings] == [Point(recipe=Recipe(), release=Release())]


def test_lists_make_a_grid_in_the_order_of_the_file_with_the_last_dial_fastest():
    plan = read("seed = [1, 2]\nepochs = [10, 20]").plan()
    assert plan.dials == ("seed", "epochs")
    assert [setting.values for setting in plan.settings] == [(1, 10), (1, 20), (2, 10), (2, 20)]
    assert [(s.point.recipe.seed, s.point.recipe.epochs) for s in plan.settings] == [s.values for s in plan.settings]


def test_dotted_names_reach_every_part_of_a_point():
    (setting,) = (
        read("""
            waves = 3
            attack = "loss"
            population = {name = "digits", contested = 200, seed = 4}
            architecture.kind = "Mlp"
            architecture.width = 16
            mechanisms.Dropout.rate = 0.5
            optimizer.kind = "Sgd"
            optimizer.momentum = 0.5
            privacy.noise_multiplier = 1
            epochs = 5
            batch = 20
            release.weight_noise.sigma = 0.1
            release.weight_noise.tensors = "output"
        """)
        .plan()
        .settings
    )
    assert setting.point == Point(
        recipe=Recipe(
            population=PopulationChoice(name="digits", contested=200, seed=4),
            architecture=Mlp(width=16),
            mechanisms=(Dropout(rate=0.5),),
            optimizer=Sgd(momentum=0.5),
            privacy=DpSgd(noise_multiplier=1.0),
            epochs=5,
            batch=20,
        ),
        release=Release(weight_noise=WeightNoise(sigma=0.1, tensors="output")),
        attack="loss",
        waves=3,
    )


def test_off_takes_out_the_table_or_the_value_that_can_be_none():
    plan = read("""
        privacy.noise_multiplier = ["off", 0]
        privacy.clip = ["off", 2.0]
        mechanisms.Dropout.rate = "off"
        release.weight_noise.sigma = "off"
        release.epoch = "off"
    """).plan()
    assert [setting.point.recipe.privacy for setting in plan.settings] == [None, DpSgd(clip=None), DpSgd(clip=2.0)]
    assert [setting.values for setting in plan.settings] == [("off", None), (0, "off"), (0, 2.0)]
    assert {(s.point.recipe.mechanisms, s.point.release) for s in plan.settings} == {((), Release())}


def test_a_kind_without_a_field_is_measured_once_whatever_the_field():
    plan = read('architecture.kind = ["Logistic", "Mlp"]\narchitecture.width = [8, 16]').plan()
    assert [s.point.recipe.architecture for s in plan.settings] == [Logistic(), Mlp(width=8), Mlp(width=16)]
    assert [s.values for s in plan.settings] == [("Logistic", None), ("Mlp", 8), ("Mlp", 16)]


def test_refused_combinations_are_listed_with_the_reason_of_the_engine_and_the_others_stay():
    plan = read('mechanisms.Mixup.alpha = ["off", 1]\nprivacy.noise_multiplier = ["off", 1]').plan()
    assert [s.values for s in plan.settings] == [("off", "off"), ("off", 1), (1, "off")]
    assert plan.settings[2].point.recipe.mechanisms == (Mixup(alpha=1.0),)
    (refused,) = plan.refused
    assert refused.values == (1, 1)
    assert refused.reason.startswith("mixup must be off with DP-SGD: ")


def test_a_whole_number_and_its_float_are_one_setting():
    assert len(read("mechanisms.Dropout.rate = [0, 0.0]").plan().settings) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochz = 3", "a dial of a sweep must be a field of a recipe or a release such as epochs, got 'epochz'"),
        ("mechanisms.Dropout = 3", "such as mechanisms.Dropout.rate, got 'mechanisms.Dropout'"),
        ("architecture.widht = 3", "such as architecture.width, got 'architecture.widht'"),
        ("epochs = '3'", "epochs must be a whole number, got '3'"),
        ("epochs = [1, 2.5]", "epochs must be a whole number, got 2.5"),
        ("epochs = true", "epochs must be a whole number, got True"),
        ("epochs = [[1]]", "epochs must be a whole number, got [1]"),
        ("optimizer.learning_rate = nan", "optimizer.learning_rate must be a finite number, got nan"),
        ("architecture.bidirectional = 1", "architecture.bidirectional must be true or false, got 1"),
        ("architecture.kind = 'Vit'", "architecture.kind must be one of Cnn1d, Cnn2d, Gru,"),
        ("attack = 3", "attack must be a text, got 3"),
        ("population.seed = 1979-05-27", "population.seed must be a whole number, got datetime.date(1979, 5, 27)"),
        ("epochs = 'off'", "epochs must be a whole number, got 'off'"),
        ("epochs = []", "epochs must have at least one value, got an empty list"),
        ("mechanisms.Dropout = {}", "mechanisms.Dropout must have at least one dial, got an empty table"),
        ("waves = 0", "waves must be at least 1, got 0"),
        ("waves = [1, 2]", "waves must be a whole number, got [1, 2]"),
        ("attack = 'guess'", "a sweep must have a setting that the engine takes: attack must be one of"),
        ("architecture.hidden = 3", "architecture.hidden must belong to a setting of the sweep, but no kind of"),
        ("release.weight_noise.draws = 3", "release.weight_noise.sigma must be given beside the other dials of"),
        ("epochs = {from = 1, to = 3}", "epochs must be a value or a list in a sweep without a sample"),
        ("sample.points = 3", "sample must have at least one list or range to draw from, got none"),
        ("sample.points = 0\nseed = [1, 2]", "sample.points must be at least 1, got 0"),
        ("sample.points = 10000000\nseed = [1, 2]", "sample.points must be at most 10,000, got 10000000"),
        ("sample = 3", "sample must be a table with points and perhaps a seed, got 3"),
        ("in_step = 1\nseed = [1, 2]", "in_step must be true or false, got 1"),
        ("in_step = true\nseed = 3", "in_step must have at least one list, got none"),
        (
            "in_step = true\nseed = [1, 2]\nepochs = [1, 2]\nbatch = [1, 2, 3]",
            "lists in step must have one length, got 2 values of seed and 3 of batch",
        ),
        ("in_step = true\nseed = {from = 1, to = 3}", "seed must be a value or a list in a sweep without a sample"),
        ("in_step = true\nseed = [1, 2]\nsample.points = 2", "in_step must be false in a sweep with a sample"),
        (f"in_step = true\nseed = {list(range(10_001))}", "points of a sweep must be at most 10,000, got 10001"),
        ("seed = {from = 1}", "seed must be a range with from, to and perhaps scale, got {'from': 1}"),
        ("seed = {from = 3, to = 1}\nsample.points = 2", "seed.to must be above 3, got 1"),
        ("seed = {from = 'a', to = 1}\nsample.points = 2", "seed.from must be a finite number, got 'a'"),
        ("attack = {from = 3, to = 4}\nsample.points = 2", "attack must be a value or a list, got a range"),
        (
            "mechanisms.Dropout.rate = {from = 0, to = 1, scale = 'log'}\nsample.points = 2",
            "mechanisms.Dropout.rate.from must be above 0, got 0",
        ),
        ("epochs =", "a sweep file must be valid TOML: Invalid value"),
        (f"a = {'[' * 100_000}", "a sweep file must be valid TOML: "),
        ("#" * (MOST_BYTES + 1), "a sweep file must be at most 1,000,000 bytes, got 1,000,001"),
    ],
)
def test_bad_input_is_one_sentence_that_names_the_dial_the_rule_and_the_value(text, sentence):
    refused = refusal(text)
    assert sentence in refused
    assert "\n" not in refused


def test_bytes_that_are_no_text_are_one_sentence():
    with pytest.raises(InvalidValueError, match="must be text in UTF-8: invalid start byte at byte 0"):
        sweep_from_toml(b"\xff\xfe")


def test_the_command_reads_a_longer_file_than_strangers_may_send(tmp_path):
    file = tmp_path / "sweep.toml"
    file.write_bytes(b"seed = [1, 2]\n" + b"#" * MOST_BYTES)
    assert [setting.values for setting in plan_in(file).settings] == [(1,), (2,)]
    file.write_bytes(b"#" * (MOST_OWN_BYTES + 2))
    with pytest.raises(InvalidValueError, match=r"sweep\.toml: a sweep file must be at most 20,000,000 bytes"):
        plan_in(file)


def test_lists_in_step_go_together_and_what_has_one_value_keeps_it():
    plan = read("""
        in_step = true
        epochs = [10, 20, 30]
        batch = 20
        architecture.kind = ["Mlp", "Mlp", "Logistic"]
        architecture.width = [8, 16, 8]
        mechanisms.Dropout.rate = ["off", 0.5, 0.5]
    """).plan()
    assert plan.dials == ("epochs", "architecture.kind", "architecture.width", "mechanisms.Dropout.rate")
    assert [setting.values for setting in plan.settings] == [(10, "Mlp", 8, "off"), (20, "Mlp", 16, 0.5)]
    assert [setting.point.recipe.batch for setting in plan.settings] == [20, 20]
    assert [refused.values for refused in plan.refused] == [(30, "Logistic", 8, 0.5)]


def test_ten_million_points_are_refused_without_making_them():
    lists = "\n".join(f"{name} = {list(range(1, 101))}" for name in ("seed", "population.seed", "epochs"))
    assert refusal(f"{lists}\nbatch = {list(range(1, 11))}") == (
        "points of a sweep must be at most 10,000, got 10000000"
    )


def test_a_sample_draws_lists_and_ranges_evenly():
    plan = read("""
        sample = {points = 64, seed = 3}
        architecture.kind = ["Logistic", "Mlp"]
        mechanisms.L2Penalty.strength = {from = 0.0001, to = 1, scale = "log"}
        seed = {from = 0, to = 1000}
    """).plan()
    kinds, strengths, seeds = zip(*(setting.values for setting in plan.settings), strict=True)
    assert (kinds.count("Logistic"), kinds.count("Mlp")) == (32, 32)
    assert [sum(10.0**k <= s < 10.0 ** (k + 1) for s in strengths) for k in range(-4, 0)] == [16] * 4
    assert [sum(low <= seed < low + 250 for seed in seeds) for low in (0, 250, 500, 750)] == [16] * 4
    assert all(isinstance(seed, int) for seed in seeds)


def test_a_sample_is_the_same_for_the_same_seed_and_begins_a_larger_one():
    few, many = (sobol(2, Sample(points=points, seed=5)) for points in (5, 13))
    assert few == many[:5]
    assert sobol(2, Sample(points=5, seed=6)) != few


def test_the_ends_of_a_range_are_its_own():
    assert Range(low=2, high=10).at(0.0, whole=True) == 2
    assert Range(low=0.01, high=1, scale="log").at(0.5, whole=False) == 0.1
    assert Range(low=0.0, high=3.0).at(1 / 3, whole=False) == 1.0


def test_every_field_of_a_recipe_a_release_and_a_point_is_a_dial():
    names = set(dials())
    assert {"population.seed", "architecture.kind", "mechanisms.SoftLabels.temperature", "privacy.clip"} <= names
    assert {"optimizer.learning_rate", "epochs", "release.epoch", "release.weight_noise.scale", "attack"} <= names
    assert not names & {"waves", "recipe", "sample", "release.weight_noise.kind"}


def test_an_axis_without_a_dial_is_refused():
    with pytest.raises(InvalidValueError, match="such as seed, got 'sead'"):
        Sweep(axes=(Axis(dial="sead", values=(1,)),))


def test_the_examples_of_the_documentation_are_what_they_say():
    grid, sample = (read(example).plan() for example in (EXAMPLES[0], EXAMPLES[1]))
    assert (len(grid.settings), len(grid.refused), len(sample.settings)) == (16, 8, 16)
    (block,) = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)
    assert len(read(block).plan().settings) == 16
