"""Signing in by OpenID Connect, through the real server and a provider of our own, from link to page."""

import re
import subprocess
import sys
import urllib.error
import urllib.request
from html import unescape
from http.cookiejar import CookieJar

import pytest
from streamlit.auth_util import is_authlib_installed
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests.browser.served import Served, command, free_port, wait_until_healthy

pytestmark = [
    pytest.mark.skipif(not is_authlib_installed(), reason="the extra auth is not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX systems"),
]


@pytest.fixture(scope="module")
def provider():
    from tests.provider import providing  # needs a package that comes with the extra

    with providing() as provider:
        yield provider


@pytest.fixture(scope="module")
def server(provider, tmp_path_factory):
    """A dashboard for all machines, which lets everybody at example.org in."""
    folder, port = tmp_path_factory.mktemp("signing"), free_port()
    (folder / ".streamlit").mkdir()
    (folder / ".streamlit" / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:{port}/oauth2callback"\n'
        'cookie_secret = "0123456789abcdef0123456789abcdef"\nclient_id = "privacydial"\nclient_secret = "s"\n'
        f'server_metadata_url = "{provider.address}/.well-known/openid-configuration"\n'
    )
    log = folder / "log.txt"
    arguments = ["--no-browser", f"--port={port}", f"--cache={folder}", "--host=0.0.0.0", "--login=@example.org"]
    with (
        log.open("wb") as output,
        subprocess.Popen([command(), *arguments], cwd=folder, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            served = Served(address=f"http://127.0.0.1:{port}", cache=folder, log=log, process=process)
            wait_until_healthy(served)
            yield served
        finally:
            process.terminate()
            process.wait(timeout=60)


class Browser:
    """Cookies, and pages by address; redirects are followed."""

    def __init__(self, server):
        self.server, self.cookies = server, CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def page(self, path):
        """The status and the text of a page."""
        request = urllib.request.Request(f"{self.server.address}{path}", headers={"Accept": "text/html"})  # noqa: S310  ours
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def signed_in(self):
        """What comes after the link of the page for those who are not."""
        status, text = self.page("/explore?noise=0.05")
        assert status == 403
        [link] = re.findall(r'href="(/auth/login[^"]*)"', text)
        return self.page(unescape(link))

    def connected(self):
        """Whether the server talks to this browser."""
        stream = f"{self.server.address.replace('http', 'ws', 1)}/_stcore/stream"
        cookies = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies)}
        try:
            with connect(stream, subprotocols=[Subprotocol("streamlit")], additional_headers=cookies, proxy=None):
                return True
        except InvalidStatus as refused:
            return refused.response.status_code != 403


def test_somebody_whom_the_provider_knows_signs_in_and_reaches_the_page(server, provider):
    provider.email, provider.signs_with = "ann@example.org", None
    browser = Browser(server)
    assert not browser.connected()
    status, text = browser.signed_in()
    assert (status, '<div id="root">' in text) == (200, True)
    assert browser.page("/explore")[0] == 200
    assert browser.connected()
    assert browser.page("/auth/logout")[0] == 403
    assert not browser.connected()


def test_a_guest_of_another_domain_signs_in_and_is_not_let_in(server, provider):
    provider.email, provider.signs_with = "eve@elsewhere.org", None
    browser = Browser(server)
    status, text = browser.signed_in()
    assert (status, "has not let this account in" in text) == (403, True)
    assert not browser.connected()


def test_a_token_that_another_key_has_signed_signs_nobody_in(server, provider):
    from tests.provider import new_key

    provider.email, provider.signs_with = "ann@example.org", new_key()
    browser = Browser(server)
    status, text = browser.signed_in()
    assert (status, '<div id="root">' in text) == (403, False)
    assert not browser.connected()
