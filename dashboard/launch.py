"""The command ``privacydial``: serves the dashboard until it is stopped, or hands over to another command."""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import ssl
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cache.address import ClusterError, Scheduler, add_scheduler_options, chosen_scheduler
from cache.admission import Limits, add_memory_option, allowed_memory
from cache.location import CacheError, add_cache_options, cache_directory
from dashboard.commands import COMMANDS
from dashboard.serving.access import EVERYBODY, RANDOM, Access, Local, Room, access, is_anywhere, is_local
from engine.validate import InvalidValueError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GRACE = 2  # seconds that open pages have to say goodbye
_LONGEST_MESSAGE = 1_000_000  # bytes that a browser may send at once; files come by another way


class LaunchError(Exception):
    """The dashboard cannot be started; its text is one sentence fit to be shown to a person."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 after a stop and 2 when it could not start."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in COMMANDS:
        return import_module(COMMANDS[given[0]]).main(given[1:])
    options = _parser().parse_args(given)
    try:
        visitors = access(options.host, options.room_code, options.login)
        _check_certificate(options.certfile, options.keyfile)
        scheduler = chosen_scheduler(options.scheduler, insecure=options.insecure_scheduler)
        directory = cache_directory(options.cache)
        with _listening(options.host, options.port) as listener:
            _serve(listener, directory, scheduler, visitors, options)
    except (LaunchError, CacheError, ClusterError, InvalidValueError) as error:
        sys.stderr.write(f"privacydial: {error}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="privacydial",
        description="Open the dashboard: see how much a model leaks about its training data.",
        epilog=f"Other commands, each with a --help of its own: {', '.join(COMMANDS)}." if COMMANDS else None,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (127.0.0.1); one that others reach needs an entrance",
    )
    parser.add_argument("--port", type=_port, default=8501, help="port to listen on (8501)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser")
    add_cache_options(parser)
    _add_entrance(parser)
    add_scheduler_options(parser)
    parser.add_argument(
        "--class",
        dest="train",
        action="store_const",
        const="nobody",
        default="everybody",
        help="only what is measured can be chosen, and nothing is trained: the same as --train nobody",
    )
    parser.add_argument(
        "--train",
        metavar="WHO",
        help="what visitors may have trained: nobody, everybody, or a FILE of settings' addresses (everybody)",
    )
    add_memory_option(parser)
    parser.add_argument("--version", action="version", version=f"privacydial {version('privacydial')}")
    return parser


def _add_entrance(parser: argparse.ArgumentParser) -> None:
    entrance = parser.add_argument_group("entrance", "who may come in, and how")
    entrance.add_argument(
        "--room-code",
        nargs="?",
        const=RANDOM,
        metavar="CODE",
        help="visitors type a code; without CODE it is a long random one, printed once",
    )
    entrance.add_argument(
        "--login",
        nargs="?",
        const=EVERYBODY,
        metavar="WHO",
        help="visitors sign in by OpenID Connect, set up in Streamlit's secrets; WHO lists addresses or @domains",
    )
    entrance.add_argument("--certfile", type=Path, metavar="FILE", help="serve TLS with this certificate (PEM)")
    entrance.add_argument("--keyfile", type=Path, metavar="FILE", help="its key, where it is in a file of its own")
    entrance.add_argument(
        "--embed-from",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site, such as https://slides.example.org, whose pages may show the dashboard in a frame; repeatable",
    )


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"port must be a whole number from 1 to 65535, got {text!r}")
    return port


def _check_certificate(certfile: Path | None, keyfile: Path | None) -> None:
    """Refuse a certificate that cannot be served with."""
    if keyfile is not None and certfile is None:
        raise LaunchError("--keyfile needs --certfile, the certificate that the key belongs to")
    if certfile is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certfile, keyfile, password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        raise LaunchError(
            f"--certfile and --keyfile must be PEM files of a certificate and its key without a password: "
            f"{error.strerror or error}"
        ) from error


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, asyncio sends small messages at once instead of waiting 40 ms for a browser's receipt.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise LaunchError(
            f"port {port} at {host} cannot be used ({error.strerror or error}); choose another with --port"
        ) from error
    return listener


def _serve(
    listener: socket.socket,
    directory: Path,
    scheduler: Scheduler | None,
    visitors: Access,
    options: argparse.Namespace,
) -> None:
    """Serve until a signal comes."""
    # Streamlit and what it needs are heavy: bad input is answered before they are imported.
    from streamlit.web import bootstrap

    from cache.starter import Starter
    from cache.store import Store
    from cache.supervision import starter
    from dashboard.serving.entrance import Entrance
    from dashboard.serving.headers import Headers, origin
    from dashboard.serving.server import server
    from dashboard.serving.theme import settings
    from dashboard.serving.visitors import Visitors
    from dashboard.state.presets import training

    memory = allowed_memory(options.wave_memory)
    limits = Limits(training=training(options.train), patience=options.patience, memory=memory)
    frames = [origin(text) for text in options.embed_from]
    start = starter(scheduler)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bootstrap.load_config_options(settings(options.host, listener.getsockname()[1], options.certfile))
    store = Store(directory, limit=options.cache_limit, below=Starter())
    app = Headers(Entrance(Visitors(server(store, start, limits)), visitors), frames=frames)
    _run(app, listener, options, lambda: _announce(listener, visitors, options))


def _run(app: ASGIApp, listener: socket.socket, options: argparse.Namespace, ready: Callable[[], None]) -> None:
    """Serve at the socket until a signal comes, then let open pages go and stop the workers."""
    import uvicorn

    class Announced(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    logging.getLogger("distributed").setLevel(logging.WARNING)
    # uvicorn hands the signal on when all has been stopped; it is then a regular end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app,
        lifespan="on",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ssl_certfile=options.certfile,
        ssl_keyfile=options.keyfile,
        timeout_graceful_shutdown=_GRACE,
        ws_max_size=_LONGEST_MESSAGE,
    )
    Announced(config).run(sockets=[listener])


def _announce(listener: socket.socket, visitors: Access, options: argparse.Namespace) -> None:
    """Say where the dashboard is and what a visitor needs, and open a browser."""
    host, port = options.host, listener.getsockname()[1]
    scheme = "https" if options.certfile else "http"
    anywhere = is_anywhere(host)
    address = _address(scheme, _reached_as() if anywhere else host, port)
    sys.stdout.write(f"Privacy Dial is open at {address} (Ctrl-C stops it).\n")
    if isinstance(visitors, Room) and visitors.made:
        sys.stdout.write(f"Room code: {visitors.code}\n")
    sys.stdout.flush()
    if not isinstance(visitors, Local) and not is_local(host) and not options.certfile:
        sys.stderr.write(
            "privacydial: warning: without TLS, whoever shares the network can read what visitors send and see, the "
            "way in included; serve with --certfile and --keyfile, or behind a proxy with TLS\n"
        )
    if options.browser:
        own = _address(scheme, "localhost" if anywhere else host, port)
        threading.Thread(target=webbrowser.open, args=(own,), daemon=True).start()


def _address(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _reached_as() -> str:
    """This machine's address in its network, as far as it knows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for documentation: nothing is sent, a route is chosen
        except OSError:
            return socket.gethostname()
        return probe.getsockname()[0]


if __name__ == "__main__":
    sys.exit(main())
