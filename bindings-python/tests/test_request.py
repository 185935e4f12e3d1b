"""Routes that no document names, the query of every call, and keys that are asked for."""

from __future__ import annotations

import asyncio

import pytest
from langflow_api import AsyncClient, Client, InvalidInput, NotFound, RawResponse
from langflow_api.testing import MockServer
from support import RawServer


def target(request: bytes) -> str:
    return request.split(b" ")[1].decode()


def test_any_route_may_be_asked(mock: MockServer) -> None:
    client = mock.client()
    answer = client.request("GET", "/langflow/api/v1/flows", query={"size": 1})
    assert isinstance(answer, RawResponse)
    assert (answer.status, answer.json()["size"]) == (200, 1)
    assert answer.parse() == answer.json()
    made = client.request("post", "/langflow/api/v1/flows/echo/run", {"input_value": "Hi"})
    assert made.json()["result"]["output"] == "Hi"
    with pytest.raises(NotFound):
        client.request("GET", "/langflow/api/v1/nothing")


def test_any_route_may_be_asked_by_coroutines(mock: MockServer) -> None:
    async def ask() -> object:
        async with mock.async_client() as client:
            return (await client.request("GET", "/langflow/api/v1/version")).json()["api"]

    assert asyncio.run(ask())


def test_bytes_are_sent_as_they_are(raw: RawServer) -> None:
    client = Client(raw.url)
    client.request("PUT", "/langflow/api/v1/new", b"\x00\xff")
    assert b"content-type: application/octet-stream" in raw.requests[0]
    assert raw.requests[0].endswith(b"\r\n\r\n\x00\xff")
    client.request("PUT", "/langflow/api/v1/new", b"a,b", content_type="text/csv")
    assert b"content-type: text/csv" in raw.requests[1]


def test_a_query_goes_with_every_call(raw: RawServer) -> None:
    client = Client(raw.url, query={"tenant": "a b"})
    client.run_flow("f", "x")
    assert target(raw.requests[0]).endswith("/flows/f/run?tenant=a+b")
    client.with_options(query={"one": [1, 2]}).run_flow("f", "x")
    assert target(raw.requests[1]).endswith("?tenant=a+b&one=1&one=2")
    client.with_options(query={"one": 1}).request("GET", "/api/v1/x", query={"two": True})
    assert target(raw.requests[2]) == "/api/v1/x?tenant=a+b&one=1&two=true"
    assert "a b" not in repr(client.with_options(query={"token": "a b"}))
    with pytest.raises(InvalidInput) as refused:
        Client(raw.url, query={"a": {"b": 1}})
    assert refused.value.field == "query.a"


def test_a_coroutine_function_may_hand_out_the_key(mock: MockServer) -> None:
    asked = 0

    async def key() -> str:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return mock.api_key

    async def use() -> None:
        client = AsyncClient(mock.url, api_key=key)
        assert (await client.run_flow("echo", "Hi")).output == "Hi"
        assert asked == 1
        async with client.stream_flow("echo", "Hi") as stream:
            assert (await stream.get_final_result()).output == "Hi"
        assert [item.text for item in await client.run_many("echo", ["a", "b"])] == ["a", "b"]
        assert "echo" in [flow.id async for flow in client.flows.list()]
        job = await client.run_flow("echo", "Hi", background=True)
        assert (await job.wait()).output == "Hi"
        assert asked == 6
        # Leaving a stream whose key has not come yet ends the wait for it.
        stream = client.stream_flow("echo", "Hi")
        waiting = asyncio.ensure_future(stream.__anext__())
        await asyncio.sleep(0)
        waiting.cancel()
        await stream.aclose()

    asyncio.run(use())
    with pytest.raises(InvalidInput, match="AsyncClient"):
        Client(mock.url, api_key=key).run_flow("echo", "Hi")


def test_closing_a_view_leaves_its_client_open(mock: MockServer) -> None:
    client = mock.client(api_key=lambda: mock.api_key)
    assert client.run_flow("echo", "Hi").output == "Hi"
    with client.with_options(timeout=20) as view:
        assert view.run_flow("echo", "Hi").output == "Hi"
    assert client.run_flow("echo", "Hi").output == "Hi"
