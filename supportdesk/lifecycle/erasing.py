"""Erasing a person: asked for with a proof, done by a job in small steps that may die and go on, within a day."""

import json
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from agents.actions.models import Approval, State, ToolCall
from agents.runtime.models import AgentRun
from supportdesk.core.events import SYSTEM_ACTOR, record, teammate
from supportdesk.core.faults import fault_point
from supportdesk.core.jobs import Retry, enqueue
from supportdesk.core.models import Membership
from supportdesk.core.tenancy import acting_tenant
from supportdesk.lifecycle.emptying import emptied_already, empty_ticket
from supportdesk.lifecycle.holds import standing_on
from supportdesk.lifecycle.models import ErasedSubject, Erasure
from supportdesk.lifecycle.persons import forget, forget_by_name
from supportdesk.lifecycle.pseudonyms import scrambled
from tickets.errors import Refusal
from tickets.models import ChatSession, Customer, CustomerIdentity, IdentityProof, OneTimeCode, Ticket
from tickets.verbs import resolve

DUE = timedelta(hours=24)
AGAIN_SECONDS = 300.0
# What may still take effect, or waits for a teammate: nobody knows yet what the ledger will have to say.
IN_FLIGHT = (State.WAITING, State.APPROVED, State.EXECUTING, State.UNKNOWN)
NEVER_BEGUN = (State.NEEDS_IDENTITY, State.NEEDS_CONFIRMATION)


def why_not(customer_id: int) -> str:
    """Why this person cannot be erased now, in one sentence for teammates; empty when they can."""
    if standing_on(customer_id).exists():
        return "A legal hold keeps this customer's data. Lift it first."
    calls = ToolCall.objects.filter(ticket__customer=customer_id) | ToolCall.objects.filter(customer=customer_id)
    if calls.filter(state=State.UNKNOWN).exists():
        return "The outcome of an action for this customer is unknown. Find it out first."
    if calls.filter(state__in=IN_FLIGHT).exists() or Approval.objects.filter(decision="", ticket__customer=customer_id).exists():
        return "An action for this customer waits for a decision or is under way. Wait until it is settled."
    return ""


@transaction.atomic
def ask_for_erasure(*, customer_id: int, by: Membership | None) -> Erasure:
    """Begin erasing a person; done within a day.

    Raises:
        Refusal: a hold stands, an action is in flight, or they are being erased already.
        Customer.DoesNotExist: for an id that is not the workspace's.
    """
    Customer.objects.select_for_update().get(pk=customer_id)
    if said := why_not(customer_id):
        raise Refusal(said)
    try:
        with transaction.atomic():
            erasure: Erasure = Erasure.objects.create(customer_id=customer_id, asked_by=by, due_at=timezone.now() + DUE)
    except IntegrityError as error:
        raise Refusal("This customer is being erased already.") from error
    record("customer.erase_asked", by=teammate(by) if by else SYSTEM_ACTOR, customer=customer_id, erasure=erasure.pk)
    enqueue("lifecycle.erase", erasure_id=erasure.pk)
    return erasure


def erase(erasure_id: int) -> None:
    """Job: erase the person, a ticket at a time; what was done before a death is not done again.

    Raises:
        Retry: a hold stands, or something is in flight; it is asked again in five minutes.
    """
    erasure: Erasure = Erasure.objects.select_related("customer").get(pk=erasure_id)
    if erasure.state == Erasure.State.DONE:
        return
    customer_id = erasure.customer_id
    _show_out(erasure)
    tickets = Ticket.objects.filter(customer=customer_id).order_by("pk")
    for ticket in tickets.only("pk", "last_seq"):
        if not emptied_already(ticket):
            with transaction.atomic():
                _go_on(erasure)
                empty_ticket(ticket.pk, why="erasure")
            fault_point("ticket_emptied")
    with transaction.atomic():
        _go_on(erasure)
        if any(not emptied_already(ticket) for ticket in tickets.only("pk", "last_seq")):
            raise Retry(1.0)
        remember(erasure)
        forget(erasure.customer)
        Erasure.objects.filter(pk=erasure.pk).update(state=Erasure.State.DONE, waits_for="", finished_at=timezone.now())
        record("customer.erased", customer=customer_id, erasure=erasure.pk, changed={"tickets": tickets.count()})
    fault_point("customer_erased")
    overwrite_freed()


def gave_up(erasure_id: int) -> None:
    """Job that died: the page of the workspace's data says so, and whoever looks after it starts the job again."""
    if Erasure.objects.filter(pk=erasure_id, state=Erasure.State.WAITING).update(waits_for="It failed. Start its job again."):
        record("customer.erase_failed", erasure=erasure_id)


def _go_on(erasure: Erasure) -> None:
    """Take the customer's lock; what came up meanwhile stops the erasure before its next step.

    Raises:
        Retry: it must wait.
    """
    Customer.objects.select_for_update().get(pk=erasure.customer_id)
    said = why_not(erasure.customer_id)
    if not said and AgentRun.objects.filter(ticket__customer=erasure.customer_id, state=AgentRun.State.RUNNING).exists():
        said = "The agent is at work for this customer."
    if said:
        raise _Waits(said)


class _Waits(Retry):
    """Not now, and why."""

    def __init__(self, said: str) -> None:
        super().__init__(AGAIN_SECONDS)
        self.said = said


def _show_out(erasure: Erasure) -> None:
    """Close every door: sessions, proofs and codes end, open cases are closed, wishes nobody confirmed are void.

    Raises:
        Retry: a hold stands, or something is in flight.
    """
    customer_id, now = erasure.customer_id, timezone.now()
    try:
        with transaction.atomic():
            _go_on(erasure)
            forget_by_name(erasure.customer)
            sessions = ChatSession.objects.filter(customer=customer_id) | ChatSession.objects.filter(ticket__customer=customer_id)
            open_now = list(sessions.filter(revoked_at=None).values_list("pk", flat=True))
            ChatSession.objects.filter(pk__in=open_now).update(revoked_at=now, proven_until=None, handoff_hash="")
            IdentityProof.objects.filter(ticket__customer=customer_id, revoked_at=None).update(revoked_at=now)
            OneTimeCode.objects.filter(ticket__customer=customer_id, used_at=None, expires_at__gt=now).update(expires_at=now)
            ToolCall.objects.filter(ticket__customer=customer_id, state__in=NEVER_BEGUN).update(state=State.CANCELLED, settled_at=now)
            for ticket_id in Ticket.objects.filter(customer=customer_id).open().values_list("pk", flat=True):
                resolve(ticket_id=ticket_id, by=SYSTEM_ACTOR)
                if open_now:
                    # Pages and sockets of the chat hear by this that they end.
                    record("customer.access_ended", ticket_id=ticket_id, changed={"sessions": len(open_now)})
    except _Waits as waits:
        Erasure.objects.filter(pk=erasure.pk).update(waits_for=waits.said)
        raise


def remember(erasure: Erasure) -> None:
    """Put the person on the list of the erased, as keyed hashes: in the database, and in a file that no restore brings back."""
    subjects = [("customer", str(erasure.customer_id))]
    # An address somebody only typed may be another's, who was never erased.
    subjects += list(CustomerIdentity.objects.filter(customer=erasure.customer_id, is_verified=True).values_list("kind", "value"))
    for kind, value in subjects:
        row, is_new = ErasedSubject.objects.get_or_create(kind=kind, hash=scrambled(f"{kind}:{value}"), at=erasure.asked_at)
        if is_new:
            line = {"tenant": acting_tenant().slug, "kind": kind, "hash": row.hash, "at": row.at.isoformat()}
            settings.ERASED_LIST.parent.mkdir(parents=True, exist_ok=True)
            with settings.ERASED_LIST.open("a") as file:
                file.write(json.dumps(line) + "\n")


def overwrite_freed() -> None:
    """SQLite: move the log of writes into the file and begin it anew, so that what was overwritten is in neither."""
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            with suppress(Exception), connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
