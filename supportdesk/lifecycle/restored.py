"""After a restore from an old backup: whoever was erased since is erased again."""

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from supportdesk.core.tenancy import acting_tenant
from supportdesk.lifecycle.erasing import DUE
from supportdesk.lifecycle.models import ErasedSubject, Erasure
from supportdesk.lifecycle.pseudonyms import every_hash, pseudonym
from tickets.models import Customer


def merge(lines: Iterable[str]) -> int:
    """Put what the file of the erased says about the acting workspace into its table; returns how much was missing there."""
    found = 0
    for line in lines:
        told = json.loads(line)
        if told["tenant"] == acting_tenant().slug:
            at = datetime.fromisoformat(told["at"])
            found += ErasedSubject.objects.get_or_create(kind=told["kind"], hash=told["hash"], at=at)[1]
    return found


def read_list(path: Path) -> list[str]:
    """The lines of the file of the erased; none when there is no file."""
    return [line for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def come_back() -> list[Customer]:
    """Customers of the workspace who were erased and are here again: known by id or proven address, and there before they were erased."""
    latest: dict[str, datetime] = {}
    for row in ErasedSubject.objects.all():
        latest[row.hash] = max(row.at, latest.get(row.hash, row.at))
    if not latest:
        return []
    found = []
    for customer in Customer.objects.prefetch_related("identities").order_by("pk"):
        names = {f"customer:{customer.pk}", *(f"{each.kind}:{each.value}" for each in customer.identities.all() if each.is_verified)}
        hashes = {hashed for name in names for hashed in every_hash(name)}
        # Whoever wrote again after being erased is new.
        was_here = any(hashed in latest and customer.created_at <= latest[hashed] for hashed in hashes)
        if was_here and customer.name != pseudonym(customer):
            found.append(customer)
    return found


@transaction.atomic
def erase_again(customer: Customer) -> Erasure:
    """An erasure of somebody who came back, in the name of nobody."""
    waiting = Erasure.objects.filter(customer=customer, state=Erasure.State.WAITING).first()
    if waiting is not None:
        return waiting
    made: Erasure = Erasure.objects.create(customer=customer, asked_by=None, due_at=timezone.now() + DUE)
    return made
