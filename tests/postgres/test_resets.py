"""Reliability 9: a link that many people open at the same moment changes the password once."""

import pytest
from django.core import mail

from supportdesk.accounts import resets
from supportdesk.accounts.models import PasswordReset
from supportdesk.core.models import Event, User
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tests.postgres.threads import errors, together

THREADS = 20


@pytest.mark.reliability(9, "resets", "concurrent redeem")
def test_twenty_at_once_and_one_gets_through(acme: World) -> None:
    user = acme.owner.user
    resets.ask(address=user.email, origin="https://desk.example")
    row = PasswordReset.objects.get()
    with acting_for(row.user.memberships.get().tenant):
        resets.send(row.pk)
    token = str(mail.outbox[-1].body).split("/console/password/new/")[1].split("/")[0]

    def redeem(n: int) -> User:
        return resets.redeem(token=token, password=f"pass phrase of thread {n}")

    results = together(*(lambda n=n: redeem(n) for n in range(THREADS)))
    assert [type(error) for error in errors(results)] == [resets.UsedLink] * (THREADS - 1)
    (winner,) = [n for n, result in enumerate(results) if isinstance(result, User)]
    assert User.objects.get(pk=user.pk).check_password(f"pass phrase of thread {winner}")
    assert Event.objects.filter(code="password.reset").count() == 1
