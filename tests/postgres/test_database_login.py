"""A process of production does not begin with a database role that walks around the tenant walls."""

import logging

import pytest
from django.db import connections

from supportdesk.core.start import unsafe_logins


@pytest.mark.reliability(70, "boot matrix")
def test_the_app_role_may_begin_and_a_powerful_login_behind_it_is_named(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert unsafe_logins() == []
    # The tests' own login is a superuser that assumes the app role.
    assert "is a superuser" in caplog.text


@pytest.mark.reliability(70, "boot matrix")
def test_working_as_the_owner_is_refused(monkeypatch: pytest.MonkeyPatch):
    for alias in connections:
        connections[alias].close()
        monkeypatch.setitem(connections[alias].settings_dict, "OPTIONS", {})
    said = unsafe_logins()
    for alias in connections:
        connections[alias].close()
    assert said
    assert "DATABASE_AS_OWNER" in said[0]
