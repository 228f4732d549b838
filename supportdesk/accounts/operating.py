"""What platform operators do: each act is a row of its own, and an event in the trail of the workspace it touches."""

from django.db import transaction

from supportdesk.accounts.people import disable_user
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.core import suspension
from supportdesk.core.events import Actor, record
from supportdesk.core.models import KillSwitch, OperatorAct, Tenant, User
from supportdesk.core.tenancy import acting_for

MAX_REASON = 200


class Refused(Exception):
    """The act is not done; says why."""


def operator(user: User) -> Actor:
    """The actor an operator is."""
    return Actor("operator", user.pk)


def log(code: str, *, by: User, tenant: Tenant | None = None, user: User | None = None, reason: str = "") -> OperatorAct:
    """Write the act down, in the caller's transaction; where it touches one workspace, in that one's trail too (without the reason)."""
    if tenant is not None:
        with acting_for(tenant):
            record(f"operator.{code}", by=operator(by))
    return OperatorAct.objects.create(code=code, by=by, tenant=tenant, user=user, reason=reason)


@transaction.atomic
def suspend(*, tenant: Tenant, reason: str, by: User) -> bool:
    """Stop a workspace: its people, keys, customers and jobs. False when it is stopped already.

    Raises:
        Refused: without a reason.
    """
    said = _said(reason)
    return _kept(suspension.suspend(tenant, reason=said, by=operator(by)), "suspended", tenant=tenant, reason=said, by=by)


@transaction.atomic
def resume(*, tenant: Tenant, reason: str, by: User) -> bool:
    """Let a workspace go on. False when it does.

    Raises:
        Refused: without a reason.
    """
    said = _said(reason)
    return _kept(suspension.resume(tenant, reason=said, by=operator(by)), "resumed", tenant=tenant, reason=said, by=by)


@transaction.atomic
def close_account(*, user: User, reason: str, by: User) -> None:
    """Close an account in every workspace: sessions, sockets and keys end.

    Raises:
        Refused: for one's own, and without a reason.
    """
    if user.pk == by.pk:
        raise Refused("That is your own account. Another operator closes it.")
    said = _said(reason)
    disable_user(user=user, by=operator(by))
    log("account_closed", by=by, user=user, reason=said)


@transaction.atomic
def open_account(*, user: User, reason: str, by: User) -> None:
    """Let a closed account sign in again; its keys stay revoked.

    Raises:
        Refused: without a reason.
    """
    said = _said(reason)
    User.objects.filter(pk=user.pk).update(is_active=True)
    log("account_opened", by=by, user=user, reason=said)


@transaction.atomic
def end_sessions_of(*, user: User, by: User) -> int:
    """Sign somebody out everywhere; how many sessions ended."""
    ended = end_all_sessions(user=user, by=operator(by))
    log("sessions_ended", by=by, user=user)
    return ended


@transaction.atomic
def flip_global_switch(*, is_on: bool, reason: str, by: User) -> None:
    """Stop the AI agents of every workspace, or let them go on.

    Raises:
        Refused: without a reason.
    """
    said = _said(reason)
    KillSwitch.objects.update_or_create(tenant=None, tool="", defaults={"is_on": is_on, "reason": said})
    log("agents_stopped" if is_on else "agents_started", by=by, reason=said)


def _kept(is_done: bool, code: str, *, tenant: Tenant, reason: str, by: User) -> bool:
    """Write an act down that leaves an event of its own in the workspace's trail."""
    if is_done:
        OperatorAct.objects.create(code=code, by=by, tenant=tenant, reason=reason)
    return is_done


def _said(reason: str) -> str:
    said = " ".join(reason.replace("\x00", "").split())
    if not said or len(said) > MAX_REASON:
        raise Refused(f"Say why, in at most {MAX_REASON} characters.")
    return said
