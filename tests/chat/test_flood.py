"""Reliability 14 and 15 on a real server: floods close their own socket and cost little memory; no token stands in its log."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest
import websockets

from supportdesk.chat.consumers import BAD, TOO_MANY
from tests.browser.desk import Desk, running

pytestmark = pytest.mark.slow
BIG, MOST_MB = "x" * 1_000_000, 80


def megabytes(var: Path) -> int:
    """What the web process of this desk holds in memory."""
    mark, held = f"SUPPORTDESK_VAR={var}".encode(), 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"daphne" in (process / "cmdline").read_bytes() and mark in (process / "environ").read_bytes():
                status = (process / "status").read_text()
                held = max(held, int(status.partition("VmRSS:")[2].split()[0]) // 1024)
        except OSError:
            continue
    return held


async def closing_code(desk: Desk, token: str, frames: list[str]) -> int | None:
    """What a socket is closed with that sends all this as fast as it can."""
    address = f"{desk.url.replace('http', 'ws')}/ws/chat/norrholt/chat/"
    async with asyncio.timeout(30), websockets.connect(address, origin=websockets.Origin(desk.url), proxy=None) as socket:
        try:
            if token:
                await socket.send(json.dumps({"type": "hello", "token": token, "position": 0}))
                await socket.recv()
            for frame in frames:
                await socket.send(frame)
            while True:
                await socket.recv()
        except websockets.ConnectionClosed:
            return socket.close_code


@pytest.mark.reliability(15, "memory")
@pytest.mark.reliability(14, "address log")
def test_floods_close_their_socket_cost_little_and_the_log_knows_no_token(tmp_path: Path) -> None:
    async def flood(desk: Desk, token: str) -> list[int | None]:
        before = [closing_code(desk, "", [BIG] * 100) for _ in range(6)]
        after = [closing_code(desk, token, [BIG] * 100) for _ in range(2)]
        quick = [closing_code(desk, token, ['{"type": "typing"}'] * 10_000)]
        return list(await asyncio.gather(*before, *after, *quick))

    with running(tmp_path) as desk:
        if not megabytes(tmp_path / "var"):
            pytest.skip("this system does not tell what a process holds")
        with httpx.Client(trust_env=False, headers={"Origin": desk.url}) as http:
            token = http.post(f"{desk.chat}session/").json()["token"]
            assert http.get(f"{desk.chat}thread/", headers={"Authorization": f"Chat {token}"}).status_code == 200
            first = megabytes(tmp_path / "var")
            codes = asyncio.run(flood(desk, token))
            held = megabytes(tmp_path / "var")
            assert http.get(f"{desk.chat}thread/", headers={"Authorization": f"Chat {token}"}).status_code == 200
            http.post(f"{desk.chat}leave/", headers={"Authorization": f"Chat {token}"})
    assert codes == [BAD] * 8 + [TOO_MANY]
    assert held - first < MOST_MB, (first, held)
    logs = [desk.log, *(tmp_path / "var").rglob("*.log")]
    told = "".join(path.read_text(errors="replace") for path in logs)
    assert told
    for part in token.split("."):
        assert part not in told
    assert "Traceback" not in told
