"""What several jobs share, or turn to the front, on its way through a real scheduler and a real worker."""

from dataclasses import replace
from typing import Any

import pytest

from cache import remote
from cache.flights import Flights
from cache.keys import Point, Versus, asked_key, assessment_key, wave_key
from cache.priority import bring_forward
from engine.architectures import Logistic
from tests.at_work import begun, end, endless, quick, told, trainings, until


def boarded(flights: Any, asked: Point) -> Any:
    """The flight of a first wave in the background, with the point as its user."""
    submit = remote.training(flights.client, asked.recipe, 0, background=True, heard=True, gpu=False)
    key = wave_key(asked.recipe, 0)
    return flights.board("wave", key, asked, submit, stored=False, background=True, wave=0)


def test_what_is_brought_forward_the_moment_it_is_submitted_goes_first(jobs, cluster):
    jobs.request("ada", blocking := endless())
    until(lambda: jobs.progress(blocking).state == "training")
    flights, queued = jobs._flights, [quick() for _ in range(6)]
    on_their_way = [boarded(flights, asked) for asked in queued]
    flights.bring_forward(queued[-1])
    until(told)
    jobs.cancel("ada")
    until(lambda: all(flight.future.done() for flight in on_their_way))
    for asked in queued:
        flights.leave(asked)
    names = [flight.name for flight in on_their_way]
    assert [names.index(task) for task in begun(cluster.client) if task in names] == [5, 0, 1, 2, 3, 4]


def test_a_task_that_is_not_there_yet_is_brought_forward_when_it_is(jobs, cluster, monkeypatch):
    calls = []

    def late(_client, names):
        """Two tasks of which one reaches its worker at the second attempt, and one at the third."""
        calls.append(names)
        return names[len(calls) - 1 :] if len(calls) < 3 else []

    assert bring_forward(cluster.client, ["nobody"]) == ["nobody"]
    monkeypatch.setattr("cache.flights.bring_forward", late)
    monkeypatch.setattr("cache.flights._AGAIN", 0.0)
    flights, queued = jobs._flights, [endless(), endless()]
    first, second = [boarded(flights, asked).name for asked in queued]
    flights._bring_forward([flights._by_name[first], flights._by_name[second]])
    until(told)
    for asked in queued:
        flights.leave(asked)
    assert calls == [[first, second], [first, second], [second]]


def test_the_scheduler_is_asked_for_gpus_once_for_many_waves_and_anew_by_those_who_look_for_their_loss(
    jobs, monkeypatch
):
    asked = []
    monkeypatch.setattr("cache.flights.offers_gpu", lambda _client: asked.append(1) or False)
    monkeypatch.setattr("cache.flights._FRESH", 3600.0)
    jobs.request("ada", point := quick(waves=4))
    assert end(jobs, point).state == "done"
    assert len(asked) == 1
    flights: Flights = jobs._flights
    needing = boarded(flights, blocking := endless())
    needing.gpu = True
    jobs.look_for_gpu()
    assert jobs.without_gpu
    assert len(asked) == 2
    monkeypatch.setattr("cache.flights._FRESH", 0.0)
    assert not flights.offers_gpu()
    assert len(asked) == 3
    flights.leave(blocking)


@pytest.mark.parametrize("stopped", ["first", "second"])
def test_a_job_that_is_stopped_ends_while_the_training_that_it_shared_goes_on(jobs, stopped):
    points = {"first": endless()}
    points["second"] = Point(recipe=points["first"].recipe, release=points["first"].release, attack="lira", waves=1)
    work = {}
    for visitor, asked in points.items():
        jobs.request(visitor, asked)
        until(lambda asked=asked: jobs.progress(asked).state == "training")
        work[visitor] = jobs._jobs[assessment_key(asked)]
    (flight,) = {job.waves[0] for job in work.values()}
    until(flight.landing.locked)  # the first waits for the wave to take it to the store, the second for the first
    jobs.cancel(stopped)
    until(work[stopped].over.is_set, seconds=60)
    (other,) = points.keys() - {stopped}
    assert jobs.progress(points[other]).state == "training"


def test_a_wave_that_came_while_a_job_waited_for_another_is_stored_when_the_job_is_stopped(jobs, store, cluster):
    jobs.request("ada", blocking := endless())
    until(lambda: jobs.progress(blocking).state == "training")
    first = endless()
    recipe = replace(first.recipe, architecture=Logistic(), epochs=5, batch=20)
    both = Versus(first=first, second=replace(first, recipe=recipe))
    jobs.request("sweep", both, background=True)
    job: Any = jobs._jobs[asked_key(both)]
    until(lambda: job.waves and job.shadows)
    jobs._flights._bring_forward([job.shadows[0]])
    until(told)
    jobs.cancel("ada")
    until(lambda: job.waves[0].starts)  # the other one is trained
    until(job.shadows[0].future.done)
    jobs.cancel("sweep")
    assert jobs.wait(both, 60).state == "cancelled"
    assert job.over.is_set()
    assert store.trained(recipe, 1)
    assert [trainings(cluster, asked) for asked in (first.recipe, recipe)] == [1, 1]
