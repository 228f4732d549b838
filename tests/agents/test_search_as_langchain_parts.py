"""Search and the built-in embedder behave as LangChain's own standard tests expect of a retriever and of an embedding model."""

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_tests.integration_tests import EmbeddingsIntegrationTests, RetrieversIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests
from pytest_socket import disable_socket, enable_socket

from agents.knowledge import search
from agents.knowledge.engine.embedder import embedder_from
from agents.knowledge.models import Snapshot
from supportdesk.core.models import Tenant
from supportdesk.core.tenancy import acting_for


class OurEmbeddings(Embeddings):
    """The built-in embedder in LangChain's shape."""

    def __init__(self) -> None:
        self.model = embedder_from("builtin")

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [[float(each) for each in vector] for vector in self.model.embed_documents(texts)]

    def embed_query(self, text: str) -> list[float]:
        return [float(each) for each in self.model.embed_query(text)]


class OurRetriever(BaseRetriever):
    """`search.find` over the live snapshot in LangChain's shape; works for its tenant in whatever thread it is called."""

    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **more: Any) -> list[Document]:
        with acting_for(Tenant.objects.get(slug="norrholt")):
            hits = search.find(query, snapshot=Snapshot.objects.latest("id"), language="en", limit=more.get("k", self.k))
            return [Document(hit.text, metadata={"title": hit.title, "passage": hit.passage_id}) for hit in hits]


@pytest.fixture
def closed_network() -> Iterator[None]:
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


@pytest.mark.usefixtures("closed_network")
class TestEmbedderUnit(EmbeddingsUnitTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return OurEmbeddings


@pytest.mark.usefixtures("closed_network")
class TestEmbedderIntegration(EmbeddingsIntegrationTests):
    @property
    def embeddings_class(self) -> type[Embeddings]:
        return OurEmbeddings


@pytest.mark.usefixtures("desk")
class TestSearchIntegration(RetrieversIntegrationTests):
    @property
    def retriever_constructor(self) -> type[BaseRetriever]:
        return OurRetriever

    @property
    def retriever_query_example(self) -> str:
        return "How long can I return boots and what counts as unused?"
