from __future__ import annotations

import asyncio
import logging
import pickle
from typing import Any

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    InvalidInput,
    NoSingleOutput,
    NotFound,
    RunResult,
    SessionExpired,
)
from langflow_api.testing import MockServer
from support import RUN, RawServer, body_of, header_of, runs_only


def test_the_documented_lines(mock: MockServer) -> None:
    from langflow import Client

    client = Client(base_url=mock.url, api_key=mock.api_key)
    result = client.run_flow(
        flow_id="hello-flow",
        input_value="Hello!",
        tweaks={"OpenAI-xxxxx": {"temperature": 0.5}},
    )
    assert isinstance(result.output, str)
    assert result.output == result.text == str(result)
    assert result.metadata.duration is not None
    assert result.metadata.tokens_used is not None
    assert result.session_id
    assert result.reason == "single"
    assert result.server == "workspace"
    assert result.request_id


def test_a_session_remembers(mock: MockServer) -> None:
    with mock.client() as client:
        first = client.run_flow("memory-chat", "My name is Alice")
        second = client.run_flow("memory-chat", "What is my name?", session_id=first.session_id)
        alone = client.run_flow("memory-chat", "What is my name?")
    assert "Alice" in second.text
    assert second.session_status == "continued"
    assert "Alice" not in alone.text


def test_what_is_sent(raw: RawServer) -> None:
    raw.script = runs_only
    client = Client(raw.url, "key-1", headers={"x-team": "a"})
    client.run_flow("a b/c", "hi", tweaks={"C": {"k": 5}}, session_id="s", headers={"x-run": "b"})
    request = raw.requests[-1]
    assert request.startswith(b"POST /langflow/api/v1/flows/a%20b%2Fc/run HTTP/1.1\r\n")
    assert body_of(request) == {"input_value": "hi", "tweaks": {"C": {"k": 5}}, "session_id": "s"}
    assert header_of(request, "authorization") == "Bearer key-1"
    assert (header_of(request, "x-team"), header_of(request, "x-run")) == ("a", "b")


def test_none_is_left_out(raw: RawServer) -> None:
    Client(raw.url, "k").run_flow("f", "hi", tweaks=None, session_id=None)
    assert body_of(raw.requests[0]) == {"input_value": "hi"}


def test_the_environment_configures(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFLOW_URL", raw.url)
    monkeypatch.setenv("LANGFLOW_API_KEY", "from-env")
    assert Client().run_flow("f", "hi").output == "Hello!"
    assert header_of(raw.requests[0], "authorization") == "Bearer from-env"


def test_unknown_fields_survive(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer({**RUN, "news": [1]})
    result = Client(raw.url, "k").run_flow("f", "hi")
    assert result.raw["news"] == [1]
    assert result.to_dict()["raw"]["news"] == [1]


@pytest.mark.parametrize(
    ("answer", "output", "reason"),
    [({"output": None}, None, "none"), ({"output": {"a": 1}}, {"a": 1}, "non_string")],
)
def test_no_single_text(raw: RawServer, answer: Any, output: Any, reason: str) -> None:
    raw.script = lambda connection, _: connection.answer({**RUN, "result": answer})
    result = Client(raw.url, "k").run_flow("f", "hi")
    assert (result.output, result.reason) == (output, reason)
    with pytest.raises(NoSingleOutput) as caught:
        _ = result.text
    assert caught.value.code == "no_single_output"
    assert caught.value.__cause__ is None


def test_results_are_values(raw: RawServer) -> None:
    client = Client(raw.url, "k")
    one = client.run_flow("f", "hi")
    copy = pickle.loads(pickle.dumps(one))
    assert copy == one
    assert isinstance(copy, RunResult)
    assert repr(copy) == repr(one)
    assert one.to_dict() is not one.to_dict()
    with pytest.raises(AttributeError):
        one.output = "x"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        _ = one.misspelt  # type: ignore[attr-defined]


def test_an_expired_session_is_reported(raw: RawServer, caplog: pytest.LogCaptureFixture) -> None:
    raw.script = lambda connection, _: connection.answer({**RUN, "session_status": "expired"})
    with caplog.at_level(logging.WARNING, logger="langflow_api"):
        assert Client(raw.url, "k").run_flow("f", "hi", session_id="s-1").output == "Hello!"
    assert "s-1" in caplog.text
    with pytest.raises(SessionExpired):
        Client(raw.url, "k", strict_sessions=True).run_flow("f", "hi", session_id="s-1")


def test_options_of_a_clone(raw: RawServer) -> None:
    client = Client(raw.url, "k", headers={"x-a": "1"})
    clone = client.with_options(headers={"x-b": "2"}).with_options(timeout=5)
    assert "'x-b': '***'" in repr(clone.with_options(headers={"x-b": "secret"}))
    assert "secret" not in repr(clone.with_options(headers={"x-b": "secret"}))
    clone.run_flow("f", "hi", headers={"x-c": "3"})
    request = raw.requests[0]
    assert [header_of(request, name) for name in ("x-a", "x-b", "x-c")] == ["1", "2", "3"]
    clone.close()
    other = client.with_options(api_key="k2")
    other.run_flow("f", "hi")
    assert header_of(raw.requests[1], "authorization") == "Bearer k2"


def test_asyncio(mock: MockServer) -> None:
    async def main() -> list[str]:
        async with AsyncClient(mock.url, mock.api_key) as client:
            runs = (client.run_flow("echo", f"n {number}") for number in range(20))
            return [result.text for result in await asyncio.gather(*runs)]

    assert asyncio.run(main()) == [f"n {number}" for number in range(20)]


def test_tweaks_are_checked_without_a_run(mock: MockServer) -> None:
    client = mock.client()
    flow = client.flows.export("hello-flow")
    nodes = flow.to_dict()["data"]["nodes"]
    node = next(node for node in nodes if "template" in node["data"].get("node", {}))
    name, ident = node["data"]["node"]["display_name"], node["id"]
    field = next(key for key in node["data"]["node"]["template"] if not key.startswith("_"))
    before = len(mock.requests())
    assert client.check_tweaks(flow, {name: {field: "x"}}) == {ident: {field: "x"}}
    assert client.check_tweaks(flow.to_dict(), {ident: {field: "x"}}) == {ident: {field: "x"}}
    assert len(mock.requests()) == before, "a flow at hand is asked of nobody"
    assert client.check_tweaks("hello-flow", {name: {field: "x"}}) == {ident: {field: "x"}}
    assert mock.requests()[-1]["operation"] == "getFlow"
    with pytest.raises(InvalidInput) as caught:
        client.check_tweaks("hello-flow", {ident: {"temprature": 1}})
    assert caught.value.field == f"tweaks.{ident}.temprature"
    with pytest.raises(NotFound):
        client.check_tweaks("no-such-flow", {ident: {field: "x"}})

    async def main() -> None:
        async with mock.async_client() as other:
            checked = await other.check_tweaks("hello-flow", {name: {field: "x"}})
            assert checked == {ident: {field: "x"}}

    asyncio.run(main())
