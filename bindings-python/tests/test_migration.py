"""A program written for langflow-sdk, ported by changing the import."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langflow_api.testing import MockServer

# As a user of langflow-sdk 0.4.0 writes it; its README's calls.
PROGRAM = """
from langflow_sdk import Client, RunRequest, FlowCreate, FlowUpdate, LangflowNotFoundError
from langflow_sdk import LangflowHTTPError

with Client(URL, api_key=KEY, timeout=30.0) as client:
    flows = client.list_flows()
    names = [flow.name for flow in flows]
    result = client.run("hello-flow", input_value="Hello!")
    text = result.first_text_output()
    same = client.run_flow("hello-flow", RunRequest(input_value="Hello!")).get_chat_output()
    tokens = ""
    for chunk in client.stream("hello-flow", input_value="Hello!"):
        if chunk.is_token:
            tokens += chunk.text
        elif chunk.is_end:
            final = chunk.final_response().first_text_output()
    made = client.create_flow(FlowCreate(name="Mine", data=client.get_flow("echo").data))
    client.update_flow(made.id, FlowUpdate(description="old"))
    cleared = client.update_flow(made.id, FlowUpdate(description=None)).description
    data = client.pull(made.id, output=FOLDER / "mine.json")
    client.delete_flow(made.id)
    flow, created = client.push(FOLDER / "mine.json")
    again, created_again = client.push(FOLDER / "mine.json")
    try:
        client.get_flow("no-such-flow")
    except LangflowNotFoundError as error:
        missing = isinstance(error, LangflowHTTPError) and error.status_code == 404
"""


def test_a_program_is_ported_by_its_import(mock: MockServer, tmp_path: Path) -> None:
    ported = PROGRAM.replace("from langflow_sdk import", "from langflow_api.langflow_sdk import")
    said: dict[str, object] = {"URL": mock.url, "KEY": mock.api_key, "FOLDER": tmp_path}
    exec(compile(ported, "ported.py", "exec"), said)
    assert "Hello flow" in said["names"]  # type: ignore[operator]
    assert said["text"] == said["same"] == said["tokens"] == said["final"]
    assert said["cleared"] is None
    assert (said["created"], said["created_again"]) == (True, False)
    assert said["missing"] is True
    assert (tmp_path / "mine.json").read_text().startswith("{\n")


def test_coroutines(mock: MockServer) -> None:
    from langflow_api.langflow_sdk import AsyncClient, RunRequest

    async def main() -> None:
        async with AsyncClient(mock.url, mock.api_key) as client:
            assert "Echo" in [flow.name for flow in await client.list_flows()]
            assert (await client.run("echo", "Hi")).first_text_output() == "Hi"
            response = await client.run_flow("echo", RunRequest(input_value="Hi"))
            assert response.all_text_outputs() == ["Hi"]
            kinds = [chunk.event async for chunk in client.stream("echo", "Hi")]
            assert kinds[-1] == "end"

    asyncio.run(main())


def test_what_was_dropped_silently_is_refused_or_works(mock: MockServer) -> None:
    from langflow_api.langflow_sdk import Client, RunRequest

    with pytest.raises(TypeError, match="has no sesion_id"):
        RunRequest(input_value="x", sesion_id="typo")
    client = Client(mock.url, mock.api_key)
    first = client.run("memory-chat", "My name is Alice")
    request = RunRequest(input_value="What is my name?", session_id=first.session_id)
    assert "Alice" in str(client.run_flow("memory-chat", request).first_text_output())


def test_the_names_of_the_other_package() -> None:
    import langflow_api.langflow_sdk as ported

    for name in ported.__all__:
        assert hasattr(ported, name)
