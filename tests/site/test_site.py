"""The manual of the Python package: every snippet runs, the notebook runs, and the site builds."""

from __future__ import annotations

import html
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from langflow_api.testing import MockServer

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "python"
PAGES = sorted((MANUAL / "pages").glob("*.md"))
OUT = Path(os.environ.get("SITE_OUT") or ROOT / "target" / "xtask" / "site-out")


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [str(block) for block in found]


def python_pages() -> list[str]:
    return [page.name for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("name", python_pages())
def test_the_snippets_of_a_page(
    name: str,
    mock: MockServer,
    environment: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """One after the other, in one program, with nothing but address, key and id filled in."""
    program = "\n".join(blocks(MANUAL / "pages" / name, "python"))
    flow = "memory-chat" if name in ("sessions.md", "frameworks.md") else "hello-flow"
    if name == "open-source.md":
        mock = request.getfixturevalue("open_source")
        flow = takes_files(mock)
    for place, value in (
        ("your-workspace-url", mock.url),
        ("your-api-key", mock.api_key),
        ("your-flow-id", flow),
    ):
        program = program.replace(place, value)
    file = tmp_path / "snippets.py"
    file.write_text(program, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if name == "sessions.md":
        assert "Alice" in done.stdout


def takes_files(server: MockServer) -> str:
    """Id of a flow whose chat input takes files, as that of a flow drawn in Langflow does."""
    client = server.client()
    known = next(flow.id for flow in client.flows.list() if flow.name == "Hello flow")
    data = client.flows.get(known).to_dict()["data"]
    (chat,) = (node for node in data["nodes"] if node["data"]["type"] == "ChatInput")
    files = {"type": "file", "_input_type": "FileInput", "temp_file": True, "list": True}
    chat["data"]["node"]["template"]["files"] = {"name": "files", "value": "", **files}
    return client.flows.create(name="Takes files", data=data).id


def test_the_tests_on_the_pages(environment: dict[str, str], tmp_path: Path) -> None:
    """Blocks with the name of a test file are given to pytest as they stand."""
    found = 0
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = r'^```python title="(test_\w+\.py)"\n(.*?)^```$'
        for name, block in re.findall(named, text, re.DOTALL | re.MULTILINE):
            (tmp_path / name).write_text(block, encoding="utf-8")
            found += block.count("def test_")
    assert found >= 2
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"{found} passed" in done.stdout, done.stdout + done.stderr


def commands() -> list[str]:
    lines = [line for page in PAGES for block in blocks(page, "console") for line in [block]]
    shown = [line[2:] for text in lines for line in text.splitlines() if line.startswith("$ ")]
    return [line for line in shown if line.startswith("langflow-api ")]


def test_the_commands_of_the_pages(environment: dict[str, str], tmp_path: Path) -> None:
    """In the order in which they stand, in one folder."""
    assert len(commands()) >= 9
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    for command in commands():
        done = subprocess.run(
            shlex.split(command),
            cwd=tmp_path,
            env={**environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_exit_codes() -> None:
    from langflow_api._cli import EXIT_CODES

    page = (MANUAL / "pages" / "command.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert {int(code): text for code, text in rows} == EXIT_CODES


def test_the_table_of_names() -> None:
    """What the page on migration calls a name of ours is one."""
    import langflow_api
    from langflow_api import langflow_sdk

    page = (MANUAL / "pages" / "from-langflow-sdk.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(Langflow\w+)`[^|]*\| `(\w+)`(?:, `(\w+)`)?", page, re.MULTILINE)
    assert len(rows) == 6
    for theirs, *ours in rows:
        classes = tuple(getattr(langflow_api, name) for name in ours if name[:1].isupper())
        alias = getattr(langflow_sdk, theirs)
        assert alias in (classes, classes[0]), theirs


def test_the_notebook_runs(environment: dict[str, str], tmp_path: Path) -> None:
    """Executed, and put beside the pages as HTML."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--embed-images"),
            *("--output-dir", str(OUT / "python"), str(MANUAL / "walkthrough.ipynb")),
        ],
        cwd=tmp_path,
        env={**environment, "IPYTHONDIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = html.unescape((OUT / "python" / "walkthrough.html").read_text(encoding="utf-8"))
    for shown in (
        "3 runs, 1 failed",
        "white-space:pre-wrap",
        "Alice",
        "invalid_input",
        "page 1 of",
    ):
        assert shown in page, shown
    assert "Traceback" not in page


def test_the_notebook_is_kept_without_its_output() -> None:
    cells = json.loads((MANUAL / "walkthrough.ipynb").read_text(encoding="utf-8"))["cells"]
    assert all(not cell.get("outputs") for cell in cells)


def test_the_site_builds(environment: dict[str, str]) -> None:
    """Strict: a link that leads nowhere and a name that does not exist are errors."""
    before = OUT / "python" / "walkthrough.html"
    kept = before.read_bytes() if before.exists() else None
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"),
            *("--config-file", str(MANUAL / "mkdocs.yml"), "--site-dir", str(OUT / "python")),
        ],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if kept is not None:
        before.write_bytes(kept)
    reference = (OUT / "python" / "reference.html").read_text(encoding="utf-8")
    for name in ("run_flow", "stream_flow", "NoSingleOutput", "WebhookReceiver", "Raises"):
        assert name in reference, name
