import os
from functools import cache
from pathlib import Path

import pandas as pd
from langchain_core.vectorstores import InMemoryVectorStore
from langchain_openai import OpenAIEmbeddings
from langchain_text_splitters import RecursiveCharacterTextSplitter

# The flow does not say which model its knowledge base was made with.
EMBEDDINGS = "text-embedding-3-small"


@cache
def knowledge_base(name: str) -> InMemoryVectorStore:
    """The documents in $KNOWLEDGE_BASE_DIR/<name>/, cut as Langflow does."""
    folder = Path(os.environ.get("KNOWLEDGE_BASE_DIR", "knowledge")) / name
    files = sorted(path for path in folder.iterdir() if path.is_file())
    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    chunks = splitter.create_documents(
        [path.read_text(encoding="utf-8") for path in files],
        [{"source": path.name} for path in files],
    )
    embeddings = OpenAIEmbeddings(model=EMBEDDINGS)
    store = InMemoryVectorStore(embeddings)
    store.add_documents(chunks)
    return store


def search_knowledge(name: str, query: str, top_k: int) -> pd.DataFrame:
    """The passages of a knowledge base that are nearest to a query."""
    found = knowledge_base(name).similarity_search_with_score(query, k=top_k)
    return pd.DataFrame(
        [
            {"content": document.page_content, "_score": score, **document.metadata}
            for document, score in found
        ]
    )
