import itertools
import sqlite3
import subprocess
import sys
import time

from cache.admission import Limits, Listed
from cache.cluster import Cluster
from cache.codec import wave_to_bytes
from cache.jobs import Jobs
from cache.keys import Point, assessment_key, wave_key
from cache.store import Store
from cache.sweeps.order import in_turn
from cache.sweeps.results import Gathered, assessed_waves, results
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from engine.architectures import Logistic, Mlp
from engine.pipeline import train_wave
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release
from tests.at_work import begun, until
from tests.handmade import headline, interval, whole

seeds = itertools.count(1_000_000)


def quick(*, waves=2, **changes):
    """A point that no other test asks for and that takes a tenth of a second."""
    parts = {"architecture": Logistic(), "epochs": 10, "batch": 20, **changes}
    recipe = Recipe(population=PopulationChoice(name="digits", contested=60), seed=next(seeds), **parts)
    return Point(recipe=recipe, release=Release(), attack="loss", waves=waves)


def slow(*, waves=1):
    """A point that takes longer than any test."""
    return quick(waves=waves, architecture=Mlp(), epochs=10_000, batch=1)


def plan_of(*points):
    settings = tuple(Setting(values=(place,), point=point) for place, point in enumerate(points))
    return Plan(dials=("seed",), settings=settings, refused=(), waves=points[0].waves)


def starts(cluster, plan):
    """(place of a setting, wave) in the order in which workers took them up, as they logged it themselves."""
    names = {
        wave_key(setting.point.recipe, wave): (place, wave)
        for place, setting in enumerate(plan.settings)
        for wave in range(plan.waves)
    }
    return [names[key] for task in begun(cluster.client) for key in names if key in task]


def assessments(store):
    """Every assessment as its bytes, by key."""
    with sqlite3.connect(store.file) as connection:
        return dict(connection.execute("SELECT key, blob FROM assessment").fetchall())


def ended(run):
    """How a run ends, in time."""
    until(lambda: not run.wait(0.1).active)
    return run.wait(60)


def test_every_setting_gets_its_first_wave_before_any_gets_its_second_and_each_is_trained_once(cluster, jobs, store):
    plan = plan_of(*(quick(waves=3) for _ in range(4)))
    run = SweepRun(plan, jobs, store)
    end = ended(run)
    assert (end.state, end.points_done, end.waves_done, end.failed, end.message) == ("done", 4, 12, 0, "")
    begun = starts(cluster, plan)
    assert [wave for _, wave in begun] == [0] * 4 + [1] * 4 + [2] * 4  # two at a time, so that neighbours may swap
    assert len(set(begun)) == 12
    assert run.assessed == (3, 3, 3, 3)
    assert [result.headline.pairs for result in results(store, plan, run.assessed)] == [12] * 4


def test_of_what_comes_one_by_one_only_the_new_is_read(store):
    points = [quick(waves=2) for _ in range(3)]
    plan = plan_of(*points)
    for point in points:
        for waves in (1, 2):
            store.put_assessment(point.with_waves(waves), whole(headline(auc=interval(0.5 + 0.1 * waves, 0.4, 0.9))))
    asked = []

    class Telling(Store):
        def headlines(self, keys):
            asked.append(len(list(keys)))
            return super().headlines(keys)

    telling = Telling(store.file.parent)
    gathered = Gathered(telling, plan)
    looks = [[1, 0, 0], [1, 0, 1], [1, 0, 1], [2, 1, 1], [2, 2, 2]]
    found = [[(one.setting, one.waves) for one in gathered.results(waves)] for waves in looks]
    assert asked == [1, 1, 0, 2, 2]
    for waves, seen in zip(looks, found, strict=True):
        assert seen == [(plan.settings[place], count) for place, count in enumerate(waves) if count]
    assert gathered.results([2, 2, 2]) == results(store, plan, [2, 2, 2])
    telling.close()


def test_a_run_of_what_is_stored_trains_nothing(cluster, jobs, store):
    plan = plan_of(quick(), quick())
    ended(SweepRun(plan, jobs, store))
    before = starts(cluster, plan)
    end = ended(SweepRun(plan, jobs, store))
    assert (end.state, end.waves_done, end.seconds_left) == ("done", 4, None)
    assert starts(cluster, plan) == before


def test_a_cancelled_run_ends_at_once_and_another_one_goes_on_where_it_was(cluster, jobs, store):
    plan = plan_of(*(quick(waves=2, epochs=200) for _ in range(4)))
    first = SweepRun(plan, jobs, store)
    until(lambda: first.progress().waves_done >= 3)
    first.cancel()
    end = first.wait(20)
    assert end.state == "cancelled"
    assert sum(assessed_waves(store, plan)) >= end.waves_done
    stored = sum(store.wave(setting.point.recipe, wave) is not None for setting in plan.settings for wave in range(2))
    assert len(starts(cluster, plan)) <= stored + 1  # that in work; one that was on its way here is stored, too
    assert ended(SweepRun(plan, jobs, store)).state == "done"
    trained = starts(cluster, plan)
    assert set(trained) == {(place, wave) for wave in range(2) for place in range(4)}
    assert len(trained) <= 8 + 1  # at most the wave in work is trained again


def test_results_do_not_depend_on_workers_order_or_resume(cluster, jobs, store, tmp_path_factory):
    plan = plan_of(*(quick(waves=2) for _ in range(5)))
    first = SweepRun(plan, jobs, store)
    until(lambda: first.progress().waves_done >= 2)
    first.cancel()
    first.wait(20)
    assert ended(SweepRun(plan, jobs, store)).state == "done"
    other = Store(tmp_path_factory.mktemp("other"))
    backwards = Plan(dials=plan.dials, settings=plan.settings[::-1], refused=(), waves=2)
    with Cluster(workers=2) as two:
        two.client.wait_for_workers(2, timeout=120)
        elsewhere = Jobs(two.client, other)
        assert ended(SweepRun(backwards, elsewhere, other)).state == "done"
        elsewhere.close()
    assert len(assessments(store)) == 10
    assert assessments(store) == assessments(other)
    other.close()


def test_a_pause_finishes_what_is_in_work_begins_nothing_and_ends_with_resume(cluster, jobs, store):
    plan = plan_of(*(quick(waves=1, epochs=100) for _ in range(8)))
    run = SweepRun(plan, jobs, store)
    until(lambda: run.progress().waves_done >= 1)
    run.pause()
    assert run.progress().state == "paused"
    assert run.progress().active
    until(lambda: not cluster.client.futures)
    begun = len(starts(cluster, plan))
    time.sleep(0.5)
    assert len(starts(cluster, plan)) == begun < 8
    run.resume()
    assert ended(run).state == "done"
    assert len(starts(cluster, plan)) == 8


def test_a_paused_run_can_be_cancelled(jobs, store):
    run = SweepRun(plan_of(quick(), slow()), jobs, store)
    run.pause()
    run.cancel()
    assert run.wait(20).state == "cancelled"


def test_a_visitor_goes_before_a_sweep(cluster, jobs, store):
    plan = plan_of(*(quick(waves=1, epochs=300) for _ in range(12)))
    run = SweepRun(plan, jobs, store)
    until(lambda: run.progress().waves_done >= 1)
    asked = quick(waves=1)
    jobs.request("ada", asked)
    assert jobs.wait(asked, 60).state == "done"
    # One wave of the sweep was in work and one lay in the worker's hands; the rest had to wait.
    assert run.progress().waves_done <= 5
    assert run.progress().state == "running"
    run.cancel()
    run.wait(20)


def test_a_visitor_who_asks_for_a_setting_of_the_sweep_shares_its_training(cluster, jobs, store):
    plan = plan_of(quick(waves=1, epochs=200), quick(waves=1, epochs=200))
    run = SweepRun(plan, jobs, store)
    for setting in plan.settings:
        jobs.request("ada", setting.point)
        assert jobs.wait(setting.point, 60).state == "done"
    assert ended(run).state == "done"
    assert len(starts(cluster, plan)) == 2


def test_cancelling_a_sweep_leaves_the_visitor_what_he_watches(jobs, store):
    watched = quick(waves=1, epochs=400)
    run = SweepRun(plan_of(watched, slow()), jobs, store)
    until(lambda: jobs.progress(watched) is not None)
    jobs.request("ada", watched)
    run.cancel()
    assert run.wait(20).state == "cancelled"
    assert jobs.wait(watched, 60).state == "done"


def test_a_setting_that_fails_is_left_out_and_the_others_go_on(cluster, jobs, store):
    bad, good = quick(waves=2), quick(waves=2)
    plan = plan_of(bad, good)
    refuse(store, assessment_key(bad.with_waves(1)))
    end = ended(SweepRun(plan, jobs, store))
    assert (end.state, end.failed, end.points_done) == ("done", 1, 1)
    assert "cannot be used (not this one)" in end.message
    assert end.obstacle == end.message
    allow(store)
    assert ended(SweepRun(plan, jobs, store)).points_done == 2


def test_when_nothing_can_be_stored_any_more_the_run_stops_and_says_why(jobs, store):
    plan = plan_of(*(quick(waves=1) for _ in range(12)))
    refuse(store, None)
    end = ended(SweepRun(plan, jobs, store))
    assert (end.state, end.waves_done) == ("stopped", 0)
    assert end.failed < 12
    assert "cannot be used (not this one)" in end.message
    assert end.obstacle == end.message
    allow(store)
    assert ended(SweepRun(plan, jobs, store)).points_done == 12


def test_settings_that_fail_by_themselves_do_not_stop_the_others_however_many_they_are(cluster, store):
    listed = quick(waves=1)
    jobs = Jobs(cluster.client, store, limits=Limits(training=Listed(waves={listed.recipe: 1})))
    plan = plan_of(*(quick(waves=1) for _ in range(7)), listed)
    end = ended(SweepRun(plan, jobs, store))
    assert (end.state, end.failed, end.points_done) == ("done", 7, 1)
    assert "listed" in end.message
    assert end.obstacle == ""
    jobs.close()


def test_settings_take_turns_as_far_as_there_is_room_for_their_waves():
    one = 21_000  # bytes of the only wave of the smallest network on digits, about
    plan = plan_of(*(quick(waves=2) for _ in range(5)))
    breadth = [(place, waves) for waves in (1, 2) for place in range(5)]
    assert list(in_turn(plan, lambda: 10**9)) == breadth
    assert list(in_turn(plan, lambda: 0)) == sorted(breadth)
    kept = len(plan.settings[0].point.recipe.kept_epochs)
    assert list(in_turn(plan, lambda: round(4.5 * one * kept / 0.8))) == [
        *[(0, 1), (1, 1), (0, 2), (1, 2)],
        *[(2, 1), (3, 1), (2, 2), (3, 2)],
        *[(4, 1), (4, 2)],
    ]
    less = iter([4.5, 2.5, 0, 0])  # waves: assessments took the rest
    assert list(in_turn(plan, lambda: round(next(less) * one * kept / 0.8))) == [
        *[(0, 1), (1, 1), (0, 2), (1, 2)],
        *[(2, 1), (2, 2)],
        *[(3, 1), (3, 2), (4, 1), (4, 2)],
    ]


def test_a_sweep_larger_than_the_store_trains_nothing_twice(cluster, tmp_path):
    plan = plan_of(*(quick(waves=3) for _ in range(6)))
    size = len(wave_to_bytes(train_wave(plan.settings[0].point.recipe, 0)))
    small = Store(tmp_path, limit=11 * size)  # of 18 waves, and assessments
    jobs = Jobs(cluster.client, small)
    assert ended(SweepRun(plan, jobs, small)).points_done == 6
    begun = starts(cluster, plan)
    assert len(begun) == len(set(begun)) == 18
    assert small.missing(plan.settings[0].point.recipe, 3) > 0  # it had no room for all
    jobs.close()
    small.close()


def refuse(store, key):
    """Let SQLite refuse an assessment, or all of them."""
    when = "" if key is None else f"WHEN NEW.key = '{key}'"
    with sqlite3.connect(store.file) as connection:
        body = f"BEFORE INSERT ON assessment {when} BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        connection.execute(f"CREATE TRIGGER refusal {body}")


def allow(store):
    with sqlite3.connect(store.file) as connection:
        connection.execute("DROP TRIGGER refusal")


def test_a_setting_measured_on_more_waves_than_its_first_is_not_measured_on_fewer(jobs, store):
    plan = plan_of(quick(waves=2))
    ended(SweepRun(plan, jobs, store))
    with sqlite3.connect(store.file) as connection:
        connection.execute(
            "DELETE FROM assessment WHERE key = ?", [assessment_key(plan.settings[0].point.with_waves(1))]
        )
    assert assessed_waves(store, plan) == [2]


def test_time_left_is_that_of_the_waves_left_at_the_speed_so_far(jobs, store):
    plan = plan_of(*(quick(waves=1, epochs=100) for _ in range(6)))
    run = SweepRun(plan, jobs, store)
    assert run.progress().seconds_left is None
    begin = time.monotonic()
    until(lambda: run.progress().waves_done >= 3)
    now, taken = run.progress(), time.monotonic() - begin
    assert now.seconds_left is not None
    assert 0 < now.seconds_left <= 2 * taken * (6 - now.waves_done) / now.waves_done
    assert ended(run).seconds_left == 0


WEIGHED = """
import sys
from pathlib import Path
import psutil
from cache.cluster import Cluster
from cache.jobs import Jobs
from cache.keys import Point
from cache.store import Store
from cache.sweeps.run import SweepRun
from cache.sweeps.values import Plan, Setting
from dashboard.serving import server
from engine.architectures import Mlp
from engine.recipe import PopulationChoice, Recipe
from engine.release.values import Release

def recipe(seed):
    population = PopulationChoice(name="digits", contested=40)
    return Recipe(population=population, architecture=Mlp(width=256), epochs=1, batch=20, seed=seed)

def swept(seeds):
    points = [Point(recipe=recipe(seed), release=Release(), attack="loss", waves=1) for seed in seeds]
    settings = tuple(Setting(values=(), point=point) for point in points)
    run = SweepRun(Plan(dials=(), settings=settings, refused=(), waves=1), jobs, store)
    assert run.wait().state == "done"
    return [psutil.Process().memory_info().rss, scheduler.memory_info().rss]

with Cluster(workers=1) as cluster:
    store = Store(Path(sys.argv[1]))
    jobs = Jobs(cluster.client, store)
    children = psutil.Process().children(recursive=True)
    (scheduler,) = (child for child in children if "distributed.Scheduler" in " ".join(child.cmdline()))
    print(*swept(range(30)), *swept(range(30, 90)))
    jobs.close()
    store.close()
"""


def test_neither_the_process_that_runs_a_sweep_nor_the_scheduler_grows_with_the_number_of_its_settings(tmp_path):
    """Sixty waves of half a megabyte each: a process that held on to them would grow by a fifth."""
    asked = [sys.executable, "-c", WEIGHED, str(tmp_path)]
    done = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=600)
    before, scheduler_before, after, scheduler_after = map(int, done.stdout.split())
    assert after < 1.1 * before
    assert scheduler_after < 1.1 * scheduler_before
