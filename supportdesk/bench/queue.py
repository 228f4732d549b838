"""The bar `queue`: a teammate's queue page with ten times the tickets, behind row-level security."""

from contextlib import ExitStack
from statistics import median
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import Bar, Result, interleave

BAR = Bar(
    "queue",
    "Milliseconds (p50) of the queue page in a workspace of 100,000 tickets against one of 10,000, on PostgreSQL as the app role.",
    1.2,
    "ms",
)
SMALL, LARGE = 10_000, 100_000
GETS = 12
# The list a sample times, and others that are told beside it.
PAGE = "?tab=all"
OTHERS = {
    "first page": "",
    "unassigned": "?tab=unassigned",
    "resolved": "?tab=all&status=resolved",
    "longest waiting": "?tab=all&sort=waiting",
}


def measure(pairs: int, *, small: int = SMALL, large: int = LARGE) -> list[Result]:
    """Two databases, one process each, asked in turn.

    Raises:
        LeftOut: without PostgreSQL.
    """
    with ExitStack() as stack:
        sides = {}
        for tickets in (large, small):
            var = stack.enter_context(ground.folder())
            url = stack.enter_context(ground.postgres_database(var, f"queue_{tickets}"))
            ready = stack.enter_context(
                ground.Side("supportdesk.bench.queue:fill", ground.environment(var, DATABASE_URL=url), tickets=tickets)
            )
            _settled(url)
            sides[tickets] = ready
        big, little = sides[large], sides[small]
        found = interleave(lambda: _p50(big, PAGE), lambda: _p50(little, PAGE), pairs)
        queries = {"the page": (_queries(big, PAGE), _queries(little, PAGE))}
        also: dict[str, Any] = {what: f"{big.about[what]} against {little.about[what]}" for what in ("tickets", "open")}
        for name, query in OTHERS.items():
            each = interleave(lambda query=query: _p50(big, query), lambda query=query: _p50(little, query), 5)  # type: ignore[misc]
            also[f"{name}, ratio"] = f"{median(pair.ratio for pair in each):.2f} ({median(pair.ours for pair in each):.1f} ms)"
            queries[name] = (_queries(big, query), _queries(little, query))
    checks = {f"{name}: {ours} queries, whatever the number of tickets": ours == theirs for name, (ours, theirs) in queries.items()}
    return [Result(BAR, found, checks, also)]


def _p50(side: ground.Side, query: str) -> float:
    return float(median(side.ask(query=query, gets=GETS)["milliseconds"]))


def _queries(side: ground.Side, query: str) -> int:
    return int(side.ask(query=query, gets=1, count=True)["queries"])


def _settled(url: str) -> None:
    """What autovacuum would have done by the time a workspace has so many tickets."""
    with ground.owner_of(url) as owner:
        owner.execute("VACUUM ANALYZE")


def fill(tickets: int) -> Any:
    """In a process of its own: the workspace, its neighbours, and a signed-in teammate; each request is some page loads."""
    import time

    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from supportdesk.bench import world
    from supportdesk.bench.crowd import multiply
    from supportdesk.core.models import Role
    from supportdesk.core.tenancy import acting_for
    from tickets.models import Ticket

    mine = world.build("desk")
    lead, mate = world.teammate(mine, "lead", Role.SUPERVISOR), world.teammate(mine, "mate")
    multiply(mine, tickets, [lead.pk, mate.pk])
    for name in ("east", "west"):
        place = world.build(name)
        multiply(place, tickets // 10, [world.teammate(place, "mate").pk])
    client = Client()
    client.cookies["sessionid"] = world.signed_in(mate)

    def load(query: str) -> float:
        began = time.perf_counter()
        response = client.get(f"/console/{query}")
        took = (time.perf_counter() - began) * 1000
        if response.status_code != 200 or b'id="ticket-' not in response.content:
            raise AssertionError(f"/console/{query} answers {response.status_code} without a ticket")
        return took

    def answer(query: str, gets: int, count: bool = False) -> dict[str, Any]:
        if not count:
            return {"milliseconds": [load(query) for _ in range(gets)]}
        with CaptureQueriesContext(connection) as captured:
            load(query)
        return {"queries": len(captured)}

    with acting_for(mine.tenant):
        answer.about = {"tickets": Ticket.objects.count(), "open": Ticket.objects.open().count()}  # type: ignore[attr-defined]
    return answer
