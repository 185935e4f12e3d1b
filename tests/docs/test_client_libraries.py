"""The client libraries: rows 9 and 10. The page's programs run with the installed packages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commands import endpoint
from docpage import block, fill
from mockserver import Mock

# Forms in which people paste a workspace URL where the page has `your-workspace-url`.
FORMS = ["host", "url", "slash", "endpoint"]


def pasted(mock: Mock, form: str) -> str:
    return {
        "host": mock.url.removeprefix("http://"),
        "url": mock.url,
        "slash": f"{mock.url}/",
        "endpoint": endpoint(mock, "hello-flow"),
    }[form]


def places(mock: Mock, form: str = "url") -> dict[str, str]:
    return {
        "your-workspace-url": pasted(mock, form),
        "your-api-key": mock.keys["execute"],
        "your-flow-id": "hello-flow",
    }


@pytest.mark.parametrize("form", FORMS)
def test_09_python(mock: Mock, python: Callable[[str], str], form: str) -> None:
    printed = python(fill(block("python"), places(mock, form)))
    tweaks = {"OpenAI-xxxxx": {"temperature": 0.5}}
    expected = mock.run("hello-flow", {"input_value": "Hello!", "tweaks": tweaks})
    assert printed == expected["result"]["output"] + "\n"


def test_09_python_knows_the_rest_of_the_answer(mock: Mock, python: Callable[[str], str]) -> None:
    more = "\nprint(result.session_id, result.metadata.duration, result.metadata.tokens_used)"
    printed = python(fill(block("python"), places(mock)) + more).splitlines()[1].split()
    session = mock.get(f"/flows/hello-flow/sessions/{printed[0]}")
    assert session["id"] == printed[0]
    assert float(printed[1]) > 0
    assert int(printed[2]) > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["snippet.mjs", "snippet.ts"])
def test_10_javascript_and_typescript(
    mock: Mock, node: Callable[..., str], name: str, form: str
) -> None:
    printed = node(fill(block("javascript"), places(mock, form)), name)
    expected = mock.run("hello-flow", {"input_value": "Hello!"})
    assert printed == expected["result"]["output"] + "\n"


@pytest.mark.parametrize("name", ["more.mjs", "more.ts"])
def test_10_javascript_knows_the_rest_of_the_answer(
    mock: Mock, node: Callable[..., str], name: str
) -> None:
    more = """
    const { duration, tokensUsed } = result.metadata;
    console.log(`${result.sessionId} ${duration} ${tokensUsed}`);"""
    printed = node(fill(block("javascript"), places(mock)) + more, name).splitlines()[1].split()
    assert mock.get(f"/flows/hello-flow/sessions/{printed[0]}")["id"] == printed[0]
    assert float(printed[1]) > 0
    assert int(printed[2]) > 0
