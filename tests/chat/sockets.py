"""A customer's browser on the socket, as far as tests need one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator

from supportdesk.asgi import application

SECONDS = 5.0
ORIGIN = b"http://testserver"


class Browser:
    """One open socket; `hear` waits for the next frame of a type and skips others."""

    def __init__(self, line: WebsocketCommunicator) -> None:
        self.line = line

    async def say(self, name: str, **fields: Any) -> None:
        """Send one well-formed frame."""
        await self.line.send_json_to({"type": name, **fields})

    async def raw(self, text: str) -> None:
        """Send any text."""
        await self.line.send_to(text_data=text)

    async def hear(self, name: str) -> dict[str, Any]:
        """The next frame of this type."""
        async with asyncio.timeout(SECONDS):
            while True:
                frame: dict[str, Any] = await self.line.receive_json_from(SECONDS)
                if frame["type"] == name:
                    return frame

    async def settled(self) -> None:
        """Wait until everything said so far was done: frames are taken one after the other."""
        await self.say("ping")
        await self.hear("pong")

    async def closed(self) -> int:
        """The code the server closes with, whatever it says before."""
        async with asyncio.timeout(SECONDS):
            while True:
                said = await self.line.receive_output(SECONDS)
                if said["type"] == "websocket.close":
                    return int(said["code"])

    async def hello(self, token: str, position: int = 0, **more: Any) -> dict[str, Any]:
        """Show a token and return the answer."""
        await self.say("hello", token=token, position=position, **more)
        return await self.hear("ready")


@asynccontextmanager
async def browser(place: str = "acme/web", origin: bytes = ORIGIN) -> AsyncIterator[Browser]:
    """A socket that was accepted and has said nothing yet."""
    line = WebsocketCommunicator(application, f"/ws/chat/{place}/", headers=[(b"origin", origin)])
    accepted, _code = await line.connect(SECONDS)
    assert accepted
    try:
        yield Browser(line)
    finally:
        await line.disconnect()


async def refused_at(place: str, origin: bytes = ORIGIN) -> bool:
    """Whether a socket to this place is not even accepted."""
    line = WebsocketCommunicator(application, f"/ws/chat/{place}/", headers=[(b"origin", origin)])
    accepted, _code = await line.connect(SECONDS)
    return not accepted
