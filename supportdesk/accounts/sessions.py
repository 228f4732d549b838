"""Where somebody is signed in, and ending it: the session's row goes, so its pages and its open sockets go with it."""

from importlib import import_module
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction

from supportdesk.accounts.told import tell
from supportdesk.core.events import Actor
from supportdesk.core.models import User


def sessions_of(user: User) -> list[UserSession]:
    """The user's living sessions, the one seen last first; rows of those that are over are tidied away."""
    return sorted(UserSession.objects.purge_and_list(user), key=lambda row: row.last_seen_at, reverse=True)


def end_session(*, user: User, session_id: int, by: Actor | None = None) -> bool:
    """End one session of this user; False when they have no such one."""
    with transaction.atomic():
        row = UserSession.objects.filter(user=user, pk=session_id).first()
        if row is None:
            return False
        _drop(row)
        tell(user, "session.ended", by=by, sessions=1)
    return True


def end_all_sessions(*, user: User, by: Actor | None = None, besides: str | None = None) -> int:
    """End all sessions of this user, but the one with the key `besides`; how many ended."""
    with transaction.atomic():
        rows = list(UserSession.objects.filter(user=user).exclude(session_key=besides or ""))
        for row in rows:
            _drop(row)
        if rows:
            tell(user, "session.ended", by=by, sessions=len(rows))
    return len(rows)


def _drop(row: UserSession) -> None:
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    store().delete(row.session_key)
    row.delete()
