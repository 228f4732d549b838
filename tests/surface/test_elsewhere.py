"""Case 1 beyond addresses: query strings, sockets, customers' pages and jobs, with another workspace's ids in them."""

import inspect
import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.core.exceptions import ObjectDoesNotExist
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

import supportdesk
from supportdesk.asgi import application
from supportdesk.chat.routing import websocket_urlpatterns as chat_sockets
from supportdesk.console.audit.trail import Filters
from supportdesk.console.routing import websocket_urlpatterns as console_sockets
from supportdesk.core.jobs import registered
from supportdesk.core.models import Role, Tenant
from supportdesk.core.tenancy import acting_for
from tests.api.calls import OPERATIONS
from tests.chat.sockets import browser as chat_browser
from tests.chat.sockets import refused_at
from tests.factories import World, make_world
from tests.reliability.report import figure
from tests.surface.addresses import FRESH, NAME, addresses, filled
from tests.surface.callers import MOMENTS, Answer, difference, programs, teammates, tried
from tests.surface.furniture import Furniture, everything_of, far_away, furnish

# Every name a page or an operation reads from its query string, and what of another workspace could stand there.
QUERIES: dict[str, Any] = {
    "open": lambda made: made.ticket.number,
    "ids": lambda made: made.ticket.pk,
    "ticket": lambda made: made.ticket.number,
    "queue": lambda made: made.world.queue.pk,
    "customer": lambda made: made.customer.pk,
    "assignee": lambda made: made.world.owner.pk,
    "after": lambda made: made.ticket.pk,
    "cursor": lambda made: made.ticket.pk,
    "about": lambda made: f"ticket:{made.ticket.number}",
    "who": lambda made: f"teammate:{made.world.owner.pk}",
}
# Those that hold words and choices.
WORDS = {"q", "in", "all", "to", "page_size", "order", "status", "handler", "amount", "tab", "sort", "s", "next", "position"} | {
    *("what", "since", "until", "as"),
}
GONE = 987_654_321


@pytest.fixture
def ours(acme: World) -> Furniture:
    return furnish(acme)


@pytest.fixture
def theirs(ours: Furniture) -> Furniture:
    far_away()
    globex = make_world("globex", owner="Charlie Chen")
    Tenant.objects.filter(pk=globex.tenant.pk).update(last_ticket_number=700_500)
    return furnish(globex)


def asked_names() -> set[str]:
    """Every name a view reads from its query string, found in the source, and every parameter of the API's document."""
    found: set[str] = set()
    for path in Path(supportdesk.__file__).parent.rglob("*.py"):
        found |= set(re.findall(r"request\.GET(?:\.get(?:list)?\(|\[)\"(\w+)\"", path.read_text()))
    found |= {each.name for each in fields(Filters)}
    found |= set(re.findall(r"data\.get\(\"(\w+)\"", Path(supportdesk.__file__).with_name("console").joinpath("lists.py").read_text()))
    from tests.api.calls import documented

    for _method, _path, operation in documented():
        found |= {each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"}
    return found


@pytest.mark.reliability(1, "query strings")
def test_every_name_in_a_query_string_is_known():
    assert asked_names() <= set(QUERIES) | WORDS, f"say in test_elsewhere.py what they hold: {asked_names() - set(QUERIES) - WORDS}"


@pytest.mark.reliability(1, "query strings")
def test_foreign_ids_in_query_strings_are_told_like_none(ours: Furniture, theirs: Furniture):
    _queries(ours, theirs, Role.RESPONDER)


@pytest.mark.slow
@pytest.mark.reliability(1, "query strings")
def test_foreign_ids_in_query_strings_are_told_like_none_to_everybody(ours: Furniture, theirs: Furniture):
    _queries(ours, theirs, *Role)


def _queries(ours: Furniture, theirs: Furniture, *roles: str) -> None:
    mates = [each for each in teammates(ours.world) if each.name in roles]
    callers = [*mates, *programs(ours.world, *[each.member for each in mates if each.member])]
    pages = [
        each for each in addresses() if (each.area in ("console", "api") and getattr(each.view, "permission", "")) or each.area == "api"
    ]
    said, asked = [], 0
    for caller in callers:
        for address in pages:
            if (address.area == "api") is not caller.is_program or address.name in FRESH:
                continue
            path = filled(address, ours)
            for name, foreign in QUERIES.items():
                # A place in the reader's own list, which any number is: what lies before it differs, and is theirs.
                if (address.name, name) == ("console:audit", "after"):
                    continue
                value = foreign(theirs)
                missing = re.sub(r"\d+", str(GONE), str(value))
                answers: list[Answer] = [tried(caller, "GET", f"{path}?{name}={each}", quote(str(each)), each) for each in (value, missing)]
                asked += 1
                if _without(answers[0]) != _without(answers[1]):
                    said.append(f"{caller.name}: {address.name}?{name}: {difference(*answers)}")
    figure("foreign ids in query strings", asked)
    assert not said, "\n".join(said)


def _without(answer: Answer) -> Answer:
    """Without the moments a page tells by the second."""
    return Answer(answer.status, answer.location, MOMENTS.sub(b"~", answer.body))


def test_every_socket_is_walked():
    assert len(console_sockets) == len(chat_sockets) == 1, "walk the new socket here"


@pytest.mark.reliability(1, "sockets", "chat")
@pytest.mark.django_db(transaction=True)
async def test_a_token_opens_no_other_workspaces_chat() -> None:
    ours, theirs = await sync_to_async(_two)()
    place = f"{theirs.world.tenant.slug}/{theirs.world.channel.key}"
    codes = []
    for token in (ours.token, f"{ours.token.partition('.')[0]}.{'x' * 32}", "nobody.nothing"):
        async with chat_browser(place) as line:
            await line.say("hello", token=token, position=0)
            codes.append(await line.closed())
    assert len(set(codes)) == 1, codes
    assert await refused_at(f"{NAME}/{NAME}")


@pytest.mark.reliability(2, "socket frames")
@pytest.mark.django_db(transaction=True)
async def test_a_foreign_call_in_a_frame_writes_nothing() -> None:
    ours, theirs = await sync_to_async(_two)()
    before = await sync_to_async(everything_of)(theirs.world)
    said = []
    async with chat_browser(f"{ours.world.tenant.slug}/{ours.world.channel.key}") as line:
        await line.hello(ours.token)
        for call in (str(theirs.call.pk), "00000000-0000-4000-8000-000000000000"):
            await line.say("confirm", call=call, hash="0" * 64, yes=True)
            said.append(await line.hear("refused"))
    assert said[0] == said[1]
    assert await sync_to_async(everything_of)(theirs.world) == before


@pytest.mark.reliability(1, "sockets")
@pytest.mark.django_db(transaction=True)
async def test_the_teammates_socket_hears_of_its_own_workspace_only() -> None:
    """Whatever position it resumes from: a position is a number of its own workspace's log."""
    ours, theirs = await sync_to_async(_two)()
    cookie = await sync_to_async(_cookie)(ours.world)
    line = WebsocketCommunicator(
        application, "/ws/console/", headers=[(b"origin", b"http://testserver"), (b"cookie", f"sessionid={cookie}".encode())]
    )
    accepted, _code = await line.connect(5)
    assert accepted
    for position in (0, 1, 10**6, -1):
        await line.send_json_to({"type": "resume", "position": position})
    heard = []
    for _ in range(40):
        if await line.receive_nothing(0.3):
            break
        frame = await line.receive_output(1)
        heard.append(frame.get("text", ""))
    assert not any(f'"ticket_id": {theirs.ticket.pk},' in text for text in heard)
    await line.disconnect()


def _two() -> tuple[Furniture, Furniture]:
    return furnish(make_world("acme")), furnish(make_world("globex"))


def _cookie(world: World) -> str:
    client = Client()
    client.force_login(world.owner.user, backend="django.contrib.auth.backends.ModelBackend")
    return str(client.cookies["sessionid"].value)


@pytest.mark.reliability(1, "chat")
def test_a_customers_token_reads_no_other_thread(ours: Furniture, theirs: Furniture):
    shop = Client(headers={"authorization": f"Chat {ours.token}"})
    kwargs = {"tenant": theirs.world.tenant.slug, "channel": theirs.world.channel.key}
    foreign = shop.get(reverse("chat:thread", kwargs=kwargs))
    made_up = Client(headers={"authorization": "Chat nobody.nothing"}).get(reverse("chat:thread", kwargs=kwargs))
    assert (foreign.status_code, foreign.content) == (made_up.status_code, made_up.content) == (401, b"")
    assert shop.get(reverse("chat:thread", kwargs={"tenant": NAME, "channel": NAME})).status_code == 404


# What each argument of a job names.
ARGUMENTS: dict[str, Any] = {
    "ticket_id": lambda made: made.ticket.pk,
    "call_id": lambda made: str(made.call.pk),
    "code_id": lambda made: next(row.pk for model, row in made.rows.items() if model.__name__ == "OneTimeCode"),
    "approval_id": lambda made: made.approval.pk,
    "export_id": lambda made: next(row.pk for model, row in made.rows.items() if model.__name__ == "CustomerExport"),
    "erasure_id": lambda made: next(row.pk for model, row in made.rows.items() if model.__name__ == "Erasure"),
    # A wish of nobody's workspace: people's own, outside every one.
    "invitation_id": lambda made: made.invitation.pk,
    "reset_id": lambda made: GONE,
    "trigger": lambda made: "message",
}


def _jobs() -> list[str]:
    return sorted({path for handler in registered().values() for path in (handler.run, handler.on_dead) if path})


@pytest.mark.reliability(1, "jobs")
def test_every_argument_of_a_job_is_known():
    unknown = {name for path in _jobs() for name in inspect.signature(import_string(path)).parameters} - set(ARGUMENTS)
    assert not unknown, f"say in test_elsewhere.py what they name: {sorted(unknown)}"


@pytest.mark.reliability(1, "jobs")
@pytest.mark.parametrize("path", _jobs())
def test_a_job_with_foreign_ids_touches_nothing(ours: Furniture, theirs: Furniture, path: str):
    run = import_string(path)
    before = everything_of(theirs.world)
    given = {name: ARGUMENTS[name](theirs) for name in inspect.signature(run).parameters if name in ARGUMENTS}
    with acting_for(ours.world.tenant):
        try:
            run(**given)
        except (ObjectDoesNotExist, LookupError):
            pass
    assert everything_of(theirs.world) == before


def test_the_operations_that_are_walked_are_those_of_the_document():
    assert len(OPERATIONS) >= 27
