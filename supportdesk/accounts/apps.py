"""How people come in: invitations, single sign-on, second factors, sessions."""

import time
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class AccountsConfig(AppConfig):
    """How people come in: invitations, single sign-on, second factors, sessions."""

    name = "supportdesk.accounts"

    def ready(self) -> None:
        """Name the job of this app, say how a proof is checked, and date sessions."""
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


def date_session(sender: Any, request: Any, user: Any, **kwargs: Any) -> None:
    """Signing in is a proof of who it is, and the beginning of the session's hours."""
    from supportdesk.accounts.rules import SIGNED_IN_AT
    from supportdesk.core.stepup import mark_proved

    if getattr(request, "session", None) is not None:
        mark_proved(request.session)
        request.session[SIGNED_IN_AT] = time.time()
