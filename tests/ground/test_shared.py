"""Two workspaces that look alike share the cache, the layer, the disk and the tables, and never meet there (reliability 6)."""

from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from supportdesk.core.events import Actor
from supportdesk.core.models import IdempotentRequest, Tenant
from supportdesk.core.shared import counted, key_of
from supportdesk.core.tail import Tail, tenant_group, ticket_group
from supportdesk.core.tenancy import acting_for
from tests.api.worlds import Caller, new_key, opened
from tests.factories import World, make_session, make_ticket, say
from tickets.files import attach
from tickets.models import Attachment, Channel, Message, Ticket

TEXT = st.text(max_size=8)


@pytest.mark.reliability(6, "cache keys")
@given(st.tuples(st.integers(1, 99), TEXT, TEXT), st.tuples(st.integers(1, 99), TEXT, TEXT))
def test_two_keys_are_equal_only_if_all_their_parts_are(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert (key_of(one[0], "x", *one[1:]) == key_of(other[0], "x", *other[1:])) == (one == other)


@pytest.mark.reliability(6, "cache keys", "rate limits")
def test_what_one_workspace_counts_another_does_not(acme: World, globex: World) -> None:
    a, b = acme.tenant.pk, globex.tenant.pk
    assert [counted(a, "tries", "same@mail.example", seconds=60) for _ in range(3)] == [1, 2, 3]
    assert counted(b, "tries", "same@mail.example", seconds=60) == 1
    assert counted(None, "tries", "same@mail.example", seconds=60) == 1


@pytest.fixture
def keys_used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every key the cache is asked about from now on."""
    used: list[str] = []

    def noting(ask: Any) -> Any:
        def noted(key: str, *args: Any, **kwargs: Any) -> Any:
            used.append(key)
            return ask(key, *args, **kwargs)

        return noted

    for name in ("add", "incr", "get", "set"):
        monkeypatch.setattr(cache, name, noting(getattr(cache, name)))
    return used


@pytest.mark.reliability(6, "cache keys", "rate limits")
def test_every_key_of_the_cache_begins_with_its_workspace(acme: World, globex: World, keys_used: list[str]) -> None:
    for world in (acme, globex):
        Caller(new_key(world)).get("tickets")
        Client().post(reverse("chat:session", args=[world.tenant.slug, world.channel.key]))
        mine, keys_used[:] = list(keys_used), []
        assert mine
        assert all(key.startswith(f"t{world.tenant.pk}:") for key in mine), mine


@pytest.mark.reliability(6, "rate limits")
def test_a_full_minute_of_one_workspace_keeps_nobody_out_of_another(acme: World, globex: World, settings: Any) -> None:
    settings.API_RATE = 2
    theirs, mine = Caller(new_key(globex)), Caller(new_key(acme))
    assert [theirs.get("tickets").status_code for _ in range(3)] == [200, 200, 429]
    assert mine.get("tickets").status_code == 200


@pytest.mark.reliability(6, "channel groups")
def test_hints_go_to_the_group_of_their_own_workspace(acme: World, globex: World) -> None:
    tail = Tail()
    tail.read()
    for world in (acme, globex):
        with acting_for(world.tenant):
            ticket = make_ticket(world)
        groups = {group for group, _hint in tail.read()}
        assert groups == {tenant_group(world.tenant.pk), ticket_group(world.tenant.pk, ticket.pk)}
        assert all(group.startswith(f"tenant-{world.tenant.pk}") for group in groups)
    assert ticket_group(1, 23) != ticket_group(12, 3)


@pytest.mark.reliability(6, "file paths")
def test_a_file_lies_in_its_workspaces_folder_and_is_opened_nowhere_else(acme: World, globex: World) -> None:
    rows: list[Attachment] = []
    for world in (acme, globex):
        with acting_for(world.tenant):
            rows.append(attach(ticket=make_ticket(world), name="same.txt", content=world.tenant.slug.encode(), by=Actor("customer")))
        assert rows[-1].file.name.startswith(f"{world.tenant.pk}/")
    mine, theirs = rows
    client = Client()
    client.force_login(acme.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("file", args=[mine.public_id])
    assert b"".join(client.get(address).streaming_content) == b"acme"
    outside = default_storage.save("secret", ContentFile(b"outside"))
    for place in (theirs.file.name, outside, f"{acme.tenant.pk}/../{theirs.file.name}", f"{acme.tenant.pk}{theirs.file.name}"):
        with acting_for(acme.tenant):
            Attachment.objects.filter(pk=mine.pk).update(file=place)
            with pytest.raises(FileNotFoundError):
                Attachment.objects.get(pk=mine.pk).opened()
        assert client.get(address).status_code == 404
    assert client.get(reverse("file", args=[theirs.public_id])).status_code == 404


@pytest.mark.reliability(6, "message ids")
def test_equal_ids_of_messages_are_one_message_in_each_workspace(acme: World, globex: World) -> None:
    found = []
    for world in (acme, globex):
        with acting_for(world.tenant):
            session, _token = make_session(world)
            first, again = [say(session, f"I write to {world.tenant.slug}", client_id="same-id") for _ in range(2)]
            assert first == again
            found.append(first)
            assert list(Message.objects.filter(external_id=first.external_id)) == [first]
    assert found[0].external_id.endswith("same-id") == found[1].external_id.endswith("same-id")
    assert found[0].body != found[1].body


@pytest.mark.reliability(6, "message ids")
def test_an_id_is_stored_once_for_a_channel_and_again_in_another(acme: World) -> None:
    with acting_for(acme.tenant):
        ticket: Ticket = make_ticket(acme)
        other = Channel.objects.create(brand=acme.brand, key="second", kind=Channel.Kind.CHAT, name="Second")
        fields = {"ticket": ticket, "author": "customer", "body": "x", "external_id": "same"}
        Message.objects.create(channel=acme.channel, seq=50, **fields)
        Message.objects.create(channel=other, seq=51, **fields)
        with pytest.raises(IntegrityError), transaction.atomic():
            Message.objects.create(channel=acme.channel, seq=52, **fields)


@pytest.mark.reliability(6, "idempotency keys")
def test_equal_idempotency_keys_of_two_workspaces_and_two_services_are_different_requests(acme: World, globex: World) -> None:
    body = {"body": "Hello", "customer": {"name": "Ida", "email": "ida@mail.example"}}
    callers = [Caller(new_key(acme, name="shop")), Caller(new_key(globex, name="shop")), Caller(new_key(acme, name="other"))]
    answers = [caller.post("tickets", body, once="same-key") for caller in callers]
    assert [answer.status_code for answer in answers] == [201, 201, 201], answers[0].content
    again = [caller.post("tickets", body, once="same-key") for caller in callers]
    assert [answer.content for answer in again] == [answer.content for answer in answers]
    counts = []
    for world in (acme, globex):
        with acting_for(world.tenant):
            counts.append((Ticket.objects.count(), IdempotentRequest.objects.count()))
    assert counts[1] == (1, 1)
    assert counts[0][1] == 2


@pytest.mark.reliability(6, "cache keys", "message ids")
def test_equal_mails_are_different_customers_in_each_workspace(acme: World, globex: World) -> None:
    found = []
    for world in (acme, globex):
        with acting_for(world.tenant):
            found.append(opened(world, email="same@mail.example"))
    assert found[0].customer_id != found[1].customer_id
    assert found[0].number == found[1].number == 1
    assert Tenant.objects.count() == 2
