"""Texts to vectors: a built-in embedder that needs no download, and one for any ONNX sentence encoder in a local folder."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from agents.knowledge.engine.concepts import concepts
from agents.knowledge.engine.text import base_language, faint_stems, normalise, tokens

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALLOWED = "builtin, onnx:/path/to/folder"


class Embedder(Protocol):
    """Turns texts into unit vectors. `name` stands for model and version: vectors of one name compare, of two never do."""

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    def embed_documents(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> NDArray[np.float32]:
        """One row per text: float32, shape (texts, dim), each of length one (or zero for a text without words)."""
        ...

    def embed_query(self, text: str, language: str | None = None) -> NDArray[np.float32]:
        """One vector, shape (dim,)."""
        ...


def passage_text(title: str, heading: str, text: str) -> str:
    """What is embedded of a passage: where it stands, then what it says."""
    return "\n".join(part for part in (title, heading, text) if part)


def embedder_from(spec: str) -> Embedder:
    """The embedder a setting names; ValueError tells what is allowed."""
    kind, _, folder = spec.strip().partition(":")
    if kind == "builtin" and not folder:
        return HashedNgramEmbedder()
    if kind == "onnx" and folder:
        return OnnxEmbedder(Path(folder))
    raise ValueError(f"Unknown embedder {spec!r}: use one of {ALLOWED}.")


class HashedNgramEmbedder:
    """Concepts, stems and pieces of words hashed with signs into a fixed number of places: the same vector on every machine."""

    CONCEPT, WORD, FAINT, PAIR, PIECE = 1.6, 1.0, 0.3, 0.5, 0.25

    def __init__(self, dim: int = 1024) -> None:
        self.dim = dim
        self.name = f"builtin-hash-1-{dim}"

    def embed_documents(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Rows for texts whose languages are given one by one, or not known."""
        import numpy as np

        spoken = languages if languages is not None else [""] * len(texts)
        rows = [self.embed_query(text, language) for text, language in zip(texts, spoken, strict=True)]
        return np.stack(rows) if rows else np.zeros((0, self.dim), dtype=np.float32)

    def embed_query(self, text: str, language: str | None = None) -> NDArray[np.float32]:
        """A question and a passage are embedded alike."""
        import numpy as np

        vector = np.zeros(self.dim, dtype=np.float64)
        for feature, weight in self._features(text, base_language(language)):
            digest = zlib.crc32(feature.encode())
            # The sign bit is not among those that choose the place.
            vector[digest % self.dim] += weight if digest & 0x80000000 else -weight
        length = float(np.linalg.norm(vector))
        return (vector / length if length else vector).astype(np.float32)

    def _features(self, text: str, language: str) -> Iterable[tuple[str, float]]:
        parsed = tokens(text, language)
        faint = faint_stems(language)
        for name, count in Counter(name for name, _ in concepts(text, language)).items():
            yield f"c:{name}", self.CONCEPT * (1 + math.log(count))
        for word, count in Counter(parsed.words).items():
            yield f"w:{word}", (self.FAINT if word in faint else self.WORD) * (1 + math.log(count))
        for pair, count in Counter(parsed.pairs).items():
            yield f"p:{pair}", self.PAIR * (1 + math.log(count))
        for piece, count in Counter(parsed.pieces).items():
            yield f"g:{piece}", self.PIECE * (1 + math.log(count))


class OnnxEmbedder:
    """A sentence encoder exported to ONNX: a folder with `model.onnx` and `tokenizer.json`; token vectors are averaged and normalised."""

    MOST_TOKENS = 512
    BATCH = 16

    def __init__(self, folder: Path) -> None:
        """ValueError if the folder lacks a file or the model is not one that takes token ids and returns token vectors."""
        model, tokenizer = folder / "model.onnx", folder / "tokenizer.json"
        if missing := [path.name for path in (model, tokenizer) if not path.is_file()]:
            raise ValueError(f"{folder} lacks {' and '.join(missing)}.")
        import onnxruntime  # type: ignore[import-untyped]
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(self.MOST_TOKENS)
        self._tokenizer.enable_padding()
        self._session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
        self._inputs = {node.name for node in self._session.get_inputs()}
        if "input_ids" not in self._inputs:
            raise ValueError(f"{model} takes no input_ids.")
        # Equal bytes make equal vectors, so the name carries the file's checksum: a swapped model never meets old vectors.
        self.name = f"onnx-{folder.resolve().name}-{_checksum(model):08x}"
        self.dim = int(self._embed(["a"]).shape[1])

    def embed_documents(self, texts: Sequence[str], languages: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Rows in batches; a multilingual model needs no languages."""
        import numpy as np

        batches = [self._embed(texts[at : at + self.BATCH]) for at in range(0, len(texts), self.BATCH)]
        return np.concatenate(batches) if batches else np.zeros((0, self.dim), dtype=np.float32)

    def embed_query(self, text: str, language: str | None = None) -> NDArray[np.float32]:
        """A question is embedded as a passage is."""
        vector: NDArray[np.float32] = self._embed([text])[0]
        return vector

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        encoded = self._tokenizer.encode_batch([normalise(text) for text in texts])
        mask = np.array([row.attention_mask for row in encoded], dtype=np.int64)
        fed = {
            "input_ids": np.array([row.ids for row in encoded], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([row.type_ids for row in encoded], dtype=np.int64),
        }
        output = np.asarray(self._session.run(None, {name: value for name, value in fed.items() if name in self._inputs})[0])
        if output.ndim == 3:
            weights = mask[:, :, None].astype(np.float32)
            output = (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        elif output.ndim != 2:
            raise ValueError(f"The model returns {output.ndim} dimensions; token vectors have three, sentence vectors two.")
        lengths = np.linalg.norm(output, axis=1, keepdims=True)
        return (output / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


def _checksum(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            checksum = zlib.crc32(block, checksum)
    return checksum
