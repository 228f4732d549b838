"""Single sign-on: who may come by a workspace's identity provider, and whom it never speaks for.

A workspace sets its provider up itself, so its word counts for people of that workspace alone: not for people who work elsewhere too, not
for operators, and not for owners, who keep a password to let themselves in when the provider is down or wrong.
"""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from supportdesk.accounts.models import SignOn
from supportdesk.accounts.told import tell
from supportdesk.core.events import Actor, record
from supportdesk.core.models import Membership, Role, Tenant, User
from supportdesk.core.tenancy import acting_for

USE_SIGN_ON = "Your workspace signs in with single sign-on."


class NotSpokenFor(Exception):
    """The provider's word does not open this; what exactly it lacks is told to nobody."""


def sign_on_of(tenant: Tenant | None) -> SignOn | None:
    """The workspace's provider, if it has one that is on."""
    if tenant is None or not tenant.is_active:
        return None
    with acting_for(tenant):
        return SignOn.objects.filter(is_on=True).exclude(issuer="").first()


def key_of(tenant: Tenant, issuer: str) -> str:
    """What a subject is known under: this workspace's word about this issuer. Another issuer's same subject is somebody else."""
    return f"{tenant.pk}|{issuer}"


def is_spoken_for(user: User, tenant: Tenant) -> bool:
    """Whether the workspace's provider may sign this person in at all."""
    # A suspended workspace counts: it comes back.
    memberships = Membership.objects.filter(user=user, is_active=True)
    mine = list(memberships.values_list("tenant_id", "role"))
    return user.is_active and not user.is_superuser and len(mine) == 1 and mine[0][0] == tenant.pk and mine[0][1] != Role.OWNER


def is_password_closed(user: User) -> bool:
    """Whether this person's workspace takes nothing but its provider's word."""
    mine = Membership.objects.select_related("tenant").filter(user=user, is_active=True, tenant__is_active=True).first()
    if mine is None or not is_spoken_for(user, mine.tenant):
        return False
    row = sign_on_of(mine.tenant)
    return row is not None and row.required


def person_of(*, tenant: Tenant, issuer: str, claims: dict[str, Any]) -> User:
    """The person these checked claims are about: known by issuer and subject; the first time by a verified address of this workspace.

    Raises:
        NotSpokenFor: for everybody else.
    """
    subject, key = str(claims.get("sub", "")), key_of(tenant, issuer)
    known = SocialAccount.objects.select_related("user").filter(provider=key, uid=subject).first() if subject else None
    user = known.user if known is not None else _by_address(tenant, key, claims)
    if not subject or user is None or not is_spoken_for(user, tenant):
        raise NotSpokenFor
    return user


@transaction.atomic
def linked(user: User, *, tenant: Tenant) -> None:
    """Tell that the person is known by the provider from now on."""
    tell(user, "sign_on.linked")


def unlink(*, tenant: Tenant, issuer: str) -> int:
    """Forget everybody the issuer was known to speak for; how many there were."""
    gone, _each = SocialAccount.objects.filter(provider=key_of(tenant, issuer)).delete()
    return int(gone)


@sensitive_variables("secret")
def save_sign_on(*, row: SignOn, secret: str, was: str, by: Actor) -> None:
    """Store the provider. Another issuer knows nobody yet; an empty secret keeps the one there is."""
    with transaction.atomic():
        row.save()
        if secret:
            row.sealed_secret.put(secret)
        if was and was != row.issuer:
            unlink(tenant=row.tenant, issuer=was)
        record(
            "sign_on.changed", by=by, sign_on=row.pk, changed={"is_on": row.is_on, "required": row.required, "issuer": was != row.issuer}
        )


def _by_address(tenant: Tenant, key: str, claims: dict[str, Any]) -> User | None:
    """The teammate whose address the provider verified, unless another subject stands for them already."""
    email, row = claims.get("email"), sign_on_of(tenant)
    # The word `true` in quotes is no truth: some providers send what the person typed.
    if claims.get("email_verified") is not True or not isinstance(email, str) or row is None or not row.speaks_for(email):
        return None
    member = Membership.objects.select_related("user").filter(tenant=tenant, user__email=email.lower(), is_active=True).first()
    if member is None or SocialAccount.objects.filter(provider=key, user=member.user_id).exists():
        return None
    return member.user
