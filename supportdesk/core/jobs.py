"""Jobs: `enqueue` writes a row in the caller's transaction; workers claim rows by lease.

A worker that dies keeps its claim only until the lease ends; then the row is due again, so a handler must be harmless when it
runs twice. After `max_attempts` a job is dead: visible, redrivable, and its `on_dead` handler gets a chance to tell a human.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from supportdesk.core import claims
from supportdesk.core.database import ON_POSTGRES, SYSTEM
from supportdesk.core.models import Job, Tenant
from supportdesk.core.suspension import Suspended, must_be_active
from supportdesk.core.tenancy import acting_for, acting_tenant

log = logging.getLogger("supportdesk.jobs")
BACKOFF_SECONDS = (1, 5, 20, 60, 300, 900)
# How old the list of tenants with due jobs may be, and what is known of a tenant.
LOOK_SECONDS, TENANT_SECONDS = 0.1, 2.0
# A row that waits again was not given to the broker yet.
DUE_ANEW = {"published_at": None}


@dataclass(frozen=True)
class Handler:
    """What runs a job: dotted paths, so that registering imports nothing heavy into the web process."""

    run: str
    on_dead: str = ""
    max_attempts: int = 5
    warm: str = ""


_handlers: dict[str, Handler] = {}


def preload() -> None:
    """Import and warm up every handler now, in one thread: a worker calls it before it starts its threads."""
    for handler in _handlers.values():
        _function(handler.run)
        if handler.warm:
            _function(handler.warm)()


class Retry(Exception):
    """Raised by a handler to be called again later without counting as a failure; carries seconds to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


def register(name: str, run: str, *, on_dead: str = "", max_attempts: int = 5, warm: str = "") -> None:
    """Name the function a job runs, what to do when it is dead, and what a worker does once at its start; from `AppConfig.ready`."""
    _handlers[name] = Handler(run, on_dead, max_attempts, warm)


def registered() -> dict[str, Handler]:
    """All job names and their handlers."""
    return dict(_handlers)


def enqueue(name: str, *, after: float = 0.0, dedupe: str = "", **ids: Any) -> Job | None:
    """Leave one job of the acting tenant, due in `after` seconds; with `dedupe`, none when an equal one already waits.

    Raises:
        KeyError: for a name nobody registered.
        ScopeError: outside `acting_for`: work belongs to a tenant.
    """
    handler = _handlers[name]
    due = timezone.now() + timedelta(seconds=after)
    job = Job(tenant_id=acting_tenant().pk, name=name, args=ids, dedupe=dedupe, run_at=due, max_attempts=handler.max_attempts)
    if not dedupe:
        job.save(force_insert=True)
        return job
    waiting = Job.objects.filter(tenant_id=job.tenant_id, name=name, dedupe=dedupe, state=Job.State.QUEUED)
    if waiting.update(run_at=due, **DUE_ANEW):
        return None
    try:
        with transaction.atomic():
            job.save(force_insert=True)
    except IntegrityError:
        return None
    return job


class Queue:
    """One worker's view of the due jobs: takes turns among tenants, so one tenant's flood delays nobody else."""

    def __init__(self, owner: str, lease_seconds: int | None = None) -> None:
        self.owner = owner
        self.lease = timedelta(seconds=lease_seconds or settings.JOB_LEASE_SECONDS)
        self._turns: deque[int] = deque()
        self._looked = 0.0
        self._last = 0
        self._tenants: dict[int, tuple[float, Tenant]] = {}

    def claim(self) -> Job | None:
        """The next due job, now leased to this worker; None when nothing is due."""
        has_looked = False
        while True:
            if not self._turns or time.monotonic() - self._looked > LOOK_SECONDS:
                if has_looked and not self._turns:
                    return None
                self._turns, self._looked, has_looked = deque(claims.tenants_in_turn(self._last)), time.monotonic(), True
                if not self._turns:
                    return None
            tenant = self._turns.popleft()
            if job := claims.claim_next(tenant, owner=self.owner, lease=self.lease):
                self._turns.append(tenant)
                self._last = tenant
                return job

    def take(self, job_id: int) -> Job | None:
        """This one job, now leased to this worker; None when it is not due, or somebody has it."""
        return claims.claim_by_id(job_id, owner=self.owner, lease=self.lease)

    def renew(self, ids: Collection[int]) -> None:
        """Keep the leases of jobs this worker is still doing."""
        mine = Job.objects.using(SYSTEM).filter(pk__in=ids, state=Job.State.RUNNING, lease_owner=self.owner)
        mine.update(lease_until=_now() + self.lease)

    def give_back(self, job: Job) -> None:
        """Return a claimed job untouched, as at a clean stop."""
        self._settle(job, state=Job.State.QUEUED, attempts=F("attempts") - 1, lease_owner="", lease_until=None)

    def run(self, job: Job) -> None:
        """Carry out one claimed job and settle its row; never raises."""
        try:
            with acting_for(self._tenant_of(job)) as tenant:
                must_be_active(tenant)
                _function(_handlers[job.name].run)(**job.args)
        except Suspended:
            self.give_back(job)
        except Retry as again:
            later = timezone.now() + timedelta(seconds=again.seconds)
            self._settle(job, state=Job.State.QUEUED, attempts=F("attempts") - 1, run_at=later, lease_owner="", lease_until=None)
        except Exception as error:
            log.exception("job %s (%s) failed, attempt %s", job.pk, job.name, job.attempts)
            self._failed(job, f"{type(error).__name__}: {error}"[:300])
        else:
            claims.settle_done(job, owner=self.owner)

    def _tenant_of(self, job: Job) -> Tenant:
        """The job's tenant, read at most every few seconds."""
        read_at, tenant = self._tenants.get(job.tenant_id, (0.0, None))
        if tenant is None or time.monotonic() - read_at > TENANT_SECONDS:
            tenant = Tenant.objects.get(pk=job.tenant_id)
            self._tenants[job.tenant_id] = (time.monotonic(), tenant)
        return tenant

    def _failed(self, job: Job, said: str) -> None:
        if job.attempts >= job.max_attempts:
            if self._settle(job, state=Job.State.DEAD, finished_at=timezone.now(), last_error=said, lease_until=None):
                tell_of_death(job)
            return
        wait = BACKOFF_SECONDS[min(job.attempts - 1, len(BACKOFF_SECONDS) - 1)]
        later = timezone.now() + timedelta(seconds=wait)
        self._settle(job, state=Job.State.QUEUED, run_at=later, last_error=said, lease_owner="", lease_until=None)

    def _settle(self, job: Job, **fields: Any) -> bool:
        """Write the outcome, unless the lease went to somebody else meanwhile."""
        if fields.get("state") == Job.State.QUEUED:
            fields |= DUE_ANEW
        mine = Job.objects.using(SYSTEM).filter(pk=job.pk, state=Job.State.RUNNING, lease_owner=self.owner, attempts=job.attempts)
        try:
            with transaction.atomic(using=SYSTEM):
                return bool(mine.update(**fields))
        except IntegrityError:
            # An equal job came to wait meanwhile: it does the work this one would repeat.
            return bool(mine.update(state=Job.State.DONE, finished_at=timezone.now(), lease_owner="", lease_until=None))


def tell_of_death(job: Job) -> None:
    """Let the job's `on_dead` handler hand the matter to a human; its own failure is logged, the dead job stays visible."""
    handler = _handlers.get(job.name)
    if handler is None or not handler.on_dead:
        return
    try:
        with acting_for(job.tenant):
            _function(handler.on_dead)(**job.args)
    except Suspended:
        # Nobody could be told: it dies again when the workspace is back.
        again = {"state": Job.State.QUEUED, "attempts": max(0, job.max_attempts - 1), "finished_at": None}
        Job.objects.using(SYSTEM).filter(pk=job.pk, state=Job.State.DEAD).update(**again, **DUE_ANEW)
    except Exception:
        log.exception("on_dead of job %s (%s) failed", job.pk, job.name)


def sweep() -> int:
    """Make jobs with an expired lease due again, or dead when they used up their attempts; returns how many."""
    lost = list(Job.objects.using(SYSTEM).filter(state=Job.State.RUNNING, lease_until__lt=_now())[:200])
    swept = 0
    for job in lost:
        mine = Job.objects.using(SYSTEM).filter(pk=job.pk, state=Job.State.RUNNING, lease_until__lt=_now(), attempts=job.attempts)
        dead = job.attempts >= job.max_attempts
        try:
            with transaction.atomic(using=SYSTEM):
                changed = mine.update(
                    **DUE_ANEW,
                    state=Job.State.DEAD if dead else Job.State.QUEUED,
                    lease_owner="",
                    lease_until=None,
                    last_error="The worker stopped without an answer.",
                    finished_at=timezone.now() if dead else None,
                )
        except IntegrityError:
            changed = mine.update(state=Job.State.DONE, finished_at=timezone.now(), lease_owner="", lease_until=None)
            dead = False
        swept += changed
        if changed and dead:
            tell_of_death(job)
    return swept


def redrive(job: Job) -> bool:
    """Give a dead job a fresh set of attempts; False when it is not dead, or an equal job waits already."""
    dead = Job.objects.filter(pk=job.pk, state=Job.State.DEAD)
    try:
        with transaction.atomic():
            return bool(dead.update(state=Job.State.QUEUED, attempts=0, run_at=_now(), finished_at=None, last_error="", **DUE_ANEW))
    except IntegrityError:
        return False


def run_due(limit: int = 1000, *, owner: str = "inline") -> int:
    """Run due jobs in this thread until none is left or `limit` were run; returns how many."""
    queue, done = Queue(owner), 0
    while done < limit and (job := queue.claim()):
        queue.run(job)
        done += 1
    return done


def _now() -> Any:
    """The database's clock, so that workers of several machines agree; SQLite's has milliseconds only, and is this machine's anyway."""
    return Now() if ON_POSTGRES else timezone.now()


def _function(path: str) -> Callable[..., None]:
    found: Callable[..., None] = import_string(path)
    return found
