"""The command ``privacydial``: serves the dashboard until it is stopped, or hands over to another command."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from cache.address import ClusterError, Scheduler, add_scheduler_options, chosen_scheduler
from cache.admission import Limits
from cache.location import VARIABLE, CacheError, cache_directory
from cache.sizes import DEFAULT_LIMIT, size_argument, size_text
from dashboard.commands import COMMANDS
from engine.validate import InvalidValueError

if TYPE_CHECKING:
    from streamlit.web.server.starlette import App

_GRACE = 2  # seconds that open pages have to say goodbye


class LaunchError(Exception):
    """The dashboard cannot be started; its text is one sentence fit to be shown to a person."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the exit status is 0 after a stop and 2 when it could not start."""
    given = sys.argv[1:] if arguments is None else arguments
    if given and given[0] in COMMANDS:
        return import_module(COMMANDS[given[0]]).main(given[1:])
    options = _parser().parse_args(given)
    try:
        _refuse_strangers(options.host)
        scheduler = chosen_scheduler(options.scheduler, insecure=options.insecure_scheduler)
        directory = cache_directory(options.cache)
        with _listening(options.host, options.port) as listener:
            _serve(listener, directory, scheduler, options)
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
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on, of this machine only")
    parser.add_argument("--port", type=_port, default=8501, help="port to listen on (8501)")
    parser.add_argument("--no-browser", dest="browser", action="store_false", help="open no browser")
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help=f"where results are kept (else {VARIABLE}, else the system's place)"
    )
    parser.add_argument(
        "--cache-limit",
        type=size_argument,
        default=DEFAULT_LIMIT,
        metavar="SIZE",
        help=f"room for results, after which those longest unused go ({size_text(DEFAULT_LIMIT)})",
    )
    add_scheduler_options(parser)
    parser.add_argument(
        "--train",
        default="everybody",
        metavar="WHO",
        help="what visitors may have trained: nobody, everybody, or a FILE of settings' addresses (everybody)",
    )
    parser.add_argument("--version", action="version", version=f"privacydial {version('privacydial')}")
    return parser


def _port(text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"port must be a whole number from 1 to 65535, got {text!r}")
    return port


def _refuse_strangers(host: str) -> None:
    """Refuse addresses that other machines can reach: there is no way yet to say who may come in."""
    try:
        alone = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = False
    if not alone:
        raise LaunchError(
            f"host must be an address of this machine alone such as 127.0.0.1, got {host!r}: "
            "anyone who reaches the dashboard can make this machine train models"
        )


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens at the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
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
    listener: socket.socket, directory: Path, scheduler: Scheduler | None, options: argparse.Namespace
) -> None:
    """Serve until a signal comes."""
    # Streamlit and what it needs are heavy: bad input is answered before they are imported.
    from streamlit.web import bootstrap

    from cache.starter import Starter
    from cache.store import Store
    from cache.supervision import starter
    from dashboard.serving.server import server
    from dashboard.serving.theme import settings
    from dashboard.state.presets import training

    limits = Limits(training=training(options.train))
    start = starter(scheduler)
    host, port = options.host, listener.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bootstrap.load_config_options(settings(host, port))
    store = Store(directory, limit=options.cache_limit, below=Starter())
    app = server(store, start, limits)
    _run(app, listener, lambda: _announce(address, browser=options.browser))


def _run(app: App, listener: socket.socket, ready: Callable[[], None]) -> None:
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
        timeout_graceful_shutdown=_GRACE,
    )
    Announced(config).run(sockets=[listener])


def _announce(address: str, *, browser: bool) -> None:
    sys.stdout.write(f"Privacy Dial is open at {address} (Ctrl-C stops it).\n")
    sys.stdout.flush()
    if browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())
