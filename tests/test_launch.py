import asyncio
import datetime
import gzip
import http.client
import ipaddress
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from email.message import Message
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dashboard.launch import _listening
from dashboard.panels.kept import FOLDER, STYLE
from dashboard.panels.plot import PLOTLY_ROUTE
from dashboard.panels.scripts import script
from tests.at_work import as_from_a_terminal, free_port

FILES = (PLOTLY_ROUTE, STYLE, f"{FOLDER}/figure-0123456789abcdef.json")
COMMAND = [sys.executable, "-m", "dashboard.launch"]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)


def address_in(lines: str) -> str:
    """The address from which a component's lines import its script."""
    found = re.search(r"location\.origin\}(/assets/scripts/[a-z]+-[0-9a-f]{16}\.js)`", lines)
    assert found is not None
    return found[1]


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
    entrance = ("--room-code", "--login", "--certfile", "--keyfile", "--embed-from")
    for option in (*options, *entrance, "--scheduler", "--insecure-scheduler", "--train", "--class"):
        assert option in done.stdout


def test_the_version_is_printed():
    assert re.fullmatch(r"privacydial \d+\.\d+\.\d+\S*\n", ran("--version").stdout)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "8501.0"])
def test_a_port_that_is_none_is_refused(port):
    assert f"port must be a whole number from 1 to 65535, got '{port}'" in refused(ran(f"--port={port}"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.org", "::"])  # noqa: S104
def test_an_address_that_others_can_reach_is_refused_without_an_entrance(host):
    sentence = refused(ran(f"--host={host}"))
    assert f"other machines can reach the host '{host}'" in sentence
    assert "add --room-code to ask visitors for a code, or --login to have them sign in" in sentence


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--room-code", "short"], "--room-code must have at least 10 letters and digits, got 5"),
        (["--room-code", "--login"], "--room-code and --login cannot be used together"),
        (["--keyfile", "key.pem"], "--keyfile needs --certfile"),
        (["--certfile", "no such file"], "--certfile and --keyfile must be PEM files"),
        (["--embed-from", "slides"], "--embed-from must be an origin"),
    ],
)
def test_an_entrance_that_cannot_be_is_refused(arguments, says, tmp_path):
    assert says in refused(ran(f"--cache={tmp_path}", f"--port={free_port()}", *arguments))


def test_a_port_in_use_is_refused(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(ran(f"--port={port}", f"--cache={tmp_path}"))
    assert f"port {port} at 127.0.0.1 cannot be used" in sentence
    assert sentence.endswith("choose another with --port")


def test_small_messages_leave_at_once():
    async def option() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def visited(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = writer.get_extra_info("socket")
            found.set_result(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(visited, sock=_listening("127.0.0.1", 0)) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            try:
                return await found
            finally:
                writer.close()
                await writer.wait_closed()

    # Otherwise the kernel keeps a second message back until the browser has acknowledged the first, for 40 ms.
    assert asyncio.run(option()) != 0


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
            status, headers, _ = got(port, "/")
            assert (status, headers["Server"], headers["X-Content-Type-Options"]) == (200, None, "nosniff")
            assert got(port, "/", {"Host": "evil.example"})[0] == 421
            status, headers, plotly = got(port, PLOTLY_ROUTE)
            assert (status, "immutable" in headers["Cache-Control"], b"plotly.js" in plotly[:200]) == (
                200,
                True,
                True,
            )
            _, headers, packed = got(port, PLOTLY_ROUTE, {"Accept-Encoding": "gzip"})
            assert headers["Content-Encoding"] == "gzip"
            assert len(packed) < 2_000_000
            status, headers, content = got(port, address_in(script("records", "records.js")))
            assert (status, "immutable" in headers["Cache-Control"], b"export default" in content) == (
                200,
                True,
                True,
            )
            assert got(port, address_in(script("records", "records.js", "// of another version\n")))[0] == 404
            for path in ("/", "/explore"):
                status, headers, page = got(port, path, {"Accept-Encoding": "gzip"})
                page = gzip.decompress(page)
                assert (status, f'<link rel="stylesheet" href="{STYLE}">'.encode() in page) == (200, True)
                assert got(port, path, {"If-None-Match": headers["ETag"]})[0] == 304
            status, headers, content = got(port, STYLE)
            assert (status, headers["Cache-Control"], b".pd-headline" in content, b".pd-preset" in content) == (
                200,
                "private, max-age=31536000, immutable",
                True,
                True,
            )
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


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=9999)
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def talk(port: int, trusted: ssl.SSLContext, cookie: str) -> int:
    """The status of the websocket's handshake: 101 when it is accepted."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusted)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    key = {"Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==", "Cookie": cookie}
    connection.request("GET", "/_stcore/stream", headers={**upgrade, **key})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_a_room_for_all_machines_asks_for_its_random_code_before_everything_and_speaks_tls(tmp_path):
    port, (cert, key) = free_port(), certificate(tmp_path)
    command = [*COMMAND, "--no-browser", f"--port={port}", f"--cache={tmp_path}", "--host=0.0.0.0", "--room-code"]
    with subprocess.Popen(
        [*command, f"--certfile={cert}", f"--keyfile={key}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            assert re.fullmatch(rf"Privacy Dial is open at https://.*:{port} \(Ctrl-C .*\n", server.stdout.readline())
            code = server.stdout.readline().removeprefix("Room code: ").strip()
            trusted = ssl.create_default_context(cafile=cert)

            def asked(path: str, *, form: str | None = None, cookie: str = "") -> tuple[int, Message, bytes]:
                connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusted)
                kind = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
                headers = {"Accept": "text/html", "Cookie": cookie, **kind}
                connection.request("GET" if form is None else "POST", path, form, headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                return answer.status, answer.headers, content

            for path in ("/", "/explore", "/favicon.png", "/_stcore/health", "/_stcore/host-config", *FILES):
                assert asked(path)[0] == 403
            assert talk(port, trusted, "") == 403
            status, headers, _ = asked("/?noise=0.05", form=f"code={code}")
            assert (status, headers["Location"]) == (303, "/?noise=0.05")
            assert "Secure" in headers["Set-Cookie"]
            cookie = headers["Set-Cookie"].partition(";")[0]
            assert asked(PLOTLY_ROUTE, cookie=cookie)[0] == 200
            assert asked("/", cookie=cookie)[0] == 200
            assert talk(port, trusted, cookie) == 101
            server.send_signal(signal.SIGTERM)
            out, err = server.communicate(timeout=60)
        finally:
            server.kill()
    assert (server.returncode, out, err) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems")
def test_a_code_that_travels_in_the_clear_is_warned_of(tmp_path):
    command = [*COMMAND, "--no-browser", f"--port={free_port()}", f"--cache={tmp_path}", "--host=0.0.0.0"]
    with subprocess.Popen(
        [*command, "--room-code=a code of our own"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            server.stdout.readline()
            assert "warning: without TLS" in server.stderr.readline()
            server.send_signal(signal.SIGTERM)
            out, _ = server.communicate(timeout=60)
        finally:
            server.kill()
    assert "a code of our own" not in out
