"""Webhooks and exports: rows 8, 11 and 12.

Deliveries (8) and the Python export (12) are optional features of a server: what it advertises has
to work as documented, and what it does not advertise it has to refuse with a typed error.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from langflow_api import Client, ServerError

from docpage import block, lines
from document import differences, schema
from mockserver import Mock
from receiver import Receiver

# --- 8: webhooks -------------------------------------------------------------------------------

EVENTS = [line.split(" | ")[0] for line in lines("webhook events")]


def test_08_the_payload_and_the_events_are_in_the_contract() -> None:
    payload = json.loads(block("webhook payload"))
    shape = schema("WebhookPayload")
    assert not list(differences(payload, shape))
    assert set(shape["required"]) == set(payload)
    for name in payload:
        assert list(differences({**payload, name: 0}, shape)), name
    assert len(EVENTS) == 4
    assert shape["properties"]["event"]["x-known-values"] == EVENTS
    for name in ("WebhookCreate", "WebhookUpdate"):
        assert schema(name)["properties"]["events"]["items"]["enum"] == EVENTS


def test_08_url_and_events_are_kept_with_the_flow(start: Callable[..., Mock]) -> None:
    mock = start()
    chosen = {"webhook_url": "https://hooks.example/langflow", "webhook_events": EVENTS}
    assert mock.call("PATCH", "/flows/echo/settings", chosen).status == 200
    assert chosen.items() <= mock.get("/flows/echo/settings").items()


def advertised(mock: Mock, feature: str) -> bool:
    return feature in mock.get("/version")["features"]


def refused(call: Callable[[], object]) -> None:
    """The call fails, once, with the error for what a server does not offer."""
    with pytest.raises(ServerError) as raised:
        call()
    assert (raised.value.status, raised.value.server_code) == (501, "not_implemented")
    assert raised.value.attempts == 1


def test_08_every_event_arrives_with_the_documented_payload_or_webhooks_are_refused(
    start: Callable[..., Mock],
) -> None:
    mock = start()
    client = Client(base_url=mock.url, api_key=mock.api_key)
    if not advertised(mock, "webhooks"):
        refused(lambda: client.webhooks.list("echo"))
        return
    documented = json.loads(block("webhook payload"))
    with Receiver() as receiver:
        for flow_id in ("echo", "failing-flow"):
            chosen = {"webhook_url": receiver.url, "webhook_events": EVENTS}
            assert mock.call("PATCH", f"/flows/{flow_id}/settings", chosen).status == 200
        answer = mock.run("echo", {"input_value": "Hello"})
        assert mock.call("POST", "/flows/failing-flow/run", {"input_value": "Hello"}).status == 500
        payloads = {event: receiver.wait_for(event) for event in EVENTS}
    completed = payloads["flow_completed"]
    assert list(completed) == list(documented)
    assert completed["result"] == {"output": answer["result"]["output"]}
    assert (completed["flow_id"], completed["session_id"]) == ("echo", answer["session_id"])
    assert payloads["flow_error"]["flow_id"] == "failing-flow"
    for event, payload in payloads.items():
        assert not list(differences(payload, schema("WebhookPayload")))
        added = {"flow_error": ["error"], "component_completed": ["component"]}.get(event, [])
        assert list(payload) == [*documented, *added]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", payload["timestamp"])


# --- 11: export and import of JSON --------------------------------------------------------------


def exported(mock: Mock, flow_id: str) -> str:
    """An export as it came, without what may differ: id and timestamps."""
    answer = mock.call("GET", f"/flows/{flow_id}/export")
    assert answer.status == 200, answer
    file = answer.json
    for name in ("id", "created_at", "updated_at"):
        file.pop(name, None)
    return json.dumps(file)


def test_11_export_import_into_an_empty_server_export_again(
    mock: Mock, start: Callable[..., Mock], tmp_path: Path
) -> None:
    empty = start("--empty")
    assert empty.get("/flows")["total"] == 0
    for flow_id in mock.flow_ids:
        file = tmp_path / f"{flow_id}.json"
        file.write_text(mock.call("GET", f"/flows/{flow_id}/export").text, encoding="utf-8")
        made = empty.call("POST", "/flows/import", json.loads(file.read_text(encoding="utf-8")))
        assert made.status == 201, made
        [flow] = made.json["flows"]
        assert exported(empty, flow["id"]) == exported(mock, flow_id)
        if flow_id != "failing-flow":
            body = {"input_value": "Hello, how are you?"}
            results = [mock.run(flow_id, body), empty.run(flow["id"], body)]
            assert results[0]["result"] == results[1]["result"]
    assert empty.get("/flows")["total"] == len(mock.flow_ids)


def test_11_with_the_client(mock: Mock, start: Callable[..., Mock]) -> None:
    empty = start("--empty")
    source, target = (Client(base_url=one.url, api_key=one.api_key) for one in (mock, empty))
    made = target.flows.import_(source.flows.export("hello-flow"))
    assert exported(empty, made.flows[0].id) == exported(mock, "hello-flow")


# --- 12: export as Python -----------------------------------------------------------------------


def test_12_what_the_page_calls_generated_code_is_python() -> None:
    calls = ast.dump(ast.parse(block("generated code")))
    assert "ChatOpenAI" in calls
    assert "ChatPromptTemplate" in calls


def test_12_export_as_python_is_a_program(mock: Mock) -> None:
    client = Client(base_url=mock.url, api_key=mock.api_key)
    answer = mock.call("GET", "/flows/hello-flow/export?format=python")
    assert answer.status == 200, answer
    imported = [
        name
        for node in ast.walk(ast.parse(answer.text))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [node.names[0].name])
    ]
    assert any(name and name.startswith("langchain") for name in imported)
    assert not [name for name in imported if name and name.startswith("langflow")]
    assert client.flows.export("hello-flow", format="python") == answer.text
