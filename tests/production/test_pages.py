"""Two web processes and their open pages: each hears each thing once, whatever happens to Redis."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections
from websockets.asyncio.client import ClientConnection, connect

from supportdesk.core.processes import answers, daphne, free_port
from supportdesk.core.tenancy import acting_for
from tests.factories import World, make_world
from tests.production.conftest import PrivateRedis
from tickets.models import Message


@pytest.fixture
def acme() -> World:
    return make_world("acme")


@pytest.fixture
def webs(acme: World, private_redis: PrivateRedis, tmp_path: object) -> Iterator[list[str]]:
    """The addresses of two web processes on one database and one Redis."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "supportdesk.settings",
        "SUPPORTDESK_VAR": str(tmp_path),
        "DATABASE_URL": settings.DATABASE_URL,
        "REDIS_URL": private_redis.url,
    }
    ports = [free_port(), free_port()]
    begun = [subprocess.Popen(daphne("127.0.0.1", port), cwd=settings.BASE_DIR, env=environment) for port in ports]
    try:
        assert all(answers(f"http://127.0.0.1:{port}/healthz", 90) for port in ports)
        yield [f"127.0.0.1:{port}" for port in ports]
    finally:
        for process in begun:
            process.terminate()
        for process in begun:
            process.wait(20)


@asynccontextmanager
async def page(address: str, token: str) -> AsyncIterator[ClientConnection]:
    """An open chat page of this session."""
    async with connect(f"ws://{address}/ws/chat/acme/web/", origin=f"http://{address}", proxy=None) as socket:
        await socket.send(json.dumps({"type": "hello", "token": token, "position": 0, "language": "en"}))
        assert json.loads(await socket.recv())["type"] == "ready"
        yield socket


async def heard(socket: ClientConnection, seconds: float = 3.0) -> list[str]:
    """The types of all frames until nothing came for this long."""
    kinds = []
    try:
        while True:
            kinds.append(json.loads(await asyncio.wait_for(socket.recv(), seconds))["type"])
    except TimeoutError:
        return kinds


async def say(socket: ClientConnection, client_id: str) -> None:
    await socket.send(json.dumps({"type": "send", "client_id": client_id, "text": "Where is my order?"}))


async def test_pages_of_two_web_processes_hear_each_thing_once_whatever_happens_to_redis(
    webs: list[str], acme: World, private_redis: PrivateRedis
) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"http://{webs[0]}/chat/acme/web/session/", headers={"Origin": f"http://{webs[0]}"})
    token = answer.json()["token"]
    async with page(webs[0], token) as here:
        await say(here, "first")
        assert (await heard(here)).count("ack") == 1
        async with page(webs[1], token) as there:
            await heard(there, 1.5)
            await say(here, "second")
            assert await heard(there) == ["changed"]
            assert (await heard(here)).count("changed") == 1
            private_redis.client.flushall()
            await say(here, "third")
            assert await heard(there) == ["changed"]
            assert (await heard(here)).count("changed") == 1
            private_redis.stop()
            try:
                await say(there, "fourth")
                assert (await heard(here)).count("changed") == 1
                async with httpx.AsyncClient(trust_env=False) as http:
                    opened = await http.post(f"http://{webs[1]}/chat/acme/web/session/", headers={"Origin": f"http://{webs[1]}"})
                assert opened.status_code == 201, "visits are counted by the process itself"
            finally:
                private_redis.start()
    assert await sync_to_async(_written)(acme) == 4


def _written(acme: World) -> int:
    # The thread that runs this may hold a line to the database of an earlier folder of tests.
    connections.close_all()
    with acting_for(acme.tenant):
        return Message.objects.count()
