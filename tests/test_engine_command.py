"""The command ``python -m engine``: answers and refusals."""

from __future__ import annotations

import re

import pytest

from engine.__main__ import main
from engine.architectures import Logistic
from engine.mechanisms import DisturbLabel
from engine.recipe import DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.sensitivity import measured_sensitivity

SMALL = ["--population", "digits", "--contested", "80", "--epochs", "2", "--batch", "16"]
LEARNS = ["--population", "digits", "--contested", "80", "--epochs", "20", "--batch", "16"]


def asked(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    shown = capsys.readouterr()
    return status, shown.out.strip(), shown.err.strip()


def test_epsilon_is_stated_with_its_assumptions(capsys):
    status, out, _ = asked(capsys, "epsilon", "2", "--population", "digits")
    assert status == 0
    assert re.fullmatch(
        r"ε = 6\.\d+ at δ = 1e-05 by PRV, for one run; add or remove one record, Poisson sampling\.", out
    )


def test_noise_inverts_epsilon(capsys):
    _, out, _ = asked(capsys, "noise", "6.5", "--population", "digits")
    sigma = re.match(r"σ = ([\d.]+) proves ε = 6\.[45]", out)
    assert sigma is not None
    assert float(sigma[1]) == pytest.approx(2, abs=0.15)


def test_no_epsilon_is_finite_without_noise(capsys):
    assert asked(capsys, "epsilon", "0") == (0, "No ε is finite without noise.", "")


def test_a_match_shows_both_counts(capsys):
    _, out, _ = asked(capsys, "match", "mnist5k", "Lstm:hidden=64", "Mlp")
    assert re.search(r"has [\d,]+ parameters, .* has [\d,]+ \([+-][\d.]+%, within 2 %\)\.", out)


def test_measured_sensitivity_says_that_it_is_no_proof(capsys):
    status, out, _ = asked(
        capsys, "sensitivity", *SMALL, "--neighbours", "4", "--epsilon", "1", "--setting", "Logistic"
    )
    assert status == 0
    first, second = out.splitlines()
    assert first.startswith("Δ = ")
    assert first.endswith("(measured sensitivity, not a proof).")
    assert second.endswith("for ε = 1, δ = 1e-05 (measured sensitivity, not a proof).")


def test_sensitivity_is_that_of_the_whole_setting_at_the_kept_epoch(capsys):
    asking = ("sensitivity", *SMALL, "--neighbours", "4", "--epsilon", "1", "--epoch", "1", "--setting")
    _, out, _ = asked(capsys, *asking, "Logistic DisturbLabel:theta=0.3 Sgd:learning_rate=0.1 DpSgd:clip=0.5")
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=80),
        architecture=Logistic(),
        mechanisms=(DisturbLabel(theta=0.3),),
        optimizer=Sgd(learning_rate=0.1),
        privacy=DpSgd(clip=0.5),
        epochs=2,
        batch=16,
    )
    found = measured_sensitivity(recipe, neighbours=4, epoch=1)
    assert out.startswith(f"Δ = {found.largest:.4g}: ")
    assert f"{found.largest:.4g}" != f"{measured_sensitivity(recipe, neighbours=4).largest:.4g}"


def test_a_match_for_which_the_first_gave_way_says_so(capsys):
    first, second = "Cnn1d:width=24,depth=3", "Lstm:layers=2,bidirectional=true"
    status, out, _ = asked(capsys, "match", "mnist1d", first, second)
    assert status == 0
    assert out.startswith("Cnn1d(width=31, depth=3) has ")
    assert (
        ", within 2 %). No size of the second is within 2 % of Cnn1d(width=24, depth=3), so both sizes moved" in out
    )


@pytest.mark.parametrize("question", [("epsilon", "2"), ("noise", "3")], ids=lambda question: question[0])
def test_epsilon_and_noise_are_those_of_the_kept_epoch_whose_choice_they_do_not_cover(capsys, question):
    once = [word if word != "2" else "1" for word in SMALL]
    status, fewer, _ = asked(capsys, *question, *SMALL, "--epoch", "1")
    _, short, _ = asked(capsys, *question, *once)
    assert status == 0
    assert short != asked(capsys, *question, *SMALL)[1]
    assert fewer == (
        f"{short} It is for the steps up to the kept epoch; choosing the epoch by looking at private accuracy is not "
        "covered by it."
    )
    assert "not covered" not in short


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("epsilon", "2", *SMALL, "--epoch", "3"), "kept epoch must be at most 2, got 3"),
        (("noise", "2", *SMALL, "--epoch", "0"), "kept epoch must be at least 1, got 0"),
        (("sensitivity", *SMALL, "--epoch", "3"), "kept epoch must be at most 2, got 3"),
        (("sensitivity", *SMALL, "--setting", "Mlp Dropout:rate=0.5"), "must be of training without dropout"),
        (
            ("sensitivity", *SMALL, "--setting", "Mlp LabelOnly"),
            "setting must be of training alone, without what is released, got 'Mlp LabelOnly'",
        ),
        (("epsilon", "-1"), "noise multiplier must be at least 0, got -1.0"),
        (("noise", "0"), "target ε must be above 0, got 0.0"),
        (("match", "breast-cancer", "Lstm", "Mlp"), "sequence view"),
        (("match", "digits", "Transformer", "Mlp"), "architecture must be one of"),
        (("match", "digits", "Mlp:depths=2", "Lstm"), "field of Mlp must be one of"),
        (("sensitivity", *SMALL, "--neighbours", "0"), "neighbours must be at least 1, got 0"),
        (("compare", "Mlp", "Mlp Dropout", *SMALL), "Dropout must have the fields rate: 'rate' is missing"),
        (
            ("compare", "Mlp", "Mlp Logistic", *SMALL),
            "architecture must be given once in a setting, got 'Logistic' too",
        ),
        (("compare", "Mlp", "Mlp Shield", *SMALL), "part of a setting must be one of"),
        (("compare", "Mlp", "Mlp LabelOnly", *SMALL), "this release gives labels only"),
        (("compare", "Mlp", "Mlp", "--waves", "0", *SMALL), "waves must be at least 1, got 0"),
        (("recommend", "Mlp", *SMALL, "--least-accuracy", "2"), "least test accuracy must be at most 1, got 2.0"),
        (("recommend", "Mlp", *SMALL, "--waves", "1"), "waves must be at least 2, got 1"),
        (("recommend", "Mlp", "Mlp LabelOnly", *SMALL), "this release gives labels only"),
        (("attacks", "loss", "distance_l2", "--setting", "LabelOnly", *SMALL), "this release gives labels only"),
    ],
)
def test_what_is_out_of_range_is_one_sentence_and_status_2(capsys, arguments, sentence):
    status, out, err = asked(capsys, *arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_an_audit_tells_every_bound_with_what_it_assumes_and_what_is_proved(capsys):
    status, out, _ = asked(capsys, "audit", *SMALL, "--noise", "4", "--attack", "loss")
    lines = out.splitlines()
    assert status == 0
    assert re.fullmatch(
        r"ε ≥ [\d.]+ at δ = 1e-05 by one-run \(valid under \(ε, δ\)-DP\): median of 16 targets, .*", lines[0]
    )
    assert "assumes records independent" in lines[1]
    assert "assumes Gaussian DP" in lines[2]
    assert re.match(r"AUC ≤ 0\.\d{4} and TPR − FPR ≤ 0\.\d{4}: proved by the accountant \(PRV\)", lines[3])
    assert lines[4] == "No target's 99% band goes above the ceiling."


def test_an_audit_without_dp_proves_nothing(capsys):
    _, out, _ = asked(capsys, "audit", *SMALL)
    assert out.splitlines()[-1] == "Nothing is proved from above."


def test_an_audit_of_noise_on_weights_tells_what_the_measured_sensitivity_would_allow(capsys):
    _, out, _ = asked(capsys, "audit", *SMALL, "--weight-noise", "0.3", "--neighbours", "4", "--attack", "loss")
    nothing, ceiling, crossed = out.splitlines()[3:]
    assert nothing == "Nothing is proved from above."
    assert re.match(r"AUC ≤ 0\.\d{4} and TPR − FPR ≤ 0\.\d{4}: if the measured Δ were the true one: Δ/σ = ", ceiling)
    assert ceiling.endswith(" (measured sensitivity, not a proof).")
    assert "band" in crossed


def test_an_audit_asks_for_what_its_attack_must_know(capsys):
    status, out, _ = asked(capsys, "audit", *SMALL, "--attack", "rmia", "--waves", "1")
    assert status == 0
    assert out.startswith("ε ≥ ")


def test_an_audit_of_no_waves_is_refused(capsys):
    assert asked(capsys, "audit", *SMALL, "--waves", "0") == (2, "", "waves must be at least 1, got 0")


DIFFERENCE = r"[+-]\d\.\d{3} \([+-]\d\.\d{3} to [+-]\d\.\d{3}\)\."


def test_a_comparison_tells_every_paired_difference_and_answers_plainly(capsys):
    status, out, _ = asked(capsys, "compare", "Mlp", "Mlp DpSgd:noise_multiplier=8", *LEARNS)
    first, *differences, p_value, ranks, answer = out.splitlines()
    assert status == 0
    assert first == "Second minus first on the same 8 pairs of models, with 95 % intervals; attack: LiRA."
    for line, name in zip(
        differences, ("Train accuracy", "Test accuracy", "Attack AUC", "TPR at 1 % FPR"), strict=True
    ):
        assert re.fullmatch(f"{name}: {DIFFERENCE}", line)
    assert float(differences[0].split()[2]) < 0  # so much noise learns nothing
    assert re.fullmatch(r"p = \S+ of “both have the same AUC”, for one look at these pairs\.", p_value)
    assert re.fullmatch(f"Rank correlation of the members' losses: {DIFFERENCE}", ranks)
    assert answer == "Does the second leak less? Yes."


def test_a_setting_compared_with_itself_cannot_be_told_apart(capsys):
    _, out, _ = asked(capsys, "compare", "Logistic", "Logistic", *SMALL, "--waves", "1", "--attack", "loss")
    lines = out.splitlines()
    assert lines[3].startswith("Attack AUC: +0.000 (")
    assert lines[5].startswith("p = 1 of ")
    assert lines[6].startswith("Rank correlation of the members' losses: +1.000 ")
    assert lines[7] == (
        "Does the second leak less? Cannot tell yet, and the difference looks too small for 64 waves to tell."
    )


def test_two_attacks_are_compared_on_the_same_models(capsys):
    status, out, _ = asked(capsys, "attacks", "lira", "distance_l2", "--setting", "Logistic", *SMALL, "--waves", "1")
    lira, distance, difference = out.splitlines()
    one, two = (float(line.partition("AUC ")[2].split()[0]) for line in (lira, distance))
    assert status == 0
    assert lira.startswith("LiRA: AUC ")
    assert distance.startswith("Distance to confident, L2: AUC ")
    assert re.fullmatch(f"Second minus first on the same 4 pairs of models: {DIFFERENCE}", difference)
    assert float(difference.split(": ")[1].split()[0]) == pytest.approx(two - one, abs=0.0015)


def test_a_recommendation_is_chosen_among_the_accurate_and_reported_on_other_models(capsys):
    """So much noise leaks least and learns nothing: it is recommended unless an accuracy is wanted."""
    settings = ("Mlp", "Mlp DpSgd:noise_multiplier=8")
    status, out, _ = asked(capsys, "recommend", *settings, *LEARNS)
    _, wanted, _ = asked(capsys, "recommend", *settings, *LEARNS, "--least-accuracy", "0.3")
    assert status == 0
    chosen, reported = out.splitlines()
    assert chosen.startswith("Recommended of 2 settings: Mlp DpSgd:noise_multiplier=8. With a test accuracy of at")
    assert wanted.startswith("Recommended of 2 settings: Mlp. With a test accuracy of at least 0.3 it had the lowest")
    number = r"\d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\)"
    assert re.fullmatch(
        f"On the other half, 4 pairs that had no part in the choice: AUC {number}, test accuracy {number}\\.",
        reported,
    )


def test_where_no_setting_is_accurate_enough_none_is_recommended(capsys):
    _, out, _ = asked(capsys, "recommend", "Logistic", *SMALL, "--least-accuracy", "1", "--attack", "loss")
    assert out == "None of 1 settings reaches a test accuracy of 1."
