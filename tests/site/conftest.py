from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from langflow_api.testing import MockServer


@pytest.fixture(scope="session")
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture(scope="session")
def open_source() -> Iterator[MockServer]:
    """The same server with the face of an open-source one alone."""
    with MockServer(api=["langflow"]) as server:
        yield server


@pytest.fixture
def environment(mock: MockServer) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LANGFLOW_")}
    return {**kept, "LANGFLOW_URL": mock.url, "LANGFLOW_API_KEY": mock.api_key}
