"""What a workspace asks of sessions: how long they last, and whether a second factor is shown."""

import time
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from supportdesk.accounts.models import SignInRules
from supportdesk.accounts.second_factor import SHOWN, has_second_factor
from supportdesk.core.models import Membership, Tenant
from supportdesk.core.shared import forget, keep, kept
from supportdesk.core.tenancy import acting_for

SIGNED_IN_AT = "signed_in_at"
# A change is known at once where the cache is shared, elsewhere within this time.
KNOWN_SECONDS = 60
NAME = "sign-in-rules"


@dataclass(frozen=True)
class Rules:
    """The rules of one workspace; `step_up_amount` in the smallest unit of its currency."""

    require_second_factor: bool = False
    session_hours: int = 12
    step_up_amount: int = 50_000


def rules_of(tenant: Tenant) -> Rules:
    """The workspace's rules, or the defaults."""
    known = kept(tenant.pk, NAME)
    if known is None:
        with acting_for(tenant):
            row = SignInRules.objects.first()
        known = (row.require_second_factor, row.session_hours, row.step_up_amount) if row else ()
        keep(tenant.pk, NAME, value=known, seconds=KNOWN_SECONDS)
    return Rules(*known)


def forget_rules(tenant: Tenant) -> None:
    """Read the rules anew from here on, once the caller's transaction is through."""
    transaction.on_commit(lambda: forget(tenant.pk, NAME))


def provider_of(session: Any) -> int | None:
    """The workspace whose identity provider signed the session's person in; None for a password. django-allauth keeps the record."""
    for record in session.get("account_authentication_methods") or []:
        if isinstance(record, dict) and record.get("method") == "socialaccount":
            number = str(record.get("provider", "")).partition("|")[0]
            return int(number) if number.isdigit() else 0
    return None


def is_over(session: Any, tenant: Tenant) -> bool:
    """Whether the session does not hold in the workspace: too old for it, or another workspace's provider vouched for its person."""
    if (by := provider_of(session)) is not None and by != tenant.pk:
        return True
    begun = session.get(SIGNED_IN_AT)
    return isinstance(begun, int | float) and time.time() - begun > rules_of(tenant).session_hours * 3600


def lacks_second_factor(session: Any, member: Membership) -> bool:
    """Whether the workspace asks for a second factor that this person has not set up."""
    if not rules_of(member.tenant).require_second_factor or session.get(SHOWN):
        return False
    return not has_second_factor(member.user)
