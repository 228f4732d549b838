"""Two hundred browsers in one process: sockets that note when each frame came."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

ATTEMPTS = 20


@dataclass
class Browser:
    """One open page: where it is in the log, when frames came, and what they told of each ticket (None: look at everything again)."""

    url: str
    cookie: str = ""
    position: int = 0
    frames: list[float] = field(default_factory=list)
    told: dict[int | None, int] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _reader: "asyncio.Task[None] | None" = None

    async def open(self) -> None:
        """Connect, resume where it was, and read from then on; a server too busy to shake hands is asked again, as pages do.

        Raises:
            TimeoutError: when it stays too busy.
        """
        for _ in range(ATTEMPTS):
            try:
                return await self._open()
            except (InvalidHandshake, ConnectionClosed, OSError):
                await asyncio.sleep(1)
        raise TimeoutError("no handshake")

    async def _open(self) -> None:
        headers = {"Cookie": f"sessionid={self.cookie}"} if self.cookie else {}
        self._socket = await connect(
            f"{self.url.replace('http', 'ws', 1)}/ws/console/",
            origin=Origin(self.url),
            additional_headers=headers,
            proxy=None,
            compression=None,
            open_timeout=60,
        )
        await self._socket.send(json.dumps({"type": "resume", "position": self.position}))
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self._socket, ready))
        await asyncio.wait_for(ready.wait(), 60)

    async def _read(self, socket: ClientConnection, ready: asyncio.Event) -> None:
        try:
            async for text in socket:
                self._take(json.loads(text), time.monotonic())
                ready.set()
        except ConnectionClosed:
            pass

    def _take(self, frame: dict[str, Any], now: float) -> None:
        if frame["type"] not in ("ready", "changed"):
            return
        position = int(frame["position"])
        if frame["type"] == "changed":
            self.frames.append(now)
            self.told[frame["ticket_id"]] = max(position, self.told.get(frame["ticket_id"], 0))
        self.position = max(self.position, position)

    async def cut(self) -> None:
        """Lose the connection without a goodbye, as a train in a tunnel does."""
        if self._socket is not None:
            self._socket.transport.abort()
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=10)

    async def close(self) -> None:
        """Leave."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            self._reader.cancel()

    @property
    def last_frame(self) -> float:
        """When the newest frame about a change came."""
        return self.frames[-1] if self.frames else 0.0

    def heard(self, moment: float) -> float:
        """Seconds from the moment to the first frame after it."""
        return next(came for came in self.frames if came >= moment) - moment

    def knows(self, ticket_id: int, position: int) -> bool:
        """Whether it was told that this ticket, or everything, changed at that position or later."""
        return max(self.told.get(ticket_id, 0), self.told.get(None, 0)) >= position


async def open_all(browsers: list[Browser], at_once: int = 20) -> None:
    """Connect them all, a few at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(browser: Browser) -> None:
        async with gate:
            await browser.open()

    await asyncio.gather(*(one(browser) for browser in browsers))


async def heard_by_all(browsers: list[Browser], moment: float, seconds: float = 30) -> list[float]:
    """Seconds from the moment until each browser got its first frame after it.

    Raises:
        TimeoutError: when one does not hear of it.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        # What came is stamped by the reader; looking rarely leaves the process to reading.
        await asyncio.sleep(0.05)
        if all(browser.last_frame >= moment for browser in browsers):
            return [browser.heard(moment) for browser in browsers]
    raise TimeoutError("a socket was told nothing")
