import contextlib
import re
import signal
import sys

import pytest
from playwright.sync_api import expect

from cache.store import Store
from tests.at_work import assert_verified, rows, until
from tests.browser.reading import TRAINING, expect_measured, sentence
from tests.browser.served import left_after, served
from tests.dashboard_processes import DOOMED_COMMAND, growing_log
from tests.dask_processes import answers, dask_scheduler, dask_worker, starts

PATIENCE = 300  # seconds, on a machine that is busy

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_a_dashboard_that_ends_in_the_middle_of_a_training(browser, tmp_path, ending):
    cache = tmp_path / "cache"
    with served(cache, tmp_path / "log.txt") as server:
        with browser.new_context() as context:
            page = context.new_page()
            page.goto(f"{server.address}/explore?architecture=lstm-64&contested=3500")
            expect(page.get_by_text("Training models 1 to 8 of 16")).to_be_visible(timeout=TRAINING)
            assert len(server.family()) >= 4  # the command, a scheduler, a worker and what looks after it
            assert left_after(server, ending) == []
        assert server.process.returncode == {signal.SIGTERM: 0, signal.SIGKILL: -signal.SIGKILL}[ending]
        assert "Traceback" not in server.log.read_text()
        assert server.rows("wave") == 0
    Store(cache).close()


def test_a_dashboard_killed_during_a_store_write_is_opened_again_and_its_page_goes_on(browser, tmp_path):
    """Its workers are those of a scheduler that outlives it, and with it the log of all starts."""
    cache, setting = tmp_path / "cache", "explore?population=digits&contested=100&architecture=mlp-1024&models=16"
    with dask_scheduler() as scheduler, contextlib.ExitStack() as opened:
        opened.enter_context(dask_worker(scheduler))
        until(lambda: answers(scheduler))
        page = opened.enter_context(browser.new_context()).new_page()
        options = ("--scheduler", scheduler.address, "--insecure-scheduler")
        with (
            served(cache, tmp_path / "doomed.txt", *options, program=DOOMED_COMMAND) as doomed,
            contextlib.closing(Store(cache)) as store,
            growing_log(store),
        ):
            page.goto(f"{doomed.address}/{setting}")
            # A signal that comes from nothing but a write: it was in the transaction of its second wave.
            assert doomed.process.wait(timeout=PATIENCE) == -signal.SIGXFSZ
        kept, before = rows(cache, "rowid", "wave"), starts(scheduler)
        assert len(kept) == 1
        assert set(before.values()) == {1}
        assert len(before) == 2
        assert_verified(cache)
        with served(cache, tmp_path / "log.txt", *options) as server:
            page.goto(f"{server.address}/{setting}")
            expect(sentence(page)).to_have_text(re.compile(r"^Of \d[\d,]* members"), timeout=TRAINING)
            expect_measured(page)
            again = starts(scheduler) - before
            assert "Traceback" not in server.log.read_text()
    assert again.total() == 1
    assert again.keys() == before.keys() - kept.keys(), "a stored wave was trained again"
    assert kept.items() < rows(cache, "rowid", "wave").items(), "a stored wave was written again"
    assert len(rows(cache, "rowid", "wave")) == 2
    assert_verified(cache)
