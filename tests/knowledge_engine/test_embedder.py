import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.knowledge.engine.embedder import HashedNgramEmbedder, OnnxEmbedder, embedder_from, passage_text

ROOT = Path(__file__).resolve().parents[2]
TEXTS = {"en": "Where is my parcel? N-20377", "de": "Wo bleibt die Rückerstattung?", "zh": "怎么退货", "": "zxy 12"}
SCRIPT = """
import hashlib, json, sys
from agents.knowledge.engine.embedder import HashedNgramEmbedder
texts = json.loads(sys.argv[1])
print(hashlib.sha256(HashedNgramEmbedder().embed_documents(list(texts.values()), list(texts)).tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def builtin():
    return HashedNgramEmbedder()


def test_every_process_makes_the_same_vectors(builtin):
    import json

    here = hashlib.sha256(builtin.embed_documents(list(TEXTS.values()), list(TEXTS)).tobytes()).hexdigest()
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, json.dumps(TEXTS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here


def test_vectors_are_rows_of_length_one(builtin):
    rows = builtin.embed_documents(list(TEXTS.values()), list(TEXTS))
    assert (rows.dtype, rows.shape) == (np.dtype("float32"), (4, builtin.dim))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert builtin.embed_documents([]).shape == (0, builtin.dim)
    assert not builtin.embed_query("").any()


def test_a_question_is_nearer_to_its_answer_than_to_another(builtin):
    question = builtin.embed_query("how do I send it back", "en")
    returns, warranty = builtin.embed_documents(
        ["Returning an order: print the return label.", "Tent seams are covered for five years."], ["en", "en"]
    )
    assert question @ returns > 0.1 > question @ warranty


def test_languages_meet_where_they_name_the_same_concept(builtin):
    german = builtin.embed_query("Wann bekomme ich die Erstattung?", "de")
    assert german @ builtin.embed_query("refund", "en") > 0.2
    assert german @ builtin.embed_query("waterproof", "en") < 0.1


def test_its_name_tells_its_size(builtin):
    assert builtin.name != HashedNgramEmbedder(512).name
    assert HashedNgramEmbedder(512).embed_query("a parcel", "en").shape == (512,)


def test_the_heading_is_part_of_what_is_embedded():
    assert passage_text("Title", "", "Text") == "Title\nText"


@pytest.mark.parametrize("spec", ["", "openai:text-embedding-3-small", "builtin:x", "onnx:", "onnx"])
def test_an_unknown_embedder_is_refused_with_what_is_allowed(spec):
    with pytest.raises(ValueError, match="builtin, onnx:/path"):
        embedder_from(spec)


def test_the_setting_makes_the_built_in_embedder():
    assert embedder_from("builtin").name == HashedNgramEmbedder().name


def test_an_onnx_folder_without_its_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"lacks model\.onnx and tokenizer\.json"):
        embedder_from(f"onnx:{tmp_path}")


def test_a_real_onnx_model_is_averaged_over_its_tokens(tmp_path):
    write_model(tmp_path)
    embedder = embedder_from(f"onnx:{tmp_path}")
    assert isinstance(embedder, OnnxEmbedder)
    assert embedder.dim == 3
    # Tokens are rows of a table: red (1,0,0), green (0,1,0); padding must not count.
    rows = embedder.embed_documents(["red", "red green", "green green green"])
    assert np.allclose(rows, [[1, 0, 0], [0.5**0.5, 0.5**0.5, 0], [0, 1, 0]], atol=1e-6)
    assert np.allclose(embedder.embed_query("green"), [0, 1, 0], atol=1e-6)


def test_another_model_has_another_name(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    write_model(tmp_path / "a")
    write_model(tmp_path / "b", last=2.0)
    assert embedder_from(f"onnx:{tmp_path / 'a'}").name != embedder_from(f"onnx:{tmp_path / 'b'}").name


def write_model(folder: Path, last: float = 1.0) -> None:
    """A word-level tokenizer and a model that looks token ids up in a table, written byte by byte: no tool to build models is needed."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "red": 1, "green": 2, "[UNK]": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(folder / "tokenizer.json"))

    table = np.array([[9, 9, 9], [1, 0, 0], [0, 1, 0], [0, 0, last]], dtype=np.float32)
    weights = field(1, 4) + field(1, 3) + field(2, 1) + field(8, b"table") + field(9, table.tobytes())
    node = field(1, b"table") + field(1, b"input_ids") + field(2, b"out") + field(4, b"Gather")
    graph = field(1, node) + field(2, b"g") + field(5, weights) + field(11, value(b"input_ids", 7)) + field(12, value(b"out", 1))
    model = field(1, 8) + field(7, graph) + field(8, field(1, b"") + field(2, 13))
    (folder / "model.onnx").write_bytes(model)


def value(name: bytes, kind: int) -> bytes:
    """A ValueInfoProto of unknown shape."""
    return field(1, name) + field(2, field(1, field(1, kind)))


def field(number: int, content: int | bytes) -> bytes:
    """One protobuf field: a varint, or bytes with their length."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
