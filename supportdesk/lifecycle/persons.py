"""What is known of a person beside their tickets, and where it lies: rows by key, jobs, saved answers, mail files."""

import email
import json
from collections.abc import Iterable, Iterator
from email.policy import default
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q

from supportdesk.core.models import Brand, Event, IdempotentRequest, Job
from supportdesk.core.tenancy import acting_tenant
from supportdesk.lifecycle.emptying import empty
from supportdesk.lifecycle.exports import drop_export
from supportdesk.lifecycle.inventory import HELD
from supportdesk.lifecycle.models import CustomerExport
from tickets.models import Company, Customer, CustomerIdentity, OneTimeCode, Ticket

# A row whose id an argument of a job names, by the argument's name.
NAMED = {
    "ticket_id": "ticket",
    "call_id": "call",
    "code_id": "code",
    "approval_id": "approval",
    "export_id": "export",
    "erasure_id": "erasure",
}
FINISHED = (Job.State.DONE, Job.State.DEAD)


def forget_by_name(customer: Customer) -> None:
    """Erase what is found by the person's addresses, names and ids alone: first, while these are still there.

    Belongs inside the caller's transaction.
    """
    addresses = addresses_of(customer)
    jobs_about(ids_of(customer)).filter(state__in=FINISHED).delete()
    for row in saved_answers(customer, {customer.name, *addresses} - {""}):
        # The request stays known, so nothing is done twice.
        IdempotentRequest.objects.filter(pk=row.pk).update(body="{}", content_type="application/json")
    drop_mails(addresses)
    OneTimeCode.objects.filter(email__in=addresses).exclude(ticket__customer=customer).delete()


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
    """Everything the person was reached or known under."""
    known = set(CustomerIdentity.objects.filter(customer=customer).values_list("value", flat=True))
    claimed = set(OneTimeCode.objects.filter(ticket__customer=customer).values_list("email", flat=True))
    return sorted(known | claimed)


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


def saved_answers(customer: Customer, names: Iterable[str]) -> list[IdempotentRequest]:
    """The saved answers that hold a name or an address of the person, their id, or the number of a ticket of theirs."""
    numbers = set(Ticket.objects.filter(customer=customer).values_list("number", flat=True))
    words = [json.dumps(name)[1:-1] for name in names] + list(names)
    answered = IdempotentRequest.objects.exclude(body="").only("pk", "body", "key", "status", "created_at")
    return [row for row in answered.iterator() if any(word in row.body for word in words) or _tells_of(row.body, customer.pk, numbers)]


def _tells_of(body: str, customer_id: int, numbers: set[int]) -> bool:
    try:
        told = json.loads(body)
    except ValueError:
        return False
    return any(
        (name in ("number", "ticket") and value in numbers) or (name == "customer" and value == customer_id) for name, value in _pairs(told)
    ) or any(name == "customer" and isinstance(value, dict) and value.get("id") == customer_id for name, value in _pairs(told))


def _pairs(told: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(told, dict):
        for name, value in told.items():
            yield name, value if isinstance(value, int | dict) else None
            yield from _pairs(value)
    elif isinstance(told, list):
        for each in told:
            yield from _pairs(each)


def drop_mails(addresses: list[str]) -> None:
    """Delete what the folder of mails (the embedded form's way of sending) holds to these addresses by this workspace's brands."""
    for path in mails_to(addresses):
        path.unlink(missing_ok=True)


def mails_to(addresses: list[str]) -> list[Path]:
    """The files of mails to these addresses by this workspace's brands."""
    folder = Path(settings.EMAIL_FILE_PATH)
    if not addresses or not folder.is_dir():
        return []
    brands = list(Brand.objects.values_list("name", flat=True))
    found = []
    for path in sorted(folder.iterdir()):
        mail = email.message_from_bytes(path.read_bytes(), policy=default)
        to, subject = str(mail["To"] or "").lower(), str(mail["Subject"] or "")
        if any(address.lower() in to for address in addresses) and any(brand in subject for brand in brands):
            found.append(path)
    return found
