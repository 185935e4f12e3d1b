"""Calls of coroutines run in the thread of their loop: loops, threads, processes."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading

import pytest
from langflow_api import AsyncClient, InvalidInput
from langflow_api.testing import MockServer
from support import Connection, RawServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="loops of POSIX")


def silent(connection: Connection, _: bytes) -> None:
    connection.wait_until_left()


def test_a_loop_that_watches_nothing(mock: MockServer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    # As the default one of Windows.
    loop = asyncio.new_event_loop()
    monkeypatch.setattr(loop, "add_reader", refuse)
    client = mock.async_client()
    try:
        for word in ("one", "two"):
            assert loop.run_until_complete(client.run_flow("echo", word)).text == word
    finally:
        loop.close()


def test_threads_with_a_loop_each_share_a_client(mock: MockServer) -> None:
    client = mock.async_client()
    said: list[str] = []

    async def many(name: str) -> None:
        runs = (client.run_flow("echo", f"{name} {number}") for number in range(32))
        said.extend(result.text for result in await asyncio.gather(*runs))

    threads = [threading.Thread(target=asyncio.run, args=(many(name),)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(said) == sorted(f"{name} {number}" for name in "abcd" for number in range(32))


def test_calls_and_streams_take_turns(mock: MockServer) -> None:
    async def main() -> None:
        client = mock.async_client()
        for number in range(10):
            assert (await client.run_flow("echo", f"{number}")).text == f"{number}"
            async with client.stream_flow("echo", f"s{number}") as stream:
                assert (await stream.get_final_result()).text == f"s{number}"

    asyncio.run(main())


def test_a_loop_that_is_gone_takes_its_calls_along(raw: RawServer) -> None:
    raw.script = silent
    loop = asyncio.new_event_loop()
    client = AsyncClient(raw.url, "k")
    task = loop.create_task(client.run_flow("f", "hi"))
    while not raw.requests:
        loop.run_until_complete(asyncio.sleep(0.01))
    loop.close()
    # A task that was pending says so when it goes.
    loop.set_exception_handler(lambda *_: None)
    del task, loop
    gc.collect()
    assert raw.connections[0].left.wait(5)


def test_what_is_wrong_is_said_at_once(raw: RawServer) -> None:
    async def main() -> None:
        with pytest.raises(InvalidInput, match="flow_id"):
            await AsyncClient(raw.url, "k").run_flow("..", "hi")

    asyncio.run(main())
    assert raw.requests == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_in_the_middle_of_a_loop(mock: MockServer) -> None:
    async def main() -> None:
        client = mock.async_client()
        assert (await client.run_flow("echo", "before")).text == "before"
        waiting = asyncio.ensure_future(client.run_flow("echo", "while"))
        await asyncio.sleep(0)
        child = os.fork()
        if child == 0:
            # A loop of its own, in a thread that has none; that of the parent is left alone.
            said: list[str] = []

            def run() -> None:
                said.append(asyncio.run(client.run_flow("echo", "child")).text)

            thread = threading.Thread(target=run)
            thread.start()
            thread.join(20)
            gc.collect()
            os._exit(0 if said == ["child"] else 1)
        assert (await waiting).text == "while"
        assert (await client.run_flow("echo", "meanwhile")).text == "meanwhile"
        ended = await asyncio.to_thread(os.waitpid, child, 0)
        assert os.waitstatus_to_exitcode(ended[1]) == 0
        assert (await client.run_flow("echo", "after")).text == "after"

    asyncio.run(main())


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted in /proc")
def test_sockets_go_with_their_loop(mock: MockServer) -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    client = mock.async_client()
    asyncio.run(client.run_flow("echo", "first"))
    before = opened()
    for number in range(40):
        assert asyncio.run(client.run_flow("echo", f"{number}")).text == f"{number}"
    # Those of the last loop may still be there.
    assert opened() <= before + 4
