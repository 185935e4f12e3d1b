from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mockserver import Mock, clean_environment


@pytest.fixture(scope="session")
def mock() -> Iterator[Mock]:
    """The server that the tests share; who changes its flows or settings starts another."""
    server = Mock()
    yield server
    server.stop()


@pytest.fixture
def start() -> Iterator[Callable[..., Mock]]:
    """Starts servers of a test's own."""
    started: list[Mock] = []

    def start(*flags: str) -> Mock:
        started.append(Mock(*flags))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean = clean_environment()
    for name in set(os.environ) - set(clean) - {"LANGFLOW_NODE_DIR"}:
        monkeypatch.delenv(name)


@pytest.fixture
def python(tmp_path: Path) -> Callable[[str], str]:
    """Runs a program with the installed package and answers what it printed."""

    def run(text: str) -> str:
        file = tmp_path / "snippet.py"
        file.write_text(text, encoding="utf-8")
        return succeed([sys.executable, str(file)], tmp_path)

    return run


@pytest.fixture
def node(tmp_path: Path) -> Callable[..., str]:
    """Runs a module with the installed package; a `.ts` is compiled before, with `strict`."""
    modules = Path(os.environ["LANGFLOW_NODE_DIR"]) / "node_modules"
    (tmp_path / "node_modules").symlink_to(modules.resolve(), target_is_directory=True)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "tsconfig.json").write_text(
        """{
          "compilerOptions": {
            "target": "es2022", "module": "nodenext", "strict": true, "skipLibCheck": false,
            "lib": ["es2023", "dom"], "types": [], "outDir": "out", "rootDir": "."
          },
          "include": ["*.ts"]
        }"""
    )

    def run(text: str, name: str = "snippet.mjs") -> str:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        if file.suffix == ".ts":
            succeed(["node", "node_modules/typescript/bin/tsc", "-p", "."], tmp_path)
            file = tmp_path / "out" / f"{file.stem}.js"
        return succeed(["node", str(file)], tmp_path)

    return run


def succeed(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout
