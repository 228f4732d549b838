"""Heads of the event chains, written outside the database every hour: a chain whose end is cut off no longer reaches its last head.

One file a workspace, one signed line an hour. Who can rewrite the database, or the file, still cannot sign a line.
"""

import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from supportdesk.core.database import SYSTEM
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import ChainHead, Event, Job, Tenant
from supportdesk.core.tenancy import acting_for, acting_tenant

JOB = "core.export_head"
SALT = "supportdesk.core.heads"


@dataclass(frozen=True)
class Head:
    """How far a workspace's chain reached at a moment, and the hash there; `since` tells a workspace from an earlier one of its name."""

    tenant: str
    since: str
    position: int
    hash: str
    at: str

    def signed_with(self, secret: str) -> str:
        """The line's signature, under a key that nothing else uses."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return salted_hmac(SALT, text, secret=secret, algorithm="sha256").hexdigest()


def head_file(tenant: Tenant) -> Path:
    """Where the heads of one workspace are."""
    return Path(settings.VAR_DIR) / "heads" / f"{tenant.slug}.jsonl"


def export_due() -> int:
    """Leave a job for each workspace whose head was not written this hour; how many."""
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    told = set(Job.objects.using(SYSTEM).filter(name=JOB, run_at__gte=hour).values_list("tenant_id", flat=True))
    asked = 0
    for tenant in Tenant.objects.filter(is_active=True).exclude(pk__in=told).order_by("pk"):
        with acting_for(tenant):
            asked += enqueue(JOB, dedupe="head") is not None
    return asked


def export_head() -> None:
    """Write down how far the acting tenant's chain reaches; running twice writes a line more."""
    tenant = acting_tenant()
    head = ChainHead.objects.filter(tenant=tenant).first()
    if head is None:
        return
    now = timezone.now().astimezone(UTC).isoformat(timespec="seconds")
    line = Head(tenant.slug, _since(tenant), head.position, head.hash, now)
    path = head_file(tenant)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps({**asdict(line), "signature": line.signed_with(settings.SECRET_KEY)}, sort_keys=True)
    with open(path, "a", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def missed_heads(tenant: Tenant) -> list[str]:
    """Where the chain does not fit a head that was written down, as sentences; empty when it does, or when there is none."""
    said: list[str] = []
    heads: list[Head] = []
    for number, head in _lines(tenant):
        if head is None:
            said.append(f"exported heads: line {number} is not one we signed")
        elif head.since == _since(tenant):
            heads.append(head)
    stamped = Event.objects.using(SYSTEM).filter(tenant=tenant).exclude(position=None)
    last = stamped.order_by("-position").values_list("position", flat=True).first() or 0
    # One line an hour: a year of them is read in a few questions.
    for start in range(0, len(heads), 500):
        some = heads[start : start + 500]
        hashes = dict(stamped.filter(position__in={head.position for head in some}).values_list("position", "hash"))
        for head in some:
            if head.position > last:
                said.append(f"the chain ends at {last}, but reached {head.position} at {head.at}: its end was cut off")
            elif head.position and hashes.get(head.position) != head.hash:
                said.append(f"position {head.position} is not the event it was at {head.at}")
    return said


def _lines(tenant: Tenant) -> Iterator[tuple[int, Head | None]]:
    path = head_file(tenant)
    if not path.exists():
        return
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, text in enumerate(file, 1):
            yield number, _read(text, secrets, tenant)


def _read(text: str, secrets: list[str], tenant: Tenant) -> Head | None:
    try:
        found: dict[str, Any] = json.loads(text)
        signature = str(found.pop("signature"))
        head = Head(**found)
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    is_ours = any(hmac.compare_digest(signature, head.signed_with(secret)) for secret in secrets)
    return head if is_ours and head.tenant == tenant.slug else None


def _since(tenant: Tenant) -> str:
    return tenant.created_at.astimezone(UTC).isoformat()
