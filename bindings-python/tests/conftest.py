from __future__ import annotations

from collections.abc import Iterator

import pytest
from langflow_api.testing import MockServer
from support import RawServer

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def mock() -> Iterator[MockServer]:
    with MockServer() as server:
        yield server


@pytest.fixture
def raw() -> Iterator[RawServer]:
    with RawServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGFLOW_URL", "LANGFLOW_BASE_URL", "LANGFLOW_API_KEY"):
        monkeypatch.delenv(name, raising=False)
