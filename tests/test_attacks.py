"""The suite that every attack passes; formulas are tested by hand and against naive twins in files of their own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.assessment.roc import auc, sweep
from engine.attacks import ATTACKS
from engine.attacks.catalogue import CATALOGUE, KNOWLEDGE, Knowledge
from engine.attacks.leave_pair_out import cohort_scores, scores_without
from engine.signals import Signals
from engine.signals import signals as signals_of
from engine.validate import InvalidValueError
from tests.attack_cells import cell
from tests.planted import complementary_masks, of_records, planted_cohort, signals_from_phi

shared_suite = cell("shared suite")
mask_invariance = cell("mask invariance")


def _split(seed: int, *, classes: int = 10) -> tuple[Signals, Signals, np.ndarray]:
    """Two targets, six shadows with masks of their own draw (counts differ between records)."""
    whole, _ = planted_cohort(seed, records=120, classes=classes)
    masks = np.random.default_rng(seed).random((6, 120)) < 0.5
    return whole.of_models(slice(0, 2)), whole.of_models(slice(2, 8)), masks


def _arrays(signals: Signals) -> list[np.ndarray]:
    """Every array that signals hold, those within them included."""
    found = []
    for field in dataclasses.fields(signals):
        held = getattr(signals, field.name)
        for each in held if isinstance(held, tuple) else (held,):
            found += _arrays(each) if isinstance(each, Signals) else [] if each is None else [each]
    return found


# ---- every attack ------------------------------------------------------------------------------------------


def test_the_catalogue_describes_exactly_the_attacks_there_are() -> None:
    assert set(CATALOGUE) == set(ATTACKS)


@shared_suite
def test_the_catalogue_says_what_must_be_known_and_in_one_sentence(name: str) -> None:
    info = CATALOGUE[name]
    assert set(info.knows) <= set(KNOWLEDGE)
    assert ("shadows" in info.knows) == _reads_shadows(name)
    assert info.about.endswith(".")
    assert ". " not in info.about


def _reads_shadows(name: str) -> bool:
    """Whether other shadows give other scores."""
    target, shadows, masks = _split(7)
    other, _ = planted_cohort(70, records=120)
    other = dataclasses.replace(other.of_models(slice(2, 8)), public=shadows.public, labels=shadows.labels)
    return not np.array_equal(ATTACKS[name](target, shadows, masks), ATTACKS[name](target, other, masks))


@shared_suite
@pytest.mark.parametrize("classes", [1, 2, 100])
def test_planted_members_score_higher(name: str, classes: int) -> None:
    whole, masks = planted_cohort(1, shift=4.0, ease=-1.0, classes=classes)
    scores = cohort_scores(ATTACKS[name], whole, masks)
    assert np.isfinite(scores).all()
    assert auc(sweep(scores, masks)).min() > 0.6
    assert (scores >= 0)[masks].mean() > (scores >= 0)[~masks].mean() + 0.1


@shared_suite
def test_permuting_records_permutes_scores_and_nothing_else(name: str) -> None:
    target, shadows, masks = _split(2)
    order = np.random.default_rng(0).permutation(120)
    moved = [of_records(each, order) for each in (target, shadows)]
    expected = ATTACKS[name](target, shadows, masks)[:, order]
    assert ATTACKS[name](moved[0], moved[1], masks[:, order]) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@shared_suite
def test_inputs_are_left_as_they_are_and_the_result_is_fresh(name: str) -> None:
    target, shadows, masks = _split(3)
    given = [*_arrays(target), *_arrays(shadows), masks]
    before = [each.copy() for each in given]
    scores = ATTACKS[name](target, shadows, masks)
    assert scores.dtype == np.float64
    assert scores.flags.writeable
    assert not any(np.shares_memory(scores, each) for each in given)
    assert all(np.array_equal(each, copy) for each, copy in zip(given, before, strict=True))


@shared_suite
def test_models_that_all_answer_alike_give_auc_one_half(name: str) -> None:
    masks = complementary_masks(np.random.default_rng(0), 4, 60)
    same = signals_from_phi(np.full((8, 60), 0.1), np.zeros(60, dtype=np.int64))
    scores = cohort_scores(ATTACKS[name], same, masks)
    assert auc(sweep(scores, masks)).tolist() == [0.5] * 8


@shared_suite
def test_scores_stay_finite_where_float32_logits_saturate(name: str) -> None:
    random = np.random.default_rng(0)
    logits = random.choice(np.array([-3e38, -1e30, 0.0, 1e30, 3e38], dtype=np.float32), size=(8, 50, 4))
    saturated = signals_of(logits.astype(np.float64), random.integers(0, 4, 50))
    whole = dataclasses.replace(
        saturated,
        public=saturated,
        augmented=(saturated, saturated),
        noisy=(saturated, saturated),
        gradient_norm=random.choice([0.0, 1e-300, 1e38, np.inf], size=(8, 50)),
        distance_l2=random.choice([0.0, 1e38, np.inf], size=(8, 50)),
        distance_linf=random.choice([0.0, 1e38, np.inf], size=(8, 50)),
    )
    masks = complementary_masks(random, 4, 50)
    assert np.isfinite(cohort_scores(ATTACKS[name], whole, masks)).all()


@shared_suite
@pytest.mark.parametrize("share", [0.0, 0.02, 1.0])
def test_scores_stay_finite_when_shadows_hold_few_or_no_members(name: str, share: float) -> None:
    target, shadows, _ = _split(4)
    masks = np.random.default_rng(0).random((6, 120)) < share
    assert np.isfinite(ATTACKS[name](target, shadows, masks)).all()


@shared_suite
def test_a_batch_of_masks_gives_what_each_mask_gives_alone(name: str) -> None:
    target, shadows, _ = _split(5, classes=60)
    masks = np.random.default_rng(0).random((3, 2, 6, 120)) < 0.3
    batched = ATTACKS[name](target, shadows, masks)
    assert batched.shape == (3, 2, 2, 120)
    for i, j in np.ndindex(3, 2):
        assert np.array_equal(batched[i, j], ATTACKS[name](target, shadows, masks[i, j]))


@shared_suite
def test_each_target_is_attacked_by_itself(name: str) -> None:
    target, shadows, masks = _split(6)
    both = ATTACKS[name](target, shadows, masks)
    assert np.array_equal(both[1:], ATTACKS[name](target.of_models(slice(1, 2)), shadows, masks))


@shared_suite
def test_the_catalogue_knows_whose_ranks_need_no_shadows(name: str) -> None:
    target, shadows, masks = _split(7)
    other = dataclasses.replace(of_records(shadows, np.arange(120)[::-1]), labels=shadows.labels)
    one, another = (_ranks(ATTACKS[name](target, each, masks)) for each in (shadows, other))
    assert np.array_equal(one, another) == CATALOGUE[name].ranks_without_shadows


def _ranks(scores: np.ndarray) -> np.ndarray:
    """(T, N), how many records score less; scores that differ by rounding are equal."""
    rounded = scores.round(9)
    return (rounded[:, :, None] > rounded[:, None, :]).sum(axis=2)


_BARE = {
    "public": None,
    "augmented": (),
    "noisy": (),
    "gradient_norm": None,
    "distance_l2": None,
    "distance_linf": None,
}
_BEYOND_ANSWERS: dict[Knowledge, str] = {
    "public": "the model's answers on public records",
    "augmented": "the model's answers on changed copies of records",
    "noisy": "the model's answers on noisy copies of records",
    "weights": "",  # the field differs from attack to attack
}


@shared_suite
def test_an_attack_says_in_one_sentence_what_it_lacks(name: str) -> None:
    target, shadows, masks = _split(8)
    bare = [dataclasses.replace(each, **_BARE) for each in (target, shadows)]
    beyond = [what for known, what in _BEYOND_ANSWERS.items() if known in CATALOGUE[name].knows]
    if not beyond:
        assert np.isfinite(ATTACKS[name](bare[0], bare[1], masks)).all()
        return
    with pytest.raises(InvalidValueError, match=f"^attack {name} needs {beyond[0]}"):
        ATTACKS[name](bare[0], bare[1], masks)


# ---- leave the pair out ------------------------------------------------------------------------------------


@mask_invariance
def test_drawing_a_pairs_masks_anew_changes_no_bit_of_its_scores(name: str) -> None:
    whole, masks = planted_cohort(8)
    drawn = masks.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    before, after = (cohort_scores(ATTACKS[name], whole, each) for each in (masks, drawn))
    assert np.array_equal(before[2:4], after[2:4])


@mask_invariance
def test_replacing_the_complements_signals_changes_no_bit_of_a_targets_scores(name: str) -> None:
    whole, masks = planted_cohort(9)
    phi = whole.phi.copy()
    phi[3] = np.random.default_rng(99).normal(0, 50, phi.shape[1])
    replaced = signals_from_phi(phi, whole.labels)
    before, after = (cohort_scores(ATTACKS[name], each, masks) for each in (whole, replaced))
    assert np.array_equal(before[2], after[2])
    assert not np.array_equal(before[3], after[3])


@mask_invariance
def test_with_shadows_of_another_recipe_the_targets_pair_is_left_out_too(name: str) -> None:
    whole, masks = planted_cohort(12)
    others, _ = planted_cohort(13)
    drawn, phi = masks.copy(), others.phi.copy()
    drawn[2:4] = complementary_masks(np.random.default_rng(99), 1, masks.shape[1])
    phi[2:4] = np.random.default_rng(99).normal(0, 50, phi[2:4].shape)
    before = cohort_scores(ATTACKS[name], whole, masks, signals_from_phi(others.phi, whole.labels))
    after = cohort_scores(ATTACKS[name], whole, drawn, signals_from_phi(phi, whole.labels))
    assert np.array_equal(before[2:4], after[2:4])


@mask_invariance
def test_every_pair_is_attacked_with_all_the_others(name: str) -> None:
    whole, masks = planted_cohort(10)
    rest = [0, 1, 2, 3, 6, 7]
    by_hand = ATTACKS[name](whole.of_models(slice(4, 6)), whole.of_models(np.array(rest)), masks[rest])
    assert np.array_equal(cohort_scores(ATTACKS[name], whole, masks)[4:6], by_hand)


@mask_invariance
def test_two_pairs_left_out_score_as_in_the_cohort_without_the_other(name: str) -> None:
    whole, masks = planted_cohort(11)
    both = scores_without((1, 3), ATTACKS[name], whole, masks)
    without_third = cohort_scores(ATTACKS[name], whole.of_models(slice(0, 6)), masks[:6])
    assert np.array_equal(both[:2], without_third[2:4])
