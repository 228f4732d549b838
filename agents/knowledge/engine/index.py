"""Vectors in Chroma: one collection per tenant and embedder, one process per folder, nothing in it that SQL could not fill again."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

LOCK_NAME = "index.lock"
# How long a Chroma server may take; a search that has no vectors by then goes on by words.
ANSWER_SECONDS = 4.0
# Few vectors per tenant: a thorough search costs a millisecond and misses nothing.
_HNSW = {"space": "cosine", "ef_construction": 200, "ef_search": 200, "max_neighbors": 32}
_UNSAFE = re.compile(r"[^a-z0-9]+")


class IndexLocked(Exception):
    """Another process, or another VectorIndex in this one, has the folder open."""


class IndexClosed(Exception):
    """The index was closed; open a new one."""


class VectorIndex:
    """Chroma in a folder of this machine (`path`, exclusively locked) or on a server (`url`, such as http://chroma:8000).

    A context manager. If its folder is deleted under it, the next call starts an empty one: the caller sees `count()` fall and refills.
    """

    def __init__(self, path: Path | str | None = None, *, url: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        """IndexLocked if the folder is in use; ValueError unless exactly one of path and url is given."""
        if (path is None) == (url is None):
            raise ValueError("Give either the folder of an embedded index or the url of a Chroma server.")
        self._path = Path(path) if path is not None else None
        self._url = url
        self._headers = dict(headers or {})
        self._guard = RLock()
        self._lock: int | None = None
        self._client: Any = None
        self._collections: dict[str, Any] = {}
        self._open()

    def vectors(self, tenant_id: object, embedder_name: str) -> TenantVectors:
        """The vectors of one tenant made by one embedder; the collection appears with its first use."""
        return TenantVectors(self, collection_name(tenant_id, embedder_name))

    def close(self) -> None:
        """Stop Chroma, forget what it shares between clients, and free the folder; a second close does nothing."""
        with self._guard:
            client, self._client = self._client, None
            self._collections.clear()
            try:
                if client is not None:
                    client.close()
            finally:
                if self._lock is not None:
                    os.close(self._lock)
                    self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> None:
        import chromadb
        from chromadb.config import Settings

        settings = Settings(anonymized_telemetry=False)
        if self._path is None:
            place = urlsplit(self._url or "")
            secure = place.scheme == "https"
            port = place.port or (443 if secure else 8000)
            _answers(place.hostname or "", port, secure=secure)
            self._client = chromadb.HttpClient(host=place.hostname or "", port=port, ssl=secure, headers=self._headers, settings=settings)
            # Chroma's client would wait for ever, and everybody behind our lock with it.
            self._client._server._session.timeout = ANSWER_SECONDS
            return
        self._path.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._path / LOCK_NAME)
        try:
            self._client = chromadb.PersistentClient(path=str(self._path), settings=settings)
        except BaseException:
            self.close()
            raise

    def _is_whole(self) -> bool:
        """Whether the folder we locked is still the one at its path, with Chroma's database in it."""
        if self._path is None or self._lock is None:
            return True
        try:
            there = (self._path / LOCK_NAME).stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._lock)) and (self._path / "chroma.sqlite3").exists()

    def with_collection(self, name: str, use: Callable[[Any], T]) -> T:
        """Run `use` on a collection, made if missing; once more if it vanished meanwhile. IndexClosed after close."""
        from chromadb.errors import NotFoundError

        with self._guard:
            if self._client is None:
                raise IndexClosed("The vector index is closed.")
            if not self._is_whole():
                self.close()
                self._open()
            try:
                return use(self._collection(name))
            except NotFoundError:
                self._collections.pop(name, None)
                return use(self._collection(name))

    def drop(self, name: str) -> None:
        """Delete a collection if it is there."""
        from chromadb.errors import NotFoundError

        def remove(_: Any) -> None:
            self._collections.pop(name, None)
            try:
                self._client.delete_collection(name)
            except NotFoundError:
                pass

        self.with_collection(name, remove)

    def batch_size(self) -> int:
        """The most vectors one call may carry."""
        return int(self._client.get_max_batch_size()) if self._client is not None else 1

    def _collection(self, name: str) -> Any:
        if name not in self._collections:
            self._collections[name] = self._client.get_or_create_collection(
                name, embedding_function=None, configuration={"hnsw": dict(_HNSW)}
            )
        return self._collections[name]


class TenantVectors:
    """Vectors by the caller's integer ids."""

    def __init__(self, index: VectorIndex, name: str) -> None:
        self._index = index
        self.name = name

    def upsert(
        self,
        ids: Sequence[int],
        vectors: NDArray[np.float32] | Sequence[Sequence[float]],
        metadatas: Sequence[Mapping[str, str | int | float | bool]] | None = None,
    ) -> None:
        """Store or replace vectors; of an id given twice the last counts. ValueError if the lists differ in length."""
        if len(ids) != len(vectors) or (metadatas is not None and len(metadatas) != len(ids)):
            raise ValueError("Every id needs one vector, and one metadata if any are given.")
        last = sorted({id: at for at, id in enumerate(ids)}.values())
        for chunk in _chunks(last, self._index.batch_size()):
            names = [str(ids[at]) for at in chunk]
            rows = [[float(value) for value in vectors[at]] for at in chunk]
            extras = [dict(metadatas[at]) or None for at in chunk] if metadatas is not None else None
            self._index.with_collection(self.name, lambda c, n=names, r=rows, m=extras: c.upsert(ids=n, embeddings=r, metadatas=m))  # type: ignore[misc]

    def delete(self, ids: Sequence[int]) -> None:
        """Forget vectors; ids that are not there are fine."""
        for chunk in _chunks(list(ids), self._index.batch_size()):
            names = [str(id) for id in chunk]
            self._index.with_collection(self.name, lambda c, n=names: c.delete(ids=n))  # type: ignore[misc]

    def query(self, vector: NDArray[np.float32] | Sequence[float], limit: int = 20) -> list[tuple[int, float]]:
        """The nearest (id, cosine), best first, equal ones by id."""
        row = [float(value) for value in vector]
        if limit < 1 or not any(row):
            return []
        answer = self._index.with_collection(self.name, lambda c: c.query(query_embeddings=[row], n_results=limit, include=["distances"]))
        found = [(int(id), min(1.0, 1.0 - float(distance))) for id, distance in zip(answer["ids"][0], answer["distances"][0], strict=True)]
        return sorted(found, key=lambda hit: (-hit[1], hit[0]))

    def ids(self) -> set[int]:
        """Every id stored: what a refill compares with SQL."""
        answer = self._index.with_collection(self.name, lambda c: c.get(include=[]))
        return {int(id) for id in answer["ids"]}

    def count(self) -> int:
        """How many vectors are stored."""
        return self._index.with_collection(self.name, lambda c: int(c.count()))

    def drop(self) -> None:
        """Delete all of it; the next use starts empty."""
        self._index.drop(self.name)


def collection_name(tenant_id: object, embedder_name: str) -> str:
    """A name Chroma takes, readable, and different for every pair: a digest tells apart what cleaning makes alike."""
    digest = hashlib.sha256(f"{tenant_id}\x00{embedder_name}".encode()).hexdigest()[:12]
    tenant, embedder = (_UNSAFE.sub("-", str(part).lower()).strip("-")[:40] for part in (tenant_id, embedder_name))
    return f"t-{tenant}-{embedder}-{digest}"


def _answers(host: str, port: int, *, secure: bool) -> None:
    """Ask for a sign of life; OSError when none comes in time, which the client's own greeting would wait for without end."""
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    with closing(kind(host, port, timeout=ANSWER_SECONDS)) as connection:
        connection.request("GET", "/api/v2/heartbeat")
        connection.getresponse().read()


def _lock(path: Path) -> int:
    """An exclusive lock that ends with the process, however it ends."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        raise IndexLocked(f"The index folder {path.parent} is in use: only one process may open it.") from error
    return handle


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[at : at + size] for at in range(0, len(items), size))
