"""Two Norrholts that look alike in everything, driven at once; afterwards nothing of one may be found at the other."""

import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from django.conf import settings

from supportdesk.smoke.clients import Seen, Shop, parsed
from supportdesk.smoke.managed import Managed
from supportdesk.smoke.steps import World, check

SLUGS = ("norrholt", "norrholt-twin")
# One service of this name in each.
SERVICE, SCOPES = "Sweep", "ticket.list,ticket.see,ticket.see_all,customer.see,approval.see,trace.see"
LISTS = ("tickets?page_size=100", "customers?page_size=100", "approvals")


def worlds_of(server: Managed, token: str, password: str) -> tuple[World, World]:
    """A world for each twin: its shop, its Mira, its canary; their customers' mailboxes are the same."""
    mailbox = threading.Lock()
    made = []
    for slug, shop_url, of in zip(SLUGS, (server.shop_url, server.twin_shop_url), (token, f"{token}-twin"), strict=True):
        seen, word = Seen(), "".join(secrets.choice("bdfgklmnprstvz") + secrets.choice("aeiou") for _ in range(5))
        shop = Shop(shop_url, of)
        seen.watch(shop.http)
        mira = f"mira@{slug}.example"
        made.append(World(server.url, shop, mira, password, server.desk_url, server.faults, slug, word, seen, mailbox))
    return made[0], made[1]


def together(worlds: Sequence[World], drive: Callable[[World], Any]) -> list[Any]:
    """The same in all of them at the same time."""
    with ThreadPoolExecutor(len(worlds)) as team:
        return list(team.map(drive, worlds))


def apart(worlds: Sequence[World], server: Managed) -> str:
    """Look at every list, ticket and trace with a browser and with a key of each twin, then search everything seen and stored.

    Raises:
        Failed: saying what of one twin was found at the other.
    """
    for world in worlds:
        looks_at_everything(world, server)
    for world, other in zip(worlds, reversed(worlds), strict=True):
        crossed = world.seen.holding(other.canary)
        check(not crossed, f"{world.tenant} was shown words of {other.tenant}: {crossed[:3]}")
        check(len(world.seen.holding(world.canary)) > 20, f"{world.tenant} was shown its own words")
    asked = {each.tenant: {"canary": each.canary, "keys": [one["idempotency_key"] for one in each.shop.entries()]} for each in worlds}
    stored = _command(server, ["verify_twins"], json.dumps(asked))
    logged = (server.home / "serve.log").read_text(errors="replace")
    check(not [each.tenant for each in worlds if each.canary in logged], "the processes' own words hold nothing of customers")
    return f"{sum(len(each.seen) for each in worlds)} answers and frames, {stored}"


def looks_at_everything(world: World, server: Managed) -> None:
    """Each page a teammate may open and each list a program may read, into what was seen."""
    with world.colleague() as teammate:
        listed = parsed(teammate.http.get("/console/", params={"tab": "all"}).text)
        links = {node.attributes.get("href", "") for node in listed.all(lambda node: node.name == "a")}
        for link in sorted(link for link in links if link.startswith("/console/")):
            teammate.http.get(link)
        for word in (world.canary, "ida@mail.example"):
            teammate.http.get("/console/", params={"tab": "all", "q": word})
            teammate.http.get("/console/palette/", params={"q": word})
    key = _command(server, ["make_key", "--tenant", world.tenant, "--name", SERVICE, "--scopes", SCOPES])
    with httpx.Client(base_url=f"{world.desk_url}/api/v1/", headers={"Authorization": f"Bearer {key}"}, timeout=20) as program:
        world.seen.watch(program)
        for path in LISTS:
            check(program.get(path).status_code == 200, f"a key of {world.tenant} reads {path}")
        for number in range(1, 6):
            program.get(f"tickets/{number}/messages")


def _command(server: Managed, words: list[str], said: str = "") -> str:
    """The last line a command prints; the trouble it finds is the failure."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(  # noqa: S603
        command, cwd=settings.BASE_DIR, env=server.environment, input=said, capture_output=True, text=True, check=False
    )
    check(done.returncode == 0, f"{words[0]}: {(done.stdout + done.stderr)[-600:]}")
    return done.stdout.strip().splitlines()[-1]
