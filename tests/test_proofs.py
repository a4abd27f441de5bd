from dataclasses import replace

from dashboard.results import belief, proofs
from tests.handmade import CROSSING, HONESTY, assessment, bound, claim, headline, interval, whole

PROVED = headline(claim=claim(6.5))


def marks(figure):
    return {trace["name"]: dict(zip(trace["y"], trace["x"], strict=True)) for trace in figure["data"]}


def test_bounds_from_below_stand_beside_the_proved_one_in_marks_of_their_own():
    figure = proofs.bounds(whole(PROVED))
    assert marks(figure) == {
        "at least, measured": {"one-run audit": 1.25, "Clopper–Pearson audit": 0.0},
        "at most, proved": {"accountant": 6.5},
    }
    below, above = figure["data"]
    assert below["marker"]["symbol"] != above["marker"]["symbol"]
    assert figure["layout"]["shapes"][0]["x0"] == 6.5


def test_the_finding_names_the_strongest_bound_with_what_it_rests_on():
    assert proofs.finding(whole(PROVED)) == (
        "Measured: ε is at least 1.25, if its assumption holds (one-run audit, valid under (ε, δ)-DP). "
        "Proved: ε is at most 6.50. The truth lies between."
    )
    assert proofs.finding(whole()).endswith("No ε is proved, so nothing bounds it from above.")
    assert proofs.finding(assessment()).startswith("No audit bounds ε from below here.")


CHOSEN = "choosing the epoch by looking at private accuracy"


def test_beside_an_epsilon_at_a_kept_epoch_stands_that_choosing_it_is_not_covered():
    made = whole(PROVED)
    assert f"ε is at most 6.50, {CHOSEN} not covered." in proofs.finding(made, stopped=True)
    assert f"{CHOSEN} is not covered by it." in dict(proofs.facts(made, stopped=True))["Proved: 6.50"]
    assert proofs.rows(made, stopped=True)[-1]["Rests on"] == f"add or remove one record; {CHOSEN} is not covered"
    assert f"C{CHOSEN[1:]} is not covered by it." in dict(belief.facts(made, stopped=True))["What ε assumes"]
    for place in (proofs.finding, proofs.facts, proofs.rows, belief.facts):
        assert CHOSEN not in str(place(made))
        assert CHOSEN not in str(place(assessment(), stopped=True))


def test_bounds_of_zero_are_not_sold_as_a_finding():
    made = whole(PROVED)
    nothing = replace(made, audits=tuple(replace(bound, epsilon=0.0) for bound in made.audits))
    assert proofs.finding(nothing).startswith("No audit shows that ε is above 0")


def test_every_bound_carries_its_assumption():
    facts = dict(proofs.facts(whole(PROVED)))
    assert facts["Proved: 6.50"] == "δ = 1e-5, per run, add or remove one record, RDP accountant."
    assert facts["one-run audit: ε ≥ 1.25"] == (
        "Valid under (ε, δ)-DP. At δ = 1e-5, with 95 % confidence, from 100 guesses about the middle one of 16 "
        "models, 70 of them right. Attack: LiRA."
    )
    assert "Assumes records independent." in facts["Clopper–Pearson audit: ε ≥ 0.00"]
    assert [row["Rests on"] for row in proofs.rows(whole(PROVED))] == [
        "valid under (ε, δ)-DP",
        "assumes records independent",
        "add or remove one record",
    ]


def test_a_bound_above_the_proved_epsilon_is_reported_as_a_bug_or_a_broken_assumption():
    made = replace(whole(PROVED), audits=(bound("one-run", 7.0),))
    (sentence,) = proofs.contradictions(made)
    assert sentence == (
        "The one-run audit measured ε ≥ 7.00, more than the proved 6.50. Both cannot hold: there is a bug, or an "
        "assumption is broken (valid under (ε, δ)-DP)."
    )
    assert proofs.finding(made).endswith("Both cannot hold.")


def test_bounds_that_agree_or_are_about_a_smaller_delta_contradict_nothing():
    made = whole(PROVED)
    smaller = bound("one-run", 7.0, delta=1e-6)
    assert proofs.contradictions(made) == proofs.contradictions(whole()) == ()
    assert proofs.contradictions(replace(made, audits=(smaller,))) == ()


def test_an_attack_above_the_ceiling_is_told_and_one_below_is_a_fact_among_others():
    made = whole(PROVED)
    assert proofs.crossings(made) == proofs.crossings(assessment()) == ()
    assert dict(proofs.facts(made))["Does the attack cross the ceiling?"] == CROSSING.sentence
    over = replace(made, crossing=replace(CROSSING, crossed=True, sentence="30 %: a bug or a broken assumption."))
    assert proofs.crossings(over) == ("The attack crosses the ceiling. 30 %: a bug or a broken assumption.",)


def test_the_honesty_panel_tells_counts_rates_chance_ties_blindness_threat_and_epsilon():
    facts = dict(belief.facts(whole(PROVED)))
    assert facts["Records and models"] == "1,000 records, 16 models attacked, each with 14 shadow models."
    assert "Rates are claimed from 0.12 % false alarms on" in facts
    assert "0.1 % of cases (999 random re-draws" in facts["Could it be chance?"]
    assert "Ties: 12.5 % of the scores" in facts
    assert facts["Telling members without the model"] == (
        "AUC .510 (.480 – .540) from the records alone. The records alone do not tell members from outsiders."
    )
    assert facts["Threat model"] == "The attacker knows each record in question with its label."
    assert facts["What ε assumes"] == "ε holds for one training run."
    assert facts["A model counts as confident from 0.99 on"] == (
        "60.0 % of the records are there as they are: their distance is 0, all tied. For 1.5 % no change was found; "
        "their distance is the end of the search."
    )


def test_a_blind_baseline_that_succeeds_warns():
    made = whole()
    seen = replace(made, honesty=replace(HONESTY, blind_baseline=interval(0.8, 0.7, 0.9)))
    assert "differ by themselves" in dict(belief.facts(seen))["Telling members without the model"]
    fair = replace(made, honesty=replace(HONESTY, blind_baseline=None, epsilon_assumes="", ties=0.0))
    facts = dict(belief.facts(fair))
    assert facts["Telling members without the model"].startswith("Impossible here: fair coins")
    assert facts["What ε assumes"] == "No ε is claimed here, so nothing is assumed."
    assert facts["Ties: 0.0 % of the scores"] == "No two records of a model have the same score."


def test_older_assessments_still_tell_what_their_headline_knows():
    assert [term for term, _ in belief.facts(assessment())] == [
        "Records and models",
        "Rates are claimed from 0.12 % false alarms on",
        "Could it be chance?",
    ]
