import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from .conftest import SERVER, ShopProcess


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "SHOP_TOKEN"}
    return subprocess.run(
        [sys.executable, str(SERVER), *arguments], capture_output=True, text=True, timeout=20, env=clean | environment, check=False
    )


def test_sigterm_ends_it_at_once_even_in_the_middle_of_a_slow_answer(own_shop: ShopProcess) -> None:
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(own_shop.refund, "N-20377", 1000, key="k", fault="slow=30000")
        while not own_shop.entries():
            time.sleep(0.01)
        started = time.monotonic()
        own_shop.process.terminate()
        _, said = own_shop.process.communicate(timeout=10)
        assert time.monotonic() - started < 3
        assert (own_shop.process.returncode, said) == (0, "")
        with pytest.raises(httpx.TransportError):
            slow.result(timeout=10)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_what_was_answered_survives_the_end_of_the_process(own_shop: ShopProcess, end: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        own_shop.refund("N-20377", 1000, key="k", fault="lost")
    entries = own_shop.entries()
    getattr(own_shop, end)()
    second = ShopProcess(own_shop.db)
    try:
        assert second.entries() == entries
        assert second.refund("N-20377", 1000, key="k").headers["Idempotent-Replayed"] == "true"
        assert second.order("N-20377")["refunded"] == 1000
    finally:
        assert second.stop() == (0, "")


def test_killed_in_the_middle_of_work_the_books_still_agree(own_shop: ShopProcess) -> None:
    def act(turn: int) -> None:
        try:
            own_shop.refund("N-20418", 10, key=f"k{turn}")
        except httpx.TransportError:
            pass

    with ThreadPoolExecutor(8) as pool:
        for turn in range(400):
            pool.submit(act, turn)
        while len(own_shop.entries()) < 30:
            time.sleep(0.005)
        own_shop.process.kill()
    own_shop.process.communicate(timeout=10)
    second = ShopProcess(own_shop.db)
    try:
        entries = second.entries()
        assert second.order("N-20418")["refunded"] == sum(entry["amount"] for entry in entries) >= 300
        assert second.order("N-20418")["version"] == 1 + len(entries)
        for entry in entries:
            assert second.get(f"/v1/operations/{entry['idempotency_key']}").json()["body"]["reference"] == entry["reference"]
    finally:
        second.stop()


def test_two_shops_on_one_file_share_keys_and_money(own_shop: ShopProcess) -> None:
    second = ShopProcess(own_shop.db)
    try:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda turn: (own_shop, second)[turn % 2].refund("N-20377", 1000, key=f"k{turn // 2}"), range(20)))
        assert sorted(answer.status_code for answer in answers) == [201] * 12 + [409] * 8
        assert second.order("N-20377")["refunded"] == sum(entry["amount"] for entry in own_shop.entries()) == 6000
    finally:
        second.stop()


def test_without_a_token_it_does_not_start(tmp_path: Path) -> None:
    done = run("--port", "0", "--db", str(tmp_path / "shop.sqlite3"))
    assert done.returncode == 2
    assert "SHOP_TOKEN" in done.stderr


def test_it_does_not_touch_the_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE orders (precious TEXT)")
    db.execute("INSERT INTO orders VALUES ('kept')")
    db.commit()
    done = run("--port", "0", "--db", str(path), "--token", "t")
    assert (done.returncode, "not a shop's" in done.stderr) == (1, True)
    assert db.execute("SELECT * FROM orders").fetchall() == [("kept",)]
    db.close()


def test_it_listens_on_this_machine_alone_and_keeps_its_file_private(own_shop: ShopProcess) -> None:
    assert own_shop.url.startswith("http://127.0.0.1:")
    assert own_shop.db.stat().st_mode & 0o077 == 0


def test_started_by_path_it_loads_nothing_of_supportdesk(tmp_path: Path) -> None:
    code = (
        "import runpy, sys; sys.argv = ['server.py', '--help']\n"
        f"try: runpy.run_path({str(SERVER)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in {'supportdesk', 'django', 'tickets', 'shop'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=20, check=True)
    loaded = done.stdout.splitlines()[-1]
    assert "'shop.api'" in loaded
    assert "supportdesk" not in loaded
    assert "django" not in loaded
