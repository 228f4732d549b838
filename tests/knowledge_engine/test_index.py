import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.knowledge.engine.embedder import HashedNgramEmbedder
from agents.knowledge.engine.index import IndexClosed, IndexLocked, VectorIndex, collection_name

ROOT = Path(__file__).resolve().parents[2]
HOLDER = """
import sys
from agents.knowledge.engine.index import IndexLocked, VectorIndex
try:
    index = VectorIndex(sys.argv[1])
except IndexLocked as error:
    print("locked", flush=True)
    raise SystemExit(3)
print("open", index.vectors(1, "e").count(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def index(tmp_path):
    with VectorIndex(tmp_path / "chroma") as index:
        yield index


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(3).normal(size=(50, 16)).astype(np.float32)


def hold(path):
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        stderr=subprocess.DEVNULL,
    )


def test_vectors_come_back_by_nearness(index, rows):
    vectors = index.vectors(1, "e")
    assert (vectors.count(), vectors.query(rows[0], 5)) == (0, [])
    vectors.upsert(range(50), rows, [{"article": number} for number in range(50)])
    hits = vectors.query(rows[7], 5)
    cosines = rows @ rows[7] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[7])
    assert [id for id, _ in hits] == list(np.argsort(-cosines)[:5])
    assert hits[0][1] == pytest.approx(1.0, abs=1e-5)
    assert len(vectors.query(rows[7], 500)) == 50


def test_upsert_replaces_and_delete_forgets(index, rows):
    vectors = index.vectors(1, "e")
    vectors.upsert([1, 2, 1], rows[:3])
    assert vectors.ids() == {1, 2}
    assert vectors.query(rows[2], 1)[0][0] == 1
    vectors.delete([1, 999])
    vectors.delete([])
    assert vectors.ids() == {2}


def test_lists_of_different_length_are_refused(index, rows):
    with pytest.raises(ValueError, match="one vector"):
        index.vectors(1, "e").upsert([1, 2], rows[:1])


def test_a_vector_without_direction_finds_nothing(index, rows):
    index.vectors(1, "e").upsert([1], rows[:1])
    assert index.vectors(1, "e").query([0.0] * 16) == []


def test_tenants_and_embedders_do_not_meet(index, rows):
    index.vectors(1, "e").upsert([1], rows[:1])
    assert [index.vectors(2, "e").count(), index.vectors(1, "f").count(), index.vectors(1, "e").count()] == [0, 0, 1]
    index.vectors(1, "e").drop()
    index.vectors(1, "e").drop()
    assert index.vectors(1, "e").count() == 0


def test_names_are_safe_and_never_collide():
    names = {collection_name(tenant, embedder) for tenant in (1, "1-", "ü" * 90, "../..") for embedder in ("onnx-a", "onnx:a", "onnx a")}
    assert len(names) == 12
    assert all(3 <= len(name) <= 120 and name.replace("-", "").isalnum() and name.isascii() and name[-1] != "-" for name in names)


def test_a_second_process_is_told_the_folder_is_in_use(index, tmp_path):
    other = hold(tmp_path / "chroma")
    assert other.communicate(timeout=60)[0] == "locked\n"
    assert other.returncode == 3


def test_the_lock_dies_with_its_process(tmp_path):
    holder = hold(tmp_path / "chroma")
    assert holder.stdout.readline() == "open 0\n"
    with pytest.raises(IndexLocked, match="only one process"):
        VectorIndex(tmp_path / "chroma")
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    with VectorIndex(tmp_path / "chroma") as index:
        assert index.vectors(1, "e").count() == 0


def test_closing_frees_the_folder_and_what_chroma_shares(tmp_path, rows):
    from chromadb.api.shared_system_client import SharedSystemClient

    first = VectorIndex(tmp_path / "chroma")
    first.vectors(1, "e").upsert([1], rows[:1])
    with pytest.raises(IndexLocked):
        VectorIndex(tmp_path / "chroma")
    first.close()
    first.close()
    assert str(tmp_path / "chroma") not in SharedSystemClient._identifier_to_system
    with pytest.raises(IndexClosed):
        first.vectors(1, "e").count()
    with VectorIndex(tmp_path / "chroma") as second:
        assert second.vectors(1, "e").ids() == {1}


def test_a_deleted_folder_starts_empty_and_can_be_filled_again(index, tmp_path, rows):
    vectors = index.vectors(1, "e")
    vectors.upsert([1], rows[:1])
    shutil.rmtree(tmp_path / "chroma")
    assert vectors.count() == 0
    vectors.upsert([2], rows[:1])
    assert vectors.query(rows[0], 3)[0][0] == 2
    with pytest.raises(IndexLocked):
        VectorIndex(tmp_path / "chroma")


def test_the_built_in_embedder_fills_it(index):
    embedder = HashedNgramEmbedder()
    vectors = index.vectors(1, embedder.name)
    vectors.upsert([1, 2], embedder.embed_documents(["Print the return label.", "Seams are covered for five years."], ["en", "en"]))
    assert vectors.query(embedder.embed_query("how do I send it back", "en"), 1)[0][0] == 1


def test_a_folder_or_a_server_is_needed():
    with pytest.raises(ValueError, match="Give either"):
        VectorIndex()
