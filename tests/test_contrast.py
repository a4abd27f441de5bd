import pytest

from dashboard.results import contrast, multiples
from dashboard.results.settings import differences
from dashboard.state.view import View
from tests.handmade import comparison, headline, interval, whole

OPEN = comparison(auc=interval(-0.01, -0.03, 0.01), p_value=0.3, verdict="cannot tell yet", more_waves=6)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (comparison(), "yes"),
        (comparison(verdict="no"), "no, it leaks more"),
        (OPEN, "cannot tell yet (needs about 6 more waves of 8 models)"),
        (
            comparison(verdict="cannot tell yet", more_waves=1),
            "cannot tell yet (needs about 1 more wave of 8 models)",
        ),
        (
            comparison(verdict="cannot tell yet", more_waves=None),
            "cannot tell yet (64 waves would not be enough for a difference this small)",
        ),
    ],
)
def test_the_plain_answer_is_yes_no_or_what_it_still_needs(found, words):
    assert contrast.answer(found) == words
    assert contrast.headline("A", {"B": found}) == f"B leaks less than A: {words}."


def test_several_answers_are_one_sentence():
    assert contrast.headline("A", {"B": comparison(verdict="no"), "D": comparison()}) == (
        "B leaks less than A: no, it leaks more; D: yes."
    )


def test_every_difference_has_its_sign_its_interval_and_its_unit():
    (row,) = contrast.rows("A", {"B": comparison()})
    assert row == {
        "Difference": "B minus A",
        "Leaks less": "yes",
        "Attack AUC": "−.085 (−.098 to −.072)",
        "p, for this look": "0.0004",
        "Found at 1 % false alarms": "−9.0 (−12.0 to −6.0) points",
        "Test accuracy": "−4.6 (−5.6 to −3.6) points",
        "Train accuracy": "−17.0 (−18.0 to −16.0) points",
        "Pairs": "8",
    }
    assert "attack AUC −.010 (−.030 to +.010)" in contrast.finding("A", {"B": OPEN})


def test_the_tiles_tell_an_open_answer_from_none():
    first, second = contrast.tiles("A", {"A": "MLP 128", "B": "LSTM 64", "C": "GRU 64"}, {"B": OPEN})
    assert (first.value, first.interval, first.muted) == (
        "Cannot tell yet",
        "Attack AUC −.010 (−.030 to +.010)",
        True,
    )
    assert "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}.300, 8 pairs" in first.behind
    assert (second.name, second.value) == ("C leaks less than A? C is GRU 64", "Not compared yet")


def test_the_figure_holds_0_and_every_interval_and_tells_settings_apart_by_more_than_colour():
    found = {"B": comparison(), "C": OPEN, "D": comparison(verdict="no")}
    figure = contrast.figure("A", found)
    low, high = figure["layout"]["xaxis"]["range"]
    assert low == -high < -0.12
    assert len({trace["marker"]["symbol"] for trace in figure["data"]}) == 3
    assert [trace["name"] for trace in figure["data"]] == ["B minus A", "C minus A", "D minus A"]
    assert figure["data"][0]["x"] == [-0.046, -0.09, -0.085]
    assert len({tuple(trace["y"]) for trace in figure["data"]}) == 3


def test_loss_ranks_are_told_with_their_interval_and_in_words():
    rows = contrast.loss_ranks("A", {"B": comparison(), "C": comparison(loss_rank=interval(-0.4, -0.5, -0.3))})
    assert rows[0] == {
        "Settings": "A and B",
        "Rank correlation of the members' losses": "+.800 (+.780 to +.820)",
        "In words": "much the same members are hard for both",
    }
    assert rows[1]["In words"] == "members that are hard for one are easy for the other"


@pytest.mark.parametrize("scale", ["linear", "logarithmic"])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_curves_stand_side_by_side_without_overlap_each_with_its_band_and_the_first_one_beside_it(scale, count):
    found = {letter: whole() for letter in "ABCD"[:count]}
    figure = multiples.figure(found, scale)
    layout = figure["layout"]
    boxes = [
        (*layout[f"xaxis{number}"]["domain"], *layout[f"yaxis{number}"]["domain"])
        for number in ["", "2", "3", "4"][:count]
    ]
    for place, (left, right, low, high) in enumerate(boxes):
        assert 0 <= left < right <= 1
        assert 0 <= low < high <= 1
        for other in boxes[place + 1 :]:
            assert right < other[0] or low > other[3]
    assert sum(trace.get("fill") == "toself" for trace in figure["data"]) == count
    repeated = [trace for trace in figure["data"] if trace["name"] == "A, to compare"]
    assert [trace["xaxis"] for trace in repeated] == ["x2", "x3", "x4"][: count - 1]
    names = [trace["name"] for trace in figure["data"] if trace["showlegend"]]
    assert len(names) == len(set(names))
    assert all(layout[f"xaxis{number}"]["type"] == layout["yaxis"]["type"] for number in ["", "2"])


def test_the_curves_are_told_in_words_and_as_a_table():
    found = {"A": whole(), "B": whole(headline(auc=interval(0.6, 0.58, 0.62)))}
    assert multiples.finding(found, "linear").startswith(
        "Area under the curve: A .796 (.790 – .802), B .600 (.580 – .620)."
    )
    assert "A 19.0 % (16.0 – 22.0 %)" in multiples.finding(found, "logarithmic")
    row = multiples.rows(found)[-1]
    assert row["False alarms (FPR)"] == "50 %"
    assert row["B, members found (95 % interval)"] == "70.7 % (60.7 % – 80.7 %)"


def test_matched_sizes_are_called_matched_and_others_are_not():
    matched = differences({"A": View(architecture="mlp-31"), "B": View(architecture="lstm-64")})
    assert matched[-1] == {"Dial": "Trainable parameters", "A": "24,655", "B": "24,714 (+0.2 %, matched)"}
    (_, sizes) = differences({"A": View(), "B": View(architecture="lstm-64")})
    assert sizes["B"] == "24,714 (−75.7 %)"


def test_no_cell_and_no_tick_gives_a_zero_a_sign():
    even = comparison(auc=interval(-0.0001, -0.03, 0.0), test_accuracy=interval(0.0, -0.0004, 0.01))
    (row,) = contrast.rows("A", {"B": even})
    assert row["Attack AUC"] == ".000 (−.030 to .000)"
    assert row["Test accuracy"] == "0.0 (0.0 to +1.0) points"
    ticks = contrast.figure("A", {"B": even})["layout"]["xaxis"]
    assert ticks["ticktext"] == ["−0.10", "0", "+0.10"]
    assert ticks["tickvals"] == [-0.1, 0.0, 0.1]


@pytest.mark.parametrize("reach", [0.02, 0.034, 0.05, 0.08, 0.11, 0.15, 0.3, 0.6, 0.8, 1.0])
def test_an_axis_of_differences_has_one_or_two_round_ticks_to_either_side_of_zero(reach):
    ticks = contrast.figure("A", {"B": comparison(auc=interval(0.0, -reach, reach))})["layout"]["xaxis"]
    assert ticks["ticktext"].count("0") == 1
    assert 1 <= sum(value > 0 for value in ticks["tickvals"]) <= 2
    assert max(ticks["tickvals"]) <= ticks["range"][1]
