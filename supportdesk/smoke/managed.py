"""A server of the command's own: started in an empty folder, its processes may be killed, and it is stopped at the end."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from django.conf import settings

from supportdesk.smoke.clients import Failed

START_SECONDS = 180


@dataclass(frozen=True)
class Managed:
    """Where it answers, where its shop is, the folder that arms faults, and its environment for further commands."""

    url: str
    desk_url: str
    shop_url: str
    twin_shop_url: str
    home: Path
    faults: Path
    environment: dict[str, str]


@contextmanager
def managed(form: str, *, with_twin: bool = False) -> Iterator[Managed]:
    """Serve the demo in this form until the end of the block; with its twin, if wanted.

    Raises:
        Failed: when it does not come up.
    """
    with tempfile.TemporaryDirectory(prefix="supportdesk-smoke-") as folder:
        home = Path(folder)
        faults = home / "faults"
        faults.mkdir()
        port, shop_port, twin_port = _ports()
        environment = {**os.environ, "SUPPORTDESK_VAR": str(home / "var"), "SUPPORTDESK_FAULT_DIR": str(faults)}
        shop_url = f"http://127.0.0.1:{shop_port}"
        shops = f"127.0.0.1:{shop_port},127.0.0.1:{twin_port}" if with_twin else f"127.0.0.1:{shop_port}"
        known = environment | {"DEMO_SHOP_URL": shop_url, "OUTBOUND_PRIVATE_HOSTS": shops}
        command = [sys.executable, "manage.py", "serve", "--demo", "--form", form, "--port", str(port), "--shop-port", str(shop_port)]
        if with_twin:
            command += ["--twin-port", str(twin_port)]
        with (home / "serve.log").open("wb") as log:
            process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=subprocess.STDOUT)  # noqa: S603
            try:
                url = f"http://localhost:{port}"
                desk_url = f"http://localhost:{port + 1}" if form == "production" else url
                for each in {url, desk_url}:
                    _until_healthy(each, process, home / "serve.log")
                yield Managed(url, desk_url, shop_url, f"http://127.0.0.1:{twin_port}", home, faults, known)
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()


def _until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise Failed(f"the server does not come up: {log.read_text(errors='replace')[-1500:]}")


def _ports() -> tuple[int, int, int]:
    """A free port whose next one is free too, and two more for shops."""
    for port in range(18300, 18900, 7):
        if all(_is_free(each) for each in (port, port + 1, port + 2, port + 3)):
            return port, port + 2, port + 3
    raise Failed("no free port between 18300 and 18900")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
