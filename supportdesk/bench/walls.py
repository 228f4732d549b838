"""The bars `walls_queue` and `walls_api`: what row-level security and the tenant in every transaction cost a page and a list."""

from contextlib import ExitStack
from statistics import median
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import Bar, Result, interleave

QUEUE = Bar(
    "walls_queue",
    "Milliseconds (p50) of the queue page behind the walls, as the app role, against the same page of the same database without them.",
    1.15,
    "ms",
)
API = Bar("walls_api", "Milliseconds (p50) of the API's list of tickets behind the walls against the same list without them.", 1.15, "ms")
TICKETS = 10_000
GETS = 12


def measure(pairs: int, *, tickets: int = TICKETS) -> list[Result]:
    """One database, two processes: one as the app role, one as a superuser who passes every wall and is told of no tenant.

    Raises:
        LeftOut: without PostgreSQL.
    """
    with ExitStack() as stack:
        var = stack.enter_context(ground.folder())
        url = stack.enter_context(ground.postgres_database(var, "walls"))
        behind = stack.enter_context(
            ground.Side("supportdesk.bench.walls:open_side", ground.environment(var, DATABASE_URL=url), tickets=tickets)
        )
        with ground.owner_of(url) as owner:
            owner.execute("VACUUM ANALYZE")
        without = stack.enter_context(
            ground.Side(
                "supportdesk.bench.walls:open_side",
                ground.environment(var, DATABASE_URL=url, DATABASE_AS_OWNER="1"),
                visitor=behind.about["visitor"],
            )
        )
        results = []
        for bar, what in ((QUEUE, "queue"), (API, "api")):
            found = interleave(lambda what=what: _p50(behind, what), lambda what=what: _p50(without, what), pairs)  # type: ignore[misc]
            checks = {
                "both sides show the same tickets": behind.ask(what=what, gets=1)["shown"] == without.ask(what=what, gets=1)["shown"],
                "one side stands behind the walls, the other does not": behind.about["is_walled"] and not without.about["is_walled"],
            }
            results.append(Result(bar, found, checks, {"tickets": tickets}))
    return results


def _p50(side: ground.Side, what: str) -> float:
    return float(median(side.ask(what=what, gets=GETS)["milliseconds"]))


def open_side(tickets: int = 0, visitor: dict[str, Any] | None = None) -> Any:
    """In a process of its own. The first side fills the database and tells as whom it asks; the second takes its walls down."""
    import re
    import time

    from django.db import connection
    from django.test import Client

    if visitor is None:
        visitor = _filled(tickets)
    else:
        _take_walls_down()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tickets_ticket")
        seen = cursor.fetchone()[0]
    client = Client()
    client.cookies["sessionid"] = visitor["session"]
    asks = {
        "queue": lambda: client.get("/console/?tab=all"),
        "api": lambda: client.get("/api/v1/tickets?page_size=50", headers={"authorization": f"Bearer {visitor['key']}"}),
    }
    told = {"queue": re.compile(rb'id="ticket-(\d+)"'), "api": re.compile(rb'"number": ?(\d+)')}

    def answer(what: str, gets: int) -> dict[str, Any]:
        took, shown = [], []
        for _ in range(gets):
            began = time.perf_counter()
            response = asks[what]()
            took.append((time.perf_counter() - began) * 1000)
            shown = [int(each) for each in told[what].findall(response.content)]
            if response.status_code != 200 or not shown:
                raise AssertionError(f"{what} answers {response.status_code} without a ticket")
        return {"milliseconds": took, "shown": shown}

    answer.about = {"visitor": visitor, "is_walled": seen == 0}  # type: ignore[attr-defined]
    return answer


def _filled(tickets: int) -> dict[str, Any]:
    from supportdesk.bench import world
    from supportdesk.bench.crowd import multiply
    from supportdesk.core.keys import make_key
    from supportdesk.core.models import ServiceIdentity
    from supportdesk.core.tenancy import acting_for

    mine = world.build("desk")
    mate = world.teammate(mine, "mate")
    multiply(mine, tickets, [mate.pk])
    place = world.build("east")
    multiply(place, tickets // 10, [world.teammate(place, "mate").pk])
    with acting_for(mine.tenant):
        service = ServiceIdentity.objects.create(name="bench", scopes=["ticket.list"], membership=mate)
        key = make_key(service=service, name="bench")[1]
    return {"session": world.signed_in(mate), "key": key}


def _take_walls_down() -> None:
    """Tell the database of no tenant: no setting in a transaction, no transaction around a lone statement."""
    from django.db.backends.postgresql.base import DatabaseWrapper as Plain

    from supportdesk.core.postgres.base import DatabaseWrapper

    DatabaseWrapper._set_tenant = lambda self: None  # type: ignore[method-assign]
    DatabaseWrapper._begin_for_tenant = lambda self: True  # type: ignore[method-assign]
    DatabaseWrapper.get_new_connection = Plain.get_new_connection  # type: ignore[method-assign]
