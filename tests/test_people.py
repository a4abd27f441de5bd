from dataclasses import replace

import numpy as np
import pytest

from dashboard.panels.records import _card
from dashboard.results import people
from engine.assessment.values import GroupRisk
from tests.handmade import ANSWERS, assessment, whole


def test_the_riskiest_records_come_with_label_risk_and_picture():
    first, second = people.named(whole())
    assert (first.title, first.member, first.non_member, first.chosen) == (
        "Record 2, class 3",
        (0.97, 0.9, 1.0),
        0.1,
        0.99,
    )
    assert first.picture is not None
    assert first.picture.tolist() == [[0, 255], [255, 0]]
    assert second.picture is None


def test_a_story_says_how_risk_differs_with_and_without_the_record_and_how_it_was_chosen():
    assert people.story(people.named(whole())[0]) == (
        "Where a model trained on it, the attacker's belief that it did is .970 (.900 – 1.000); where it did not, "
        ".100. It was chosen on the other models, at .990."
    )


def test_measurements_that_name_no_records_say_so():
    assert people.named(assessment()) == ()
    assert "names no records" in people.naming(assessment())


def test_records_without_labels_are_named_by_their_number_alone():
    assert people.named(replace(whole(), answers=None))[0].title == "Record 2"


def test_a_story_draws_phi_of_the_models_with_the_record_apart_from_those_without():
    made = whole()
    one = people.named(made)[0]
    trained, left_out = people.confidences(ANSWERS, one)["data"]
    assert (trained["name"], trained["x"]) == ("trained on it", [4.0, 5.0])
    assert (left_out["name"], left_out["x"]) == ("left it out", [-2.0, -1.0])
    assert trained["marker"]["symbol"] != left_out["marker"]["symbol"]
    assert people.confidences_words(ANSWERS, one) == (
        "The 2 models that trained on it reach φ = 4.50 on average, the 2 that left it out -1.50. Of one model of "
        "each kind, the one that trained on it is the more confident in 100 % of all such pairs; 50 % would tell "
        "nothing."
    )
    assert [row["Trained on it"] for row in people.confidences_rows(ANSWERS, one)] == ["no", "yes", "no", "yes"]


def test_models_that_are_equally_confident_count_half():
    made = whole()
    flat = replace(ANSWERS, phi=np.zeros_like(ANSWERS.phi))
    assert "in 50 % of all such pairs" in people.confidences_words(flat, people.named(made)[0])


def test_every_attack_has_its_verdict_on_a_record():
    made = whole()
    first, second = (people.verdicts(made, one) for one in people.named(made))
    assert [list(row.values()) for row in first] == [["LiRA", "100 %", "0 %"], ["Loss threshold", "50 %", "50 %"]]
    assert [list(row.values()) for row in second] == [["LiRA", "50 %", "50 %"], ["Loss threshold", "0 %", "100 %"]]


def test_of_a_record_that_is_not_named_only_the_attack_that_is_shown_has_a_verdict():
    made = whole()
    other = replace(people.named(made)[0], rank=None, record=0)
    assert [list(row.values()) for row in people.verdicts(made, other)] == [["LiRA", "100 %", "0 %"]]
    assert people.verdicts(replace(made, answers=None), other) == []


def test_groups_are_drawn_from_the_riskiest_down_and_overlap_is_said():
    (group,) = whole().groups
    assert people.groups(group)["data"][0]["y"] == ["class 1", "class 7", "class 3"]  # Plotly draws from below
    assert people.groups_words(group) == "Highest: class 3 at .950 (.900 – .970); lowest: class 1 at .550."
    same = replace(group, low=np.zeros(3), high=np.ones(3))
    assert "Their intervals overlap" in people.groups_words(same)
    assert [row["Class"] for row in people.groups_rows(group)] == ["3", "7", "1"]


def test_of_very_many_groups_the_riskiest_are_drawn_and_the_table_has_all():
    many = np.arange(100)
    group = GroupRisk(
        by="class", group=many, records=many + 1, risk=many / 200, low=many / 200 - 0.1, high=many / 200 + 0.1
    )
    assert people.groups(group)["data"][0]["y"][-1] == "class 99"
    assert len(people.groups(group)["data"][0]["y"]) == people.MOST_GROUPS
    assert f"Of 100 groups the {people.MOST_GROUPS} highest are drawn." in people.groups_words(group)
    assert len(people.groups_rows(group)) == 100


def test_what_goes_with_risk_and_which_attacks_agree_are_tables():
    made = whole()
    assert people.reasons(made) == [
        {
            "Property of a record": "input sensitivity",
            "Rank correlation with its risk": ".450",
            "95 % interval": ".400 – .500",
        }
    ]
    assert people.agreement(made) == [
        {"Against LiRA": "Loss threshold", "Rank correlation of records": ".600", "Of its top 10 the same": "40 %"}
    ]
    assert people.reasons(assessment()) == people.agreement(assessment()) == []


@pytest.mark.parametrize("rank", [0, 1])
def test_a_card_carries_its_record_and_its_ink_or_none(rank):
    one = people.named(whole())[rank]
    card = _card(one)
    assert (card["id"], card["title"]) == (str(one.record), one.title)
    assert (card["picture"] is None) == (one.picture is None)
    if one.picture is not None:
        assert card["picture"] == {"rows": 2, "columns": 2, "ink": "AP//AA=="}
