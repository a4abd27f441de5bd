"""What a visitor is told when a page fails, and what the server does not take from him, through the real server."""

import http.client
import secrets
import signal
import sqlite3
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import connect
from websockets.typing import Subprotocol

import engine
from cache.store import FILE
from tests.browser.served import left_after, served
from tests.protocol import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")

LIMIT = 5 * 1024 * 1024
BOUNDARY = "b0undary"


@contextmanager
def visiting(address):
    """An open page's websocket."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    with connect(stream, subprotocols=[Subprotocol("streamlit")], max_size=None, proxy=None) as socket:
        yield socket


def run(socket, path="explore"):
    """All that the server sends for one run of a page."""
    asked = BackMsg()
    asked.rerun_script.page_name = path
    socket.send(asked.SerializeToString())
    messages = []
    while not messages or messages[-1].WhichOneof("type") != "script_finished":
        messages.append(ForwardMsg.FromString(socket.recv(timeout=PATIENCE)))
    return messages


def told(messages):
    """The alerts of a page; it shows no exception as Streamlit would draw it."""
    elements = [message.delta.new_element for message in messages if message.WhichOneof("type") == "delta"]
    kinds = [element.WhichOneof("type") for element in elements]
    assert "exception" not in kinds
    return [element.alert.body for element, kind in zip(elements, kinds, strict=True) if kind == "alert"]


def test_a_page_that_fails_tells_a_visitor_no_path_and_no_stack_which_are_in_the_log(tmp_path):
    shown, drawn = [], b""
    cache = tmp_path / "cache"
    with served(cache, tmp_path / "log.txt") as server:
        with visiting(server.address) as socket:
            assert told(run(socket)) == []
            with closing(sqlite3.connect(cache / FILE, timeout=30, isolation_level=None)) as store:
                store.execute("DROP TABLE assessment")
            for path in ("", "explore", "risk"):
                messages = run(socket, path)
                shown.append(told(messages))
                drawn += b"".join(message.delta.SerializeToString() for message in messages)
        left_after(server, signal.SIGTERM)
        log = server.log.read_text()
    says = "The cache cannot be used (no such table: assessment); choose another directory with --cache DIR."
    assert shown == [[says]] * 3
    assert f"The cache {cache / FILE} cannot be used" in log
    assert "Traceback" in log
    here = Path(engine.__file__).parents[1]
    for secret in ("Traceback", "sqlite3", ".py", "site-packages", str(here), str(tmp_path)):
        assert secret.encode() not in drawn


def uploaded(server, session, token, size):
    """The status of an upload of so many bytes, and the length that was announced."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.toml"\r\n\r\n'
    body = head.encode() + b"#" * size + f"\r\n--{BOUNDARY}--\r\n".encode()
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=PATIENCE)
    headers = {"X-Xsrftoken": token, "Cookie": f"_streamlit_xsrf={token}"}
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    path = f"/_stcore/upload_file/{session}/{secrets.token_hex(8)}"
    with closing(connection):
        connection.request("PUT", path, body, {**headers, **kind})
        return connection.getresponse().status


def test_an_upload_beyond_the_limit_is_refused_by_the_server_whatever_the_browser_would_do(tmp_path):
    with served(tmp_path / "cache", tmp_path / "log.txt") as server:
        with visiting(server.address) as socket:
            [session] = {
                message.new_session.initialize.session_id
                for message in run(socket)
                if message.WhichOneof("type") == "new_session"
            }
            netloc = urlsplit(server.address).netloc
            with closing(http.client.HTTPConnection(netloc, timeout=PATIENCE)) as connection:
                connection.request("GET", "/_stcore/health")
                cookies = connection.getresponse().headers["Set-Cookie"]
            token = cookies.partition("_streamlit_xsrf=")[2].partition(";")[0].strip('"')
            statuses = [uploaded(server, session, token, size) for size in (1000, LIMIT - 4096, LIMIT + 4096)]
            forged = uploaded(server, session, "", 1000)
        left_after(server, signal.SIGTERM)
    assert statuses == [204, 204, 413]
    assert forged == 403
