import hashlib
import json
import sqlite3

import pytest

from .conftest import ShopProcess
from .test_other_acts import ADDRESS


def act_four_times(shop: ShopProcess) -> None:
    shop.refund("N-20377", 1000, key="one").raise_for_status()
    shop.post("/v1/orders/N-20520/address", ADDRESS, key="two").raise_for_status()
    shop.post("/v1/orders/N-20520/cancel", {"reason": "r"}, key="three").raise_for_status()
    shop.post("/v1/subscriptions/S-301/cancel", {"reason": "r"}, key="four").raise_for_status()


def hash_of(entry: dict) -> str:
    said = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def test_every_effect_has_one_entry(shop: ShopProcess) -> None:
    act_four_times(shop)
    told = [(e["seq"], e["kind"], e["order"], e["amount"], e["currency"], e["reference"], e["idempotency_key"]) for e in shop.entries()]
    assert told == [
        (1, "refund", "N-20377", 1000, "EUR", "RF-5518", "one"),
        (2, "address", "N-20520", 0, "EUR", "AD-3310", "two"),
        (3, "cancel", "N-20520", 6400, "EUR", "CN-2204", "three"),
        (4, "subscription_cancel", "S-301", 0, "EUR", "SC-1107", "four"),
    ]


def test_the_chain_can_be_checked_by_anyone(shop: ShopProcess) -> None:
    act_four_times(shop)
    previous = "0" * 64
    for entry in shop.entries():
        assert entry["prev_hash"] == previous
        assert entry["hash"] == hash_of(entry)
        previous = entry["hash"]


def test_reading_can_start_after_an_entry(shop: ShopProcess) -> None:
    act_four_times(shop)
    assert [entry["seq"] for entry in shop.get("/v1/ledger?after=2").json()["entries"]] == [3, 4]
    assert shop.get("/v1/ledger?after=4").json() == {"entries": []}
    for wrong in ("-1", "one", "1.0", "", "9" * 16):
        assert shop.get(f"/v1/ledger?after={wrong}").status_code == 422


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE ledger SET amount = 1 WHERE seq = 1",
        "DELETE FROM ledger WHERE seq = 4",
        "DELETE FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT seq, at, kind, subject, 1, currency, reference, idempotency_key, prev_hash, hash FROM ledger",
        "INSERT OR REPLACE INTO ledger SELECT 5, at, kind, subject, 1, currency, reference, 'new', hash, 'h' FROM ledger WHERE seq = 4",
        "INSERT INTO ledger SELECT 6, at, kind, subject, 1, currency, 'RF-1', 'new', hash, 'h' FROM ledger WHERE seq = 4",
        "INSERT INTO ledger SELECT 5, at, kind, subject, 1, currency, 'RF-1', 'new', prev_hash, 'h' FROM ledger WHERE seq = 4",
    ],
)
def test_the_file_itself_refuses_to_change_the_past(shop: ShopProcess, tampering: str) -> None:
    act_four_times(shop)
    before = shop.entries()
    db = sqlite3.connect(shop.db, timeout=10)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(tampering)
    finally:
        db.close()
    assert shop.entries() == before


def test_the_file_itself_refuses_to_refund_more_than_was_captured(shop: ShopProcess) -> None:
    db = sqlite3.connect(shop.db, timeout=10)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            db.execute("UPDATE orders SET refunded = captured + 1 WHERE number = 'N-20377'")
    finally:
        db.close()


def test_the_file_keeps_its_write_ahead_log(shop: ShopProcess) -> None:
    db = sqlite3.connect(shop.db, timeout=10)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
