"""Whether a session still stands for a teammate with a right, read afresh: for sockets and files that outlive the request they began in."""

from typing import Any

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare

from supportdesk.accounts.rules import is_over, lacks_second_factor
from supportdesk.core.middleware import membership_of
from supportdesk.core.models import Membership
from supportdesk.core.permissions import may


def standing_of(session: SessionBase | None, permission: str) -> Membership | None:
    """The membership the session stands for right now, if it may do this; None when it ended or lost the right."""
    key = session.session_key if session is not None else None
    if session is None or not key:
        return None
    store: Any = type(getattr(session, "_wrapped", session))
    fresh = store(key)
    user_id, chosen = fresh.get(SESSION_KEY), fresh.get("membership")
    member = membership_of(int(user_id), chosen) if user_id is not None else None
    if member is None or not may(member, permission) or is_over(fresh, member.tenant) or lacks_second_factor(fresh, member):
        return None
    hashes = (member.user.get_session_auth_hash(), *member.user.get_session_auth_fallback_hash())
    return member if any(constant_time_compare(fresh.get(HASH_SESSION_KEY, ""), known) for known in hashes) else None
