from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox import HERE, RELEASE, NodeSandbox, PythonSandbox, package

# The page's programs are cut out of the page there, and nowhere else.
sys.path.insert(0, str(HERE.parent / "docs"))

MEASURED: list[str] = []


@pytest.fixture(scope="session")
def wheel() -> Path:
    return package("WHEEL")


@pytest.fixture(scope="session")
def tarball() -> Path:
    return package("TARBALL")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> PythonSandbox:
    """An environment that has the wheel; tests only read it."""
    sandbox = PythonSandbox(tmp_path_factory.mktemp("python") / "project")
    sandbox.install(wheel)
    return sandbox


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory, tarball: Path) -> NodeSandbox:
    """A project that has the tarball and nothing else."""
    return NodeSandbox(tmp_path_factory.mktemp("node") / "project", tarball)


@pytest.fixture
def measure() -> Callable[[str, int, float], None]:
    """Notes a size for the end of the report, and holds it in a release build."""

    def measure(what: str, size: int, limit: float) -> None:
        held = "" if RELEASE else ", not held: no release build"
        MEASURED.append(f"{what}: {size:,} bytes (at most {limit:,.0f}{held})")
        assert not RELEASE or size <= limit, MEASURED[-1]

    return measure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in MEASURED:
        terminalreporter.write_line(line)
