"""The workspace's people as a page shows them, read with a handful of queries however many there are."""

from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db.models import Max

from supportdesk.accounts.second_factor import remove
from supportdesk.accounts.sessions import end_all_sessions
from supportdesk.accounts.told import tell
from supportdesk.core.events import teammate
from supportdesk.core.models import Membership, Tenant


@dataclass(frozen=True)
class Person:
    """One teammate, whether they have a second factor, and when they were last seen."""

    member: Membership
    has_second_factor: bool
    seen_at: datetime | None
    teams: list[str]


def people_of(tenant: Tenant) -> list[Person]:
    """Everybody who works or worked here: those who do first, by name. Belongs inside `acting_for`."""
    from supportdesk.core.models import TeamMember

    members = list(Membership.objects.filter(tenant=tenant).select_related("user", "tenant").order_by("-is_active", "user__name", "id"))
    users = [member.user_id for member in members]
    secured = set(Authenticator.objects.filter(user__in=users, type=Authenticator.Type.TOTP).values_list("user_id", flat=True))
    sessions = UserSession.objects.filter(user__in=users).values_list("user_id")
    seen = dict(sessions.annotate(at=Max("last_seen_at")).values_list("user_id", "at"))
    teams: dict[int, list[str]] = {}
    for member_id, name in TeamMember.objects.order_by("team__name").values_list("membership_id", "team__name"):
        teams.setdefault(member_id, []).append(name)
    # When somebody was last seen is told of people of this workspace alone: another one's business is none of ours.
    others = Membership.objects.filter(user__in=users, is_active=True).exclude(tenant=tenant).values_list("user_id", flat=True)
    elsewhere = set(others)
    return [
        Person(each, each.user_id in secured, None if each.user_id in elsewhere else seen.get(each.user_id), teams.get(each.pk, []))
        for each in members
    ]


def reset_second_factor(*, member: Membership, by: Membership) -> bool:
    """Take away a second factor that was lost, for whoever cannot prove it any more; their sessions end. False when they have none.

    It opens what the password alone opens, so it is for people of this workspace alone: one of several keeps theirs.
    """
    if works_elsewhere(member) or not Authenticator.objects.filter(user=member.user).exists():
        return False
    tell(member.user, "second_factor.reset", by=teammate(by))
    remove(member.user)
    end_all_sessions(user=member.user, by=teammate(by))
    return True


def works_elsewhere(member: Membership) -> bool:
    """Whether the person belongs to another workspace too, or to the installation's operators."""
    return member.user.is_superuser or Membership.objects.filter(user=member.user_id, is_active=True).exclude(pk=member.pk).exists()
