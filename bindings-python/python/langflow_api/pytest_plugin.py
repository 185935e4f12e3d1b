"""Fixtures for pytest: a mock server for each test, and a client of it.

    def test_greeting(langflow_mock, langflow_client):
        assert langflow_client.run_flow("echo", "Hello!").output == "Hello!"
        langflow_mock.verify(operation="runFlow")

``langflow_mock`` is a server of the test's own, so tests share nothing, under pytest-xdist too;
``langflow_mock_session`` is one for all tests of a process. ``@pytest.mark.mock`` takes ``faults``,
``clock`` (a moment at which it stands still) and the settings of the server::

    @pytest.mark.mock(faults=["rate_limited"], clock="2026-01-01T00:00Z", token_delay=0.01)

Where a test fails, its report shows the last requests and the verdict on the client;
``--mock-report`` shows them for every test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from ._generated.client import Client
    from .testing import MockServer

_OWN = pytest.StashKey["MockServer"]()
_SHARED = pytest.StashKey["MockServer"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds ``--mock-report``."""
    group = parser.getgroup("langflow")
    group.addoption(
        "--mock-report",
        action="store_true",
        help="show the last requests and the verdict of langflow_mock for every test that used it, "
        "not only for those that failed",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers",
        "mock(faults=[...], clock='2026-01-01T00:00Z', **settings): what the server of the "
        "fixture langflow_mock is like",
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuses a marker that would change nothing."""
    if any(mark.name == "mock" for mark in item.own_markers) and "langflow_mock" not in getattr(
        item, "fixturenames", ()
    ):
        message = f"{item.nodeid}: the marker `mock` is for the fixture langflow_mock, which this "
        raise pytest.UsageError(f"{message}test does not use (langflow_mock_session has no marker)")


@pytest.fixture
def langflow_mock(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """A mock server of this test's own, as its marker ``mock`` says."""
    faults, clock, settings = _marked(request.node)
    from .testing import MockServer

    try:
        server = MockServer(**settings)
    except (RuntimeError, TypeError) as error:
        raise pytest.UsageError(f"{request.node.nodeid}: the marker `mock`: {error}") from None
    with server:
        try:
            if clock is not None:
                server.freeze(clock)
            for fault in faults:
                server.fault(fault)
        except (TypeError, ValueError) as error:
            message = f"{request.node.nodeid}: the marker `mock`: {error}"
            raise pytest.UsageError(message) from None
        request.node.stash[_OWN] = server
        yield server


@pytest.fixture(scope="session")
def langflow_mock_session(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    """A mock server for all tests of the process; what one does to it the next one finds."""
    from .testing import MockServer

    with MockServer() as server:
        request.config.stash[_SHARED] = server
        yield server


@pytest.fixture
def langflow_client(langflow_mock: MockServer) -> Iterator[Client]:
    """A client of ``langflow_mock`` with a key that may do everything."""
    with langflow_mock.client() as client:
        yield client


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Adds to the report of a failed test what its servers saw."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if report.when != "call" or not (report.failed or item.config.getoption("--mock-report")):
        return
    names = getattr(item, "fixturenames", ())
    own = item.stash.get(_OWN, None)
    shared = item.config.stash.get(_SHARED, None) if "langflow_mock_session" in names else None
    for server in filter(None, (own, shared)):
        try:
            text = server.report()
        except OSError:
            # The test has stopped it.
            text = "it was stopped by the test"
        report.sections.append((f"langflow mock {server.url}", text))


def _marked(item: pytest.Item) -> tuple[list[Any], str | None, dict[str, Any]]:
    """What the markers of a test say; a nearer one wins, and faults add up."""
    faults: list[Any] = []
    settings: dict[str, Any] = {}
    for mark in reversed(list(item.iter_markers("mock"))):
        if mark.args:
            raise pytest.UsageError(f"{item.nodeid}: the marker `mock` takes names, as in faults=")
        given = dict(mark.kwargs)
        more = given.pop("faults", [])
        faults += [more] if isinstance(more, (str, dict)) else list(more)
        settings.update(given)
    return faults, settings.pop("clock", None), settings
