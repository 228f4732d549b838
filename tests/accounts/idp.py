"""A real OpenID provider in a process of its own on loopback, and a browser that goes there and back."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import httpx
from django.test import Client

from supportdesk.accounts.models import SignOn
from supportdesk.core.tenancy import acting_for
from tests.factories import World

SIGN_ON = "/console/sign-on/"


@dataclass(frozen=True)
class Idp:
    """One provider."""

    issuer: str

    @property
    def place(self) -> str:
        """Its host and port."""
        return urlsplit(self.issuer).netloc

    def knows(self, sub: str, **claims: Any) -> None:
        """What it says of this subject."""
        httpx.put(f"{self.issuer}/users/{quote(sub, safe='')}", json=claims).raise_for_status()

    def consent(self, url: str, sub: str) -> str:
        """Its sign-in page, filled in; where it sends the browser back to."""
        answer = httpx.post(url, data={"sub": sub})
        assert answer.status_code == 302, answer.text[:300]
        return answer.headers["location"]


@contextmanager
def running() -> Iterator[Idp]:
    """Started on a free port, ended at the end."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)],
        env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    idp = Idp(f"http://127.0.0.1:{port}")
    try:
        for _ in range(200):
            try:
                httpx.get(f"{idp.issuer}/jwks").raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield idp
    finally:
        process.terminate()
        process.wait(10)


def connect(world: World, idp: Idp, **fields: Any) -> SignOn:
    """The workspace takes this provider's word for people.example."""
    with acting_for(world.tenant):
        row: SignOn = SignOn.objects.create(**{"issuer": idp.issuer, "client_id": "desk", "domains": "people.example", **fields})
        row.sealed_secret.put("the secret of the desk")
    return row


def sent(client: Client, world: World) -> str:
    """Where the browser is sent when it names the workspace."""
    answer = client.post(SIGN_ON, {"workspace": world.tenant.slug})
    return str(answer["Location"])


def asked(url: str) -> dict[str, str]:
    """The question in an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def altered(url: str, **changes: str) -> str:
    """The same address with other answers in its question."""
    return urlunsplit(urlsplit(url)._replace(query=urlencode({**asked(url), **changes})))


def came_back(client: Client, url: str) -> Any:
    """The browser follows the provider back to us."""
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}")


def signed_on(world: World, idp: Idp, sub: str, client: Client | None = None) -> Client:
    """All of it."""
    client = client or Client()
    came_back(client, idp.consent(sent(client, world), sub))
    return client


def is_in(client: Client) -> bool:
    """Whether the browser is signed in."""
    return "_auth_user_id" in client.session
