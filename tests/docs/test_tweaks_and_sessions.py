"""Tweaks, sessions and how sessions end: rows 5 to 7."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from langflow_api.testing import MockServer

from commands import curl, endpoint
from docpage import block, fill, lines
from mockserver import Mock


def as_body(fragment: str, question: str) -> dict[str, Any]:
    """A fragment of the page, such as `"tweaks": {...}`, as the body of a run."""
    return {"input_value": question, **json.loads(f"{{{fragment}}}")}


# --- 5: tweaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["change model", "adjust temperature", "change retrieval count"])
def test_05_common_tweaks(mock: Mock, name: str) -> None:
    question = "How do tweaks and sessions work?"
    body = as_body(block(name), question)
    [(component, asked)] = body["tweaks"].items()
    [(parameter, value)] = asked.items()
    flow = mock.get("/flows/document-qa/export")

    def run(body: dict[str, Any]) -> tuple[Any, str]:
        answer = mock.run("document-qa", body)
        settings = mock.settings_of_run(answer["run_id"], component)
        return settings[parameter], answer["result"]["output"]

    plain = {"input_value": question}
    before, tweaked, after = run(plain), run(body), run(plain)
    assert tweaked[0] == value != before[0]
    assert after == before
    assert mock.get("/flows/document-qa/export") == flow
    if parameter == "k":
        assert f"{before[0]} documents" in before[1]
        assert f"{value} documents" in tweaked[1]
        assert before[1] != tweaked[1]


def test_05_override_component_settings(mock: Mock, start: Callable[..., Mock]) -> None:
    places = {
        "ComponentName-id": "Prompt-text",
        "parameter": "template",
        "new_value": "You are a pirate.\\n\\n{message}",
        "My question": "Hello!",
    }
    answer = mock.run("hello-flow", json.loads(fill(block("override"), places)))
    assert "I am a pirate" in answer["result"]["output"]
    # As it stands it names a component that no flow has: noted in the run, or refused.
    unfilled = json.loads(block("override"))
    run_id = mock.run("hello-flow", unfilled)["run_id"]
    assert "ComponentName-id" in str(mock.get(f"/runs/{run_id}")["warnings"])
    refused = start("--strict-tweaks").call("POST", "/flows/hello-flow/run", unfilled)
    assert (refused.status, refused.json["code"]) == (422, "unknown_tweak")


# --- 6: sessions --------------------------------------------------------------------------------


def test_06_stateless_requests(mock: Mock) -> None:
    command, comment = block("stateless").split("\n# ")
    assert comment == "No memory of previous requests"
    places = {'"endpoint"': f'"{endpoint(mock, "memory-chat")}"'}
    first, second = (curl(command, places, mock.api_key) for _ in range(2))
    assert first["session_id"] != second["session_id"]
    assert {first["session_status"], second["session_status"]} == {"new"}


def two_steps() -> tuple[str, str]:
    """The two commands of the page's example."""
    comment, first, second = block("stateful").split("curl ")
    assert comment == "# First request - get session ID\n"
    return f"curl {first.rstrip()}", f"curl {second}"


@pytest.mark.parametrize("flow_id", ["hello-flow", "memory-chat"])
@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, "Alice"),
        ({"Alice": "Oyelaran"}, "Oyelaran"),
        ({"my name": "my favourite colour", "name is Alice": "favourite colour is teal"}, "teal"),
        ({"What is my name": "Where do I live", "My name is Alice": "I live in Turku"}, "Turku"),
    ],
    ids=["page", "name", "fact", "verb"],
)
def test_06_stateful_session(
    mock: Mock, flow_id: str, other: dict[str, str], expected: str
) -> None:
    first, second = two_steps()
    for place, value in other.items():
        first, second = first.replace(place, value), second.replace(place, value)
    places = {'"endpoint"': f'"{endpoint(mock, flow_id)}"'}
    told = curl(first, places, mock.api_key)
    places["abc123"] = told["session_id"]
    answer = curl(second, places, mock.api_key)
    assert expected in answer["result"]["output"]
    assert answer["session_id"] == told["session_id"]
    # The same question outside of the session: nothing is known.
    del places["abc123"]
    alone = curl(second.replace("abc123", "another-session"), places, mock.api_key)
    assert expected not in alone["result"]["output"]


def test_06_the_session_of_the_page_is_nobodys(mock: Mock) -> None:
    _, second = two_steps()
    answer = curl(second, {'"endpoint"': f'"{endpoint(mock, "memory-chat")}"'}, mock.api_key)
    assert (answer["session_id"], answer["session_status"]) == ("abc123", "expired")
    assert "Alice" not in answer["result"]["output"]


# --- 7: session lifecycle -----------------------------------------------------------------------


def test_07_the_page_on_sessions() -> None:
    assert lines("session lifecycle") == [
        "- Sessions expire after inactivity",
        "- Default: 30 minutes",
        "- Configurable per flow",
        "- Can be manually cleared",
    ]


def remembers(mock: Mock, session_id: str) -> bool:
    answer = mock.run("memory-chat", {"input_value": "What is my name?", "session_id": session_id})
    return "Alice" in answer["result"]["output"]


def introduced(mock: Mock) -> str:
    return mock.run("memory-chat", {"input_value": "My name is Alice"})["session_id"]


@pytest.mark.parametrize(("seconds", "expected"), [(1799, "Alice"), (1801, "expired")])
def test_07_thirty_minutes_of_inactivity(seconds: int, expected: str) -> None:
    with MockServer() as server:
        client = server.client()
        session_id = client.run_flow("memory-chat", "My name is Alice").session_id
        server.advance(seconds)
        result = client.run_flow("memory-chat", "What is my name?", session_id=session_id)
        assert expected in f"{result.output} {result.session_status}"
        assert ("Alice" in result.output) == (result.session_status == "continued")


def test_07_configured_per_flow(start: Callable[..., Mock]) -> None:
    mock = start()
    for flow_id in mock.flow_ids:
        assert mock.get(f"/flows/{flow_id}/settings")["session_timeout"] == 30 * 60
    mock.call("PATCH", "/flows/memory-chat/settings", {"session_timeout": 1})
    assert mock.get("/flows/hello-flow/settings")["session_timeout"] == 30 * 60
    session_id = introduced(mock)
    time.sleep(1.3)
    assert not remembers(mock, session_id)


def test_07_cleared_by_hand(mock: Mock) -> None:
    session_id = introduced(mock)
    assert remembers(mock, session_id)
    cleared = mock.call("DELETE", f"/flows/memory-chat/sessions/{session_id}")
    assert cleared.status == 204
    assert not remembers(mock, session_id)
