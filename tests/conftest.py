"""What several test modules work with: one worker for each module, a store for each test, jobs on both.

What is heavy is imported where it is asked for: most tests need none of it.
"""

import sys

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # on a busy machine an example takes as long as it takes
settings.load_profile("unhurried")


@pytest.fixture(scope="module")
def cluster():
    from cache.cluster import Cluster

    with Cluster(workers=1) as cluster:
        cluster.client.wait_for_workers(1, timeout=120)
        yield cluster


@pytest.fixture(autouse=True)
def nothing_remembered():
    """What pages keep for all visitors is by key, and tests store different results under one key."""
    yield
    streamlit = sys.modules.get("streamlit")
    if streamlit is not None:
        streamlit.cache_resource.clear()


@pytest.fixture
def store(tmp_path):
    """An empty store, which pages show."""
    from cache.store import Store
    from dashboard.serving.running import Running, set_running

    store = Store(tmp_path)
    set_running(Running(store=store))
    yield store
    set_running(None)
    store.close()


@pytest.fixture
def one_thread():
    """Torch on one thread, as in workers: bits do not depend on how a sum is cut up."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def jobs(cluster, store):
    from cache.jobs import Jobs

    jobs = Jobs(cluster.client, store)
    yield jobs
    jobs.close()


@pytest.fixture
def sweeps(jobs, store):
    """The sweeps of a dashboard at work, which pages find with its jobs and its store."""
    from cache.sweeps.current import Sweeps
    from dashboard.serving.running import Running, set_running

    sweeps = Sweeps(jobs, store)
    set_running(Running(store=store, jobs=jobs, sweeps=sweeps))
    yield sweeps
    sweeps.close()
