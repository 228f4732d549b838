"""The shop's SQLite file: customers, orders, subscriptions, the recorded operations and the ledger."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, cast

from .errors import Refusal, not_found
from .seeding import Seed, read_seed
from .shapes import Address, Customer, Done, Entry, EntryKind, Operation, Order, OrderStatus, Subscription
from .validation import canonical

SCHEMA_VERSION = 1
APPLICATION_ID = 0x53484F50  # "SHOP": how a file says that it is ours
FIRST_HASH = "0" * 64

TABLES = ("customers", "orders", "subscriptions", "operations", "ledger", "counters")

SCHEMA = (
    """CREATE TABLE customers (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE COLLATE NOCASE, phone TEXT,
        language TEXT NOT NULL, since TEXT NOT NULL, address TEXT NOT NULL)""",
    """CREATE TABLE orders (
        number TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers (id),
        status TEXT NOT NULL CHECK (status IN ('pending', 'paid', 'packed', 'shipped', 'delivered', 'cancelled', 'returned')),
        placed_at TEXT NOT NULL, shipped_at TEXT, delivered_at TEXT, currency TEXT NOT NULL,
        total INTEGER NOT NULL CHECK (total >= 0),
        captured INTEGER NOT NULL CHECK (captured BETWEEN 0 AND total),
        refunded INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
        items TEXT NOT NULL, payment TEXT NOT NULL, shipping_address TEXT NOT NULL, tracking TEXT,
        version INTEGER NOT NULL DEFAULT 1)""",
    "CREATE INDEX orders_of_customer ON orders (customer_id, placed_at)",
    """CREATE TABLE subscriptions (
        id TEXT PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customers (id), name TEXT NOT NULL,
        status TEXT NOT NULL CHECK (status IN ('active', 'cancelled')), amount INTEGER NOT NULL CHECK (amount > 0),
        currency TEXT NOT NULL, interval TEXT NOT NULL, next_at TEXT)""",
    """CREATE TABLE operations (
        key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at TEXT NOT NULL)""",
    """CREATE TABLE ledger (
        seq INTEGER PRIMARY KEY, at TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('refund', 'cancel', 'address', 'subscription_cancel')),
        subject TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL,
        reference TEXT NOT NULL UNIQUE, idempotency_key TEXT NOT NULL UNIQUE,
        prev_hash TEXT NOT NULL, hash TEXT NOT NULL UNIQUE)""",
    # INSERT OR REPLACE would slip past a DELETE trigger, so the third one lets nothing in but the next entry of the chain.
    """CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    """CREATE TRIGGER ledger_next_only BEFORE INSERT ON ledger
        WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger)
          OR NEW.prev_hash IS NOT coalesce((SELECT hash FROM ledger ORDER BY seq DESC LIMIT 1), printf('%064d', 0))
          OR EXISTS (SELECT 1 FROM ledger WHERE reference = NEW.reference OR idempotency_key = NEW.idempotency_key OR hash = NEW.hash)
        BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END""",
    "CREATE TABLE counters (prefix TEXT PRIMARY KEY, next INTEGER NOT NULL)",
)
FIRST_REFERENCES = {"RF": 5518, "CN": 2204, "AD": 3310, "SC": 1107}


def now_text(now: datetime | None = None) -> str:
    return (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Recorded:
    """The outcome of an idempotency key: the status and the exact body text, and whether it is a replay."""

    status: int
    body: str
    is_replay: bool


@dataclass(frozen=True)
class Deal:
    """One open write transaction on behalf of one idempotency key."""

    db: sqlite3.Connection
    key: str
    at: str

    def order(self, number: str) -> Order:
        return _order(self.db, number)

    def subscription(self, subscription_id: str) -> Subscription:
        return _subscription(self.db, subscription_id)

    def next_reference(self, prefix: Literal["RF", "CN", "AD", "SC"]) -> str:
        (number,) = self.db.execute("UPDATE counters SET next = next + 1 WHERE prefix = ? RETURNING next - 1", (prefix,)).fetchone()
        return f"{prefix}-{number}"

    def update_order(
        self,
        order: Order,
        *,
        status: OrderStatus | None = None,
        refunded: int | None = None,
        shipping_address: Address | None = None,
    ) -> None:
        self.db.execute(
            "UPDATE orders SET status = ?, refunded = ?, shipping_address = ?, version = version + 1 WHERE number = ?",
            (
                status or order["status"],
                order["refunded"] if refunded is None else refunded,
                canonical(shipping_address or order["shipping_address"]),
                order["number"],
            ),
        )

    def end_subscription(self, subscription_id: str) -> None:
        self.db.execute("UPDATE subscriptions SET status = 'cancelled', next_at = NULL WHERE id = ?", (subscription_id,))

    def book(self, kind: EntryKind, subject: str, *, amount: int, currency: str, reference: str) -> None:
        """Append one entry to the ledger, chained to the one before."""
        last = self.db.execute("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1").fetchone() or (0, FIRST_HASH)
        entry: Entry = {
            "seq": last[0] + 1,
            "at": self.at,
            "kind": kind,
            "order": subject,
            "amount": amount,
            "currency": currency,
            "reference": reference,
            "idempotency_key": self.key,
            "prev_hash": last[1],
            "hash": "",
        }
        entry["hash"] = entry_hash(entry)
        self.db.execute("INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", tuple(entry.values()))


def entry_hash(entry: Entry) -> str:
    """SHA-256 in hex over the entry without its own hash, as compact JSON with sorted keys."""
    said = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(canonical(said).encode()).hexdigest()


class ForeignFile(Exception):
    """The database belongs to another program; the shop does not touch it."""


class Store:
    """The shop's data. One connection and one lock: SQLite lets one writer in at a time anyway, and reads are short."""

    def __init__(self, path: Path) -> None:
        """Open the file, seeded when it is new; ForeignFile for a database of somebody else."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA foreign_keys = ON")
        with self._writing() as db:
            if _needs_building(db):
                _build(db)

    def close(self) -> None:
        """Wait for the transaction at work, then close the file for good: the lock is never given back."""
        self._lock.acquire()
        self._db.close()

    def reset(self) -> None:
        """Forget everything, the ledger too, and plant the seed again, with dates counted from now."""
        with self._writing() as db:
            _build(db)

    def customer(self, customer_id: str) -> Customer:
        with self._lock:
            return _customer(self._db, customer_id)

    def customers_with(self, email: str) -> list[Customer]:
        with self._lock:
            rows = _rows(self._db, "SELECT * FROM customers WHERE email = ?", email)
        return [_as_customer(row) for row in rows]

    def orders_of(self, customer_id: str) -> list[Order]:
        """The orders of one customer, newest first; 404 for a customer nobody knows."""
        with self._lock:
            _customer(self._db, customer_id)
            rows = _rows(self._db, "SELECT * FROM orders WHERE customer_id = ? ORDER BY placed_at DESC, number DESC", customer_id)
        return [_as_order(row) for row in rows]

    def subscriptions_of(self, customer_id: str) -> list[Subscription]:
        with self._lock:
            _customer(self._db, customer_id)
            rows = _rows(self._db, "SELECT * FROM subscriptions WHERE customer_id = ? ORDER BY id", customer_id)
        return [cast(Subscription, row) for row in rows]

    def order(self, number: str) -> Order:
        with self._lock:
            return _order(self._db, number)

    def operation(self, key: str) -> Operation:
        """What a key came to; 404 when it never took effect."""
        with self._lock:
            rows = _rows(self._db, "SELECT key, status, body, at FROM operations WHERE key = ?", key)
        if not rows:
            raise not_found("operation with this idempotency key: it never took effect")
        return cast(Operation, rows[0] | {"body": json.loads(str(rows[0]["body"]))})

    def ledger(self, after: int) -> list[Entry]:
        with self._lock:
            rows = _rows(self._db, "SELECT * FROM ledger WHERE seq > ? ORDER BY seq", after)
        return [cast(Entry, {("order" if name == "subject" else name): value for name, value in row.items()}) for row in rows]

    def once(self, *, key: str, request: str, status: int, act: Callable[[Deal], Done]) -> Recorded:
        """Carry `act` out at most once per key and record its outcome, a refusal too, in the same transaction.

        The same key with another request is refused with 422 `idempotency_mismatch`. Two at once take turns: the second replays.
        """
        with self._writing() as db:
            seen = db.execute("SELECT request, status, body FROM operations WHERE key = ?", (key,)).fetchone()
            if seen is not None:
                if seen[0] != request:
                    raise Refusal(422, "idempotency_mismatch", "This idempotency key was used before with another request.")
                return Recorded(seen[1], seen[2], is_replay=True)
            at = now_text()
            try:
                body: object = act(Deal(db, key, at))
            except Refusal as refusal:
                status, body = refusal.status, refusal.as_json()
            outcome = Recorded(status, canonical(body), is_replay=False)
            db.execute("INSERT INTO operations VALUES (?, ?, ?, ?, ?)", (key, request, outcome.status, outcome.body, at))
            return outcome

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of it, or nothing."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _needs_building(db: sqlite3.Connection) -> bool:
    """Whether the file is new or of another version."""
    (is_empty,) = db.execute("SELECT NOT EXISTS (SELECT 1 FROM sqlite_master)").fetchone()
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    if not is_empty and application_id != APPLICATION_ID:
        raise ForeignFile("this SQLite file is not a shop's")
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return bool(is_empty) or version != SCHEMA_VERSION


def _build(db: sqlite3.Connection) -> None:
    """Make the tables anew and plant the seed. DROP TABLE fires no triggers: nothing less than a reset empties the ledger."""
    for table in reversed(TABLES):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in SCHEMA:
        db.execute(statement)
    db.executemany("INSERT INTO counters VALUES (?, ?)", FIRST_REFERENCES.items())
    _plant(db, read_seed(datetime.now(UTC)))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _plant(db: sqlite3.Connection, seed: Seed) -> None:
    for table, rows in (("customers", seed.customers), ("orders", seed.orders), ("subscriptions", seed.subscriptions)):
        for row in rows:
            values = {name: canonical(value) if isinstance(value, (dict, list)) else value for name, value in row.items()}
            marks = ", ".join(f":{name}" for name in values)
            db.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", values)  # noqa: S608 — names are ours


def _rows(db: sqlite3.Connection, query: str, *arguments: object) -> list[dict[str, object]]:
    cursor = db.execute(query, arguments)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _customer(db: sqlite3.Connection, customer_id: str) -> Customer:
    if not (rows := _rows(db, "SELECT * FROM customers WHERE id = ?", customer_id)):
        raise not_found("such customer")
    return _as_customer(rows[0])


def _order(db: sqlite3.Connection, number: str) -> Order:
    if not (rows := _rows(db, "SELECT * FROM orders WHERE number = ?", number)):
        raise not_found("such order")
    return _as_order(rows[0])


def _subscription(db: sqlite3.Connection, subscription_id: str) -> Subscription:
    if not (rows := _rows(db, "SELECT * FROM subscriptions WHERE id = ?", subscription_id)):
        raise not_found("such subscription")
    return cast(Subscription, rows[0])


def _as_customer(row: dict[str, object]) -> Customer:
    return cast(Customer, _unpacked(row, "address"))


def _as_order(row: dict[str, object]) -> Order:
    return cast(Order, _unpacked(row, "items", "payment", "shipping_address", "tracking"))


def _unpacked(row: dict[str, object], *names: str) -> dict[str, object]:
    return row | {name: json.loads(str(row[name])) for name in names if row[name] is not None}
