"""Flows as code, with and without a server."""

from __future__ import annotations

import ast
import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from langflow_api import AsyncClient, Client, InvalidInput, export
from langflow_api.testing import MockServer
from support import Connection, RawServer


def test_a_flow_of_a_server_is_exported_by_the_server_or_here(tmp_path: Path) -> None:
    with MockServer() as mock:
        client = Client(base_url=mock.url, api_key=mock.api_key)
        program = client.export_flow("hello-flow", format="python")
        streams = client.export_flow("hello-flow", "python", stream=True, asynchronous=True)
        file = client.export_flow("hello-flow")

        async def same() -> str:
            async with AsyncClient(base_url=mock.url, api_key=mock.api_key) as other:
                return await other.export_flow("hello-flow", format="python")

        assert asyncio.run(same()) == program
    assert "def run(input_value" in program
    assert "async def astream(" in streams
    path = tmp_path / "flow.json"
    path.write_text(file)
    for flow in (file, file.encode(), json.loads(file), path):
        assert export.to_python(flow) == program
    tweaked = export.to_python(file, tweaks={"OpenAI-xxxxx": {"temperature": 0.9}})
    assert "temperature=0.9" in tweaked


def test_a_server_that_writes_no_python_leaves_it_to_the_client() -> None:
    with MockServer() as mock:
        flow = json.loads(mock.client().export_flow("hello-flow"))

    def script(connection: Connection, request: bytes) -> None:
        if b"/export" in request.split(b"\r\n", 1)[0]:
            problem = {"title": "No such route", "status": 404, "code": "route_not_found"}
            connection.answer(problem, "404 Not Found", "application/problem+json")
        else:
            connection.answer(flow)

    with RawServer() as server:
        server.script = script
        client = Client(base_url=server.url, api_key="lf-test")
        assert client.export_flow("hello-flow", "python") == export.to_python(flow)
        assert [request.split(b" ", 2)[1].rpartition(b"/")[2] for request in server.requests] == [
            b"export?format=python",
            b"export?format=json",
            b"hello-flow",
        ]


def test_what_has_no_translation_is_named_or_stands_as_a_stub() -> None:
    node = {"id": "Webhook-a", "data": {"type": "Webhook", "node": {"template": {}}}}
    end = {"id": "ChatOutput-b", "data": {"type": "ChatOutput", "node": {"template": {}}}}
    edge = {
        "sourceHandle": {"id": "Webhook-a", "name": "output_data"},
        "targetHandle": {"id": "ChatOutput-b", "fieldName": "input_value"},
    }
    flow = {"name": "Hook", "data": {"nodes": [node, end], "edges": [edge]}}
    with pytest.raises(InvalidInput, match=r"Webhook-a"):
        export.to_python(flow)
    assert "raise NotImplementedError(" in export.to_python(flow, stubs=True)


def test_calls_and_types_are_data_whatever_the_flow_is_called() -> None:
    name = "\"\"\"\n'; import os; os.system('x') */ \\ {x}"
    fields = {
        "temperature": {"type": "float", "value": 0.5},
        "mode": {"type": "str", "options": ["a", 'b"'], "value": "a"},
        "not a name": {"type": "int", "value": 1, "list": True},
        "api_key": {"type": "str", "value": "sk-secret-1234", "password": True},
    }
    node = {"template": fields, "display_name": name}
    flow = {
        "name": name,
        "data": {"nodes": [{"id": name, "data": {"type": "Thing", "node": node}}], "edges": []},
    }
    types = export.tweak_types(flow, "python")
    call = export.snippet(flow, "python", flow_id=name, input_value=name)
    for code in (types, call):
        assert "os.system" not in {ast.unparse(one.func) for one in calls(code)}
        assert "sk-secret" not in code
    for language in ("typescript", "rust", "curl"):
        assert "sk-secret" not in export.snippet(flow, language)
    done = subprocess.run([sys.executable, "-c", types], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run(["sh", "-n"], input=export.snippet(flow, "curl").encode(), check=True)


def calls(code: str) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
