from dataclasses import replace

import pytest

from cache.codec import UnreadableError, comparison_from_bytes, comparison_to_bytes, wave_from_bytes
from cache.keys import Versus, assessment_key, comparison_key
from cache.recent import Recent
from engine.assessment.values import Comparison
from engine.pipeline import compare, train_wave
from engine.release.values import Release, WeightNoise
from engine.validate import InvalidValueError
from tests.at_work import end, endless, quick, trainings, until
from tests.handmade import comparison, interval

NOISY = Release(weight_noise=WeightNoise(sigma=0.3))


def test_two_settings_are_compared_on_the_waves_that_there_are_and_only_what_lacks_is_trained(jobs, cluster, store):
    first = quick(waves=2)
    second = replace(first, release=NOISY)
    third = replace(first, recipe=replace(first.recipe, epochs=3))
    jobs.request("a", first)
    assert end(jobs, first).state == "done"
    for other in (second, third):
        versus = Versus(first=first, second=other)
        assert jobs.comparison(versus) is None
        jobs.request("a", versus)
        assert end(jobs, versus).state == "done"
        waves = [[wave_from_bytes(store.wave(point.recipe, wave)) for wave in range(2)] for point in (first, other)]
        settings = [(point.recipe, point.release) for point in (first, other)]
        assert jobs.comparison(versus) == compare(settings[0], settings[1], "loss", (waves[0], waves[1]))
        assert jobs.comparison(versus).pairs == 8
    assert [trainings(cluster, point.recipe, wave) for point in (first, third) for wave in range(2)] == [1] * 4
    assert store.assessment(assessment_key(third)) is None


def test_a_comparison_that_is_there_is_not_made_again_and_one_in_work_can_be_cancelled(jobs):
    first = quick()
    versus = Versus(first=first, second=replace(first, release=NOISY))
    jobs.request("a", versus)
    assert end(jobs, versus).state == "done"
    found = jobs.comparison(versus)
    jobs.request("b", versus)
    assert end(jobs, versus).state == "done"
    assert jobs.comparison(versus) is found
    long = endless()
    slow = Versus(first=long, second=replace(long, release=NOISY))
    jobs.request("a", slow)
    until(lambda: jobs.progress(slow).state == "training")
    jobs.cancel("a")
    assert end(jobs, slow).state == "cancelled"
    assert jobs.comparison(slow) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"waves": 2}, "waves must be the same for both settings, got 1 and 2"),
        ({"attack": "lira"}, "attack must be the same for both settings, got loss and lira"),
    ],
)
def test_settings_that_were_not_measured_alike_are_not_compared(change, words):
    point = quick()
    with pytest.raises(InvalidValueError, match=words):
        Versus(first=point, second=replace(point, **change))


def test_settings_on_other_masks_or_with_an_attacker_who_does_not_adapt_are_not_compared():
    point = quick()
    with pytest.raises(InvalidValueError, match="must have the same records and seed"):
        Versus(first=point, second=replace(point, recipe=replace(point.recipe, seed=point.recipe.seed + 1)))
    aloof = replace(point, calibration="undefended")
    with pytest.raises(InvalidValueError, match="calibration must be adaptive"):
        Versus(first=aloof, second=aloof)
    waves = [[train_wave(replace(point.recipe, seed=seed), 0)] for seed in (1, 2)]
    with pytest.raises(InvalidValueError, match="trained on the same masks"):
        compare((point.recipe, Release()), (point.recipe, NOISY), "loss", (waves[0], waves[1]))


def test_a_comparison_has_a_direction_and_a_key_of_its_own():
    first = quick()
    second = replace(first, release=NOISY)
    there, back = Versus(first=first, second=second), Versus(first=second, second=first)
    keys = {comparison_key(there), comparison_key(back), comparison_key(there.with_waves(2)), assessment_key(first)}
    assert len(keys) == 4


def test_a_comparison_comes_back_from_its_bytes_and_other_bytes_are_none():
    made = comparison()
    assert comparison_from_bytes(comparison_to_bytes(made)) == made
    for blob in (b"", b"{}", b"[1]", comparison_to_bytes(made).replace(b'"pairs":8', b'"pairs":"8"')):
        with pytest.raises(UnreadableError):
            comparison_from_bytes(blob)


def test_the_comparisons_longest_unused_go_when_there_are_too_many():
    kept = Recent[Comparison](20)
    for number in range(20):
        kept.put(str(number), comparison())
    assert kept.get("0") is not None
    kept.put("new", comparison(auc=interval(0.1, 0.0, 0.2)))
    assert [key for key in ("0", "1", "new", "never") if kept.get(key) is not None] == ["0", "new"]
    assert isinstance(kept.get("new"), Comparison)
