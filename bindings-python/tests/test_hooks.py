"""Functions that see every attempt, and answer in place of a server."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
import time
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
    TotalTimeout,
    Unprocessable,
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
    with pytest.raises(InvalidInput, match="`on_request` raised KeyError: 'x'") as broken:
        ending(KeyError("x")).run_flow("f1", "Hi")
    assert (broken.value.field, broken.value.attempts) == ("on_request", 1)
    # With its traceback, so that an assertion in a hook is one of the test.
    assert isinstance(broken.value.__cause__, KeyError)
    assert broken.value.__cause__.__traceback__ is not None


def test_an_item_of_a_batch_has_what_its_hook_raised() -> None:
    def fail(request: HttpRequest) -> None:
        raise KeyError(request.json()["input_value"])

    for item in Client(NOWHERE, on_request=fail).run_many("f1", ["a", "b"]):
        assert isinstance(item.error, InvalidInput)
        assert item.error.field == "on_request"
        assert isinstance(item.error.__cause__, KeyError)
        assert item.error.to_dict()["field"] == "on_request"


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_ends_programs_ends_them_from_a_hook_too(ending: type[BaseException]) -> None:
    def stop(request: HttpRequest) -> None:
        raise ending

    with pytest.raises(ending):
        Client(NOWHERE, on_request=stop).run_flow("f1", "Hi")
    with pytest.raises(ending), Client(NOWHERE, on_request=stop).stream_flow("f1", "Hi") as stream:
        list(stream)


def test_a_hook_that_blocks_does_not_lengthen_a_call() -> None:
    def slow(request: HttpRequest) -> HttpResponse:
        time.sleep(0.3)
        return canned(request)

    with pytest.raises(TotalTimeout) as late:
        Client(NOWHERE, on_request=slow).run_flow("f1", "Hi", timeout=0.1)
    assert late.value.may_have_executed is False


def test_hooks_hold_up_their_own_call_alone() -> None:
    started = threading.Barrier(8, timeout=20)

    def meet(request: HttpRequest) -> HttpResponse:
        # None of them goes on before all have come.
        started.wait()
        return canned(request)

    async def main() -> list[str | None]:
        client = AsyncClient(NOWHERE, on_request=meet)
        results = await asyncio.gather(*(client.run_flow("f1", "Hi") for _ in range(8)))
        return [one.text for one in results]

    assert asyncio.run(main()) == ["Hi"] * 8
    many = Client(NOWHERE, on_request=meet).run_many("f1", ["Hi"] * 8, concurrency=8)
    assert all(item.result and item.result.text == "Hi" for item in many)


def test_a_hook_may_make_calls() -> None:
    inner = Client(NOWHERE, on_request=canned)

    def ask(request: HttpRequest) -> HttpResponse:
        token = inner.run_flow("token", "sk-1").session_id
        return HttpResponse(json={**ANSWER, "session_id": f"{token}!"})

    assert Client(NOWHERE, on_request=ask).run_flow("f1", "Hi").session_id == "sk-1!"

    async def main() -> str | None:
        return (await AsyncClient(NOWHERE, on_request=ask).run_flow("f1", "Hi")).session_id

    assert asyncio.run(main()) == "sk-1!"


def test_the_body_of_an_upload_is_seen_only_where_it_is_in_memory() -> None:
    seen: list[bytes | None] = []

    def look(request: HttpRequest) -> HttpResponse:
        seen.append(request.content)
        return HttpResponse(422, json={"detail": "no"})

    client = Client(NOWHERE, on_request=look)
    for body in (b"PK", iter([b"P", b"K"])):
        with pytest.raises(Unprocessable):
            client.flows.import_(body)
    # Bytes are in memory, and an iterator is read while it is sent.
    assert seen == [b"PK", None]


def test_the_connection_s_own_headers_stay() -> None:
    def longer(request: HttpRequest) -> None:
        request.headers["Content-Length"] = "5"

    with MockServer() as server:
        client = server.client(on_request=longer)
        with pytest.raises(InvalidInput, match="content-length") as caught:
            client.run_flow("echo", "Hi")
        assert caught.value.field == "headers"
        assert server.requests() == []


def test_requests_and_answers_of_hooks_are_checked() -> None:
    request = HttpRequest("GET", "http://h", {}, None)
    with pytest.raises(AttributeError):
        request.url = "http://elsewhere"  # type: ignore[misc]
    several: list[dict[str, Any]] = [{"status": "200"}, {"content": None}, {"headers": {"a": 1}}]
    for wrong in several:
        with pytest.raises(InvalidInput):
            HttpResponse(**wrong)

    def none(request: HttpRequest) -> None:
        request.headers["x-a"] = None  # type: ignore[assignment]

    with pytest.raises(InvalidInput, match="x-a") as caught:
        Client(NOWHERE, on_request=none).run_flow("f1", "Hi")
    assert caught.value.field == "headers"


def test_hooks_that_are_none() -> None:
    async def late(request: HttpRequest) -> None:
        """Nobody waits for it."""

    five = Client(NOWHERE, on_request=lambda request: 5)  # type: ignore[arg-type, return-value]
    with pytest.raises(InvalidInput, match="HttpResponse or None"):
        five.run_flow("f1", "Hi")
    with pytest.raises(InvalidInput, match="need not be awaited"):
        Client(NOWHERE, on_request=late).run_flow("f1", "Hi")  # type: ignore[arg-type]

    async def look(request: HttpRequest, response: HttpResponse) -> None:
        """Nobody waits for it either."""

    with pytest.raises(InvalidInput, match="need not be awaited") as caught:
        Client(NOWHERE, on_request=canned, on_response=look).run_flow("f1", "Hi")
    assert caught.value.field == "on_response"
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
