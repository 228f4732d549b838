"""The bar `screen`: from the commit of a customer's message to the frame on two hundred teammates' sockets."""

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from supportdesk.bench import ground
from supportdesk.bench.harness import LEAST_PAIRS, Bar, Result, interleave, percentile
from supportdesk.bench.sockets import Browser, heard_by_all, open_all

BAR = Bar(
    "screen",
    "Milliseconds from the commit of a message to the frame on the median of 200 sockets, against a bare consumer's group_send.",
    1.5,
    "ms",
)
SOCKETS, CUT = 200, 50
COMMITS = 3
TICKETS = 12
# A socket rests between frames; the next commit waits until it could be told at once.
PAUSE = 0.4
Commit = Callable[[], float]


def measure(pairs: int, *, sockets: int = SOCKETS, cut: int = CUT) -> list[Result]:
    """On PostgreSQL; beside it the embedded form.

    Raises:
        LeftOut: without PostgreSQL.
    """
    with ground.folder() as var, ground.postgres_database(var, "screen") as database:
        result = _against_bare(pairs, var, sockets, cut, DATABASE_URL=database)
    with ground.folder() as var:
        ground.migrate(ground.environment(var))
        embedded = _against_bare(LEAST_PAIRS, var, sockets, cut)
    result.also["embedded (SQLite)"] = (
        f"{embedded.ratio:.2f} of the reference, {median(pair.ours for pair in embedded.pairs):.0f} ms"
        f" against {median(pair.reference for pair in embedded.pairs):.0f} ms"
    )
    result.checks |= {f"embedded: {what}": kept for what, kept in embedded.checks.items()}
    return [result]


def _against_bare(pairs: int, var: Path, sockets: int, cut: int, **env: str) -> Result:
    with ExitStack() as stack:
        ours = ground.environment(var, **env)
        desk = stack.enter_context(ground.Side("supportdesk.bench.screen:open_desk", ours, sockets=sockets))
        web = stack.enter_context(ground.server("supportdesk.asgi:application", ours))
        bare = stack.enter_context(ground.server("supportdesk.bench.bare.asgi:application", _bare(var)))
        return asyncio.run(_measured(pairs, desk, web, bare, cut))


def _bare(var: Path) -> dict[str, str]:
    told = {
        "apps": ["daphne", "django.contrib.contenttypes", "channels"],
        "middleware": [],
        "processors": [],
        "database": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
        "layers": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
        "options": {},
    }
    return ground.environment(var, DJANGO_SETTINGS_MODULE="supportdesk.bench.bare.settings", BENCH_BARE=json.dumps(told))


async def _measured(pairs: int, desk: ground.Side, web: str, bare: str, cut: int) -> Result:
    ours = [Browser(web, cookie) for cookie in desk.about["cookies"]]
    theirs = [Browser(bare) for _ in ours]
    await open_all([*ours, *theirs])
    pokes = iter(range(1, 1_000_000))
    slowest: dict[str, list[float]] = {"ours": [], "reference": []}

    def commit() -> float:
        return float(desk.ask()["at"])

    def poke() -> float:
        with urllib.request.urlopen(f"{bare}/poke?position={next(pokes)}", timeout=30) as response:  # noqa: S310 - our own loopback address
            return float(json.loads(response.read())["at"])

    loop = asyncio.get_running_loop()

    def sample(name: str, browsers: list[Browser], act: Commit) -> float:
        took = asyncio.run_coroutine_threadsafe(_sampled(browsers, act), loop).result()
        slowest[name].append(median(max(each) for each in took) * 1000)
        return median(one for each in took for one in each) * 1000

    found = await asyncio.to_thread(interleave, lambda: sample("ours", ours, commit), lambda: sample("reference", theirs, poke), pairs)
    missed = await _missed(desk, ours, cut)
    for browser in [*ours, *theirs]:
        await browser.close()
    return Result(
        BAR,
        found,
        checks={f"{cut} sockets cut at random moments and resumed: {missed} events missed": missed == 0},
        also={
            "the slowest of the sockets, ms": f"{median(slowest['ours']):.0f} against {median(slowest['reference']):.0f}",
            "90 of 100 samples of ours are under, ms": percentile([pair.ours for pair in found], 0.9),
        },
    )


async def _sampled(browsers: list[Browser], act: Commit) -> list[list[float]]:
    took = []
    for _ in range(COMMITS):
        # Not in step with anything that polls.
        await asyncio.sleep(PAUSE + random.random() * 0.2)  # noqa: S311 - jitter
        moment = await asyncio.to_thread(act)
        took.append(await heard_by_all(browsers, moment))
    return took


async def _missed(desk: ground.Side, browsers: list[Browser], cut: int) -> int:
    """Commit for a while, cut sockets meanwhile, let them come back; how many (socket, ticket) pairs never heard of the last change."""
    before = {browser.url for browser in browsers}
    assert len(before) == 1  # noqa: S101
    chance = random.Random(7)  # noqa: S311 - which sockets, always the same

    async def suffer(browser: Browser, after: float) -> None:
        await asyncio.sleep(after)
        await browser.cut()
        await asyncio.sleep(chance.random())
        await browser.open()

    hurt = [asyncio.create_task(suffer(browser, chance.random() * 3)) for browser in chance.sample(browsers, cut)]
    until = time.monotonic() + 4
    while time.monotonic() < until:
        await asyncio.to_thread(desk.ask)
        await asyncio.sleep(0.1)
    await asyncio.gather(*hurt)
    last = {int(ticket): int(position) for ticket, position in (await asyncio.to_thread(desk.ask, last=True))["last"].items()}
    until = time.monotonic() + 20
    while (missed := _unheard(browsers, last)) and time.monotonic() < until:
        await asyncio.sleep(0.2)
    return missed


def _unheard(browsers: list[Browser], last: dict[int, int]) -> int:
    return sum(not browser.knows(ticket, position) for browser in browsers for ticket, position in last.items())


def open_desk(sockets: int) -> Any:
    """In a process of its own: a workspace with signed-in teammates; each request commits one customer's message on the next ticket."""
    from supportdesk.bench import world
    from supportdesk.core.database import SYSTEM
    from supportdesk.core.events import stamp
    from supportdesk.core.models import Event
    from supportdesk.core.tenancy import acting_for
    from tickets.receiving import open_session, receive_chat_message

    place = world.build("screen")
    mates = [world.teammate(place, f"mate{index}") for index in range(20)]
    cookies = [world.signed_in(mates[index % len(mates)]) for index in range(sockets)]
    with acting_for(place.tenant):
        sessions = [open_session(place.channel)[0] for _ in range(TICKETS)]
        for session in sessions:
            receive_chat_message(session=session, body="Where is my order?", client_id="first")
    while stamp():
        pass
    done: list[int] = []
    since = Event.objects.using(SYSTEM).order_by("-id").values_list("id", flat=True)[0]

    def answer(last: bool = False) -> dict[str, Any]:
        if last:
            while stamp():
                pass
            events = Event.objects.using(SYSTEM).filter(id__gt=since).exclude(ticket_id=None).order_by("position")
            return {"last": dict(events.values_list("ticket_id", "position"))}
        session = sessions[len(done) % TICKETS]
        done.append(session.pk)
        with acting_for(place.tenant):
            receive_chat_message(session=session, body="And where is it now?", client_id=f"c{len(done)}")
        return {"at": time.monotonic()}

    answer.about = {"cookies": cookies}  # type: ignore[attr-defined]
    return answer
