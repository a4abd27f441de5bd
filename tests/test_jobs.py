import dataclasses
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from cache.admission import Limits, Listed, Nothing
from cache.codec import wave_from_bytes, wave_to_bytes
from cache.failures import UNWATCHED
from cache.jobs import Jobs
from cache.keys import assessment_key, wave_key
from engine.mechanisms import L2Penalty
from engine.populations.membership import masks
from engine.training.values import TrainedWave
from tests.at_work import begun, end, endless, execute, quick, told, trainings, until


def limited(cluster, store, **limits) -> Any:
    return Jobs(cluster.client, store, limits=Limits(**limits))


def test_assessments_of_all_waves_appear_one_by_one(jobs, store):
    point = quick(waves=3)
    jobs.request("ada", point)
    for waves in (1, 2, 3):
        until(lambda waves=waves: jobs.progress(point).waves_assessed >= waves)
        key = assessment_key(point.with_waves(waves))
        assert store.headlines([key])[key].pairs == 4 * waves
    assert end(jobs, point).state == "done"


def test_progress_tells_the_epochs_and_how_the_models_stand(jobs):
    point = quick()
    jobs.request("ada", point)
    done = end(jobs, point)
    assert (done.state, done.wave, done.waves, done.waves_assessed, done.message) == ("done", 1, 1, 1, "")
    assert (done.epoch, done.epochs) == (20, 20)
    assert [after.epoch for after in done.trace] == [2, 4, 6, 7, 8, 10, 12, 14, 16, 18, 20]
    assert done.trace[-1].train_accuracy == done.train_accuracy > 0.3
    assert 0 < done.test_accuracy < 1
    assert 0 < done.loss_auc < 1


def test_nobody_asked_is_no_progress(jobs):
    assert jobs.progress(quick()) is None


def test_a_setting_that_thirty_visitors_ask_for_at_once_is_trained_once(jobs, cluster):
    jobs.request("first", blocking := endless())
    until(lambda: jobs.progress(blocking).state == "training")
    points = [quick(waves=2) for _ in range(3)]
    visitors = [threading.Thread(target=jobs.request, args=(f"{number}", points[number % 3])) for number in range(90)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert [len(jobs._jobs[assessment_key(point)].visitors) for point in points] == [30] * 3
    assert [trainings(cluster, point.recipe) for point in points] == [0] * 3  # all have asked, and none has begun
    jobs.cancel("first")
    assert [end(jobs, point).state for point in points] == ["done"] * 3
    assert [trainings(cluster, point.recipe, wave) for point in points for wave in (0, 1)] == [1] * 6


def test_a_wave_that_two_attacks_need_is_trained_once(jobs, cluster):
    point = quick(attack="loss")
    other = dataclasses.replace(point, attack="lira")
    jobs.request("ada", point)
    jobs.request("bob", other)
    assert (end(jobs, point).state, end(jobs, other).state) == ("done", "done")
    assert trainings(cluster, point.recipe) == 1


def test_an_attacker_who_does_not_adapt_has_shadow_models_of_his_own(jobs, cluster, store):
    plain = quick(waves=2)
    recipe = dataclasses.replace(plain.recipe, mechanisms=(L2Penalty(strength=0.1),))
    adapts = dataclasses.replace(plain, recipe=recipe)
    point = dataclasses.replace(adapts, calibration="undefended")
    assert point.shadow_recipe == plain.recipe
    for asked in (adapts, point, plain):
        jobs.request("ada", asked)
        assert end(jobs, asked).state == "done"
    both = [(each, wave) for each in (recipe, plain.recipe) for wave in range(2)]
    assert [trainings(cluster, *each) for each in both] == [1] * 4  # what both attackers need is trained once
    assert all(store.wave(*each) is not None for each in both)
    assert store.assessment(assessment_key(point)) is not None


def test_an_attacker_on_an_undefended_recipe_needs_no_further_shadow_models(jobs, cluster):
    point = dataclasses.replace(quick(), calibration="undefended")
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    assert trainings(cluster, point.recipe) == 1


def test_moving_on_to_another_attack_keeps_the_wave_in_training(jobs, cluster):
    point = endless()
    jobs.request("ada", point)
    until(lambda: jobs.progress(point).state == "training")
    other = dataclasses.replace(point, attack="lira")
    jobs.request("ada", other)
    until(lambda: jobs.progress(point).state == "cancelled")
    assert jobs.progress(other).state == "training"
    assert trainings(cluster, point.recipe) == 1


def test_moving_on_to_another_recipe_frees_the_worker(jobs):
    point, other = endless(), quick()
    jobs.request("ada", point)
    until(lambda: jobs.progress(point).state == "training")
    jobs.request("ada", other)
    assert end(jobs, other).state == "done"
    assert jobs.progress(point).state == "cancelled"


def test_a_cancelled_job_frees_the_worker_and_can_be_asked_for_again(jobs, cluster):
    point, other = endless(), quick()
    jobs.request("ada", point)
    until(lambda: jobs.progress(point).state == "training")
    jobs.cancel("ada")
    assert jobs.progress(point).state == "cancelled"
    jobs.request("bob", other)
    assert end(jobs, other).state == "done"
    jobs.request("ada", point)
    until(lambda: jobs.progress(point).state == "training")
    assert trainings(cluster, point.recipe) == 2


def test_a_job_in_the_queue_can_be_cancelled(jobs, cluster):
    point, waiting = endless(), quick()
    jobs.request("ada", point)
    until(lambda: jobs.progress(point).state == "training")
    jobs.request("bob", waiting)
    jobs.cancel("bob")
    assert end(jobs, waiting).state == "cancelled"
    jobs.cancel("ada")
    until(lambda: not cluster.client.futures)
    assert trainings(cluster, waiting.recipe) == 0


def test_a_job_that_somebody_else_watches_goes_on(jobs, store):
    point = quick(waves=3)
    jobs.request("ada", point)
    jobs.request("bob", point)
    jobs.cancel("ada")
    jobs.cancel("ada")
    assert end(jobs, point).state == "done"
    assert store.measured([assessment_key(point)])


def test_asking_again_changes_nothing(jobs, cluster):
    point = quick()
    for _ in range(20):
        jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"
    assert trainings(cluster, point.recipe) == 1


def test_stored_waves_are_not_trained_again(jobs, cluster, store):
    point = quick(waves=1)
    jobs.request("ada", point)
    end(jobs, point)
    further = dataclasses.replace(point.with_waves(3), attack="lira")
    jobs.request("ada", further)
    assert end(jobs, further).state == "done"
    assert [trainings(cluster, point.recipe, wave) for wave in range(3)] == [1, 1, 1]
    assert store.headlines([assessment_key(further)])[assessment_key(further)].pairs == 12


def test_a_damaged_wave_is_trained_again_to_the_same_weights(jobs, cluster, store, caplog):
    point = quick()
    jobs.request("ada", point)
    end(jobs, point)
    before = wave_from_bytes(store.wave(point.recipe, 0)).parameters
    execute(store, "UPDATE wave SET blob = substr(blob, 1, 100)")
    other = dataclasses.replace(point, attack="lira")
    jobs.request("ada", other)
    assert end(jobs, other).state == "done"
    assert "Dropped the wave" in caplog.text
    assert trainings(cluster, point.recipe) == 2
    after = wave_from_bytes(store.wave(point.recipe, 0)).parameters
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_an_exception_in_a_worker_is_one_sentence_and_the_job_can_be_asked_for_again(jobs, store, caplog):
    point = quick()
    drawn = masks(point.recipe.population, point.recipe.seed, 0)
    store.put_wave(point.recipe, 0, wave_to_bytes(TrainedWave(parameters={}, masks=drawn)))
    jobs.request("ada", point)
    failed = end(jobs, point)
    assert failed.state == "failed"
    assert failed.message.startswith("This setting could not be computed: ")
    assert "\n" not in failed.message
    assert "Traceback" in caplog.text
    execute(store, "DELETE FROM wave")
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"


def test_a_result_that_cannot_be_stored_is_one_sentence_and_leaves_nothing(jobs, store):
    point = quick()
    full = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    execute(store, f"CREATE TRIGGER full BEFORE INSERT ON assessment {full}")
    jobs.request("ada", point)
    failed = end(jobs, point)
    assert failed.state == "failed"
    assert "cannot be used (database or disk is full)" in failed.message
    assert store.measured([assessment_key(point)]) == set()
    execute(store, "DROP TRIGGER full")
    jobs.request("ada", point)
    assert end(jobs, point).state == "done"


def test_a_job_that_nobody_looks_at_any_more_stops_after_the_grace(cluster, store):
    jobs = limited(cluster, store, grace=1.0)
    closed, watched = endless(), quick(waves=2)
    jobs.request("ada", closed)
    until(lambda: jobs.progress(closed).state == "training")
    jobs.request("bob", watched)
    until(lambda: (jobs.progress(watched, "bob"), not jobs.progress(closed).active)[1])
    assert jobs.progress(closed).state == "cancelled"
    assert jobs.progress(closed).message == UNWATCHED
    until(lambda: not jobs.progress(watched, "bob").active)
    assert jobs.progress(watched).state == "done"
    jobs.close()


def test_a_visitor_who_looks_at_a_setting_of_a_sweep_and_leaves_takes_nothing_from_it(cluster, store):
    jobs = limited(cluster, store, grace=1.0)
    shared = endless()
    jobs.request("sweep-0", shared, background=True)
    until(lambda: jobs.progress(shared).state == "training")
    jobs.request("ada", shared)
    jobs.cancel("ada")
    begin = time.monotonic()
    until(lambda: not jobs.progress(shared).active or time.monotonic() > begin + 2)  # longer than the grace
    assert jobs.progress(shared).state == "training"
    jobs.cancel("sweep-0")
    assert jobs.progress(shared).state == "cancelled"
    jobs.close()


def test_a_sweep_goes_on_unwatched_and_after_all_visitors(cluster, store):
    jobs = limited(cluster, store, grace=1.0)
    first, sweep, visitor = endless(), quick(), quick()
    jobs.request("sweep-0", first, background=True)
    until(lambda: jobs.progress(first).state == "training")
    jobs.request("sweep-1", sweep, background=True)
    until(lambda: jobs.progress(sweep).ahead == 0 and len(cluster.client.futures) >= 3)
    jobs.request("ada", visitor)
    until(lambda: jobs.progress(sweep).ahead == 1)
    assert jobs.progress(visitor, "ada").ahead == 0
    begin = time.monotonic()
    until(lambda: jobs.progress(visitor, "ada") and time.monotonic() > begin + 2)  # longer than the grace
    assert jobs.progress(first).state == "training"
    jobs.cancel("sweep-0")
    until(lambda: jobs.progress(visitor, "ada") and not jobs.progress(sweep).active)
    assert jobs.progress(sweep).state == jobs.progress(visitor).state == "done"
    jobs.close()


@pytest.mark.parametrize("attack", ["loss", "lira"])
def test_what_a_visitor_asks_for_goes_first_also_where_a_sweep_has_queued_it_already(jobs, cluster, attack):
    blocking, sweep, visitor = endless(), [quick() for _ in range(6)], quick()
    wanted = dataclasses.replace(sweep[-1], attack=attack)
    jobs.request("sweep", blocking, background=True)
    until(lambda: jobs.progress(blocking).state == "training")
    for number, point in enumerate(sweep):
        jobs.request(f"sweep {number}", point, background=True)
        until(lambda point=point: jobs._jobs[assessment_key(point)].waves)  # it stands in the queue
    jobs.request("ada", wanted)
    until(lambda: jobs._jobs[assessment_key(wanted)].waves and jobs.progress(wanted).ahead == 0)
    until(told)
    jobs.request("bob", visitor)
    until(lambda: jobs._jobs[assessment_key(visitor)].waves)
    assert (jobs.progress(visitor).ahead, jobs.progress(sweep[0]).ahead) == (1, 2)
    jobs.cancel("sweep")
    assert [end(jobs, point).state for point in (wanted, visitor, *sweep)] == ["done"] * 8
    names = {wave_key(point.recipe, 0): place for place, point in enumerate([*sweep, visitor])}
    begun_in_order = [names[key] for task in begun(cluster.client) if (key := task.split("-")[1]) in names]
    assert begun_in_order == [5, 6, 0, 1, 2, 3, 4]


def test_those_who_wait_are_told_how_many_are_ahead(jobs):
    jobs.request("first", blocking := endless())
    until(lambda: jobs.progress(blocking).state == "training")
    waiting = [quick() for _ in range(3)]
    for number, point in enumerate(waiting):
        jobs.request(f"visitor {number}", point)
        until(lambda point=point: jobs._jobs[assessment_key(point)].waves)  # it stands in the queue
        assert jobs.progress(point).ahead == number
    jobs.cancel("first")
    assert [end(jobs, point).state for point in waiting] == ["done"] * 3


def test_a_full_queue_refuses_further_settings_but_not_those_in_work(cluster, store):
    jobs = limited(cluster, store, jobs=1)
    work, more = endless(), quick()
    jobs.request("ada", work)
    until(lambda: jobs.progress(work).state == "training")
    jobs.request("bob", more)
    refused = jobs.progress(more)
    assert (refused.state, refused.message) == (
        "refused",
        "1 setting is in work or waits already; try again in a while.",
    )
    jobs.request("bob", work)
    assert jobs.progress(work).state == "training"
    jobs.cancel("ada")
    jobs.cancel("bob")
    jobs.request("bob", more)
    assert end(jobs, more).state == "done"
    jobs.close()


def test_where_nothing_is_trained_stored_waves_are_still_attacked(cluster, store):
    open_to_all, point = limited(cluster, store), quick()
    open_to_all.request("ada", point)
    end(open_to_all, point)
    open_to_all.close()
    jobs = limited(cluster, store, training=Nothing())
    for asked, background in ((point.with_waves(2), False), (quick(), False), (quick(), True)):
        jobs.request("ada", asked, background=background)
        assert jobs.progress(asked).state == "refused"
        assert jobs.progress(asked).message.startswith("Nothing is trained here")
        assert trainings(cluster, asked.recipe, asked.waves - 1) == 0
    other = dataclasses.replace(point, attack="lira")
    jobs.request("ada", other)
    assert end(jobs, other).state == "done"
    assert trainings(cluster, point.recipe) == 1
    jobs.close()


def test_listed_recipes_alone_are_trained_with_as_many_models_as_listed(cluster, store):
    listed, other = quick(), quick()
    jobs = limited(cluster, store, training=Listed(waves={listed.recipe: 1}))
    jobs.request("ada", other)
    assert "allows listed settings only" in jobs.progress(other).message
    jobs.request("ada", listed.with_waves(2))
    assert "Only 8 models of this setting" in jobs.progress(listed.with_waves(2)).message
    jobs.request("ada", listed)
    assert end(jobs, listed).state == "done"
    jobs.close()


def test_jobs_that_ended_are_forgotten_and_hold_no_results(jobs, cluster, monkeypatch):
    monkeypatch.setattr("cache.jobs._REMEMBERED", 2)
    points = [quick() for _ in range(4)]
    for point in points:
        jobs.request("ada", point)
        end(jobs, point)
    assert [jobs.progress(point) is None for point in points] == [True, True, False, False]
    until(lambda: not cluster.client.futures)
    assert cluster.client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.task_prefixes)) <= 3


def test_the_death_of_a_worker_is_one_sentence_and_the_next_job_works(jobs, cluster):
    point, other = endless(), quick()
    jobs.request("ada", point)
    killed = set()
    while len(killed) < 2:
        until(lambda: trainings(cluster, point.recipe) > len(killed))
        (worker,) = cluster.client.run(os.getpid).values()
        os.kill(worker, signal.SIGKILL)
        killed.add(worker)
    failed = end(jobs, point)
    assert failed.state == "failed"
    assert failed.message.startswith("The worker process died twice")
    jobs.request("ada", other)
    assert end(jobs, other).state == "done"
