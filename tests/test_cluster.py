import http.client
import os
import signal
import subprocess
import sys

import psutil
import pytest
from distributed import Client, Security

from cache.cluster import Cluster, default_workers, sheltered_cluster

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the scheduler is in the same process")

WAITING = """
import time
from cache.cluster import Cluster
cluster = Cluster(workers=1)
print("ready", flush=True)
time.sleep(1000)
"""


def processes(parent=None):
    return psutil.Process(parent).children(recursive=True)


def gone(some, seconds=20):
    """Whether the processes end in time."""
    _, alive = psutil.wait_procs(some, timeout=seconds)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


def test_a_worker_is_polite_warm_and_of_one_thread(cluster):
    def look():
        import torch

        return os.nice(0), torch.get_num_threads(), os.environ["OMP_NUM_THREADS"], "engine.pipeline" in sys.modules

    before = os.nice(0)
    assert cluster.client.submit(look).result(timeout=60) == (
        min(before + 10, 19),
        1,
        "1",
        True,
    )  # 19 is the most polite
    assert list(cluster.client.nthreads().values()) == [1]


def listening():
    """The addresses on which processes of the cluster listen."""
    return [
        connection.laddr
        for process in processes()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]


def test_the_cluster_listens_on_loopback_alone(cluster):
    addresses = listening()
    assert addresses
    assert {address.ip for address in addresses} == {"127.0.0.1"}


@pytest.mark.parametrize("page", ["/", "/status", "/info/main/workers.html", "/json/index.html", "/metrics"])
def test_the_cluster_shows_no_page(cluster, page):
    for address in listening():
        connection = http.client.HTTPConnection(address.ip, address.port, timeout=5)
        try:
            connection.request("GET", page)
            assert connection.getresponse().status == 404
        except (OSError, http.client.HTTPException):
            pass  # the ports of the scheduler and the workers do not speak HTTP
        finally:
            connection.close()


@pytest.mark.parametrize(("protocol", "security"), [("tcp", None), ("tls", Security.temporary())])
def test_a_client_without_the_key_is_refused(cluster, protocol, security):
    address = cluster.client.scheduler.address.replace("tls", protocol)
    with pytest.raises(OSError, match=protocol):
        Client(address, security=security, timeout=2, set_as_default=False)


def test_the_key_is_on_no_command_line_and_not_left_in_the_environment(cluster):
    lines = [" ".join(process.cmdline()) for process in processes()]
    assert any("distributed.Scheduler" in line for line in lines)
    assert not any("PRIVATE KEY" in line for line in lines)
    assert not any("PRIVATE KEY" in value for value in os.environ.values())


def test_the_dashboards_process_does_not_load_torch():
    program = "import sys, cache.cluster, cache.jobs; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_closing_ends_all_processes_even_while_they_start():
    before = set(processes())
    cluster = Cluster(workers=2)
    started = [process for process in processes() if process not in before]
    cluster.close()
    cluster.close()
    assert len(started) >= 3
    assert gone(started)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_whoever_starts_a_sheltered_cluster_hears_ctrl_c_afterwards():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    sheltered_cluster(workers=1).close()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_no_process_outlives_a_dashboard_that_was_killed():
    with subprocess.Popen([sys.executable, "-c", WAITING], stdout=subprocess.PIPE, text=True) as dashboard:
        assert dashboard.stdout is not None
        assert dashboard.stdout.readline() == "ready\n"
        while not any("multiprocessing.spawn" in " ".join(one.cmdline()) for one in processes(dashboard.pid)):
            assert dashboard.poll() is None, "the dashboard ended before its worker started"
        started = processes(dashboard.pid)
        dashboard.kill()
    assert len(started) >= 3  # scheduler, worker and the process that looks after it
    assert gone(started)


def test_folders_named_like_ours_where_the_visitor_is_do_no_harm(tmp_path):
    for name in ("cache", "engine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong one')")
    program = "from cache.cluster import Cluster; Cluster(workers=1).close()"
    subprocess.run([sys.executable, "-P", "-c", program], cwd=tmp_path, check=True)


def test_there_is_at_least_one_worker_by_default():
    assert 1 <= default_workers() <= 8
