"""What several test modules work with: one worker for each module, a store for each test, jobs on both."""

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("unhurried")


@pytest.fixture(scope="module")
def cluster():
    from cache.cluster import Cluster  # heavy, and most tests need none

    with Cluster(workers=1) as cluster:
        cluster.client.wait_for_workers(1, timeout=120)
        yield cluster


@pytest.fixture
def store(tmp_path):
    from cache.store import Store

    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def jobs(cluster, store):
    from cache.jobs import Jobs

    jobs = Jobs(cluster.client, store)
    yield jobs
    jobs.close()
