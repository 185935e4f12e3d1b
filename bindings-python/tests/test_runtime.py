"""What only shows when the whole runs: threads, processes, signals, loops and exits."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langflow_api import AsyncClient, Client, ClientClosed, LangflowError
from langflow_api.testing import MockServer
from support import RUN, Connection, RawServer, python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and forks of POSIX")


def silent(connection: Connection, _: bytes) -> None:
    connection.wait_until_left()


def slow(connection: Connection, _: bytes) -> None:
    time.sleep(0.3)
    connection.answer(RUN)


def test_importing_and_making_a_client_start_nothing(raw: RawServer) -> None:
    done = python(
        """
        import sys, threading, os
        heavy = {"asyncio", "ssl", "socket", "http", "inspect", "dataclasses", "email", "typing"}
        before = set(sys.modules)
        import langflow_api
        from langflow_api import Client, AsyncClient, LangflowError
        loaded = heavy & (set(sys.modules) - before)
        assert not loaded, loaded
        Client(sys.argv[1], "k"), AsyncClient(sys.argv[1], "k")
        assert threading.active_count() == 1
        task = "/proc/self/task"
        assert not os.path.exists(task) or len(os.listdir(task)) == 1
        """,
        raw.url,
    )
    assert done.returncode == 0, done.stderr
    assert raw.connections == []


def test_interrupting_a_call(raw: RawServer) -> None:
    raw.script = silent
    done = python(
        """
        import os, signal, sys, threading, time
        from langflow_api import Client
        # A shell that starts the tests in the background has them ignore this signal.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sent = []
        def interrupt():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Timer(0.4, interrupt).start()
        try:
            Client(sys.argv[1], "k").run_flow("f", "hi")
        except KeyboardInterrupt:
            print(time.monotonic() - sent[0])
        """,
        raw.url,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 0.1
    assert raw.connections[0].left.wait(5)


def test_interrupting_a_stream(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("token", {"text": "x"})
        connection.wait_until_left()

    raw.script = script
    done = python(
        """
        import os, signal, sys, threading
        from langflow_api import Client
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            for event in Client(sys.argv[1], "k").stream_flow("f", "hi"):
                threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        except KeyboardInterrupt:
            print("interrupted")
        """,
        raw.url,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "interrupted"), done.stderr


def test_waiting_lets_other_threads_run(raw: RawServer) -> None:
    raw.script = slow
    count = 0
    over = threading.Event()

    def tick() -> None:
        nonlocal count
        while not over.is_set():
            count += 1
            time.sleep(0.005)

    ticker = threading.Thread(target=tick)
    ticker.start()
    Client(raw.url, "k").run_flow("f", "hi")
    over.set()
    ticker.join()
    assert count > 5


def test_threads_share_a_client(mock: MockServer) -> None:
    client = mock.client()
    with ThreadPoolExecutor(64) as pool:
        texts = pool.map(lambda n: client.run_flow("echo", f"n {n}").text, range(256))
        assert list(texts) == [f"n {n}" for n in range(256)]


def test_close_ends_what_is_under_way(raw: RawServer) -> None:
    raw.script = silent
    client = Client(raw.url, "k", api="workspace")
    failed: list[LangflowError] = []

    def run() -> None:
        with pytest.raises(ClientClosed) as caught:
            client.run_flow("f", "hi")
        failed.append(caught.value)

    thread = threading.Thread(target=run)
    thread.start()
    while not raw.requests:
        time.sleep(0.01)
    client.close()
    thread.join(10)
    assert failed
    assert failed[0].may_have_executed


def test_a_stream_outlives_a_client_that_nobody_holds(mock: MockServer) -> None:
    stream = mock.client().stream_flow("echo", "one")
    assert stream.get_final_result().text == "one"


def test_cancelling_a_task_closes_the_connection(raw: RawServer) -> None:
    raw.script = silent

    async def main() -> None:
        task = asyncio.create_task(AsyncClient(raw.url, "k").run_flow("f", "hi"))
        while not raw.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(raw.connections[0].left.wait, 5)

    asyncio.run(main())


def test_a_timeout_of_asyncio_closes_the_connection(raw: RawServer) -> None:
    raw.script = silent

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(AsyncClient(raw.url, "k").run_flow("f", "hi"), 0.3)
        assert await asyncio.to_thread(raw.connections[0].left.wait, 5)

    asyncio.run(main())


def test_one_client_and_two_loops(mock: MockServer) -> None:
    client = mock.async_client()
    for word in ("one", "two"):
        assert asyncio.run(client.run_flow("echo", word)).text == word


def test_the_loop_keeps_turning(raw: RawServer) -> None:
    raw.script = slow

    async def main() -> float:
        slowest = 0.0
        task = asyncio.create_task(AsyncClient(raw.url, "k").run_flow("f", "hi"))
        while not task.done():
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            slowest = max(slowest, time.perf_counter() - before)
        await task
        return slowest

    assert asyncio.run(main()) < 0.1


def test_leaving_the_loop_with_a_call_in_flight(raw: RawServer) -> None:
    raw.script = slow
    done = python(
        """
        import asyncio, sys, time
        from langflow_api import AsyncClient
        loop = asyncio.new_event_loop()
        client = AsyncClient(sys.argv[1], "k")
        task = loop.create_task(client.run_flow("f", "hi"))
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.close()
        time.sleep(0.5)
        print(asyncio.run(client.run_flow("f", "hi")).output)
        """,
        raw.url,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "Hello!"), done.stderr
    assert "panicked" not in done.stderr


ENDINGS = {
    "an open stream": """
        stream = client.stream_flow("f", "hi")
        next(stream)
        """,
    "a daemon thread in a call": """
        threading.Thread(target=client.run_flow, args=("f", "hi"), daemon=True).start()
        time.sleep(0.3)
        """,
    "a daemon thread in a stream": """
        threading.Thread(target=list, args=(client.stream_flow("f", "hi"),), daemon=True).start()
        time.sleep(0.3)
        """,
    "daemon threads with a loop each": """
        import asyncio
        from langflow_api import AsyncClient

        def run():
            asyncio.run(AsyncClient(sys.argv[1], "k").run_flow("f", "hi", timeout=30))

        for _ in range(5):
            threading.Thread(target=run, daemon=True).start()
        time.sleep(0.4)
        """,
    "a coroutine nobody finished": """
        import asyncio
        from langflow_api import AsyncClient
        loop = asyncio.new_event_loop()
        task = loop.create_task(AsyncClient(sys.argv[1], "k").run_flow("f", "hi"))
        loop.run_until_complete(asyncio.sleep(0.2))
        """,
    "a call at exit": """
        import atexit
        from langflow_api import TimedOut

        def last_words():
            try:
                client.run_flow("f", "hi", timeout=0.3)
            except TimedOut:
                print("timed out")

        atexit.register(last_words)
        next(client.stream_flow("f", "hi"))
        """,
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_interpreter_exits(raw: RawServer, ending: str) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("token", {"text": "x"})
        connection.wait_until_left()

    raw.script = script
    code = """
        import sys, threading, time
        from langflow_api import Client
        client = Client(sys.argv[1], "k")
        """
    begun = time.monotonic()
    done = python(code + ENDINGS[ending], raw.url, timeout=20)
    assert done.returncode == 0, done.stderr
    assert "panicked" not in done.stderr
    assert time.monotonic() - begun < 5


def in_child(client: Client, queue: Any) -> None:
    queue.put(client.run_flow("echo", "from the child").text)


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_processes(mock: MockServer, method: str) -> None:
    client = mock.client()
    assert client.run_flow("echo", "before").text == "before"
    context: Any = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=in_child, args=(client, queue))
    child.start()
    assert queue.get(timeout=20) == "from the child"
    child.join(10)
    assert child.exitcode == 0
    assert client.run_flow("echo", "after").text == "after"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_stream_stays_with_its_process(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("token", {"text": "x"})
        time.sleep(0.5)
        connection.event("end", RUN)

    raw.script = script
    client = Client(raw.url, "k")
    stream = client.stream_flow("f", "hi")
    assert next(stream).type == "token"
    child = os.fork()
    if child == 0:
        try:
            next(stream)
        except Exception as error:
            told = getattr(error, "code", ""), getattr(error, "may_have_executed", None)
            # The run is the parent's, and goes on.
            os._exit(0 if told == ("client_closed", True) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert stream.get_final_result().output == "Hello!"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_leaves_the_connections_alone(mock: MockServer) -> None:
    client = mock.client()
    client.run_flow("echo", "x")
    for _ in range(5):
        child = os.fork()
        if child == 0:
            del client
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert client.run_flow("echo", "x").text == "x"


def test_a_signal_handler_of_ones_own(raw: RawServer) -> None:
    raw.script = silent

    class Alarm(Exception):
        pass

    def ring(*_: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(Alarm):
            Client(raw.url, "k").run_flow("f", "hi")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert raw.connections[0].left.wait(5)


def left_early(mock: MockServer) -> int:
    """Requests whose client went away before the end, by the server's journal."""
    import json
    from urllib.request import urlopen

    with urlopen(f"{mock.url}/__mock/requests?ending=client_closed") as answer:
        return int(json.load(answer)["total"])


@pytest.mark.parametrize("way", ["cancelled", "wait_for", "timeout", "left", "dropped"])
def test_the_server_sees_that_a_stream_was_left(way: str) -> None:
    if way == "timeout" and sys.version_info < (3, 11):
        pytest.skip("asyncio.timeout is of Python 3.11")

    async def read(client: AsyncClient) -> None:
        async with client.stream_flow("hello-flow", "Hi") as stream:
            async for _ in stream:
                pass

    async def main(mock: MockServer) -> None:
        async with mock.async_client() as client:
            if way == "cancelled":
                task = asyncio.create_task(read(client))
                await asyncio.sleep(0.3)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            elif way == "wait_for":
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(read(client), 0.3)
            elif way == "timeout":
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.3):  # type: ignore[attr-defined,unused-ignore]
                        await read(client)
            elif way == "left":
                async with client.stream_flow("hello-flow", "Hi") as stream:
                    async for _ in stream:
                        break
            else:
                generator = client.stream_flow("hello-flow", "Hi").text_stream
                await generator.__anext__()
                del generator
                await asyncio.sleep(0)
            # Not because the client is closed: the server has seen it before.
            deadline = time.monotonic() + 5
            while not await asyncio.to_thread(left_early, mock) and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            assert await asyncio.to_thread(left_early, mock) == 1

    with MockServer(token_delay=2) as mock:
        asyncio.run(main(mock))


def test_a_generator_that_was_read_by_half() -> None:
    with MockServer(token_delay=2) as mock:
        texts = mock.client().stream_flow("hello-flow", "Hi").text_stream
        next(iter(texts))
        del texts
        deadline = time.monotonic() + 5
        while not left_early(mock) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert left_early(mock) == 1
