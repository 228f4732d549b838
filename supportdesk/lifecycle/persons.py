"""What is known of a person beside their tickets, and where it lies: rows by key, jobs, saved answers, mail files."""

import email
import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.policy import default
from email.utils import getaddresses
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db.models import Q

from supportdesk.core.models import Event, IdempotentRequest, Job
from supportdesk.core.tenancy import acting_tenant
from supportdesk.lifecycle.emptying import empty
from supportdesk.lifecycle.exports import drop_export
from supportdesk.lifecycle.holds import not_held
from supportdesk.lifecycle.inventory import HELD
from supportdesk.lifecycle.models import CustomerExport
from tickets.models import Company, Customer, CustomerIdentity, Message, OneTimeCode, Ticket

# A row whose id an argument of a job names, by the argument's name.
NAMED = {
    "ticket_id": "ticket",
    "call_id": "call",
    "code_id": "code",
    "approval_id": "approval",
    "export_id": "export",
    "erasure_id": "erasure",
}
# Parts of an answer that tools and customers fill: a number there is no ticket of ours.
FOREIGN = ("arguments", "evidence")
FINISHED = (Job.State.DONE, Job.State.DEAD)


def forget_by_name(customer: Customer) -> None:
    """Erase what is found by the person's proven addresses and ids alone: first, while these are still there.

    Belongs inside the caller's transaction.
    """
    addresses = addresses_of(customer)
    jobs_about(ids_of(customer)).filter(state__in=FINISHED).delete()
    for row in saved_answers(customer):
        # The request stays known, so nothing is done twice.
        IdempotentRequest.objects.filter(pk=row.pk).update(body="{}", content_type="application/json")
    drop_mails(customer)
    OneTimeCode.objects.filter(email__in=addresses, ticket__in=not_held(Ticket.objects.exclude(customer=customer))).delete()


def forget(customer: Customer) -> None:
    """Erase everything of a person that hangs on no ticket, and the person's own row; belongs inside the caller's transaction."""
    for export in CustomerExport.objects.filter(customer=customer):
        drop_export(export)
    company = customer.company_id
    for held in HELD:
        if held.customer:
            empty(held, held.of_customer(customer.pk))
    if company and not Customer.objects.filter(company=company).exists():
        Company.objects.filter(pk=company).delete()


def addresses_of(customer: Customer) -> list[str]:
    """What the person proved to be theirs: an address somebody merely claimed may be anybody's, and so may a name."""
    return sorted(CustomerIdentity.objects.filter(customer=customer, is_verified=True).values_list("value", flat=True))


def ids_of(customer: Customer) -> dict[str, set[str]]:
    """The ids under which jobs and events name what is the person's, as text, by kind."""
    tickets = list(Ticket.objects.filter(customer=customer).values_list("pk", flat=True))
    of = {held.model.rpartition(".")[2]: held for held in HELD}
    kinds = {"call": "ToolCall", "code": "OneTimeCode", "approval": "Approval", "export": "CustomerExport", "erasure": "Erasure"}
    found = {kind: {str(pk) for pk in of[name].of_customer(customer.pk).values_list("pk", flat=True)} for kind, name in kinds.items()}
    return found | {"ticket": {str(pk) for pk in tickets}}


def jobs_about(ids: dict[str, set[str]]) -> Any:
    """The workspace's jobs whose arguments name any of these rows."""
    mine = Job.objects.filter(tenant=acting_tenant())
    found = [
        pk
        for pk, args in mine.values_list("pk", "args")
        if any(str(args.get(name)) in ids[kind] for name, kind in NAMED.items() if name in args)
    ]
    return mine.filter(pk__in=found)


def events_about(customer: Customer) -> Any:
    """The audit trail's events about the person: on their tickets, by them, or naming them."""
    tickets = list(Ticket.objects.filter(customer=customer).values_list("pk", flat=True))
    by_them = Q(actor_kind="customer", actor_id=customer.pk)
    found = Q(ticket_id__in=tickets) | by_them | Q(subject__customer=str(customer.pk))
    return Event.objects.filter(found, tenant=acting_tenant()).order_by("id")


def saved_answers(customer: Customer) -> list[IdempotentRequest]:
    """The saved answers that tell of the person, a ticket or a message of theirs by id, or of an address they proved."""
    about = _About.of(customer)
    answered = IdempotentRequest.objects.exclude(body="").only("pk", "body", "key", "status", "created_at")
    return [row for row in answered.iterator() if about.is_told_in(row.body)]


@dataclass(frozen=True)
class _About:
    """What a saved answer is recognised by: whole values, never parts of them."""

    customer: int
    tickets: set[int]
    messages: set[tuple[int, datetime]]
    addresses: set[str]

    @classmethod
    def of(cls, customer: Customer) -> Self:
        said = Message.objects.filter(ticket__customer=customer).values_list("seq", "created_at")
        numbers = Ticket.objects.filter(customer=customer).values_list("number", flat=True)
        return cls(customer.pk, set(numbers), set(said), {address.lower() for address in addresses_of(customer)})

    def is_told_in(self, body: str) -> bool:
        try:
            told = json.loads(body)
        except ValueError:
            return False
        return self._is_in(told)

    def _is_in(self, told: Any, *, is_ours: bool = True) -> bool:
        if isinstance(told, str):
            return told.lower() in self.addresses
        if isinstance(told, list):
            return any(self._is_in(each, is_ours=is_ours) for each in told)
        if not isinstance(told, dict):
            return False
        if is_ours and self._names(told):
            return True
        return any(self._is_in(value, is_ours=is_ours and name not in FOREIGN) for name, value in told.items())

    def _names(self, told: dict[str, Any]) -> bool:
        customer = told.get("id") if "identities" in told else told.get("customer")
        if isinstance(customer, dict):
            customer = customer.get("id")
        if customer == self.customer:
            return True
        if any(isinstance(told.get(name), int) and told[name] in self.tickets for name in ("number", "ticket")):
            return True
        with suppress(KeyError, TypeError, ValueError):
            # A message tells no ticket: it is known by its place and moment.
            return (told["seq"], datetime.fromisoformat(told["created_at"])) in self.messages
        return False


def drop_mails(customer: Customer) -> None:
    """Delete what the folder of mails (the embedded form's way of sending) holds to the person or about their tickets."""
    for path in mails_to(customer, with_claimed=True):
        path.unlink(missing_ok=True)


def mails_to(customer: Customer, *, with_claimed: bool = False) -> list[Path]:
    """The files of this workspace's mails to addresses the person proved; `with_claimed`: codes of their tickets to any address, too."""
    folder = Path(settings.EMAIL_FILE_PATH)
    if not folder.is_dir():
        return []
    tenant, addresses = str(acting_tenant().pk), {address.lower() for address in addresses_of(customer)}
    tickets = {str(number) for number in Ticket.objects.filter(customer=customer).values_list("number", flat=True)}
    found = []
    for path in sorted(folder.iterdir()):
        mail = email.message_from_bytes(path.read_bytes(), policy=default)
        if str(mail["X-SupportDesk-Tenant"]) != tenant:
            continue
        to = {address.lower() for _name, address in getaddresses([str(each) for each in mail.get_all("To", [])])}
        if to & addresses or (with_claimed and str(mail["X-SupportDesk-Ticket"]) in tickets):
            found.append(path)
    return found
