"""The statements of the job table that run for every job: whose turn it is, claim one, settle one. Plain SQL, one statement each.

On PostgreSQL a claim and a settling need not wait for the disk: a server that crashes may forget them, and then a job runs again, which
every handler bears. Whatever a handler itself commits waits as usual, and takes the claim before it to the disk.
"""

import json
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from supportdesk.core.database import ON_POSTGRES, SYSTEM
from supportdesk.core.models import Job

# SQLite has one writer: threads of a process take turns here instead of sleeping in its busy handler.
_writing: AbstractContextManager[Any] = nullcontext() if ON_POSTGRES else threading.RLock()
_FIELDS = ["id", "tenant_id", "name", "args", "attempts", "max_attempts", "lease_owner"]
_RETURNING = " RETURNING id, tenant_id, name, args, attempts, max_attempts, lease_owner"
# One step of the index for each tenant with waiting jobs, however many wait; those of a suspended one wait on.
_TURNS = """
WITH RECURSIVE turn(tenant_id) AS (
  SELECT min(tenant_id) FROM core_job WHERE state = 'queued'
  UNION ALL
  SELECT (SELECT min(tenant_id) FROM core_job WHERE state = 'queued' AND tenant_id > turn.tenant_id)
  FROM turn WHERE turn.tenant_id IS NOT NULL
)
SELECT tenant_id FROM turn WHERE EXISTS (SELECT 1 FROM core_tenant WHERE core_tenant.id = turn.tenant_id AND is_active)
  AND EXISTS (SELECT 1 FROM core_job WHERE state = 'queued' AND core_job.tenant_id = turn.tenant_id AND run_at <= {now})
"""
if ON_POSTGRES:
    _NOW = "statement_timestamp()"
    _CLAIM = (
        "UPDATE core_job SET state = 'running', lease_owner = %(owner)s, attempts = attempts + 1,"
        " lease_until = statement_timestamp() + make_interval(secs => %(lease)s)"
        " FROM (SELECT set_config('synchronous_commit', 'off', true) AS waits) AS disk WHERE disk.waits = 'off'"
    )
    _SETTLE = (
        "UPDATE core_job SET state = 'done', finished_at = %(now)s, lease_owner = '', lease_until = NULL"
        " FROM (SELECT set_config('synchronous_commit', 'off', true) AS waits) AS disk WHERE disk.waits = 'off'"
    )
    _LOCK = " FOR UPDATE SKIP LOCKED"
else:
    _NOW = "%(now)s"
    _CLAIM = "UPDATE core_job SET state = 'running', lease_owner = %(owner)s, attempts = attempts + 1, lease_until = %(until)s WHERE true"
    _SETTLE = "UPDATE core_job SET state = 'done', finished_at = %(now)s, lease_owner = '', lease_until = NULL WHERE true"
    _LOCK = ""
_DUE = f"SELECT id FROM core_job WHERE state = 'queued' AND run_at <= {_NOW}"  # noqa: S608
_AT_WORK = " AND EXISTS (SELECT 1 FROM core_tenant WHERE core_tenant.id = core_job.tenant_id AND core_tenant.is_active)"
_CLAIM_OF_TENANT = f"{_CLAIM} AND id = ({_DUE} AND tenant_id = %(tenant)s{_AT_WORK} ORDER BY run_at, id LIMIT 1{_LOCK}){_RETURNING}"
_CLAIM_BY_ID = f"{_CLAIM} AND id = ({_DUE} AND id = %(id)s{_AT_WORK}{_LOCK}){_RETURNING}"
_SETTLE_MINE = f"{_SETTLE} AND id = %(id)s AND state = 'running' AND lease_owner = %(owner)s AND attempts = %(attempts)s RETURNING id"


def tenants_in_turn(after: int = 0) -> list[int]:
    """Every tenant with a due job, by id, beginning behind `after`."""
    rows = _rows(_TURNS.format(now=_NOW), {} if ON_POSTGRES else {"now": _text_of(0)})
    tenants = sorted(row[0] for row in rows)
    return [tenant for tenant in tenants if tenant > after] + [tenant for tenant in tenants if tenant <= after]


def claim_next(tenant_id: int, *, owner: str, lease: timedelta) -> Job | None:
    """Lease the tenant's next due job to `owner`; None when none is due or another worker was quicker."""
    return _claimed(_CLAIM_OF_TENANT, owner, lease, tenant=tenant_id)


def claim_by_id(job_id: int, *, owner: str, lease: timedelta) -> Job | None:
    """Lease this one job to `owner` if it is due and nobody has it."""
    return _claimed(_CLAIM_BY_ID, owner, lease, id=job_id)


def settle_done(job: Job, *, owner: str) -> bool:
    """Note that the job is done; False when the lease went to somebody else meanwhile."""
    now = timezone.now() if ON_POSTGRES else _text_of(0)
    with _writing:
        return bool(_rows(_SETTLE_MINE, {"id": job.pk, "owner": owner, "attempts": job.attempts, "now": now}))


def _claimed(statement: str, owner: str, lease: timedelta, **which: Any) -> Job | None:
    with _writing:
        if ON_POSTGRES:
            rows = _rows(statement, {"owner": owner, "lease": lease.total_seconds(), **which})
        else:
            # This machine's clock is the database's.
            rows = _rows(statement, {"owner": owner, "now": _text_of(0), "until": _text_of(lease.total_seconds()), **which})
    if not rows:
        return None
    id, tenant_id, name, args, *rest = rows[0]
    return Job.from_db(SYSTEM, _FIELDS, [id, tenant_id, name, json.loads(args), *rest])


def _rows(statement: str, values: dict[str, Any]) -> Sequence[Any]:
    with connections[SYSTEM].cursor() as cursor:
        cursor.execute(statement, values)
        rows: Sequence[Any] = cursor.fetchall()
        return rows


def _text_of(seconds: float) -> str:
    """The moment in `seconds`, as SQLite stores it."""
    return str(datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds))
