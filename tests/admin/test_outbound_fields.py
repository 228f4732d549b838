"""Every field an address can be written into × every way to spell the inside: refused when saved and when called, in the same words."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django import forms
from django.apps import apps
from django.db import models
from django.test import Client
from django.urls import get_resolver
from pytest_django import Settings
from rest_framework.serializers import BaseSerializer

from agents.actions.admin import ConnectorForm
from agents.actions.models import Connector
from supportdesk.accounts.provider import DoorSession
from supportdesk.console.views.sign_on import SignOnForm
from supportdesk.core import safe_http
from supportdesk.core.safe_http import INSIDE, NO_URL, NotSent, Refused
from supportdesk.core.tenancy import acting_for
from tests.factories import World

ROOMS = ("supportdesk.", "tickets.", "policies.", "agents.")
ADDRESS = re.compile(
    r"(^|_)(url|uri|host|hostname|endpoint|issuer|server|webhook|domain|link|avatar|image|logo|callback|origin|website|homepage|feed|proxy)s?(_|$)"
)


def saves_a_connector(url: str) -> list[str]:
    """What the form says of this address."""
    form = ConnectorForm({"key": "shop", "name": "Shop", "base_url": url, "environment": "live"})
    form.cleaned_data = {"base_url": url}
    try:
        form.clean_base_url()
    except forms.ValidationError as error:
        return list(error.messages)
    return []


def calls_a_connector(url: str) -> list[str]:
    """What the door says when a stored connector is called there."""
    try:
        safe_http.request("GET", f"{url.rstrip('/')}/v1/orders", headers={"Authorization": "Bearer zx81-canary"}, timeout=1)
    except Refused as error:
        return [str(error)]
    except NotSent:
        return ["not sent"]
    return []


def saves_an_issuer(url: str) -> list[str]:
    """What the form of single sign-on says of this address."""
    form = SignOnForm({})
    form.cleaned_data = {"issuer": url}
    try:
        form.clean_issuer()
    except forms.ValidationError as error:
        return list(error.messages)
    return []


def calls_an_issuer(url: str) -> list[str]:
    """What the door says when a stored provider is asked for its description."""
    try:
        DoorSession().get(f"{url.rstrip('/')}/.well-known/openid-configuration", headers={"Authorization": "Bearer zx81-canary"})
    except OAuth2Error as error:
        return [str(error.__cause__)] if isinstance(error.__cause__, Refused) else ["not sent"]
    return []


# Where an address that is called goes in: what saving says, and what calling says. A new one without a row here fails the build.
FIELDS: dict[str, tuple[Callable[[str], list[str]], Callable[[str], list[str]]]] = {
    "actions.Connector.base_url": (saves_a_connector, calls_a_connector),
    "accounts.SignOn.issuer": (saves_an_issuer, calls_an_issuer),
}
# Addresses that nothing of ours ever calls, and why.
NEVER_CALLED = {
    "accounts.Invitation.origin": "our own address, as the inviting browser named it; only written into the mail",
    "accounts.SignOn.domains": "compared with the domain of an address; never resolved",
    "accounts.PasswordReset.origin": "our own address, as the asking browser named it; only written into the mail",
    "core.Brand.help_url": "a link on the customer's page; only browsers follow it",
    "tickets.Company.domain": "compared with the domain of an address; never resolved",
    "supportdesk.api.shapes.messages.CitationOut.url": "an answer, not an input",
}

PUBLIC = "93.184.215.14"
# Names of the fake resolver: like nip.io, mixed answers, and names of the cloud.
NAMES = {
    "127.0.0.1.nip.test": ["127.0.0.1"],
    "10-0-0-8.sslip.test": ["10.0.0.8"],
    "metadata.google.internal": ["169.254.169.254"],
    "mixed.example": [PUBLIC, "10.0.0.1"],
    "mixed6.example": [PUBLIC, "fd00::1"],
    "mapped.example": ["::ffff:192.168.0.1"],
    "nat64.example": ["64:ff9b::a00:1"],
    "cgnat.example": ["100.64.3.2"],
    "public.example": [PUBLIC],
}
INSIDE_HOSTS = [
    *("127.0.0.1", "localhost", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0"),
    *("0.0.0.0",),  # noqa: S104
    *("127.0.0.1.", "localhost.", "LOCALHOST", "127.255.255.254"),
    *("10.0.0.8", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe", "192.0.0.192", "198.18.0.1"),
    *("224.0.0.1", "255.255.255.255", "168.63.129.16", "100.100.100.200"),
    *("[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
    *("[fe80::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:0:7f00:1::]"),
    *(name for name in NAMES if name != "public.example"),
]
DIGITS_OF_ELSEWHERE = ["１２７.０.０.１", "①②⑦.⓪.⓪.①", "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ"]
NOT_THE_WEB = [
    *(
        "ftp://93.184.215.14/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "dict://127.0.0.1:11211/",
        "//127.0.0.1/",
        "127.0.0.1",
    ),
    *(
        "https://user@93.184.215.14/",
        "https://93.184.215.14@127.0.0.1/",
        "https://127.0.0.1#@93.184.215.14",
        "https://127.0.0.1\\@93.184.215.14/",
    ),
    *(
        "https://93.184.215.14:22/",
        "https://93.184.215.14:25/",
        "https://93.184.215.14:6379/",
        "https://93.184.215.14:0x50/",
        "http://[::1",
    ),
    *("unix:///run/docker.sock", "jar:http://127.0.0.1!/", "http:///", "https://"),
]


@pytest.fixture(autouse=True)
def _resolver(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.OUTBOUND_PRIVATE_HOSTS = []
    real = socket.getaddrinfo

    def answers(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        name = str(host).rstrip(".").lower()
        if name in NAMES:
            return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, port)) for ip in NAMES[name]]
        return real(host, port, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answers)


def ours(kind: Any) -> Iterator[Any]:
    """Every class of the product below this one."""
    for below in kind.__subclasses__():
        if below.__module__.startswith(ROOMS):
            yield below
        yield from ours(below)


def address_fields() -> set[str]:
    """Fields of models, forms and programs' bodies that are named, or typed, like an address."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        if not model.__name__.startswith("Historical") and model.__module__.startswith(
            ("supportdesk.", "tickets.", "policies.", "agents.")
        ):
            for field in model._meta.concrete_fields:
                is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
                if isinstance(field, models.URLField) or (is_text and ADDRESS.search(field.name)):
                    found.add(f"{model._meta.label}.{field.name}")
    assert get_resolver().url_patterns
    for kind, attribute in ((forms.BaseForm, "base_fields"), (BaseSerializer, "_declared_fields")):
        for each in ours(kind):
            if getattr(getattr(each, "_meta", None), "model", None) is not None:
                continue
            for name, field in getattr(each, attribute, {}).items():
                if ADDRESS.search(name) or isinstance(field, forms.URLField):
                    found.add(f"{each.__module__}.{each.__name__}.{name}")
    return found


@pytest.mark.reliability(48, "fields")
def test_every_address_field_is_swept_or_says_why_not():
    assert address_fields() - set(FIELDS) - set(NEVER_CALLED) == set()
    assert set(FIELDS) - address_fields() == set()


def test_a_new_address_field_would_fail_the_build():
    class HookForm(forms.Form):
        webhook_url = forms.CharField()

    HookForm.__module__ = "supportdesk.planted"
    try:
        assert "supportdesk.planted.HookForm.webhook_url" in address_fields()
    finally:
        HookForm.__module__ = "tests.planted"


@pytest.mark.reliability(48, "targets", "fields")
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("host", [*INSIDE_HOSTS, *DIGITS_OF_ELSEWHERE])
def test_no_spelling_of_the_inside_is_saved_or_called_and_all_are_refused_in_the_same_words(field: str, host: str):
    saves, calls = FIELDS[field]
    url = f"https://{host}:8443"
    said = (saves(url), calls(url))
    # Spellings that are no host name to us never reach a resolver; others some resolvers take for names that nobody has.
    assert said in (([INSIDE], [INSIDE]), ([NO_URL], [NO_URL])) or (said[1] == ["not sent"] and host not in NAMES), said


@pytest.mark.reliability(48, "targets")
@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("url", NOT_THE_WEB)
def test_other_schemes_logins_and_ports_are_refused(field: str, url: str):
    saves, calls = FIELDS[field]
    assert saves(url)
    assert calls(url)
    assert calls(url) != ["not sent"]


def test_there_are_enough_targets():
    assert len(INSIDE_HOSTS) + len(DIGITS_OF_ELSEWHERE) + len(NOT_THE_WEB) >= 45


@pytest.mark.reliability(48, "rebinding")
@pytest.mark.parametrize("field", FIELDS)
def test_a_name_that_turns_inside_after_it_was_saved_is_not_called(field: str, monkeypatch: pytest.MonkeyPatch):
    saves, calls = FIELDS[field]
    monkeypatch.setitem(NAMES, "flips.example", [PUBLIC])
    assert saves("https://flips.example") == []
    monkeypatch.setitem(NAMES, "flips.example", ["127.0.0.1"])
    assert calls("https://flips.example") == [INSIDE]


@pytest.mark.reliability(48, "rebinding")
def test_a_name_that_turns_inside_after_the_check_is_asked_once_and_called_where_it_was_checked(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    went: list[Any] = []
    real = socket.getaddrinfo

    def flips(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host == "flips.example":
            asked.append(host)
            return [(socket.AF_INET, 1, 6, "", (PUBLIC if len(asked) == 1 else "127.0.0.1", port))]
        return real(host, port, *rest, **more)

    def connects(address: Any, *rest: Any, **more: Any) -> Any:
        went.append(address[0])
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "getaddrinfo", flips)
    monkeypatch.setattr(socket, "create_connection", connects)
    with pytest.raises(NotSent):
        safe_http.request("GET", "https://flips.example/", timeout=1)
    assert (asked, went) == (["flips.example"], [PUBLIC])


@pytest.mark.reliability(48, "redirects")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(settings: Settings, status: int):
    heard: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            self.send_header("Location", f"http://{self.headers['Host']}/stolen")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        here = f"127.0.0.1:{server.server_port}"
        settings.OUTBOUND_PRIVATE_HOSTS = [here]
        answer = safe_http.request("GET", f"http://{here}/v1/orders", headers={"Authorization": "Bearer zx81"})
    finally:
        server.shutdown()
        server.server_close()
    assert (answer.status, heard) == (status, [("/v1/orders", "Bearer zx81")])


@pytest.mark.django_db
@pytest.mark.reliability(48, "fields")
def test_the_form_in_the_admin_refuses_in_the_same_words_whether_or_not_somebody_listens(owner: Client, acme: World):
    said = set()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        for port in (listening.getsockname()[1], 1025):
            page = owner.post(
                "/admin/actions/connector/add/",
                {"key": "shop", "name": "Shop", "base_url": f"http://127.0.0.1:{port}", "environment": "live"},
            )
            said |= set(page.context["adminform"].form.errors["base_url"])
    assert said == {INSIDE}
    with acting_for(acme.tenant):
        assert not Connector.objects.exists()
