import pytest

from dashboard.results import words
from dashboard.results.tiles import Tile, empty_tiles, headline_html, tiles, tiles_html
from tests.handmade import claim, headline, interval, rate


def test_the_finding_counts_members_with_interval_and_baseline():
    assert words.finding(headline()) == (
        "Of 500 members, an attacker who accuses 1 in 100 outsiders finds 95 (80–110); guessing would find 5."
    )


def test_the_finding_says_so_when_there_are_too_few_outsiders():
    few = headline(records=100, low_fpr=(rate(alarms=4.0, non_members=100),))
    assert words.finding(few) == (
        "Of 50 members we cannot say how many an attacker finds who accuses 1 in 100 outsiders: "
        "there are too few outsiders to count."
    )


def test_the_scope_names_records_set_attack_targets_and_shadows():
    assert words.scope(headline(), "MNIST digits 28 × 28") == (
        "For these 1,000 records of a demonstration set (MNIST digits 28 × 28). Attack: LiRA, 16 models attacked, "
        "each with 14 shadow models; intervals are 95 %."
    )


@pytest.mark.parametrize(
    ("made", "value", "behind"),
    [
        (None, "no guarantee", "Trained without differential privacy: nothing is proved."),
        (claim(None), "∞", "No noise was added: this is not a guarantee."),
        (claim(6.5749), "6.57", "δ = 1e-5, per run, add or remove one record, RDP accountant."),
    ],
)
def test_epsilon_says_what_is_proved_and_what_is_not(made, value, behind):
    assert words.epsilon(headline(claim=made)) == (value, behind)


def test_beside_an_epsilon_of_early_stopping_stands_what_it_does_not_cover():
    sentence = (
        "It is for the steps up to the kept epoch; choosing the epoch by looking at private accuracy is not covered "
        "by it."
    )
    assert sentence in tiles(headline(claim=claim(6.5)), stopped=True)[-1].behind
    assert sentence not in tiles(headline(claim=claim(6.5)))[-1].behind
    for nothing in (None, claim(None)):
        assert tiles(headline(claim=nothing), stopped=True) == tiles(headline(claim=nothing))


def test_so_it_does_in_tables_and_on_cards():
    in_short = "6.50 (choosing the epoch by looking at private accuracy not covered)"
    assert words.epsilon_in_short(headline(claim=claim(6.5)), stopped=True) == in_short
    assert words.epsilon_in_short(headline(claim=claim(6.5)), stopped=False) == "6.50"
    assert words.epsilon_in_short(headline(claim=claim(None)), stopped=True) == "∞"
    assert words.epsilon_in_short(headline(), stopped=True) == "no guarantee"


def test_numbers_are_written_without_leading_zeros_and_with_their_sign():
    assert words.decimals(interval(0.796, 0.7, 0.8)) == ".796"
    assert words.between(interval(0.5, 0.4789, 1.0)) == ".479 – 1.000"
    assert words.decimals(interval(-0.01, -0.02, 0.0)) == "−.010"
    assert words.percent_between(interval(0.19, 0.16, 0.224)) == "16.0 – 22.4 %"


def test_what_stands_in_a_foreign_address_is_quoted_and_no_longer_than_a_sentence_bears():
    assert words.quoted("o'clock\n") == repr("o'clock\n")
    assert words.quoted("x" * 40) == repr("x" * 40)
    assert words.quoted("x" * 41) == repr("x" * 40 + "…")


def test_an_interval_around_a_half_is_no_proof_of_a_leak():
    assert words.leak(headline(auc=interval(0.51, 0.49, 0.53))) == (
        "The attack cannot be told from guessing with this many models."
    )
    assert "worse than guessing" in words.leak(headline(auc=interval(0.4, 0.3, 0.49)))


def test_the_randomization_test_is_a_sentence():
    assert words.null_test(headline()) == (
        "The attack does better than guessing. If nothing leaked, a result this strong would come up in "
        "0.1 % of cases (999 random re-draws of who was a member)."
    )


def test_each_tile_has_its_interval_and_what_stands_behind_it():
    accuracy, auc, found, proved = tiles(headline(claim=claim(6.5749)))
    assert (accuracy.value, accuracy.interval, accuracy.behind) == (
        "86.8 %",
        "86.0 – 87.6 %",
        "train 100.0 %, 16 models",
    )
    assert (auc.value, auc.interval, auc.behind) == (
        ".796",
        ".790 – .802",
        "guessing .500, 14 shadow models",
    )
    assert (found.value, found.interval) == ("19.0 %", "16.0 – 22.0 %")
    assert found.behind == "80 false alarms expected among 1,000 outsiders, 0.80 % reached, 14 shadow models"
    assert (proved.value, proved.interval) == ("6.57", "")
    assert not any(tile.muted for tile in (accuracy, auc, found, proved))


def test_what_cannot_be_claimed_is_greyed_and_says_why():
    *_, found, proved = tiles(headline(low_fpr=(rate(alarms=9.9),), claim=claim(None)))
    assert found.muted
    assert found.behind.endswith("too few to claim")
    assert proved.muted


def test_empty_tiles_have_the_same_names_and_no_number():
    assert [tile.name for tile in empty_tiles()] == [tile.name for tile in tiles(headline())]
    assert {tile.value for tile in empty_tiles()} == {"–"}


def test_no_text_reaches_the_page_unescaped():
    shown = tiles_html([Tile(name="<a>", how="auc", value="<b>", interval="<c>", behind="<d>")])
    assert not any(mark in shown for mark in ("<a>", "<b>", "<c>", "<d>"))
    assert "<i>" not in headline_html("<i>", "<i>", "<i>", about=None)


def test_an_interval_in_the_sentence_is_not_broken_over_two_lines():
    html = headline_html("An attacker finds 92 (75–110) & more (a–b).", "", about=None)
    assert 'finds 92 <span class="pd-whole">(75–110)</span> &amp; more (a–b).' in html


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [
        (0.0, ".000", ".000"),
        (-0.0, ".000", ".000"),
        (-0.0004, ".000", ".000"),
        (0.0004, ".000", ".000"),
        (-0.0006, "−.001", "−.001"),
        (0.0851, ".085", "+.085"),
        (-0.9996, "−1.000", "−1.000"),
        (1.25, "1.250", "+1.250"),
    ],
)
def test_a_number_that_is_written_as_zero_has_no_sign(value, plain, with_sign):
    assert words.short(value) == plain
    assert words.signed(plain) == with_sign
    assert words.signed(f"{value:.3f}").removeprefix("0") == with_sign.replace("+.", "+0.").replace("−.", "−0.")
