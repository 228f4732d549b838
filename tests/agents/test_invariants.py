"""The eight invariants are one oracle: silent on an honest database, and loud about the one row that breaks a promise."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from agents.actions.models import Approval, Connector, ToolCall
from agents.runtime.models import AgentRun, Step
from supportdesk.core.database import ON_POSTGRES
from supportdesk.core.events import Actor, record, stamp
from supportdesk.core.models import ChainHead, Event, Job
from supportdesk.core.tenancy import acting_for
from tests.agents.desk import TOKEN, Chat, Desk
from tests.factories import make_session as make_visitor
from tests.factories import make_world, say
from tickets import verbs
from tickets.models import Author, Escalation, Message, Ticket
from tickets.writing import append, locked


def check(command: str = "check_invariants", **options: Any) -> tuple[int, str]:
    """The command's exit code and what it printed."""
    out = StringIO()
    try:
        call_command(command, stdout=out, **options)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def lived_in(desk: Desk) -> Chat:
    """A day's work: answers, a refund, handoffs, a takeover and a hand-back, a reopened case. Returns the chat of the refund."""
    desk.chat().says("How long can I return boots I only wore indoors?")
    chat = desk.asked_to_confirm()
    chat.answers(yes=True)
    asked = desk.asked_to_confirm("Please refund N-20418 completely, 349 euros")
    asked.answers(yes=True)
    mira = desk.teammate()
    verbs.take_over(ticket_id=asked.ticket.pk, by=mira)
    verbs.reply(ticket_id=asked.ticket.pk, by=mira, body="I am looking at it.")
    verbs.note(ticket_id=asked.ticket.pk, by=mira, body="Ask the warehouse.")
    verbs.hand_back(ticket_id=asked.ticket.pk, by=mira)
    asked.says("How much is express delivery?")
    verbs.resolve(ticket_id=asked.ticket.pk, by=Actor("customer", asked.ticket.customer_id))
    asked.says("One more thing: how long is the warranty?")
    desk.chat().says("I want to talk to a human")
    return chat


def test_a_lived_in_database_keeps_all_eight_promises(lived_in: Chat, tmp_path: Path) -> None:
    code, said = check(json=str(tmp_path / "found.json"))
    assert code == 0, said
    assert [line[:2] for line in said.splitlines()] == [f"I{n}" for n in range(1, 9)]
    assert json.loads((tmp_path / "found.json").read_text()) == {f"I{n}": [] for n in range(1, 9)}


def test_the_event_chain_of_a_lived_in_database_verifies(lived_in: Chat) -> None:
    assert check("verify_audit") == (0, "norrholt: holds\n")


def sql(statement: str, *values: Any) -> None:
    """Change a row behind everybody's back."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def foreign_ticket() -> Ticket:
    """A ticket of another workspace."""
    world = make_world("globex", owner="Charlie Chen")
    with acting_for(world.tenant):
        session, _token = make_visitor(world)
        found: Ticket = say(session, "Hello").ticket
        Job.objects.filter(tenant=world.tenant).delete()
    return found


def points_across_the_wall(chat: Chat) -> str:
    other = foreign_ticket()
    with connection.constraint_checks_disabled():
        sql("UPDATE tickets_ticket SET customer_id = %s WHERE id = %s", other.customer_id, chat.ticket.pk)
    return f"tickets.Ticket {chat.ticket.pk}"


def refunds_more_than_there_was(chat: Chat) -> str:
    sql("UPDATE actions_toolcall SET amount = 640000 WHERE id = %s", chat.call.pk.hex)
    return "N-20377"


def refunds_nothing(chat: Chat) -> str:
    sql("UPDATE actions_toolcall SET amount = 0 WHERE id = %s", chat.call.pk.hex)
    return str(chat.call.pk)


def says_done_where_nothing_was(chat: Chat) -> str:
    made = ToolCall.objects.get(pk=chat.call.pk)
    made.pk, made.target, made.arguments_hash = None, "N-20418", "other"
    made.amount = 1
    made.facts = {"order.remaining": {"amount": 34900, "currency": "EUR"}}
    made.save(force_insert=True)
    record("call.succeeded", ticket_id=chat.ticket.pk, call=made.pk)
    return str(made.pk)


def says_denied_where_it_happened(chat: Chat) -> str:
    ToolCall.objects.filter(pk=chat.call.pk).update(state="denied")
    return str(chat.call.pk)


def loses_a_message(chat: Chat) -> str:
    message = chat.messages()[-1]
    asked = chat.messages(author=Author.CUSTOMER)[0]
    # The gap is closed, so that only the loss is left to see.
    Message.objects.filter(pk=asked.pk).delete()
    Message.objects.filter(pk=message.pk).update(seq=asked.seq)
    Ticket.objects.filter(pk=chat.ticket.pk).update(last_seq=message.seq - 1)
    return f"message {asked.pk} was accepted and is gone"


def takes_a_message_nobody_accepted(chat: Chat) -> str:
    message = append(locked(chat.ticket.pk), author=Author.CUSTOMER, body="smuggled")
    return f"message {message.pk} was accepted 0 times"


def leaves_a_gap(chat: Chat) -> str:
    Message.objects.filter(pk=chat.messages()[-1].pk).update(seq=99)
    return f"ticket {chat.ticket.pk}"


def leaves_a_run_behind(chat: Chat) -> str:
    run = chat.runs[-1]
    AgentRun.objects.filter(pk=run.pk).update(state="running", lease_until=timezone.now() - timedelta(seconds=1))
    return f"run {run.pk}"


def leaves_a_job_behind(chat: Chat) -> str:
    job = Job.objects.latest("id")
    Job.objects.filter(pk=job.pk).update(state="running", lease_until=timezone.now() - timedelta(minutes=5))
    return f"job {job.pk}"


def lets_a_customer_wait(chat: Chat) -> str:
    Ticket.objects.filter(pk=chat.ticket.pk).update(answered_seq=0, status="open", waiting_since=timezone.now() - timedelta(minutes=2))
    return f"ticket {chat.ticket.pk}"


def changes_an_event(chat: Chat) -> str:
    event = Event.objects.filter(code="call.succeeded").latest("id")
    sql("UPDATE core_event SET changed = %s WHERE id = %s", '{"by": "nobody"}', event.pk)
    return f"event {event.pk}"


def removes_an_event(chat: Chat) -> str:
    event = Event.objects.filter(code="call.succeeded").latest("id")
    following = Event.objects.filter(position__gt=event.position).earliest("position")
    sql("DELETE FROM core_event WHERE id = %s", event.pk)
    return f"event {following.pk}"


def cuts_the_newest_events_off(chat: Chat) -> str:
    newest = Event.objects.exclude(position=None).latest("position")
    sql("DELETE FROM core_event WHERE id = %s", newest.pk)
    return f"its head says {newest.position}"


def escalates_without_an_event(chat: Chat) -> str:
    row = Escalation.objects.create(ticket=chat.ticket, reason="other", queue=chat.ticket.queue)
    return f"ticket.escalated of {row.pk}"


def decides_without_an_event(chat: Chat) -> str:
    made = Approval.objects.create(
        call=chat.call, ticket=chat.ticket, shown_hash="x", decision="approve", expires_at=timezone.now(), decided_at=timezone.now()
    )
    return f"approval.approved of {made.pk} has 0 events"


def lets_an_approval_lie(chat: Chat) -> str:
    made = Approval.objects.create(call=chat.call, ticket=chat.ticket, shown_hash="x", expires_at=timezone.now() - timedelta(minutes=5))
    record("approval.asked", ticket_id=chat.ticket.pk, approval=made.pk)
    return f"approval {made.pk} is beyond its time"


def writes_a_token_into_a_message(chat: Chat) -> str:
    message = chat.messages()[-1]
    Message.objects.filter(pk=message.pk).update(body=f"Use {TOKEN} to sign in")
    return f"tickets.Message {message.pk}"


def writes_the_secret_key_into_the_trace(chat: Chat) -> str:
    step = chat.steps()[0]
    Step.objects.filter(pk=step.pk).update(output={"env": django_settings.SECRET_KEY})
    return f"runtime.Step {step.pk}"


def swaps_a_sealed_token(chat: Chat) -> str:
    connector = Connector.objects.get()
    other = Connector.objects.create(key="other", name="Other", base_url=connector.base_url, sealed_token=connector.sealed_token)
    return f"connector {other.pk}"


def lets_the_agent_speak_over_a_teammate(chat: Chat) -> str:
    verbs.take_over(ticket_id=chat.ticket.pk, by=chat.desk.teammate())
    message = append(locked(chat.ticket.pk), author=Author.AI, body="I know better")
    return f"message {message.pk}"


def lets_the_agent_act_over_a_teammate(chat: Chat) -> str:
    verbs.take_over(ticket_id=chat.ticket.pk, by=chat.desk.teammate())
    ToolCall.objects.filter(pk=chat.call.pk).update(executing_at=timezone.now())
    return f"call {chat.call.pk}"


CORRUPTIONS: list[tuple[str, Callable[[Chat], str]]] = [
    ("I1", points_across_the_wall),
    ("I2", refunds_more_than_there_was),
    ("I2", refunds_nothing),
    ("I2", says_done_where_nothing_was),
    ("I2", says_denied_where_it_happened),
    ("I3", loses_a_message),
    ("I3", takes_a_message_nobody_accepted),
    ("I4", leaves_a_gap),
    ("I5", leaves_a_run_behind),
    ("I5", leaves_a_job_behind),
    ("I5", lets_a_customer_wait),
    ("I5", lets_an_approval_lie),
    ("I6", decides_without_an_event),
    ("I6", changes_an_event),
    ("I6", removes_an_event),
    ("I6", cuts_the_newest_events_off),
    ("I6", escalates_without_an_event),
    ("I7", writes_a_token_into_a_message),
    ("I7", writes_the_secret_key_into_the_trace),
    ("I7", swaps_a_sealed_token),
    ("I8", lets_the_agent_speak_over_a_teammate),
    ("I8", lets_the_agent_act_over_a_teammate),
]


@pytest.mark.skipif(ON_POSTGRES, reason="the walls refuse what this test breaks")
@pytest.mark.parametrize(("invariant", "corrupt"), CORRUPTIONS, ids=lambda each: each if isinstance(each, str) else each.__name__)
def test_one_broken_row_is_named_under_its_invariant(lived_in: Chat, invariant: str, corrupt: Callable[[Chat], str]) -> None:
    while stamp():
        pass
    named = corrupt(lived_in)
    code, said = check()
    assert code == 1, said
    start = said.index(f"{invariant} ")
    told = said[start : said.find(f"I{int(invariant[1]) + 1} ") if invariant != "I8" else None]
    assert named in told, said


@pytest.mark.skipif(ON_POSTGRES, reason="the walls refuse what this test breaks")
@pytest.mark.parametrize("corrupt", [changes_an_event, removes_an_event, cuts_the_newest_events_off], ids=lambda each: each.__name__)
def test_a_broken_chain_is_named_by_verify_audit(lived_in: Chat, corrupt: Callable[[Chat], str]) -> None:  # reliability 68
    while stamp():
        pass
    named = corrupt(lived_in)
    code, said = check("verify_audit")
    assert code == 1
    assert named in said


@pytest.mark.skipif(ON_POSTGRES, reason="the walls refuse what this test breaks")
def test_a_chain_that_was_forged_to_its_end_is_still_told_by_its_head(lived_in: Chat) -> None:  # reliability 68
    while stamp():
        pass
    ChainHead.objects.filter(tenant=lived_in.desk.tenant).update(position=1)
    code, said = check("verify_audit")
    assert code == 1
    assert "its head says 1" in said
