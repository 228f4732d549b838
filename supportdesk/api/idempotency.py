"""One Idempotency-Key, one effect: the same request again gets the saved answer, however the first one ended.

The effects and the saved answer are one transaction. A process that dies in between leaves neither, only a claim whose lease ends;
whoever asks then begins anew. A zombie that finishes after its claim was replaced finds so when it saves, and undoes everything.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import cast

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from supportdesk.api.problems import Problem
from supportdesk.core.keys import Principal
from supportdesk.core.models import IdempotentRequest

NAME = re.compile(r"[\x21-\x7e]{1,255}")
KEPT = timedelta(hours=25)
LEASE = timedelta(seconds=60)


class _Replaced(Exception):
    """Another request took this claim over while it was carried out."""


def once(request: Request, act: Callable[[], HttpResponse], *, asks_outside: bool = False) -> HttpResponse:
    """Carry out `act`, which answers and never raises; with an Idempotency-Key at most once.

    An act that `asks_outside` runs before the transaction that saves its answer: it is one that is harmless when carried out twice.

    Raises:
        Problem: 400 for a key that is none, 422 for one that named another request, 409 while the first still runs.
    """
    name = request.headers.get("Idempotency-Key")
    if name is None or request.method not in ("POST", "PATCH"):
        return act()
    if not NAME.fullmatch(name):
        raise Problem(400, "bad_idempotency_key", "An Idempotency-Key is 1 to 255 printable characters without spaces.")
    row = _claimed(cast(Principal, request.auth), name, _fingerprint(request))
    if row.status is not None:
        saved = HttpResponse(row.body, status=row.status, content_type=row.content_type)
        saved["Idempotent-Replayed"] = "true"
        return saved
    try:
        if asks_outside:
            done = act()
            return _carried_out(row, lambda: done)
        return _carried_out(row, act)
    except _Replaced:
        raise _still_running() from None
    except Exception:
        # Nothing was committed, so nothing needs to be remembered.
        IdempotentRequest.objects.filter(pk=row.pk, claim=row.claim, status=None).delete()
        raise


def _claimed(principal: Principal, name: str, fingerprint: str) -> IdempotentRequest:
    """The row to work under, or the finished one to repeat."""
    now, mine = timezone.now(), secrets.token_hex(16)
    named = IdempotentRequest.objects.filter(service=principal.service, key=name)
    # Read before any lock is asked for: one that still runs is told at once.
    row = named.filter(expires_at__gt=now).first()
    if row is None:
        try:
            with transaction.atomic():
                over = IdempotentRequest.objects.filter(expires_at__lte=now).order_by("expires_at").values("pk")[:50]
                IdempotentRequest.objects.filter(pk__in=list(over.values_list("pk", flat=True))).delete()
                named.filter(expires_at__lte=now).delete()
                made: IdempotentRequest = IdempotentRequest.objects.create(
                    service=principal.service,
                    key=name,
                    fingerprint=fingerprint,
                    claim=mine,
                    lease_until=now + LEASE,
                    expires_at=now + KEPT,
                )
                return made
        except IntegrityError:
            row = named.first()
    if row is None:
        raise _still_running()
    if row.fingerprint != fingerprint:
        raise Problem(422, "idempotency_key_reused", "This Idempotency-Key named another request. Choose a new one.")
    if row.status is None:
        dead = named.filter(claim=row.claim, status=None, lease_until__lte=now)
        if row.lease_until > now or not dead.update(claim=mine, lease_until=now + LEASE):
            raise _still_running()
        row.claim = mine
    found: IdempotentRequest = row
    return found


def _carried_out(row: IdempotentRequest, act: Callable[[], HttpResponse]) -> HttpResponse:
    with transaction.atomic():
        before = transaction.savepoint()
        response = act()
        if response.status_code >= 500:
            transaction.savepoint_rollback(before)
            transaction.set_rollback(False)
        mine = IdempotentRequest.objects.filter(pk=row.pk, claim=row.claim, status=None)
        if not _is_kept(response):
            mine.delete()
            return response
        kept = mine.update(status=response.status_code, body=response.content.decode(), content_type=response.headers["Content-Type"])
        if not kept:
            raise _Replaced
        return response


def _is_kept(response: HttpResponse) -> bool:
    """What was carried out is kept, refusals and failures too; what never began may be sent again in better shape."""
    return response.status_code < 300 or response.status_code == 409 or response.status_code >= 500


def _fingerprint(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{request.method}\n{request.get_full_path()}\n{body}".encode()).hexdigest()


def _still_running() -> Problem:
    return Problem(409, "still_running", "The first request with this Idempotency-Key still runs. Ask again in a moment.", retry_after=1)
