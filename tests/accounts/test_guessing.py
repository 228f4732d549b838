"""Nobody guesses passwords, and nobody learns who has an account: not by words, not by time, not by pretending to be elsewhere."""

import re
import statistics
import time
from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from pytest_django import Settings

from supportdesk.core.clients import NOWHERE, client_network
from tests.accounts.people import SIGN_IN
from tests.factories import PASSWORD, World

FORGOTTEN = "/console/password/forgotten/"


def attempt(email: str, password: str = "nope", **more: Any) -> Any:  # noqa: S107
    return Client().post(SIGN_IN, {"username": email, "password": password}, **more)


def words(answer: Any) -> str:
    """The page without what differs by chance, and without the address that was typed."""
    return re.sub(r'value="[^"]*"|X-CSRFToken": "\w+', "", answer.content.decode())


@pytest.mark.slow
@pytest.mark.reliability(12, "lock")
def test_five_hundred_tries_open_nothing_and_the_right_password_does_not_either(acme: World) -> None:
    statuses = [attempt(acme.owner.user.email, f"guess number {n}").status_code for n in range(500)]
    assert statuses.count(422) < settings.AXES_FAILURE_LIMIT
    assert set(statuses[settings.AXES_FAILURE_LIMIT :]) == {429}
    assert attempt(acme.owner.user.email, PASSWORD).status_code == 429


@pytest.mark.reliability(12, "lock")
def test_a_lock_holds_for_the_account_at_that_address_only(acme: World, globex: World) -> None:
    for _ in range(settings.AXES_FAILURE_LIMIT):
        attempt(acme.owner.user.email)
    assert attempt(acme.owner.user.email, PASSWORD).status_code == 429
    assert attempt(globex.owner.user.email, PASSWORD).status_code == 302
    assert attempt(acme.owner.user.email, PASSWORD, REMOTE_ADDR="10.9.9.9").status_code == 302


@pytest.mark.reliability(12, "enumeration")
def test_a_wrong_password_and_no_account_read_alike_until_and_after_the_lock(acme: World) -> None:
    inactive = acme.owner.user.email.replace("alice", "closed")
    type(acme.owner.user).objects.create_user(inactive, PASSWORD, name="Cleo", is_active=False)
    for _ in range(settings.AXES_FAILURE_LIMIT + 1):
        known, unknown, closed = (attempt(email) for email in (acme.owner.user.email, "nobody@nowhere.example", inactive))
        assert known.status_code == unknown.status_code == closed.status_code
        assert words(known) == words(unknown) == words(closed)
    assert known.status_code == 429


@pytest.mark.reliability(12, "enumeration")
def test_a_closed_account_with_the_right_password_reads_like_a_wrong_one(acme: World) -> None:
    acme.owner.user.is_active = False
    acme.owner.user.save(update_fields=["is_active"])
    assert words(attempt(acme.owner.user.email, PASSWORD)) == words(attempt("nobody@nowhere.example", PASSWORD))


SPOOFED = ("HTTP_X_FORWARDED_FOR", "HTTP_CF_CONNECTING_IP", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_TRUE_CLIENT_IP", "HTTP_CLIENT_IP")


@pytest.mark.reliability(12, "client address")
@pytest.mark.parametrize("header", SPOOFED)
def test_without_a_proxy_no_header_makes_somebody_else_of_the_client(acme: World, header: str) -> None:
    for n in range(settings.AXES_FAILURE_LIMIT):
        attempt(acme.owner.user.email, **{header: f"10.1.0.{n}"})
    assert attempt(acme.owner.user.email, PASSWORD, **{header: "10.1.0.99"}).status_code == 429


@pytest.fixture
def behind_one_proxy(settings: Settings) -> None:
    settings.PROXY_COUNT = 1


@pytest.mark.reliability(12, "client address")
@pytest.mark.usefixtures("behind_one_proxy")
@pytest.mark.parametrize("header", [name for name in SPOOFED if name != "HTTP_X_FORWARDED_FOR"])
def test_behind_one_proxy_only_its_own_header_counts(acme: World, header: str) -> None:
    for n in range(settings.AXES_FAILURE_LIMIT):
        attempt(acme.owner.user.email, HTTP_X_FORWARDED_FOR="10.2.0.1", **{header: f"10.1.0.{n}"})
    locked = attempt(acme.owner.user.email, PASSWORD, HTTP_X_FORWARDED_FOR="10.2.0.1", **{header: "10.1.0.99"})
    elsewhere = attempt(acme.owner.user.email, PASSWORD, HTTP_X_FORWARDED_FOR="10.2.0.2", **{header: "10.1.0.0"})
    assert (locked.status_code, elsewhere.status_code) == (429, 302)


@pytest.mark.reliability(12, "client address")
@pytest.mark.usefixtures("behind_one_proxy")
def test_behind_one_proxy_what_a_client_puts_before_the_proxys_word_does_not_count(acme: World) -> None:
    """The proxy appends the address it saw; everything left of it was said by the client."""
    for n in range(settings.AXES_FAILURE_LIMIT):
        attempt(acme.owner.user.email, HTTP_X_FORWARDED_FOR=f"10.1.0.{n}, 10.2.0.1")
    assert attempt(acme.owner.user.email, PASSWORD, HTTP_X_FORWARDED_FOR="10.1.0.99, 10.2.0.1").status_code == 429


@pytest.mark.reliability(12, "client address")
@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "10.1.0.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "10.1.0.1", "10.1.0.1"),
        (1, "10.1.0.1, 10.2.0.1", "10.2.0.1"),
        (2, "10.1.0.1, 10.2.0.1", "10.1.0.1"),
        (2, "8.8.8.8, 10.1.0.1, 10.2.0.1", "10.1.0.1"),
        (2, "10.1.0.1", "127.0.0.1"),
        (1, "nonsense", NOWHERE),
        (1, "2001:db8:0:1::7", "2001:db8:0:1::"),
    ],
)
def test_the_client_is_found_as_many_hops_back_as_there_are_proxies(settings: Settings, proxies: int, forwarded: str, seen: str) -> None:
    settings.PROXY_COUNT = proxies
    assert client_network(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)) == seen


def timed(address: str, data: dict[str, str]) -> float:
    from axes.utils import reset
    from django.core.cache import cache

    from supportdesk.accounts.models import PasswordReset

    reset()
    cache.clear()
    PasswordReset.objects.all().delete()
    client = Client()
    began = time.perf_counter()
    client.post(address, data)
    return time.perf_counter() - began


def alike(first: list[float], second: list[float]) -> bool:
    """Whether the medians lie within a fifth of each other."""
    one, other = statistics.median(first), statistics.median(second)
    return abs(one - other) <= 0.2 * max(one, other)


@pytest.mark.slow
@pytest.mark.reliability(12, "timing")
@pytest.mark.parametrize("page", ["sign-in", "forgotten"])
def test_how_long_it_takes_tells_nothing_about_who_has_an_account(acme: World, settings: Settings, page: str) -> None:
    # The real hasher: with the tests' quick one there would be nothing to tell apart.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    acme.owner.user.set_password(PASSWORD)
    acme.owner.user.save(update_fields=["password"])
    rounds = 15 if page == "sign-in" else 60

    def measured() -> tuple[list[float], list[float]]:
        known: list[float] = []
        unknown: list[float] = []
        for _ in range(rounds):
            # By turns, so that whatever else the machine does happens to both.
            for email, found in ((acme.owner.user.email, known), ("nobody@nowhere.example", unknown)):
                if page == "sign-in":
                    found.append(timed(SIGN_IN, {"username": email, "password": "nope"}))
                else:
                    found.append(timed(FORGOTTEN, {"email": email}))
        return known, unknown

    timed(SIGN_IN, {"username": "warm@up.example", "password": "nope"})
    # A busy machine may spoil one round of measuring; three spoiled ones are no accident.
    assert any(alike(*measured()) for _ in range(3))
