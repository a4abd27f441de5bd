import json
import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from streamlit.auth_util import is_authlib_installed
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from dashboard.serving import login
from dashboard.serving.access import EVERYBODY, RANDOM, Local, Login, Room, access, is_anywhere, is_local
from dashboard.serving.attempts import ALL, ONE, Attempts, Pace, network
from dashboard.serving.entrance import Entrance
from dashboard.serving.headers import Headers, origin
from dashboard.serving.room import STAY, Passes, random_code, room_code, same_code
from engine.validate import InvalidValueError
from tests.asgi import connected, request

CODE = "open sesame 42"
FORM = {"content-type": "application/x-www-form-urlencoded"}


async def inside(_request):
    return PlainTextResponse("inside")


async def stream(socket):
    await socket.accept()


def house(who):
    """A server of pages, files and a websocket behind the entrance."""
    routes = [
        WebSocketRoute("/_stcore/stream", stream),
        Route("/{path:path}", inside, methods=["GET", "POST", "PUT"]),
    ]
    return Headers(Entrance(Starlette(routes=routes), who))


def room():
    return house(Room(code=CODE))


def tried(app, code, path="/", **more):
    return request(app, path, method="POST", headers=FORM, body=f"code={code}", **more)


def cookie(answer):
    return answer.headers["set-cookie"].partition(";")[0]


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_a_loopback_address_needs_no_entrance(host):
    assert is_local(host)
    assert access(host, None, None) == Local()


@pytest.mark.parametrize("host", [str(IPv4Address(0)), str(IPv6Address(0)), "::0", "0:0:0:0:0:0:0:0"])
def test_an_address_that_stands_for_all_of_this_machine_is_one_however_it_is_written(host):
    assert is_anywhere(host)
    assert not is_local(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "192.168.1.1", "localhost", "example.org", ""])
def test_one_address_or_a_name_does_not_stand_for_all_of_this_machine(host):
    assert not is_anywhere(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org", ""])  # noqa: S104
def test_a_host_that_others_reach_needs_an_entrance(host):
    with pytest.raises(InvalidValueError, match=r"anyone who reaches .* add --room-code .* or --login"):
        access(host, None, None)


def test_a_random_code_is_long_and_every_time_another():
    codes = {random_code() for _ in range(100)}
    assert len(codes) == 100
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{5}-){3}[a-hjkmnp-z2-9]{5}", code) for code in codes)
    made = access("0.0.0.0", RANDOM, None)  # noqa: S104
    assert isinstance(made, Room)
    assert made.made


def test_a_short_code_is_refused_without_repeating_it():
    assert access("127.0.0.1", "abcde-fghij", None) == Room(code="abcde-fghij")
    with pytest.raises(InvalidValueError, match="at least 10 letters and digits, got 9") as caught:
        room_code("geheim-123  !")
    assert "geheim" not in str(caught.value)


def test_code_and_login_exclude_each_other():
    with pytest.raises(InvalidValueError, match="choose one"):
        access("127.0.0.1", CODE, EVERYBODY)


@pytest.mark.parametrize("typed", [CODE, "OPEN SESAME 42", " open-sesame42 "])
def test_capitals_spaces_and_dashes_do_not_matter(typed):
    assert same_code(typed, CODE)


@pytest.mark.parametrize("typed", ["", "open sesame 4", "open sesame 421", "öpen sesame 42", "\ud800"])
def test_any_other_code_is_wrong(typed):
    assert not same_code(typed, CODE)


def test_a_pass_holds_for_its_time_for_its_process_and_as_it_was_made():
    clock = Clock()
    passes = Passes(clock)
    made = passes.made()
    assert passes.valid(made)
    clock.now += STAY - 1
    assert passes.valid(made)
    clock.now += 1
    assert not passes.valid(made)
    assert not Passes(clock).valid(Passes(clock).made())
    fresh = passes.made()
    made_at, _, rest = fresh.partition(".")
    later = f"{int(made_at) + 1}.{rest}"
    assert not any(passes.valid(forged) for forged in ("", ".", later, fresh[:-1], "nan.0.0", "é.é.é"))


def test_the_delay_after_wrong_attempts_doubles_up_to_its_longest():
    pace = Pace(free=2, first=1.0, longest=10.0)
    assert [pace.delay(wrong) for wrong in (0, 1, 2, 3, 4, 5, 6, 7, 10**6)] == [0, 0, 0, 1, 2, 4, 8, 10, 10]


def test_wrong_attempts_of_one_address_delay_that_address_alone_until_they_are_forgotten():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(ONE.free + 2):
        attempts.failed("10.0.0.1")
    assert attempts.wait("10.0.0.1") == 2.0
    assert attempts.wait("10.0.0.2") == 0.0
    clock.now += 1.5
    assert attempts.wait("10.0.0.1") == 0.5
    clock.now += ONE.forgotten
    attempts.failed("10.0.0.1")
    assert attempts.wait("10.0.0.1") == 0.0


def test_wrong_attempts_from_very_many_addresses_delay_everybody_and_stay_few_in_memory():
    attempts = Attempts(Clock())
    for number in range(20_000):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert attempts.wait("192.168.0.1") == ALL.longest
    assert len(attempts._wrong) == 10_000


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
    ],
)
def test_what_counts_as_one_address(address, counted):
    assert network(address) == counted


@pytest.mark.parametrize(
    "path", ["/", "/sweep", "/static/js/index.js", "/media/a.csv", "/_stcore/health", "/assets/plotly.js"]
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_nothing_is_reached_without_the_code(path, method):
    answer = request(room(), path, method=method)
    assert (answer.status, answer.headers["cache-control"]) == (403, "no-store")
    assert "inside" not in answer.text


def test_a_websocket_is_refused_without_the_code_and_accepted_with_the_cookie():
    app = room()
    assert not connected(app)
    assert not connected(app, cookie="privacydial-room-8501=1.2.3")
    assert connected(app, cookie=cookie(tried(app, CODE)))


def test_the_right_code_leads_where_the_visitor_wanted_to_go_with_a_cookie_that_scripts_cannot_read():
    app = room()
    answer = tried(app, "OPEN+SESAME+42", "/explore?noise=0.05")
    assert (answer.status, answer.headers["location"]) == (303, "/explore?noise=0.05")
    parts = set(answer.headers["set-cookie"].lower().split("; "))
    assert {"httponly", "samesite=strict", "path=/"} < parts
    assert "secure" not in parts
    assert request(app, headers={"cookie": cookie(answer)}).text == "inside"


def test_with_tls_the_cookie_is_for_tls_only():
    app = room()
    answer = tried(app, CODE, scheme="https")
    assert answer.headers["set-cookie"].startswith("__Host-privacydial-room-8501=")
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")
    assert request(app, headers={"cookie": cookie(answer)}, scheme="https").text == "inside"
    assert request(app, headers={"cookie": cookie(answer)}).status == 403


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example", "/\\/evil.example"])
def test_nobody_is_sent_to_another_host(path):
    assert re.match(r"/[^/\\]", tried(room(), CODE, path).headers["location"])


def test_the_code_in_an_address_lets_nobody_in():
    assert request(room(), "/?code=open+sesame+42").status == 403
    assert request(room(), "/?code=open+sesame+42", method="POST", headers=FORM).status == 403


def test_a_wrong_code_is_told_without_repeating_it_and_too_many_are_delayed():
    app = room()
    answer = tried(app, "%3Cscript%3E")
    assert answer.status == 403
    assert "That is not the code of this room." in answer.text
    assert (answer.text.count("<script"), answer.text.count("&lt;script")) == (1, 0)
    for _ in range(ONE.free):
        tried(app, "wrong")
    answer = tried(app, CODE)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert "Try again in 1 second." in answer.text
    assert "set-cookie" not in answer.headers
    assert tried(app, CODE, client=("10.0.0.9", 1)).status == 303


def test_a_form_that_is_too_long_is_not_read():
    answer = request(room(), method="POST", headers=FORM, body=f"x={'y' * 2000}&code=open+sesame+42")
    assert answer.status == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8501", "localhost:8501", "[::1]:8501", "dial.localhost", "192.168.1.7"])
def test_a_local_dashboard_answers_to_its_addresses(host):
    assert request(house(Local()), headers={"host": host}).text == "inside"
    assert connected(house(Local()), host=host)


@pytest.mark.parametrize("host", ["evil.example:8501", "", "localhost.evil.example", "[::1"])
def test_a_local_dashboard_does_not_answer_to_the_name_of_another_site(host):
    assert request(house(Local()), headers={"host": host}).status == 421
    assert not connected(house(Local()), host=host)


def test_every_response_has_the_headers_and_the_policy_names_no_host():
    app = room()
    outside = request(app)
    within = request(app, headers={"cookie": cookie(tried(app, CODE))})
    for answer in (outside, within, request(house(Local()), headers={"host": "evil.example"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        rules = answer.headers["content-security-policy"]
        assert "frame-ancestors 'self'" in rules
        assert "://" not in rules
        assert "unsafe-eval" not in rules
        assert "'unsafe-inline'" not in rules.partition("script-src")[2].partition(";")[0]


def test_frames_are_for_our_own_pages_and_those_of_named_origins():
    app = Headers(Entrance(Starlette(), Room(code=CODE)), frames=[origin("https://slides.example.org/")])
    rules = request(app).headers["content-security-policy"]
    assert rules.endswith("; frame-ancestors 'self' https://slides.example.org")


@pytest.mark.parametrize(
    "text", ["slides.example.org", "https://a b", "https://*", "https://a.b/c", "https://a;b", "ftp://a"]
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(InvalidValueError, match="--embed-from must be an origin"):
        origin(text)


SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """Streamlit's secrets of somebody who has set up a provider."""
    from streamlit import config
    from streamlit.runtime.secrets import Secrets, secrets_singleton

    (tmp_path / "secrets.toml").write_text(
        f'[auth]\nredirect_uri = "http://127.0.0.1:8501/oauth2callback"\ncookie_secret = "{SECRET}"\n'
        'client_id = "i"\nclient_secret = "s"\nserver_metadata_url = "https://id.example/.well-known/x"\n'
    )
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    secrets_singleton._reset()
    assert isinstance(secrets_singleton, Secrets)
    yield
    config.set_option("secrets.files", before)
    secrets_singleton._reset()


def signed(**claims):
    value = create_signed_value(SECRET, "_streamlit_user", json.dumps({"is_logged_in": True, **claims}))
    return {"cookie": f"_streamlit_user={value.decode()}"}


def test_who_has_signed_in_may_pass_and_nobody_else(secrets):
    app = house(Login(providers=("default",)))
    assert request(app, headers=signed(email="a@b.org")).text == "inside"
    assert connected(app, **signed())
    assert not connected(app)
    forged = create_signed_value("another secret", "_streamlit_user", '{"is_logged_in": true}').decode()
    for headers in (
        {},
        {"cookie": "_streamlit_user=x"},
        {"cookie": f"_streamlit_user={forged}"},
        signed(is_logged_in=False),
    ):
        assert request(app, "/media/a", headers={"accept": "*/*", **headers}).status == 403


@pytest.mark.parametrize(
    ("email", "verified", "status"),
    [
        ("Ann@Example.org", True, 200),
        ("x@school.edu", True, 200),
        ("x@school.edu", False, 403),
        ("x@evil.org", True, 403),
    ],
)
def test_where_guests_are_listed_others_are_told_that_they_are_not_let_in(secrets, email, verified, status):
    app = house(Login(providers=("default",), guests=("ann@example.org", "@school.edu")))
    answer = request(app, headers=signed(email=email, email_verified=verified))
    assert answer.status == status
    assert ("not let this account in" in answer.text) == (status == 403)


@pytest.mark.skipif(is_authlib_installed(), reason="the extra auth is installed")
def test_without_the_extra_a_sign_in_is_refused_with_what_to_install(secrets):
    with pytest.raises(InvalidValueError, match=r'--login needs the extra auth: pip install "privacydial\[auth\]"'):
        access("127.0.0.1", None, EVERYBODY)


@pytest.mark.skipif(not is_authlib_installed(), reason="the extra auth is not installed")
def test_a_provider_that_is_set_up_is_found_and_guests_are_read(secrets):
    assert access("0.0.0.0", None, None) == Login(providers=("default",))  # noqa: S104
    guests = ("ann@example.org", "@school.edu")
    assert access("::1", None, "Ann@Example.org, @school.edu") == Login(providers=("default",), guests=guests)
    with pytest.raises(InvalidValueError, match="--login must list addresses or domains"):
        access("127.0.0.1", None, "example.org")
    assert login.sign_in_path("default").startswith("/auth/login?provider=")
