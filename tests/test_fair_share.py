"""What a visitor of Explore reads while others want the same workers, or when something dies; workers are real."""

import contextlib
import functools
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import dashboard
from cache.address import Scheduler
from cache.admission import Limits, Listed, Nothing
from cache.external import External
from cache.failures import GONE, LOST, RESTARTED, UNWATCHED
from cache.jobs import Jobs
from cache.keys import assessment_key, wave_key
from cache.store import Store
from cache.supervision import Supervisor
from dashboard.serving.running import Running, set_running
from dashboard.state.view import View, point
from tests.at_work import begun, end, endless, quick, trainings, until
from tests.dashboard_processes import said
from tests.dask_processes import answers, dask_scheduler_at, dask_worker, free_port
from tests.test_faults import Workplace
from tests.test_leases import another
from tests.test_store_faults import DAMAGES, READABLE, SET_ASIDE, damage

APP = Path(dashboard.__file__).parent / "pages" / "app.py"
QUICK = {"population": "digits", "contested": "100", "architecture": "logistic", "models": "8"}
ASKED = point(View.from_query(QUICK)[0])


@pytest.fixture
def at_work(cluster, tmp_path):
    """Starts the jobs behind the pages, with limits; all end with the test."""
    begun = []

    def start(**limits) -> Any:
        store = Store(tmp_path)
        jobs = Jobs(cluster.client, store, limits=Limits(**limits))
        begun.append((jobs, store))
        set_running(Running(store=store, jobs=jobs))
        return jobs

    yield start
    set_running(None)
    for jobs, store in begun:
        jobs.close()
        store.close()


def opened(**query: str) -> AppTest:
    app = AppTest.from_file(str(APP), default_timeout=20)
    for name, text in (QUICK | query).items():
        app.query_params[name] = text
    return app.run()


def texts(app: AppTest) -> str:
    assert not app.exception
    kinds = ("html", "markdown", "caption", "info", "warning", "error")
    bodies = [getattr(element, "body", None) or element.proto.body for kind in kinds for element in app.get(kind)]
    return " ".join([*map(str, bodies), *(bar.proto.text for bar in app.get("progress"))]).replace("\\", "")


def shows(app: AppTest, text: str) -> None:
    """The page says so, now or after some of its own looks."""
    until(lambda: text in texts(app.run()), seconds=60)


def buttons(app: AppTest) -> list[str]:
    """What can be done about the measurement."""
    return [button.label for button in app.main.button if button.key != "pin"]


def busy(jobs):
    """Somebody's training that the one worker is at."""
    blocking = endless()
    jobs.request("first", blocking)
    until(lambda: jobs.progress(blocking).state == "training")


def test_a_visitor_reads_how_many_are_ahead_and_gets_his_turn(at_work):
    jobs = at_work()
    busy(jobs)
    others = [quick(), quick()]
    for number, asked in enumerate(others):
        jobs.request(f"other {number}", asked)
        until(lambda asked=asked: jobs._jobs[assessment_key(asked)].waves)  # it stands in the queue
    app = opened()
    shows(app, "Waiting for a free worker to train models 1 to 8 of 8; 2 trainings are ahead of yours …")
    assert "Cancel" in buttons(app)
    jobs.cancel("other 0")
    shows(app, "1 training is ahead of yours …")
    jobs.cancel("first")
    shows(app, "For these 100 records of a demonstration set")
    until(lambda: jobs.progress(others[1]).state == "done")


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is suspended there")
def test_a_visitor_reads_that_another_program_has_his_models_also_while_that_is_suspended(at_work, cluster, tmp_path):
    jobs, before = at_work(), trainings(cluster, ASKED.recipe)
    with another(tmp_path, wave_key(ASKED.recipe, 0)) as program:
        assert said(program) == "[True]\n"
        program.send_signal(signal.SIGSTOP)
        app = opened()
        shows(app, "Waiting for models 1 to 8 of 8, which another program on the same cache has taken on …")
        assert "Cancel" in buttons(app)
        assert jobs.progress(ASKED).state == "elsewhere"
        assert trainings(cluster, ASKED.recipe) == before
        program.kill()
        shows(app, "For these 100 records of a demonstration set")
    assert trainings(cluster, ASKED.recipe) == before + 1


def test_a_full_queue_is_a_sentence_and_asking_again_works_when_there_is_room(at_work):
    jobs = at_work(jobs=1)
    busy(jobs)
    app = opened()
    shows(app, "1 setting is in work or waits already; try again in a while.")
    assert buttons(app) == ["Ask again"]
    jobs.cancel("first")
    app.button(key="ask-again").click().run()
    shows(app, "For these 100 records of a demonstration set")


def test_who_comes_back_to_a_training_that_nobody_watched_reads_so_and_can_ask_anew(at_work):
    jobs = at_work(grace=2.0)
    blocking = endless()
    jobs.request("sweep", blocking, background=True)
    until(lambda: jobs.progress(blocking).state == "training")
    app = opened()
    until(lambda: jobs.progress(ASKED) is not None or not app.run())
    until(lambda: not jobs.progress(ASKED).active)
    shows(app, f"{UNWATCHED} Nothing is trained until you turn a dial.")
    assert buttons(app) == ["Measure this"]
    jobs.cancel("sweep")
    app.button(key="measure").click().run()
    shows(app, "For these 100 records of a demonstration set")


@pytest.mark.parametrize(
    ("training", "sentence"),
    [
        (Nothing(), "Nothing is trained here: whoever started this dashboard shows stored results only."),
        (Listed(waves={quick().recipe: 1}), "whoever started this dashboard allows listed settings only."),
        (Listed(waves={ASKED.recipe: 1}), "Only 8 models of this setting are trained here."),
    ],
)
def test_what_the_teacher_does_not_allow_is_a_sentence_and_what_he_allows_is_trained(at_work, training, sentence):
    jobs = at_work(training=training)
    app = opened(models="16")
    shows(app, sentence)
    assert buttons(app) == ["Ask again"]
    allowed = opened()
    if training == Listed(waves={ASKED.recipe: 1}):
        shows(allowed, "For these 100 records of a demonstration set")
    else:
        shows(allowed, sentence)
        assert jobs.progress(ASKED).state == "refused"


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_the_page_says_when_a_worker_was_killed_and_goes_on(at_work, cluster):
    jobs = at_work()
    long = {"population": "mnist5k", "architecture": View().architecture, "contested": "2000"}
    app = opened(**long)
    asked = point(View.from_query(QUICK | long)[0])
    until(lambda: app.run() and jobs.progress(asked) is not None)
    until(lambda: jobs.progress(asked).epoch >= 1)
    (worker,) = cluster.client.run(os.getpid).values()
    os.kill(worker, signal.SIGKILL)
    shows(app, RESTARTED)
    shows(app, "For these 2,000 records of a demonstration set")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_the_page_says_when_the_processes_that_compute_were_lost_and_goes_on(tmp_path):
    long = {"population": "mnist5k", "architecture": View().architecture, "contested": "1000"}
    asked = point(View.from_query(QUICK | long)[0])
    place = Workplace(tmp_path)
    try:
        set_running(Running(store=place.store, jobs=place.jobs))
        app = opened(**long)
        until(lambda: app.run() and place.jobs.progress(asked) is not None)
        until(lambda: place.jobs.progress(asked).epoch >= 1)
        place.process("distributed.Scheduler").kill()
        shows(app, LOST)
        shows(app, "For these 1,000 records of a demonstration set")
    finally:
        set_running(None)
        place.close()


def test_the_page_says_when_a_scheduler_stays_away_and_goes_on_when_asked_after_it_came_back(tmp_path):
    scheduler = Scheduler(address=f"tcp://127.0.0.1:{free_port()}")
    start, store = functools.partial(External, scheduler), Store(tmp_path)
    long = {"population": "mnist5k", "architecture": View().architecture, "contested": "1000", "models": "16"}
    asked = point(View.from_query(QUICK | long)[0])
    with contextlib.ExitStack() as processes:
        first = processes.enter_context(dask_scheduler_at(scheduler.address))
        processes.enter_context(dask_worker(scheduler))
        until(lambda: answers(scheduler))
        cluster = start()
        jobs: Any = Jobs(cluster.client, store, limits=Limits(patience=0.5))
        set_running(Running(store=store, jobs=jobs))
        processes.callback(set_running, None)
        processes.callback(store.close)
        processes.callback(Supervisor(start, cluster, jobs).close)
        app = opened(**long)
        until(lambda: app.run() and jobs.progress(asked) and jobs.progress(asked).waves_assessed)
        first.kill()
        shows(app, f"The training failed: {GONE}")
        assert buttons(app) == ["Try again"]
        assert store.trained(asked.recipe, 1)
        assert not store.trained(asked.recipe, 2)
        processes.enter_context(dask_scheduler_at(scheduler.address))
        processes.enter_context(dask_worker(scheduler))
        until(jobs.workers)
        app.button(key="retry").click().run()
        shows(app, "For these 1,000 records of a demonstration set")
        until(lambda: jobs.progress(asked).state == "done")
        trained = begun(jobs._flights.client)
    assert [task.split("-")[1] for task in trained] == [wave_key(asked.recipe, 1)]


def limit_pages(store, most):
    """Let the file grow to so many pages. The limit is a connection's: it goes to more than are used at a time."""
    with contextlib.ExitStack() as taken:
        for _ in range(8):
            connection = taken.enter_context(store._connections.one())
            connection.execute(f"PRAGMA max_page_count = {most}").fetchone()


def test_the_page_says_when_a_result_cannot_be_stored_and_tries_again_when_asked(at_work, tmp_path):
    jobs = at_work()
    size = jobs._store.maintain(lambda connection: connection.execute("PRAGMA page_count").fetchone()[0])
    limit_pages(jobs._store, size)
    app = opened()
    shows(app, "The training failed: The cache ")
    assert "cannot be used (database or disk is full)" in texts(app)
    assert buttons(app) == ["Try again"]
    limit_pages(jobs._store, 1_000_000)
    app.button(key="retry").click().run()
    shows(app, "For these 100 records of a demonstration set")


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_the_page_says_when_the_cache_was_damaged_and_measures_anew(at_work, tmp_path, name):
    jobs, file = at_work(), tmp_path / "privacydial.sqlite"
    jobs.request("ada", ASKED)
    assert end(jobs, ASKED).state == "done"
    assert "damaged" not in texts(opened())
    jobs._store.close()
    damage(file, name)
    app = opened()
    shows(app, "For these 100 records of a demonstration set")
    assert len(jobs._store.damaged) == (name in SET_ASIDE - {READABLE}) or name == "twenty flipped bytes"
    if jobs._store.damaged:
        shows(app, "The file with the results was damaged.")
        assert "kept beside the new one as privacydial-damaged-1.sqlite." in texts(app)


def test_the_page_says_when_one_result_was_damaged_and_measures_it_anew(at_work, tmp_path):
    jobs = at_work()
    jobs.request("ada", ASKED)
    assert end(jobs, ASKED).state == "done"
    assert "damaged" not in texts(opened())
    assert jobs._store.maintain(
        lambda connection: connection.execute("UPDATE assessment SET blob = zeroblob(length(blob))").rowcount
    )
    app = opened()
    shows(app, "For these 100 records of a demonstration set")
    shows(app, "1 stored result was damaged and thrown away; it is measured again when asked for.")
    assert jobs._store.damaged == []
    assert jobs._store.assessment(assessment_key(ASKED)) is not None
