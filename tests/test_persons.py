"""Tabs of one person share what he may have in work, and a sweep is turned by who began it."""

import contextlib
import re
import signal
import sys
import time
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from cache.admission import Limits, Person
from cache.jobs import Jobs
from cache.keys import assessment_key
from cache.sweeps.reading import sweep_from_toml
from dashboard.panels.watching import LEFT, OTHERS
from dashboard.serving.visitors import COOKIE, Visitors, named
from dashboard.state.person import this_person
from tests.asgi import request
from tests.at_work import end, endless, quick, until
from tests.browser.served import left_after, served
from tests.explored import opened_sweep
from tests.protocol import PATIENCE

NAME = "0123456789abcdef" * 2
OWN = "1 setting is in work or waits in other tabs of yours already; cancel one or let one end first."
SWEEP = b'waves = 1\npopulation.name = "digits"\npopulation.contested = 60\nbatch = 1\nepochs = [4000, 4001]\n'


@pytest.fixture
def one_each(cluster, store):
    """Jobs of which a person may have one."""
    jobs = Jobs(cluster.client, store, limits=Limits(own=1))
    yield jobs
    jobs.close()


def test_two_tabs_of_one_person_share_his_limit_and_another_person_has_his_own(one_each):
    slow, more, others = endless(), quick(), quick()
    one_each.request("tab 1", slow, person="ann")
    one_each.request("tab 2", more, person="ann")
    refused = one_each.progress(more)
    assert (refused.state, refused.message) == ("refused", OWN)
    one_each.request("tab 3", others, person="bob")
    one_each.request("script", more)
    assert one_each.progress(others).state == "queued"
    assert one_each.progress(more).state == "queued"
    one_each.cancel("tab 1")
    assert end(one_each, others).state == "done"
    assert end(one_each, more).state == "done"


def test_a_tab_may_turn_to_another_setting_and_a_second_tab_may_watch_what_is_in_work(one_each):
    first, second = endless(), endless()
    one_each.request("tab 1", first, person="ann")
    one_each.request("tab 2", first, person="ann")
    one_each.cancel("tab 2")
    assert one_each.progress(first).active  # tab 1 watches it
    one_each.request("tab 1", second, person="ann")
    until(lambda: one_each.progress(first).state == "cancelled")
    assert one_each.progress(second).active
    one_each.cancel("tab 1")
    one_each.request("tab 2", quick(), person="ann")
    assert not one_each._persons.keys() - {"tab 2"}


def test_a_person_has_two_settings_in_work_by_default(jobs):
    slow = [endless() for _ in range(3)]
    for tab, asked in enumerate(slow):
        jobs.request(f"tab {tab}", quick(), person="ann")
        jobs.request(f"tab {tab}", asked, person="ann")
    assert jobs.progress(slow[1]).active
    assert jobs.progress(slow[2]).message.startswith("2 settings are in work or wait in other tabs of yours")


def test_what_a_sweep_has_queued_counts_while_a_visitor_wants_it_and_is_the_sweeps_again_when_he_leaves(
    cluster, store
):
    jobs: Any = Jobs(cluster.client, store, limits=Limits(own=1, jobs=1))
    queued, wanted = [endless() for _ in range(4)], quick()
    for number, asked in enumerate(queued):
        jobs.request(f"sweep {number}", asked, background=True)
    for tab, asked in enumerate(queued):
        jobs.request(f"tab {tab}", asked, person="ann")
    watched = [jobs._jobs[assessment_key(asked)] for asked in queued]
    assert [job.background for job in watched] == [False, True, True, True]
    assert all(jobs.progress(asked).active for asked in queued)  # the sweep goes on with all of them
    jobs.request("tab 4", wanted, person="bob")
    assert jobs.progress(wanted).message.startswith("1 setting is in work or waits already")
    for tab in range(4):
        jobs.cancel(f"tab {tab}")
    assert all(job.background for job in watched)
    jobs.request("tab 4", wanted, person="bob")
    for number in range(4):
        jobs.cancel(f"sweep {number}")
    assert end(jobs, wanted).state == "done"
    jobs.close()


def test_whoever_is_alone_in_a_full_queue_may_turn_to_another_setting(cluster, store):
    jobs: Any = Jobs(cluster.client, store, limits=Limits(jobs=1))
    alone, shared, more = endless(), endless(), quick()
    jobs.request("ada", alone)
    until(lambda: jobs.progress(alone).state == "training")
    jobs.request("ada", shared)
    assert jobs.progress(shared).active
    until(lambda: jobs.progress(shared).state == "training")
    assert jobs.progress(alone).state == "cancelled"
    jobs.request("bob", shared)
    jobs.request("ada", more)
    assert jobs.progress(more).state == "refused"
    assert jobs.progress(shared).state == "training"  # bob watches it
    jobs.close()


async def page(_request):
    return PlainTextResponse("page")


def opened(**headers):
    """What the middleware answers to somebody who opens a page with these headers."""
    return request(Visitors(Starlette(routes=[Route("/", page)])), headers=headers)


def test_a_browser_is_given_a_random_name_once_which_scripts_cannot_read():
    given = [opened().headers["set-cookie"] for _ in range(2)]
    assert given[0] != given[1]
    name, *rules = given[0].split("; ")
    assert re.fullmatch(rf"{COOKIE}=[0-9a-f]{{32}}", name)
    assert rules == ["Path=/", "HttpOnly", "SameSite=Lax"]
    assert "set-cookie" not in opened(cookie=name).headers
    assert "set-cookie" not in opened(accept="*/*").headers


def test_with_tls_the_name_is_for_tls_only():
    app = Visitors(Starlette(routes=[Route("/", page)]))
    assert request(app, scheme="https").headers["set-cookie"].endswith("; Secure")


@pytest.mark.parametrize(
    "value",
    [
        "",
        NAME[:-1],
        NAME + "0",
        NAME.upper(),
        NAME[:-1] + "٣",
        "x" * 100_000,
        "<script>",
        "../../etc",
        "\r\nx: y",
        "\0",
    ],
)
def test_what_is_no_name_of_ours_is_nobodys(value, monkeypatch):
    assert named({COOKIE: value}) is None
    monkeypatch.setattr(
        st, "context", SimpleNamespace(cookies={COOKIE: value}, ip_address="10.0.0.9", headers={"a": "b"})
    )
    assert re.fullmatch(r"tab [0-9a-f]{16}", this_person().name)


def test_a_hostile_cookie_is_answered_with_a_name():
    for value in ("x" * 60_000, "a;b=c;;=", '"\\"', "\xff"):
        assert COOKIE in opened(cookie=f"{COOKIE}={value}").headers["set-cookie"]


def visiting(monkeypatch, *, name="", address: str | None = "10.0.0.9", headers=True, **claims):
    """Somebody whose browser says this of him."""
    known = SimpleNamespace(
        cookies={COOKIE: name}, ip_address=address, headers={"Host": "localhost"} if headers else {}
    )
    monkeypatch.setattr(st, "context", known)
    monkeypatch.setattr("dashboard.state.person.who", lambda _cookies: claims or None)
    return this_person()


def test_a_person_is_his_account_or_his_browser_or_his_tab(monkeypatch):
    browser = visiting(monkeypatch, name=NAME)
    assert browser == visiting(monkeypatch, name=NAME)
    account = visiting(monkeypatch, name=NAME, iss="https://id.example", sub="7")
    assert account == visiting(monkeypatch, iss="https://id.example", sub="7", email="ann@example.org")
    others = [
        visiting(monkeypatch, name=NAME[::-1]),
        visiting(monkeypatch, iss="https://id.example", sub="8"),
        visiting(monkeypatch, iss="https://other.example", sub="7"),
        visiting(monkeypatch),
    ]
    assert len({browser, account, *others}) == 6
    assert not any(person.here for person in (browser, account, *others))


@pytest.mark.parametrize(
    ("address", "headers", "here"),
    [
        (None, True, True),
        ("127.1.2.3", True, True),
        (None, False, False),
        ("192.168.1.7", True, False),
        ("2001:db8::1", True, False),
    ],
)
def test_who_sits_at_the_machine_is_known_by_the_address_of_a_connection_that_is_there(
    monkeypatch, address, headers, here
):
    assert visiting(monkeypatch, address=address, headers=headers).here is here


def test_a_sweep_is_turned_by_who_began_it_and_at_the_machine_whatever_a_page_shows(sweeps):
    ann, bob, teacher = Person(name="ann"), Person(name="bob"), Person(name="teacher", here=True)
    plan = sweep_from_toml(SWEEP).plan()
    assert not sweeps.may_turn(ann)
    assert sweeps.start(plan, ann)
    run = sweeps.current
    until(lambda: run.progress().state == "running")
    for to in ("pause", "resume", "cancel"):
        assert not sweeps.turn(run, to, bob)
    assert run.progress().state == "running"
    assert sweeps.turn(run, "pause", ann)
    assert run.progress().state == "paused"
    assert sweeps.turn(run, "resume", Person(name="ann"))
    assert sweeps.turn(run, "cancel", teacher)
    assert run.progress().state == "cancelled"
    assert sweeps.start(plan, bob)
    assert not sweeps.turn(run, "cancel", bob)  # of a page that shows the run before
    assert not sweeps.turn(sweeps.current, "cancel", ann)
    assert sweeps.turn(sweeps.current, "cancel", bob)


def test_a_sweep_that_stays_paused_is_turned_by_anybody_and_is_then_of_who_resumed_it(sweeps, monkeypatch):
    ann, bob, carl = (Person(name=name) for name in ("ann", "bob", "carl"))
    assert not sweeps.abandoned
    assert sweeps.start(sweep_from_toml(SWEEP).plan(), ann)
    run = sweeps.current
    until(lambda: run.progress().state == "running")
    assert sweeps.turn(run, "pause", ann)
    assert not sweeps.turn(run, "resume", bob)
    monkeypatch.setattr("cache.sweeps.current.ABANDONED", 0.0)
    until(lambda: run.paused_for > 0)
    assert sweeps.may_turn(carl)
    monkeypatch.setattr("cache.sweeps.current.ABANDONED", run.paused_for)
    assert sweeps.turn(run, "resume", bob)
    assert (run.progress().state, run.paused_for) == ("running", 0.0)
    assert not sweeps.turn(run, "pause", carl)
    assert not sweeps.turn(run, "pause", ann)
    assert sweeps.turn(run, "pause", bob)
    until(lambda: sweeps.turn(run, "cancel", carl))
    assert run.progress().state == "cancelled"
    assert sweeps.start(sweep_from_toml(SWEEP).plan(), carl)


def shown(app: AppTest) -> Any:
    assert not app.exception
    return [button.label for button in app.button], [caption.value for caption in app.caption]


def test_the_page_offers_who_may_not_turn_a_sweep_a_sentence_and_no_button(sweeps, monkeypatch):
    visiting(monkeypatch, name=NAME)
    mine = opened_sweep()
    assert sweeps.start(sweep_from_toml(SWEEP).plan(), this_person())
    until(lambda: sweeps.current.progress().state == "running")
    assert "Cancel the sweep" in shown(mine.run())[0]
    visiting(monkeypatch, name=NAME[::-1])
    buttons, captions = shown(opened_sweep())
    assert (set(buttons) & {"Pause", "Cancel the sweep"}, captions) == (set(), [OTHERS])
    mine.button(key="sweep-cancel").click().run()  # what a hidden button would have sent
    assert sweeps.current.progress().state == "running"
    visiting(monkeypatch, name=NAME)
    mine.run().button(key="sweep-pause").click().run()
    monkeypatch.setattr("cache.sweeps.current.ABANDONED", 0.0)
    assert LEFT in shown(mine.run())[1]
    visiting(monkeypatch, name=NAME[::-1])
    buttons, captions = shown(opened_sweep())
    assert ({"Resume", "Cancel the sweep"} <= set(buttons), captions) == (True, [LEFT])
    visiting(monkeypatch, name=NAME)
    mine.run().button(key="sweep-cancel").click().run()
    assert sweeps.current.progress().state == "cancelled"


@contextlib.contextmanager
def tab(address, cookie):
    """A tab of Explore at a setting that takes long, as its browser would hold it."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    headers = {"Cookie": cookie}
    with connect(
        stream, subprotocols=[Subprotocol("streamlit")], additional_headers=headers, max_size=None, proxy=None
    ) as socket:
        yield socket


def looked(socket, query="", fragment=""):
    """All that the server sends for one look."""
    asked = BackMsg()
    asked.rerun_script.page_name, asked.rerun_script.query_string = "explore", query
    asked.rerun_script.fragment_id = fragment
    socket.send(asked.SerializeToString())
    messages: list[ForwardMsg] = []
    while not messages or messages[-1].WhichOneof("type") != "script_finished":
        messages.append(ForwardMsg.FromString(socket.recv(timeout=PATIENCE)))
    return messages


def refusals(socket, stop):
    """What is said in place of a training once the dial has rested; nothing where one is in work or waits."""
    said, deadline = [], time.monotonic() + PATIENCE
    # Of many waves: what the first tab waits for is to be in work still when the third one asks.
    query = f"population=mnist5k&contested=2000&dp={stop}&models=64"
    while time.monotonic() < deadline and not said:
        messages = looked(socket, query)
        elements = [message.delta.new_element for message in messages if message.WhichOneof("type") == "delta"]
        said = [element.alert.body for element in elements if element.WhichOneof("type") == "alert"]
        texts = [element.progress.text for element in elements if element.WhichOneof("type") == "progress"]
        if any(text.startswith(("Training", "Waiting")) for text in texts):
            return []
        time.sleep(0.2)
    assert said, f"neither a training nor a refusal within {PATIENCE:.0f} s"
    return said


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_through_the_server_a_third_tab_of_a_browser_is_refused_and_another_browser_is_not(tmp_path):
    def browser(address):
        asked = urllib.request.Request(address, headers={"Accept": "text/html"})  # noqa: S310  ours
        with urllib.request.urlopen(asked, timeout=PATIENCE) as answer:  # noqa: S310
            cookies = answer.headers.get_all("Set-Cookie")
        (cookie,) = [text.partition(";")[0] for text in cookies if text.startswith(COOKIE)]
        return cookie

    with served(tmp_path / "cache", tmp_path / "log.txt") as server, contextlib.ExitStack() as tabs:
        ann, bob = browser(server.address), browser(server.address)
        found = [
            refusals(tabs.enter_context(tab(server.address, cookie)), stop)
            for cookie, stop in ((ann, "0.3"), (ann, "0.5"), (ann, "0.7"), (bob, "1"), (f"{COOKIE}=x", "1.5"))
        ]
        tabs.close()
        assert left_after(server, signal.SIGTERM) == []
    assert found[0] == found[1] == found[3] == found[4] == []
    assert len(found[2]) == 1
    assert "2 settings are in work or wait in other tabs of yours already" in found[2][0]
