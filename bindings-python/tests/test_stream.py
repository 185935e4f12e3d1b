from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import time
from typing import Any, Callable

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    End,
    LangflowError,
    PermissionDenied,
    RunFailed,
    StreamInterrupted,
    Token,
    UnknownEvent,
)
from langflow_api.testing import MockServer
from support import RUN, Connection, RawServer, frame


def test_events_in_order(mock: MockServer) -> None:
    with mock.client().stream_flow("hello-flow", "Hi") as stream:
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "end"
    assert "component_completed" in kinds
    text = "".join(event.text for event in events if isinstance(event, Token))
    last = events[-1]
    assert last.type == "end"
    assert last.result.text == text


def test_text_and_result(mock: MockServer) -> None:
    client = mock.client()
    with client.stream_flow("hello-flow", "Hi") as stream:
        first = next(iter(stream.text_stream))
        assert stream.text == first
        pieces = [first, *stream.text_stream]
        assert stream.text == "".join(pieces)
        result = stream.get_final_result()
    assert len(pieces) > 1
    assert "".join(pieces) == result.text
    assert client.stream_flow("hello-flow", "Hi").get_final_result().text == result.text


def test_the_end_is_made_when_it_is_asked_for(mock: MockServer) -> None:
    end = list(mock.client().stream_flow("hello-flow", "Hello!"))[-1]
    assert isinstance(end, End)
    text = end.result.text
    assert end.result is end.result
    assert end.to_dict()["result"]["text"] == text == str(end.result)
    assert end.id == end.to_dict()["id"]
    assert end["type"] == end.type == "end"
    assert (end.result.skipped_events, end.extra) == (0, {})
    again = pickle.loads(pickle.dumps(end))
    assert again == end == copy.deepcopy(end)
    assert again.result == end.result
    assert (again.id, again.result.text) == (end.id, text)


def test_asyncio(mock: MockServer) -> None:
    async def main() -> tuple[list[str], str, str]:
        kinds: list[str]
        async with mock.async_client() as client:
            kinds = [event.type async for event in client.stream_flow("hello-flow", "Hi")]
            async with client.stream_flow("hello-flow", "Hi") as stream:
                text = "".join([piece async for piece in stream.text_stream])
                result = await stream.get_final_result()
        return kinds, text, result.text

    kinds, text, final = asyncio.run(main())
    assert (kinds[0], kinds[-1]) == ("run_started", "end")
    assert text == final


def endless(connection: Connection, _: bytes) -> None:
    connection.events()
    connection.event("token", {"text": "one"})
    connection.wait_until_left()


def left(raw: RawServer) -> bool:
    return raw.connections[-1].left.wait(5)


def test_leaving_closes_the_connection(raw: RawServer) -> None:
    raw.script = endless
    client = Client(raw.url, "k")
    with client.stream_flow("f", "hi") as stream:
        for _ in stream:
            break
    assert left(raw)
    # An end would look like the whole answer.
    for _ in range(2):
        with pytest.raises(StreamInterrupted) as caught:
            list(stream)
        assert (caught.value.may_have_executed, caught.value.partial_text) == (True, "one")


def test_dropping_closes_the_connection(raw: RawServer) -> None:
    raw.script = endless
    for event in Client(raw.url, "k").stream_flow("f", "hi"):
        assert event.type == "token"
        break
    gc.collect()
    assert left(raw)


def test_leaving_async(raw: RawServer) -> None:
    raw.script = endless

    async def main() -> None:
        async with AsyncClient(raw.url, "k").stream_flow("f", "hi") as stream:
            async for _ in stream:
                break
        assert await asyncio.to_thread(left, raw)

    asyncio.run(main())


def test_cancelling_closes_the_connection(raw: RawServer) -> None:
    raw.script = endless

    async def main() -> None:
        async def read() -> None:
            async for _ in AsyncClient(raw.url, "k").stream_flow("f", "hi"):
                started.set()

        started = asyncio.Event()
        task = asyncio.create_task(read())
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(left, raw)

    asyncio.run(main())


def test_close_wakes_a_reader(raw: RawServer) -> None:
    raw.script = endless
    stream = Client(raw.url, "k").stream_flow("f", "hi")
    seen: list[Any] = []

    def read() -> None:
        try:
            seen.extend(stream)
        except StreamInterrupted as error:
            seen.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    while not seen:
        time.sleep(0.01)
    stream.close()
    reader.join(5)
    assert not reader.is_alive()
    assert left(raw)
    assert isinstance(seen[-1], StreamInterrupted)
    with pytest.raises(StreamInterrupted) as caught:
        stream.get_final_result()
    assert (caught.value.may_have_executed, caught.value.partial_text) == (True, "one")


def cut(connection: Connection, _: bytes) -> None:
    connection.events()
    connection.event("token", {"text": "Hel"})
    connection.event("token", {"text": "lo"})
    connection.peer.shutdown(2)


def test_a_cut_stream_is_an_error(raw: RawServer) -> None:
    raw.script = cut
    texts: list[str] = []
    stream = Client(raw.url, "k").stream_flow("f", "hi")
    with pytest.raises(StreamInterrupted) as caught:
        texts.extend(stream.text_stream)
    assert texts == ["Hel", "lo"]
    assert caught.value.partial_text == "Hello"
    assert caught.value.may_have_executed


def test_the_flow_fails(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        # In one piece: what came before the error is delivered before it.
        error = {"code": "component_failed", "detail": "No such model."}
        connection.send(frame("token", {"text": "Hel"}) + frame("error", error))

    raw.script = script
    stream = Client(raw.url, "k").stream_flow("f", "hi")
    assert next(stream).type == "token"
    with pytest.raises(RunFailed) as caught:
        next(stream)
    assert caught.value.partial_text == "Hel"
    again: list[Callable[[], object]] = [
        lambda: next(stream),
        stream.get_final_result,
        lambda: list(stream.text_stream),
    ]
    stream.close()
    for ask in again:
        with pytest.raises(RunFailed) as later:
            ask()
        assert later.value.to_dict() == caught.value.to_dict()


def test_the_flow_fails_in_a_coroutine(raw: RawServer) -> None:
    raw.script = cut

    async def main() -> None:
        stream = AsyncClient(raw.url, "k").stream_flow("f", "hi")
        with pytest.raises(StreamInterrupted) as first:
            _ = [piece async for piece in stream.text_stream]
        for _ in range(2):
            with pytest.raises(StreamInterrupted) as later:
                await stream.get_final_result()
            assert later.value.to_dict() == first.value.to_dict()
        assert len(raw.requests) == 1

    asyncio.run(main())


def test_a_request_that_fails_is_not_sent_again(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer({"detail": "No."}, "403 Forbidden")

    async def main() -> None:
        stream = AsyncClient(raw.url, "k").stream_flow("f", "hi")
        for _ in range(2):
            with pytest.raises(PermissionDenied):
                async with stream:
                    pass
            with pytest.raises(PermissionDenied):
                await stream.get_final_result()

    asyncio.run(main())
    assert len(raw.requests) == 1


def short(connection: Connection, _: bytes) -> None:
    """A run that takes its time to begin."""
    time.sleep(0.2)
    connection.events()
    connection.event("run_started", {"run_id": "r"})
    connection.event("token", {"text": "Hel"})
    time.sleep(0.05)
    connection.event("token", {"text": "lo!"})
    connection.event("end", RUN)


def test_coroutines_that_read_one_stream_share_its_run(raw: RawServer) -> None:
    raw.script = short

    async def main() -> None:
        client = AsyncClient(raw.url, "k")
        stream = client.stream_flow("f", "hi")

        async def text() -> str:
            return "".join([piece async for piece in stream.text_stream])

        _, result = await asyncio.gather(text(), stream.get_final_result())
        assert result.text == "Hello!"
        assert stream.text == "Hello!"
        assert len(raw.requests) == 1
        stream = client.stream_flow("f", "hi")
        events = await asyncio.gather(*(stream.__anext__() for _ in range(4)))
        assert [event.type for event in events] == ["run_started", "token", "token", "end"]
        assert len(raw.requests) == 2

    asyncio.run(main())


def test_threads_that_read_one_stream_share_its_events(raw: RawServer) -> None:
    raw.script = short
    stream = Client(raw.url, "k").stream_flow("f", "hi")
    seen: list[Any] = []
    readers = [threading.Thread(target=lambda: seen.extend(stream)) for _ in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(5)
    assert sorted(event.type for event in seen) == ["end", "run_started", "token", "token"]
    assert stream.get_final_result().text == "Hello!"


def test_giving_up_keeps_the_text(raw: RawServer) -> None:
    raw.script = endless

    async def main() -> None:
        stream = AsyncClient(raw.url, "k").stream_flow("f", "hi")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(stream.get_final_result(), 0.3)
        with pytest.raises(StreamInterrupted) as caught:
            await stream.get_final_result()
        assert (caught.value.may_have_executed, caught.value.partial_text) == (True, "one")
        unsent = AsyncClient(raw.url, "k").stream_flow("f", "hi")
        await unsent.aclose()
        with pytest.raises(StreamInterrupted) as caught:
            await unsent.get_final_result()
        assert (caught.value.may_have_executed, caught.value.partial_text) == (False, None)
        assert len(raw.requests) == 1

    asyncio.run(main())


def test_close_wakes_a_coroutine(raw: RawServer) -> None:
    async def main(script: Any) -> None:
        raw.script = script
        stream = AsyncClient(raw.url, "k").stream_flow("f", "hi")
        reader = asyncio.ensure_future(stream.get_final_result())
        await asyncio.sleep(0.2)
        await stream.aclose()
        with pytest.raises(StreamInterrupted) as caught:
            await asyncio.wait_for(reader, 5)
        assert caught.value.may_have_executed
        assert await asyncio.to_thread(left, raw)

    asyncio.run(main(endless))
    # Before the answer begins.
    asyncio.run(main(lambda connection, _: connection.wait_until_left()))


def test_unknown_events_are_kept(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("weather", {"sun": True})
        connection.event("end", RUN)

    raw.script = script
    first, *_, last = Client(raw.url, "k").stream_flow("f", "hi")
    assert isinstance(first, UnknownEvent)
    assert (first.event, first.data) == ("weather", {"sun": True})
    assert last.type == "end"


def test_errors_before_the_stream(mock: MockServer) -> None:
    client = mock.client(api_key="wrong")
    with pytest.raises(LangflowError) as caught:
        client.stream_flow("hello-flow", "Hi")
    assert caught.value.code == "unauthenticated"

    async def main() -> None:
        async with mock.async_client(api_key="wrong") as other:
            async for _ in other.stream_flow("hello-flow", "Hi"):
                pass

    with pytest.raises(LangflowError):
        asyncio.run(main())


def test_a_thousand_tokens_take_no_time(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        frame = b'event: token\ndata: {"text": "x"}\n\n'
        connection.send(frame * 5000)
        connection.event("end", RUN)

    raw.script = script

    async def main() -> float:
        before = time.perf_counter()
        count = 0
        async for _ in AsyncClient(raw.url, "k").stream_flow("f", "hi"):
            count += 1
        assert count == 5001
        return time.perf_counter() - before

    assert asyncio.run(main()) / 5000 < 0.001
