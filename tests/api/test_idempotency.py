"""Case 51: one Idempotency-Key, one effect, whatever happens in between."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from supportdesk.api.views import tickets as views
from supportdesk.core.models import Event, IdempotentRequest
from supportdesk.core.tenancy import acting_for
from tests.api.worlds import Caller, Rows, new_key
from tests.factories import World, make_world
from tickets.models import Customer, Ticket

GOOD = {"customer": {"name": "Ida"}, "body": "Hello"}


def tickets_of(world: World) -> int:
    with acting_for(world.tenant):
        return int(Ticket.objects.count())


def requests_of(world: World) -> Any:
    with acting_for(world.tenant):
        return IdempotentRequest.objects.all()


def test_the_same_request_gets_the_same_answer_and_happens_once(acme: World, shop: Caller):
    first, again = shop.post("tickets", GOOD, once="k1"), shop.post("tickets", GOOD, once="k1")
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, first.content)
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert first["Content-Type"] == again["Content-Type"] == "application/json"
    assert tickets_of(acme) == 1


def test_the_order_of_names_makes_no_other_request(acme: World, shop: Caller):
    shop.post("tickets", {"body": "Hello", "customer": {"name": "Ida"}}, once="k1")
    assert shop.post("tickets", GOOD, once="k1")["Idempotent-Replayed"] == "true"


def test_a_key_never_names_another_request(acme: World, shop: Caller, rows: Rows):
    shop.post("tickets", GOOD, once="k1")
    for path, body in (
        ("tickets", {**GOOD, "body": "Other"}),
        ("customers", {"name": "Ida"}),
        (f"tickets/{rows.ticket.number}/messages", GOOD),
    ):
        answer = shop.post(path, body, once="k1")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert shop.patch(f"tickets/{rows.ticket.number}", {"priority": 3}, once="k1").status_code == 422


def test_keys_of_different_programs_are_independent(acme: World, globex: World):
    answers = [Caller(new_key(world)).post("tickets", GOOD, once="k1") for world in (acme, acme, globex)]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert not any("Idempotent-Replayed" in answer for answer in answers)
    assert (tickets_of(acme), tickets_of(globex)) == (2, 1)


def test_without_a_key_a_double_click_is_two_requests(acme: World, shop: Caller):
    shop.post("tickets", GOOD)
    shop.post("tickets", GOOD)
    assert tickets_of(acme) == 2


@pytest.mark.parametrize("name", ["", " ", "two words", "x" * 256, "schlüssel"])
def test_a_key_is_printable_and_short(shop: Caller, acme: World, name: str):
    assert shop.post("tickets", GOOD, once=name).json()["code"] == "bad_idempotency_key"
    assert tickets_of(acme) == 0


def test_reading_needs_no_key_and_keeps_none(acme: World, shop: Caller):
    shop.get("tickets", once="k1")
    assert requests_of(acme).count() == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [("tickets", {"body": 7}, 400), ("tickets/77/messages", {"body": "x"}, 404), ("tickets/77/take_over", {}, 403)],
)
def test_what_never_began_may_be_sent_again_in_better_shape(acme: World, shop: Caller, path: str, body: Any, status: int):
    assert shop.post(path, body, once="k1").status_code == status
    assert requests_of(acme).count() == 0
    assert shop.post("tickets", GOOD, once="k1").status_code == 201


def test_a_refusal_is_an_answer_and_is_kept(acme: World, alice: Caller, rows: Rows):
    path = f"tickets/{rows.ticket.number}"
    first = alice.post(f"{path}/replies", {"body": "Hello"}, once="k1")
    alice.post(f"{path}/take_over")
    again = alice.post(f"{path}/replies", {"body": "Hello"}, once="k1")
    assert (first.status_code, first.content, first["Content-Type"]) == (409, again.content, again["Content-Type"])


def test_after_a_500_nothing_was_done_and_the_500_is_repeated(acme: World, shop: Caller, monkeypatch: pytest.MonkeyPatch):
    def broken(ticket: Ticket) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(views, "detail", broken)
    first = shop.post("tickets", GOOD, once="k1")
    monkeypatch.undo()
    again = shop.post("tickets", GOOD, once="k1")
    assert (first.status_code, again.status_code, again.content) == (500, 500, first.content)
    assert again["Idempotent-Replayed"] == "true"
    assert tickets_of(acme) == 0
    assert shop.post("tickets", GOOD, once="k2").status_code == 201


class Killed(BaseException):
    """The process is gone."""


def test_a_process_killed_before_the_answer_was_saved_did_nothing_and_frees_the_key(
    acme: World, shop: Caller, monkeypatch: pytest.MonkeyPatch
):
    """The effect and its answer are one transaction: after the crash neither exists, and the next attempt does it once."""

    def dies(ticket: Ticket) -> None:
        raise Killed

    monkeypatch.setattr(views, "detail", dies)
    with pytest.raises(Killed):
        shop.post("tickets", GOOD, once="k1")
    monkeypatch.undo()
    assert tickets_of(acme) == 0
    assert shop.post("tickets", GOOD, once="k1").json()["code"] == "still_running"
    requests_of(acme).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert shop.post("tickets", GOOD, once="k1").status_code == 201
    assert shop.post("tickets", GOOD, once="k1")["Idempotent-Replayed"] == "true"
    assert tickets_of(acme) == 1


def test_a_zombie_whose_claim_was_replaced_undoes_what_it_did(acme: World, shop: Caller, monkeypatch: pytest.MonkeyPatch):
    kept = views.detail

    def slow(ticket: Ticket) -> dict[str, Any]:
        IdempotentRequest.objects.update(claim="somebody-else")
        return kept(ticket)

    monkeypatch.setattr(views, "detail", slow)
    assert shop.post("tickets", GOOD, once="k1").json()["code"] == "still_running"
    assert tickets_of(acme) == 0


def test_an_answer_is_kept_for_a_day_and_not_for_ever(acme: World, shop: Caller):
    shop.post("tickets", GOOD, once="k1")
    row = requests_of(acme).get()
    assert row.expires_at > timezone.now() + timedelta(hours=24)
    requests_of(acme).update(expires_at=timezone.now() - timedelta(seconds=1))
    shop.post("customers", {"name": "x"}, once="k2")
    assert list(requests_of(acme).values_list("key", flat=True)) == ["k2"]
    assert shop.post("tickets", GOOD, once="k1").status_code == 201
    assert tickets_of(acme) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_runs_and_the_other_is_told_so(monkeypatch: pytest.MonkeyPatch):
    world = make_world("acme")
    key = new_key(world)
    entered, leave = threading.Event(), threading.Event()
    kept = views.api_channel

    def slow(environment: str) -> Any:
        entered.set()
        assert leave.wait(10)
        return kept(environment)

    monkeypatch.setattr(views, "api_channel", slow)

    def send() -> Any:
        try:
            return Caller(key).post("tickets", GOOD, once="k1")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(send)
        assert entered.wait(10)
        # Wherever the first one stands in its transaction, the second is answered at once.
        second = pool.submit(send).result(timeout=10)
        leave.set()
        assert first.result(timeout=10).status_code == 201
    assert (second.status_code, second.json()["code"], second["Retry-After"]) == (409, "still_running", "1")
    assert tickets_of(world) == 1


@pytest.mark.django_db(transaction=True)
def test_a_burst_of_equal_requests_has_one_effect():
    world = make_world("acme")
    key, barrier = new_key(world), threading.Barrier(6)

    def send(_: int) -> int:
        try:
            barrier.wait(10)
            return int(Caller(key).post("customers", {"name": "Ida"}, once="k1").status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(send, range(6)))
    assert 201 in statuses
    assert set(statuses) <= {201, 409}
    with acting_for(world.tenant):
        assert Customer.objects.count() == 1
    assert Event.objects.filter(code="customer.added").count() == 1
