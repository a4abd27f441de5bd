import http.client
import re
import shutil
import signal
import socket
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest

from dashboard.panels.plot import PLOTLY_ROUTE
from tests.at_work import as_from_a_terminal

COMMAND = [sys.executable, "-m", "dashboard.launch"]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that could not start."""
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("privacydial: ")
    return sentence


def test_help_names_every_option():
    done = ran("--help")
    assert done.returncode == 0
    options = ("--host", "--port", "--no-browser", "--cache", "--cache-limit", "--version")
    for option in (*options, "--scheduler", "--insecure-scheduler", "--train"):
        assert option in done.stdout


def test_the_version_is_printed():
    assert re.fullmatch(r"privacydial \d+\.\d+\.\d+\S*\n", ran("--version").stdout)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8501.0"])
def test_a_port_that_is_none_is_refused(port):
    assert f"port must be a whole number from 1 to 65535, got '{port}'" in refused(ran(f"--port={port}"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org", "::"])  # noqa: S104
def test_an_address_that_others_can_reach_is_refused(host):
    assert "host must be an address of this machine alone" in refused(ran(f"--host={host}"))


def test_a_port_in_use_is_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(ran(f"--port={port}", f"--cache={tmp_path}"))
    assert f"port {port} at 127.0.0.1 cannot be used" in sentence
    assert sentence.endswith("choose another with --port")


def test_a_cache_directory_that_cannot_be_written_is_refused(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    sentence = refused(ran(f"--cache={file / 'cache'}"))
    assert "cannot be written to" in sentence
    assert "choose another with --cache DIR" in sentence


def test_a_file_of_settings_that_is_none_is_refused(tmp_path):
    sentence = refused(ran("--train=no such file", f"--cache={tmp_path}", f"--port={free_port()}"))
    assert "--train must be nobody, everybody or a readable file, got 'no such file'" in sentence


def test_an_unknown_option_is_refused():
    assert "unrecognized arguments: --colour" in refused(ran("--colour"))


def got(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers, content


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_the_dashboard_answers_serves_plotly_and_stops_with_its_workers(tmp_path, ending):
    port = free_port()
    command = [*COMMAND, "--no-browser", f"--port={port}", f"--cache={tmp_path}"]
    with (
        as_from_a_terminal(),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server,
    ):
        try:
            assert server.stdout is not None
            address = f"http://127.0.0.1:{port}"
            assert server.stdout.readline() == f"Privacy Dial is open at {address} (Ctrl-C stops it).\n"
            assert got(port, "/")[0] == 200
            status, headers, script = got(port, PLOTLY_ROUTE)
            assert (status, "immutable" in headers["Cache-Control"], b"plotly.js" in script[:200]) == (
                200,
                True,
                True,
            )
            _, headers, packed = got(port, PLOTLY_ROUTE, {"Accept-Encoding": "gzip"})
            assert headers["Content-Encoding"] == "gzip"
            assert len(packed) < 2_000_000
            server.send_signal(ending)
            out, err = server.communicate(timeout=60)
        finally:
            server.kill()
    assert (server.returncode, out, err) == (0, "", "")
    assert not children_of(server.pid)


def children_of(pid: int) -> list[str]:
    """Processes of the machine that name the process as the parent that they watch."""
    found = []
    for process in Path("/proc").glob("[0-9]*") if shutil.which("ps") else ():
        try:
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if f"PRIVACYDIAL_PARENT={pid}\0".encode() in environment:
            found.append(process.name)
    return found
