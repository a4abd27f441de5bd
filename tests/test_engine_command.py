"""The command ``python -m engine``: answers and refusals."""

from __future__ import annotations

import re

import pytest

from engine.__main__ import main

SMALL = ["--population", "digits", "--contested", "80", "--epochs", "2", "--batch", "16"]


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
        capsys, "sensitivity", *SMALL, "--neighbours", "4", "--epsilon", "1", "--architecture", "Logistic"
    )
    assert status == 0
    first, second = out.splitlines()
    assert first.startswith("Δ = ")
    assert first.endswith("(measured sensitivity, not a proof).")
    assert second.endswith("for ε = 1, δ = 1e-05 (measured sensitivity, not a proof).")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("epsilon", "-1"), "noise multiplier must be at least 0, got -1.0"),
        (("noise", "0"), "target ε must be above 0, got 0.0"),
        (("match", "breast-cancer", "Lstm", "Mlp"), "sequence view"),
        (("match", "digits", "Transformer", "Mlp"), "architecture must be one of"),
        (("match", "digits", "Mlp:depths=2", "Lstm"), "field of Mlp must be one of"),
        (("sensitivity", *SMALL, "--neighbours", "0"), "neighbours must be at least 1, got 0"),
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


def test_an_audit_of_no_waves_is_refused(capsys):
    assert asked(capsys, "audit", *SMALL, "--waves", "0") == (2, "", "waves must be at least 1, got 0")
