"""What the README shows and what the examples folder holds runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from langflow_api.testing import MockServer

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples" / "python"
PLACES = {
    "your-workspace-url": "url",
    "your-api-key": "api_key",
}


def test_the_readme(
    mock: MockServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANGFLOW_URL", mock.url)
    monkeypatch.setenv("LANGFLOW_API_KEY", mock.api_key)
    blocks = [block for block in python_blocks() if "def test_" not in block]
    assert len(blocks) >= 6
    namespace: dict[str, object] = {}
    for block in blocks:
        code = block.replace("your-flow-id", "memory-chat")
        for words, attribute in PLACES.items():
            code = code.replace(words, getattr(mock, attribute))
        exec(compile(code, "README.md", "exec"), namespace)
    assert "Alice" in str(namespace["second"])
    assert "Hello!" in capsys.readouterr().out


def test_the_tests_of_the_readme(pytester: pytest.Pytester) -> None:
    (block,) = (block for block in python_blocks() if "def test_" in block)
    pytester.makepyfile(block)
    pytester.runpytest_subprocess("--strict-markers").assert_outcomes(passed=2)


def python_blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (HERE.parent / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize(
    ("name", "flow", "said"),
    [
        ("quickstart", "hello-flow", "assistant"),
        ("stream", "hello-flow", " tokens)"),
        ("async_stream", "hello-flow", "Goodbye"),
        ("session", "memory-chat", "Alice"),
    ],
)
def test_an_example(mock: MockServer, name: str, flow: str, said: str) -> None:
    environment = {
        **os.environ,
        "LANGFLOW_URL": mock.url,
        "LANGFLOW_API_KEY": mock.api_key,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), flow],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_every_example_is_run() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    # `dask_scoring` is run where Dask is: in tests/integrations.
    assert names == {"quickstart", "stream", "async_stream", "session", "dask_scoring"}


def modules_with_examples() -> list[str]:
    package = HERE.parent / "python"
    shown = re.compile(r"^ +>>> ", re.MULTILINE)
    found = (path for path in package.rglob("*.py") if shown.search(path.read_text("utf-8")))
    names = (".".join(path.relative_to(package).with_suffix("").parts) for path in found)
    return sorted(name.removesuffix(".__init__") for name in names)


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_of_the_docstrings(name: str) -> None:
    import doctest
    from importlib import import_module

    module = import_module(name)
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0
