"""Case 68: whatever changes a row of the workspace from outside leaves an event, in the same transaction: without the event, no change."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import transaction
from django.test import Client

from agents.actions.ledger import current_hash
from agents.actions.models import Approval, State, ToolCall
from supportdesk.accounts.sessions import sessions_of
from supportdesk.core.admin_base import ByTable
from supportdesk.core.events import teammate
from supportdesk.core.models import ApiKey, Event, Membership, ServiceIdentity
from supportdesk.core.tenancy import acting_for
from supportdesk.lifecycle.models import LegalHold
from tests.admin.pages import form_data, url
from tests.api.calls import OPERATIONS, Named
from tests.api.worlds import Caller as Program
from tests.api.worlds import new_key
from tests.factories import World
from tests.reliability.report import figure
from tests.surface.addresses import addresses, filled
from tests.surface.callers import browser
from tests.surface.furniture import Furniture, everything_of, furnish, no_event_fits
from tickets import verbs

pytestmark = pytest.mark.reliability(68, "same transaction")
Form = Callable[[Furniture], dict[str, Any]]
KEY = {"name": "Script", "days": "30", "scopes": "ticket.list"}
# Every address of the console that writes, with a form it takes. One that is missing here, or that changes nothing, fails.
WRITES: dict[str, Form] = {
    "rename": lambda made: {"name": "Alice Other"},
    "end_others": lambda made: {},
    "end_session": lambda made: {},
    "make_key": lambda made: KEY,
    "rotate_key": lambda made: {"hours": "1"},
    "revoke_key": lambda made: {},
    "availability": lambda made: {"available": "0"},
    "reject": lambda made: {"reason": "not_allowed", "other": "", "say": ""},
    "reply": lambda made: {"body": "Hello Ida", "client_id": "a" * 20},
    "note": lambda made: {"body": "She called", "client_id": "b" * 20},
    "take_over": lambda made: {},
    "hand_back": lambda made: {},
    "assign": lambda made: {"to": made.world.owner.pk},
    "end_access": lambda made: {},
    "route": lambda made: {"queue": made.world.queue.pk, "priority": 4},
    "resolve": lambda made: {},
    "reopen": lambda made: {},
    "audit_export": lambda made: {"format": "csv"},
    "schedule": lambda made: {"schedule": "jobs", "days": "12", "on": "yes"},
    "keep_originals": lambda made: {"on": "yes"},
    "export_customer": lambda made: {},
    "erase_customer": lambda made: {"typed": f"erase {made.customer.pk}"},
    "hold_customer": lambda made: {"reason": "A lawsuit"},
    "hold_ticket": lambda made: {"reason": "Another lawsuit"},
    "lift_hold": lambda made: {},
    "original": lambda made: {},
    "invite": lambda made: {"email": "ned@new.example", "role": "responder"},
    "resend_invitation": lambda made: {},
    "withdraw_invitation": lambda made: {},
    "change_role": lambda made: {"role": "responder"},
    "let_go": lambda made: {},
    "end_sessions": lambda made: {},
    "sign_on_settings": lambda made: {
        **{"issuer": "https://login.example", "client_id": "desk", "secret": "s3cret-of-it", "domains": "acme.example"},
        "is_on": "on",
    },
}
# Those that change a person's own sign-in or session, which their own tests follow step by step, or nothing that is kept.
ELSEWHERE = {
    "switch_workspace": "changes the browser's session alone",
    "change_password": "tests/accounts/test_profile.py",
    "second_factor": "tests/accounts/test_second_factor.py",
    "remove_second_factor": "tests/accounts/test_second_factor.py",
    "recovery_codes": "tests/accounts/test_second_factor.py",
    # What is decided is looked up in the shop, which runs there.
    "approve": "tests/agents/test_why.py",
    "edit": "tests/agents/test_why.py",
    "reset_second_factor": "tests/accounts/test_people_page.py",
    "sign_on_prove": "goes to the provider; changes nothing",
    "prove": "marks the browser's session alone",
}
# Rows that are no change of state: work to do, what is passing, what remembers an answer, when something was last used.
PASSING = {"core.Job", "core.Presence", "core.IdempotentRequest", "core.Event", "core.ChainHead"}


@pytest.fixture
def made(acme: World) -> Furniture:
    return furnish(acme)


def state_of(made: Furniture) -> dict[str, str]:
    rows = {kind: text for kind, text in everything_of(made.world).items() if kind not in PASSING}
    people = Membership.objects.filter(tenant=made.world.tenant).order_by("pk")
    rows["people"] = repr(list(people.values("pk", "role", "is_active", "is_available", "user__name", "user__password")))
    # When a key was last used is no change of state.
    rows["core.ApiKey"] = repr(
        list(ApiKey.objects.filter(tenant=made.world.tenant).order_by("pk").values("pk", "hash", "expires_at", "revoked_at"))
    )
    return rows


def prepared(made: Furniture, name: str, client: Client) -> str:
    """The state in which an act does something, and its address."""
    ticket, owner = made.ticket, made.world.owner
    with acting_for(made.world.tenant):
        if name in ("hand_back", "reply"):
            verbs.take_over(ticket_id=ticket.pk, by=owner)
        elif name == "reopen":
            verbs.resolve(ticket_id=ticket.pk, by=teammate(owner))
        elif name in ("rotate_key", "revoke_key"):
            client.post("/console/profile/keys/", KEY)
            service = ServiceIdentity.objects.filter(membership=owner).first()
            key = service.keys.first() if service else None
            verb = name.partition("_")[0]
            return f"/console/profile/keys/{key.pk if key else 0}/{verb}/"
        elif name in ("erase_customer", "hold_ticket"):
            LegalHold.objects.all().delete()
            # Nobody is erased while something of theirs is under way.
            ToolCall.objects.update(state=State.CANCELLED)
            Approval.objects.filter(decision="").update(decision=Approval.Decision.VOID)
        elif name == "end_sessions":
            browser(made.mate).get("/console/")
        elif name in ("end_session", "end_others"):
            other = browser(owner)
            other.get("/console/")
            row = next(row for row in sessions_of(owner.user) if row.session_key == other.session.session_key)
            return "/console/profile/sessions/end-others/" if name == "end_others" else f"/console/profile/sessions/{row.pk}/end/"
    address = next(each for each in addresses() if each.name == f"console:{name}")
    return filled(address, made)


def console_writes() -> set[str]:
    from tests.surface.test_bodies import _answers_post

    found = [each for each in addresses() if each.area == "console" and getattr(each.view, "permission", "") and _answers_post(each)]
    return {each.name.partition(":")[2] for each in found}


def test_every_act_of_the_console_is_tried_here():
    assert console_writes() - set(ELSEWHERE) == set(WRITES)


@pytest.mark.parametrize("name", sorted(WRITES))
def test_an_act_of_the_console_leaves_an_event_or_does_nothing(made: Furniture, name: str):
    client = browser(made.world.owner)
    client.raise_request_exception = False
    client.get("/console/")
    path, form = prepared(made, name, client), WRITES[name](made)
    before = state_of(made), Event.objects.count()
    with transaction.atomic():
        with no_event_fits():
            answer = client.post(path, form)
            assert answer.status_code >= 400, (name, answer.status_code, answer.content[:200])
            assert state_of(made) == before[0], f"{name} changed something although its event did not fit"
        transaction.set_rollback(True)
    answer = client.post(path, form)
    assert answer.status_code < 400, (name, answer.status_code, answer.content[:300])
    assert Event.objects.count() > before[1], f"{name} left no event"


API_WRITES = sorted(name for name, each in OPERATIONS.items() if each.method != "GET")


@pytest.mark.parametrize("name", API_WRITES)
def test_an_operation_of_the_api_leaves_an_event_or_does_nothing(made: Furniture, name: str):
    operation, ticket, owner = OPERATIONS[name], made.ticket, made.world.owner
    alice = Program(new_key(made.world, member=owner if operation.permission not in ("message.receive",) else None))
    alice.client.raise_request_exception = False
    with acting_for(made.world.tenant):
        if name in ("hand_back_ticket", "reply"):
            verbs.take_over(ticket_id=ticket.pk, by=owner)
        elif name == "reopen_ticket":
            verbs.resolve(ticket_id=ticket.pk, by=teammate(owner))
    named = Named(ticket.number, made.customer.pk, made.approval.pk, made.run.pk, str(made.call.pk), current_hash(made.call))
    body = dict(operation.body or {})
    if "hash" in body:
        body["hash"] = current_hash(made.call if name == "answer_confirmation" else made.approval.call)
    if name == "enter_code":
        body["digits"] = "000000"
    before = state_of(made), Event.objects.count()
    with transaction.atomic():
        with no_event_fits():
            answer = alice.ask(operation.method, operation.path(named), body)
            assert answer.status_code >= 400, (name, answer.status_code)
            assert state_of(made) == before[0], f"{name} changed something although its event did not fit"
        transaction.set_rollback(True)
    answer = alice.ask(operation.method, operation.path(named), body)
    if state_of(made) != before[0] or answer.status_code < 300:
        assert Event.objects.count() > before[1], (name, answer.status_code, answer.content[:200])
    figure(f"API operation {name}: answered", answer.status_code)


def test_every_form_of_the_admin_leaves_an_event_or_does_nothing(made: Furniture):
    """Each row that may be changed, sent back with one text field different."""
    client = browser(made.world.owner)
    client.raise_request_exception = False
    tried, said = 0, []
    for model, page in admin.site._registry.items():
        if not isinstance(page, ByTable) or not page.edit or model not in made.rows:
            continue
        where = url(model, "change", made.rows[model].pk)
        with acting_for(made.world.tenant):
            shown = client.get(where)
            if shown.status_code != 200 or "adminform" not in shown.context or not shown.context["adminform"].form.fields:
                continue
            data = {name: value for name, value in form_data(shown).items() if value is not None}
        field = next(
            (name for name in ("name", "title", "reason", "body", "agent_name", "reply_minutes", "session_hours") if name in data), None
        )
        if field:
            data[field] = 7 if field in ("reply_minutes", "session_hours") else f"{data[field]} again"
        before = state_of(made), Event.objects.count()
        with transaction.atomic():
            with no_event_fits():
                answer = client.post(where, data)
                if answer.status_code not in (200, 403, 405):
                    tried += 1
                    if answer.status_code != 500 or state_of(made) != before[0]:
                        said.append(f"{model._meta.label}: {answer.status_code} without its event")
            transaction.set_rollback(True)
        with transaction.atomic():
            answer = client.post(where, data)
            if state_of(made) != before[0] and Event.objects.count() == before[1]:
                said.append(f"{model._meta.label}: no event")
            transaction.set_rollback(True)
    figure("forms of the admin that leave an event", tried)
    assert not said, "\n".join(said)
    assert tried >= 8
