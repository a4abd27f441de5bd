import signal
import sys

import pytest
from playwright.sync_api import expect

from cache.store import Store
from tests.browser.reading import TRAINING
from tests.browser.served import left_after, served

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
