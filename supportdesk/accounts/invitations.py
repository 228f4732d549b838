"""Invitations: a link mailed to one address that opens once, within a day, and only into the workspace it is for."""

import secrets
from datetime import timedelta

from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from supportdesk.accounts.models import Invitation
from supportdesk.accounts.people import opens_admin
from supportdesk.accounts.resets import TOKEN_LENGTH, UsedLink, hashed
from supportdesk.core.events import SYSTEM_ACTOR, Actor, record, teammate
from supportdesk.core.grants import leave_places
from supportdesk.core.jobs import enqueue
from supportdesk.core.models import Membership, Role, Team, TeamMember, Tenant, User
from supportdesk.core.permissions import may
from supportdesk.core.shared import counted
from supportdesk.core.tenancy import acting_for, acting_tenant

HOURS, MAILS_AN_HOUR = 24, 60


class NotInvited(Exception):
    """The invitation cannot be made; says why."""


class SignInFirst(Exception):
    """The address has an account already: its person signs in, then the invitation joins them."""


def waiting() -> QuerySet[Invitation]:
    """Invitations of the acting workspace that were neither accepted nor withdrawn, newest first; some may be over."""
    return Invitation.objects.filter(used_at=None, withdrawn_at=None).select_related("invited_by__user").order_by("-id")


def invite(*, email: str, role: str, teams: list[int], origin: str, by: Membership | None, operator: User | None = None) -> Invitation:
    """Mail an invitation to the acting workspace; one that waited for the same address is replaced. `by` nobody: a platform operator.

    Raises:
        NotInvited: for a bad address, role or team, a teammate, an owner wished for by somebody else, and after too many.
    """
    tenant, wanted = acting_tenant(), email.strip().lower()
    try:
        validate_email(wanted)
    except Exception as error:
        raise NotInvited("Enter the email address of one person.") from error
    if role not in Role.values or not wanted.isascii() or len(wanted) > 254:
        raise NotInvited("Choose what they are, and an address in plain letters.")
    if role == Role.OWNER and by is not None and by.role != Role.OWNER:
        raise NotInvited("Only an owner makes an owner.")
    if Team.objects.filter(pk__in=teams).count() != len(set(teams)):
        raise NotInvited("Choose teams of this workspace.")
    if Membership.objects.filter(tenant=tenant, user__email=wanted, is_active=True).exists():
        raise NotInvited("They work here already.")
    _count(tenant)
    now = timezone.now()
    try:
        with transaction.atomic():
            Invitation.objects.filter(email=wanted, used_at=None, withdrawn_at=None).update(withdrawn_at=now)
            row = Invitation.objects.create(
                email=wanted,
                role=role,
                teams=sorted(set(teams)),
                invited_by=by,
                origin=origin[:200],
                expires_at=now + timedelta(hours=HOURS),
            )
            record("member.invited", by=_actor(by, operator), invitation=row.pk, changed={"role": role})
            enqueue("accounts.send_invitation", invitation_id=row.pk)
    except IntegrityError as error:
        raise NotInvited("Somebody invited them this moment.") from error
    return row


def resend(*, invitation: Invitation, by: Membership) -> bool:
    """Mail another link, which ends the one before; False for one that no longer waits."""
    if invitation.role == Role.OWNER and by.role != Role.OWNER:
        raise NotInvited("Only an owner makes an owner.")
    _count(acting_tenant())
    with transaction.atomic():
        fresh = {"expires_at": timezone.now() + timedelta(hours=HOURS), "token_hash": "", "invited_by": by}
        if not waiting().filter(pk=invitation.pk).update(**fresh):
            return False
        record("invitation.sent_again", by=teammate(by), invitation=invitation.pk)
        enqueue("accounts.send_invitation", invitation_id=invitation.pk)
    return True


def withdraw(*, invitation: Invitation, by: Membership) -> bool:
    """End the invitation; False for one that no longer waits."""
    with transaction.atomic():
        if not waiting().filter(pk=invitation.pk).update(withdrawn_at=timezone.now()):
            return False
        record("invitation.withdrawn", by=teammate(by), invitation=invitation.pk)
    return True


def send(invitation_id: int) -> None:
    """Job: make the token and mail it. A second run mails another one, which replaces the first."""
    row = waiting().filter(pk=invitation_id, expires_at__gt=timezone.now()).first()
    if row is None:
        return
    token = secrets.token_urlsafe(32)
    row.token_hash = hashed(token)
    row.save(update_fields=["token_hash"])
    tenant = acting_tenant()
    # A name is the workspace's own words: it stands on one line, and never in the subject.
    name = " ".join(tenant.name.split())
    send_mail(
        subject="You are invited to SupportDesk",
        message=(
            f"You are invited to work in “{name}” as {row.get_role_display().lower()}. Open this page to accept:\n\n"
            f"{row.origin}{reverse('console:join', args=[tenant.slug, token])}\n\n"
            f"It opens once, within {HOURS} hours. If you do not know them, do nothing."
        ),
        from_email=None,
        recipient_list=[row.email],
    )


def found(*, tenant: Tenant | None, token: object) -> Invitation | None:
    """The open invitation of this workspace that the token belongs to, or None."""
    if tenant is None or not tenant.is_active or not isinstance(token, str) or len(token) != TOKEN_LENGTH:
        return None
    with acting_for(tenant):
        row = waiting().filter(token_hash=hashed(token), expires_at__gt=timezone.now()).first()
        return row if row is not None and _still_meant(row) else None


@sensitive_variables("token", "password")
def accept(*, tenant: Tenant | None, token: object, user: User | None = None, name: str = "", password: str = "") -> Membership:
    """Join the workspace, once: as the signed-in person the invitation is for, or as a new one with this name and password.

    Raises:
        UsedLink: for a token that opens nothing here; why is not told.
        SignInFirst: when the address has an account, and nobody or somebody else is signed in.
    """
    if tenant is None:
        raise UsedLink
    with transaction.atomic(), acting_for(tenant):
        row = found(tenant=tenant, token=token)
        # One of two at the same time gets the row; the other finds it used.
        if row is None or not waiting().filter(pk=row.pk, token_hash=row.token_hash).update(used_at=timezone.now()):
            raise UsedLink
        person = User.objects.filter(email=row.email).first()
        if person is None:
            person = User.objects.create_user(row.email, password, name=name)
        elif user is None or user.pk != person.pk or not person.is_active:
            raise SignInFirst
        member, _is_new = Membership.objects.get_or_create(tenant=tenant, user=person, defaults={"role": row.role})
        if not member.is_active:
            # Whoever comes back begins with what the invitation says, and nothing of before.
            leave_places(member)
        member.role, member.is_active = row.role, True
        member.save(update_fields=["role", "is_active"])
        for team in Team.objects.filter(pk__in=row.teams):
            TeamMember.objects.get_or_create(team=team, membership=member)
        opens_admin(person, row.role)
        record("member.joined", by=teammate(member), member=member.pk, invitation=row.pk, changed={"role": row.role})
    return member


def _still_meant(row: Invitation) -> bool:
    """Whether who invited may still do so: an invitation does not outlive the right to make it."""
    by = row.invited_by
    if by is None:
        return True
    return by.user.is_active and may(by, "sign_in.edit") and (row.role != Role.OWNER or by.role == Role.OWNER)


def _count(tenant: Tenant) -> None:
    if counted(tenant.pk, "invitation-mails", seconds=3600) > MAILS_AN_HOUR:
        raise NotInvited("Too many invitations in an hour. Try again later.")


def _actor(by: Membership | None, operator: User | None) -> Actor:
    if by is not None:
        return teammate(by)
    return Actor("operator", operator.pk) if operator is not None else SYSTEM_ACTOR
