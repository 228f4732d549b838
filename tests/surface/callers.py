"""Everybody who can ask: strangers, teammates of each role, programs, customers, and those whose rights ended."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.test import Client

from supportdesk.core.models import Membership, Role
from supportdesk.core.tenancy import acting_for
from tests.api.worlds import new_key
from tests.factories import World, join_team, make_member

# What differs between two answers to the same question: tokens of forms, nonces of scripts, moments.
VARYING = (
    re.compile(rb"csrfmiddlewaretoken[^>]*value=\"[^\"]+\"|X-CSRFToken[^}]+}|nonce[-=]\"?[\w+/=-]+\"?"),
    re.compile(rb"data-client-id=\"\w+\"|name=\"client_id\" value=\"\w+\"|value=\"\w{20}\""),
)
# Moments, told in all the ways pages tell them.
MOMENTS = re.compile(
    rb"\d+ ?(?:s|sec|seconds?|m|min|minutes?|h)\b|\d?\d:\d\d(?::\d\d(?:\.\d+)?)?|T[\d:.]+(?:Z|\+00:00)?|\d+(?:\.\d+)? ?ms"
    rb"|datetime=\"[^\"]+\"|(?<=>)now(?=<)"
)


@dataclass
class Caller:
    """One of them: how they ask, and which teammate they are or act as, if any."""

    name: str
    ask: Callable[..., Any]
    member: Membership | None = None
    # A program's scopes hold everything, so its teammate's role decides; without one, the scopes do.
    is_program: bool = False
    is_over: bool = False
    client: Client = field(default_factory=Client)


@dataclass(frozen=True)
class Answer:
    """What came back, as far as it may tell something."""

    status: int
    location: str
    body: bytes

    @classmethod
    def of(cls, response: Any, *masked: object) -> "Answer":
        """The answer with what varies, and the names that were asked for, blotted out."""
        body = b"".join(response.streaming_content) if response.streaming else response.content
        for pattern in VARYING:
            body = pattern.sub(b"~", body)
        location = response.headers.get("Location", "")
        for each in masked:
            body = body.replace(str(each).encode(), b"#")
            location = location.replace(str(each), "#")
        return cls(response.status_code, location, body)


def browser(member: Membership, *, is_staff: bool = True) -> Client:
    """A signed-in browser of this teammate, who may open Django admin."""
    member.user.is_staff = is_staff
    member.user.save(update_fields=["is_staff"])
    client = Client(raise_request_exception=False)
    client.force_login(member.user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def _by_browser(client: Client) -> Callable[..., Any]:
    def ask(method: str, path: str, body: Any = None) -> Any:
        return client.get(path, body or {}) if method == "GET" else client.generic(method, path, _form(body), FORM)

    return ask


FORM = "application/x-www-form-urlencoded"


def _form(body: Any) -> str:
    from urllib.parse import urlencode

    return urlencode(body or {}, doseq=True)


def by_header(value: str) -> Callable[..., Any]:
    """Asks with this Authorization, and sends JSON."""
    client = Client(raise_request_exception=False, headers={"authorization": value})

    def ask(method: str, path: str, body: Any = None) -> Any:
        data = b"" if method == "GET" else json.dumps({} if body is None else body).encode()
        return client.generic(method, path, data, content_type="application/json")

    return ask


def teammates(world: World) -> list[Caller]:
    """One of each role, all in the team that works the fallback queue."""
    found = []
    for role in Role:
        member = make_member(world.tenant, role, name=f"{role.label} Teammate")
        with acting_for(world.tenant):
            join_team(member, world.team)
        client = browser(member)
        found.append(Caller(role.value, _by_browser(client), member, client=client))
    return found


def programs(world: World, *members: Membership) -> list[Caller]:
    """A key that acts as itself, and one for each of the teammates; each with every scope."""
    alone = Caller("program", by_header(f"Bearer {new_key(world)}"), is_program=True)
    acting = [
        Caller(f"program as {each.role}", by_header(f"Bearer {new_key(world, member=each)}"), each, is_program=True) for each in members
    ]
    return [alone, *acting]


def strangers(world: World, token: str) -> list[Caller]:
    """Nobody, a customer with their chat token, somebody who was let go, one without a workspace, and a revoked key."""
    gone = make_member(world.tenant, Role.OWNER, name="Gone Owner")
    client = browser(gone)
    dead = new_key(world, member=gone)
    Membership.objects.filter(pk=gone.pk).update(is_active=False)
    nobody = Client(raise_request_exception=False)
    return [
        Caller("nobody", _by_browser(nobody), client=nobody),
        Caller("a customer", by_header(f"Chat {token}")),
        Caller("a former owner", _by_browser(client), gone, is_over=True, client=client),
        Caller("a former owner's key", by_header(f"Bearer {dead}"), gone, is_program=True, is_over=True),
        Caller("a made-up key", by_header("Bearer sd_live_" + "0" * 12 + "_" + "a" * 43), is_program=True, is_over=True),
    ]


def tried(caller: Caller, method: str, path: str, *masked: object, body: Any = None) -> Answer:
    """Ask, note the answer, and take back whatever was done."""
    with transaction.atomic():
        answer = Answer.of(caller.ask(method, path, body), *masked)
        transaction.set_rollback(True)
    return answer


def difference(one: Answer, other: Answer) -> str:
    """Where two answers part, for people."""
    if one.status != other.status or one.location != other.location:
        return f"{one.status} {one.location} became {other.status} {other.location}"
    at = next((i for i, (a, b) in enumerate(zip(one.body, other.body, strict=False)) if a != b), min(len(one.body), len(other.body)))
    return f"{one.body[max(0, at - 60) : at + 60]!r} became {other.body[max(0, at - 60) : at + 60]!r}"
