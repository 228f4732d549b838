"""The last look before a process of production serves or works: its settings, and what its database login may do."""

import logging

from django.conf import settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connections

logger = logging.getLogger("supportdesk.start")

LOGIN = """
SELECT rolname, rolname = current_user, rolsuper, rolbypassrls,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relowner = r.oid)
FROM pg_roles r WHERE rolname IN (current_user, session_user)
"""


def refuse_unsafe_start() -> None:
    """Let no process of production begin with unsafe settings; `daphne` and `celery` run no checks of their own.

    Raises:
        ImproperlyConfigured: saying what to change.
    """
    if not settings.PRODUCTION:
        return
    wrong = [f"{message.msg} {message.hint or ''}".strip() for message in run_checks() if message.is_serious()]
    wrong += unsafe_logins()
    if wrong:
        raise ImproperlyConfigured("SupportDesk does not start like this:\n" + "\n".join(f"- {each}" for each in wrong))


def unsafe_logins() -> list[str]:
    """Roles that walk around the tenant walls; a database that does not answer is asked again by whatever needs it."""
    wrong = []
    for alias in connections if settings.ON_POSTGRES else ():
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(LOGIN)
                rows = cursor.fetchall()
        except DatabaseError as error:
            logger.warning("The database login was not checked: %s", type(error).__name__)
            continue
        finally:
            connections[alias].close()
        for name, is_working, is_super, is_bypassing, is_owner in rows:
            said = "is a superuser" if is_super else "may bypass row-level security" if is_bypassing else "owns tables" if is_owner else ""
            if said and is_working:
                wrong.append(f"The database role {name} {said}: unset DATABASE_AS_OWNER and work as supportdesk_app.")
            elif said:
                logger.warning("The database login %s %s; log in as a role that owns nothing: docs/operations.md.", name, said)
    return wrong
