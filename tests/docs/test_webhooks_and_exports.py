"""Webhooks and exports: rows 8, 11 and 12.

Deliveries (8) and the Python export (12) are later work: their tests say what is there now, and
that the server refuses the rest with a typed error.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from langflow_api import Client, ServerError

from docpage import block, lines
from document import differences, schema
from mockserver import Mock

# --- 8: webhooks (their delivery is later work: what is there now) ------------------------------

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


def test_08_what_is_not_delivered_yet_says_so(mock: Mock) -> None:
    client = Client(base_url=mock.url, api_key=mock.api_key)
    with pytest.raises(ServerError) as raised:
        client.webhooks.list("echo")
    assert (raised.value.status, raised.value.server_code) == (501, "not_implemented")
    assert raised.value.attempts == 1
    assert "webhooks" not in mock.get("/version")["features"]


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


# --- 12: export as Python (later work: what is there now) ---------------------------------------


def test_12_what_the_page_calls_generated_code_is_python() -> None:
    calls = ast.dump(ast.parse(block("generated code")))
    assert "ChatOpenAI" in calls
    assert "ChatPromptTemplate" in calls


def test_12_export_as_python_is_refused_and_not_silently_something_else(mock: Mock) -> None:
    answer = mock.call("GET", "/flows/hello-flow/export?format=python")
    assert (answer.status, answer.json["code"]) == (501, "not_implemented")
    assert answer.headers["content-type"] == "application/problem+json"
    assert "export_python" not in mock.get("/version")["features"]
    client = Client(base_url=mock.url, api_key=mock.api_key)
    with pytest.raises(ServerError) as raised:
        client.flows.export("hello-flow", format="python")
    assert raised.value.server_code == "not_implemented"
