"""A workspace to publish in."""

from collections.abc import Iterator

import pytest

from supportdesk.core.models import Tenant
from supportdesk.core.tenancy import acting_for
from tests.factories import make_tenant


@pytest.fixture
def acme(db: None) -> Iterator[Tenant]:
    """The workspace being acted for."""
    tenant = make_tenant("acme")
    with acting_for(tenant):
        yield tenant
