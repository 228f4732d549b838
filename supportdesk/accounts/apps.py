"""How people come in: invitations, single sign-on, second factors, sessions."""

import time
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out


class AccountsConfig(AppConfig):
    """How people come in: invitations, single sign-on, second factors, sessions."""

    name = "supportdesk.accounts"

    def ready(self) -> None:
        """Name the job of this app, say how a proof is checked, and date and tell of sessions."""
        from supportdesk.accounts.proving import asked_of, prove
        from supportdesk.accounts.rotation import ELSEWHERE
        from supportdesk.core.jobs import register
        from supportdesk.core.rotation import also
        from supportdesk.core.stepup import prove_with

        prove_with(prove, asked_of)
        also(ELSEWHERE)
        register("accounts.send_reset", "supportdesk.accounts.resets.send")
        register("accounts.send_invitation", "supportdesk.accounts.invitations.send")
        user_logged_in.connect(date_session, dispatch_uid="accounts.date_session")
        user_logged_in.connect(tell_of_coming, dispatch_uid="accounts.tell_of_coming")
        user_logged_out.connect(tell_of_going, dispatch_uid="accounts.tell_of_going")


def date_session(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Signing in is a proof of who it is, and the beginning of the session's hours."""
    from supportdesk.accounts.rules import SIGNED_IN_AT
    from supportdesk.core.stepup import mark_proved

    if getattr(request, "session", None) is not None:
        mark_proved(request.session)
        request.session[SIGNED_IN_AT] = time.time()


def tell_of_coming(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Signing in is an event of each workspace the person works in."""
    from supportdesk.accounts.told import tell

    tell(user, "session.started")


def tell_of_going(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """And so is signing out."""
    from supportdesk.accounts.told import tell

    if user is not None:
        tell(user, "session.signed_out")
