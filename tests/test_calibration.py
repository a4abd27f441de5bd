"""What an attacker who does not adapt calibrates on."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from cache.keys import Point
from engine.architectures import Logistic
from engine.assessment import assess as assess_signals
from engine.assessment.informed import informed_test
from engine.attacks import THRESHOLDED
from engine.attacks.informed import KnownMembers, Oracle
from engine.calibration import CALIBRATIONS, Calibration, shadow_recipe, shadow_release, undefended
from engine.mechanisms import Dropout, LabelSmoothing
from engine.pipeline import assess, train_wave
from engine.recipe import Adam, DpSgd, PopulationChoice, Recipe, Sgd
from engine.release.answers import release_signals
from engine.release.values import LabelOnly, Release, Temperature, WeightNoise
from engine.training.values import TrainedWave
from engine.validate import InvalidValueError
from tests.planted import planted_cohort

DIGITS = PopulationChoice(name="digits", contested=40, seed=3)


def test_a_recipe_without_defences_is_its_own_undefended_recipe():
    plain = Recipe(population=DIGITS, optimizer=Sgd(learning_rate=0.1), batch=20, epochs=7, seed=5)
    assert undefended(plain) == plain


def test_mechanisms_go_and_everything_else_stays():
    plain = Recipe(population=DIGITS, optimizer=Sgd(learning_rate=0.1), batch=20, epochs=7, seed=5)
    defended = Recipe(
        population=DIGITS,
        optimizer=Sgd(learning_rate=0.1),
        batch=20,
        epochs=7,
        seed=5,
        mechanisms=(Dropout(rate=0.5), LabelSmoothing(alpha=0.1)),
    )
    assert undefended(defended) == plain


def test_dp_sgd_goes_with_its_optimizer_and_batch():
    private = Recipe(
        population=DIGITS, architecture=Logistic(), privacy=DpSgd(), optimizer=Sgd(), batch=5, epochs=9, seed=5
    )
    plain = undefended(private)
    assert plain.privacy is None
    assert plain.optimizer == Adam()
    assert plain.batch == 20  # a recipe's default of 32 would be more than N/2
    assert (plain.population, plain.architecture, plain.epochs, plain.seed) == (DIGITS, Logistic(), 9, 5)


@pytest.mark.parametrize("calibration", CALIBRATIONS)
def test_whoever_adapts_has_the_recipe_and_release_of_the_target_and_nobody_else_has(calibration):
    recipe = Recipe(mechanisms=(Dropout(rate=0.5),))
    release = Release(epoch=3, weight_noise=WeightNoise(sigma=0.1), outputs=LabelOnly())
    adapts = calibration != "undefended"  # or needs no shadow models at all
    assert shadow_recipe(recipe, calibration) == (recipe if adapts else Recipe())
    assert shadow_release(release, calibration) == (release if adapts else Release())
    point = Point(recipe=recipe, release=Release(), attack="loss", calibration=calibration)
    assert point.shadow_recipe == shadow_recipe(recipe, calibration)


@pytest.fixture(scope="module")
def cohorts() -> tuple[Recipe, list[TrainedWave], list[TrainedWave]]:
    """A recipe with label smoothing, its waves, and those of the undefended recipe."""
    recipe = Recipe(
        population=PopulationChoice(name="digits", contested=300),
        epochs=10,
        mechanisms=(LabelSmoothing(alpha=0.4),),
    )
    targets, shadows = ([train_wave(each, wave) for wave in range(2)] for each in (recipe, undefended(recipe)))
    return recipe, targets, shadows


@pytest.mark.parametrize("attack", ["lira", "confidence_by_class"])
def test_whoever_does_not_adapt_attacks_with_the_answers_of_undefended_models(cohorts, attack: str):
    recipe, targets, shadows = cohorts
    release = Release(outputs=Temperature(temperature=2.0))
    found = assess(recipe, release, attack, targets, calibration="undefended", shadows=shadows)
    masks = np.concatenate([wave.masks for wave in targets])
    (answers,) = release_signals(recipe, release, targets)
    (others,) = release_signals(Recipe(population=recipe.population, epochs=10), Release(), shadows)
    expected = assess_signals([answers], masks, attack, classes=10, claim=None, seed=0, shadows=[others])
    assert found.headline == expected.headline
    adaptive = assess(recipe, release, attack, targets)
    assert found.headline.auc != adaptive.headline.auc
    assert (found.headline.adaptive, adaptive.headline.adaptive) == (False, True)
    assert found.headline.test_accuracy == adaptive.headline.test_accuracy


@pytest.mark.parametrize("attack", ["loss", "confidence_by_class"])
def test_known_members_and_the_oracle_are_measured_on_what_they_judge(cohorts, attack: str):
    recipe, targets, _ = cohorts
    masks = np.concatenate([wave.masks for wave in targets])
    (answers,) = release_signals(recipe, Release(), targets)
    attackers: dict[Calibration, KnownMembers | Oracle] = {
        "known-members": KnownMembers(attack=THRESHOLDED[attack], seed=recipe.seed),
        "oracle": Oracle(attack=THRESHOLDED[attack]),
    }
    for calibration, attacker in attackers.items():
        found = assess(recipe, Release(), attack, targets, calibration=calibration)
        judged = attacker(answers, masks)
        aucs, accuracies = [], []
        for scores, where, members in zip(judged.scores, judged.judged, masks, strict=True):
            aucs.append(roc_auc_score(members[where], scores[where]))
            accuracies.append(balanced_accuracy_score(members[where], scores[where] >= 0))
        head = found.headline
        for number, rows in ((head.auc, aucs), (head.balanced_accuracy, accuracies)):
            by_pair = np.reshape(rows, (-1, 2)).mean(axis=1)
            half = t.ppf(0.975, len(by_pair) - 1) * by_pair.std(ddof=1) / np.sqrt(len(by_pair))
            assert number.estimate == pytest.approx(by_pair.mean())
            assert number.high - number.estimate >= half * (1 - 1e-9)
        assert head.low_fpr[0].expected_false_alarms == pytest.approx(0.01 * (judged.judged & ~masks).sum())
        assert (head.shadows, found.audits, found.crossing) == (0, (), None)
        assert (head.known_members, head.upper_bound) == (calibration == "known-members", calibration == "oracle")
        assert found.histogram.members.sum() == (judged.judged & masks).sum()
        assert (found.answers is None) == head.known_members
        assert found.honesty is not None
        assert ("An upper bound and no attacker" in found.honesty.threat_model) == head.upper_bound
        assert head.null_test.p_value == 0.01  # of 99 draws none comes near what label smoothing leaks


def test_the_oracles_test_is_level_where_nothing_leaks():
    p_values = []
    for seed in range(30):
        noise, masks = planted_cohort(500 + seed, pairs=3, records=40, shift=0.0)
        p_values.append(informed_test(noise, masks, Oracle(attack=THRESHOLDED["loss_by_class"]), seed=seed).p_value)
    assert np.mean(np.array(p_values) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 30)
    assert np.mean(p_values) == pytest.approx(0.5, abs=3 * np.sqrt(1 / 12 / 30))


def test_only_an_attack_that_learns_a_threshold_can_learn_it_of_the_target(cohorts):
    recipe, targets, _ = cohorts
    for attack in ("lira", "correctness"):
        with pytest.raises(InvalidValueError, match="must go with an attack that learns a threshold"):
            assess(recipe, Release(), attack, targets, calibration="oracle")


def test_shadow_models_on_other_masks_are_refused(cohorts):
    recipe, targets, shadows = cohorts
    for some in ((), shadows[:1], shadows[::-1]):
        with pytest.raises(InvalidValueError, match="shadow models must be trained on the masks of the targets"):
            assess(recipe, Release(), "loss", targets, calibration="undefended", shadows=some)
