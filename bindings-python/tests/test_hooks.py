"""Functions that see every attempt, and answer in place of a server."""

from __future__ import annotations

import asyncio
import os
import pickle
from typing import Any

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    ConnectFailed,
    ConnectionLost,
    HttpRequest,
    HttpResponse,
    InvalidInput,
    RateLimited,
)
from langflow_api.testing import MockServer

# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
ANSWER = {"result": {"output": "Hi"}, "session_id": "s"}


def canned(request: HttpRequest) -> HttpResponse:
    """Answers everything."""
    return HttpResponse(json={**ANSWER, "session_id": request.json()["input_value"]})


def test_an_answer_without_a_server() -> None:
    seen: list[HttpRequest] = []

    def answer(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        if len(seen) == 1:
            return HttpResponse(429, headers={"Retry-After": "0"})
        return HttpResponse(json=ANSWER)

    client = Client(NOWHERE, "sk-key", on_request=answer)
    result = client.run_flow("f1", "Hello")
    assert (result.text, result.attempts) == ("Hi", 2)
    first = seen[0]
    assert first.method == "POST"
    assert first.url == f"{NOWHERE}/langflow/api/v1/flows/f1/run"
    assert first.json()["input_value"] == "Hello"
    assert first.headers["authorization"] == "Bearer sk-key"
    assert [one.headers["x-langflow-attempt"] for one in seen] == ["1", "2"]
    # Neither shows the key.
    assert "sk-key" not in f"{client} {first}"


def test_a_stream_without_a_server() -> None:
    events = (
        'event: token\ndata: {"text": "ab"}\n\n'
        'event: end\ndata: {"result": {"output": "ab"}, "session_id": "s"}\n\n'
    )

    def answer(request: HttpRequest) -> HttpResponse:
        if request.headers["accept"] != "text/event-stream":
            return canned(request)
        return HttpResponse(content=events, headers={"content-type": "text/event-stream"})

    async def main() -> str:
        client = AsyncClient(NOWHERE, on_request=answer)
        results = await asyncio.gather(*(client.run_flow("f1", text) for text in "abc"))
        assert [one.session_id for one in results] == ["a", "b", "c"]
        async with client.stream_flow("f1", "Hi") as stream:
            return "".join([piece async for piece in stream.text_stream])

    with Client(NOWHERE, on_request=answer).stream_flow("f1", "Hi") as stream:
        assert "".join(stream.text_stream) == "ab"
    assert asyncio.run(main()) == "ab"


def test_what_is_sent_and_answered_is_seen(mock: MockServer) -> None:
    told: list[Any] = []

    def sign(request: HttpRequest) -> None:
        told.append("first")
        request.headers["X-Signed"] = f"{len(request.content or b'')}"

    def last(request: HttpRequest) -> None:
        told.append(request.headers["x-signed"] if "x-signed" in request.headers else "none")

    def look(request: HttpRequest, response: HttpResponse) -> None:
        told.append((request.method, response.status, response.headers["content-type"]))

    with MockServer() as server:
        client = server.client(on_request=[sign, last], on_response=look)
        assert client.with_options(timeout=5).run_flow("echo", "Hi").text == "Hi"
        assert told[0] == "first"
        assert told[2] == ("POST", 200, "application/json")
        sent = server.requests()[-1]
        assert sent["headers"]["x-signed"].isdigit()


def test_what_a_function_raises_ends_the_call() -> None:
    def ending(error: Exception) -> Client:
        def fail(request: HttpRequest) -> None:
            raise error

        return Client(NOWHERE, on_request=fail)

    with pytest.raises(ConnectFailed) as refused:
        ending(ConnectFailed("No network today.")).run_flow("f1", "Hi")
    assert (refused.value.attempts, refused.value.may_have_executed) == (3, False)
    with pytest.raises(ConnectionLost) as lost:
        ending(ConnectionLost("Gone.")).run_flow("f1", "Hi")
    assert (lost.value.attempts, lost.value.may_have_executed) == (1, True)
    with pytest.raises(RateLimited):
        ending(RateLimited("Not now.")).with_options(max_retries=0).run_flow("f1", "Hi")
    with pytest.raises(InvalidInput, match="A hook raised KeyError: 'x'") as broken:
        ending(KeyError("x")).run_flow("f1", "Hi")
    assert (broken.value.field, broken.value.attempts) == ("hooks", 1)


def test_hooks_that_are_none() -> None:
    async def late(request: HttpRequest) -> None:
        """Nobody waits for it."""

    for wrong in (late, lambda request: 5):
        with pytest.raises(InvalidInput, match="HttpResponse or None"):
            Client(NOWHERE, on_request=wrong).run_flow("f1", "Hi")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as caught:
        Client(NOWHERE, on_response=[5])  # type: ignore[list-item]
    assert caught.value.field == "on_response"
    bad = Client(NOWHERE, on_request=lambda request: HttpResponse(99))
    with pytest.raises(InvalidInput) as caught:
        bad.run_flow("f1", "Hi")
    assert caught.value.field == "status"

    def split(request: HttpRequest) -> None:
        request.headers["x-a"] = "secret\r\nx-b: c"

    with pytest.raises(InvalidInput, match="x-a") as caught:
        Client(NOWHERE, on_request=split).run_flow("f1", "Hi")
    assert "secret" not in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_hooks_travel() -> None:
    client = Client(NOWHERE, on_request=canned)
    for one in (pickle.loads(pickle.dumps(client)), client.with_options(proxy="")):
        assert one.run_flow("f1", "x").session_id == "x"
    child = os.fork()
    if child == 0:
        os._exit(0 if client.run_flow("f1", "x").session_id == "x" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
