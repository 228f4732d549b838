"""A host site as far as tests need one: it signs who its customer is."""

import time
from typing import Any
from uuid import uuid4

import jwt

from supportdesk.core.events import SYSTEM_ACTOR
from supportdesk.core.tenancy import acting_for
from tests.factories import World
from tickets.models import HostKey
from tickets.signed import make_key

SITE = "https://shop.example"
IDA = "ida@mail.example"


def host_key(world: World, **fields: Any) -> tuple[HostKey, str]:
    """A key of the world's chat and its secret."""
    with acting_for(world.tenant):
        return make_key(**{"channel": world.channel, "name": "Shop", "site": SITE, "algorithm": "HS256", "by": SYSTEM_ACTOR, **fields})


def claims(world: World, **fields: Any) -> dict[str, Any]:
    """What an honest site says of Ida; a field of None is left out."""
    now = int(time.time())
    said = {
        "sub": "C-1001",
        "email": IDA,
        "email_verified": True,
        "name": "Ida Marchetti",
        "iat": now,
        "exp": now + 300,
        "aud": f"{world.tenant.slug}/{world.channel.key}",
        "jti": uuid4().hex,
        **fields,
    }
    return {name: value for name, value in said.items() if value is not None}


def signed(world: World, key: HostKey, secret: Any, *, header: dict[str, Any] | None = None, **fields: Any) -> str:
    """A token of these claims."""
    return jwt.encode(claims(world, **fields), secret, algorithm=key.algorithm, headers={"kid": key.kid, **(header or {})})
