"""Conversations."""

from __future__ import annotations

import asyncio
import pickle
import threading

import pytest
from langflow_api import LangflowError
from langflow_api.testing import MockServer
from support import RawServer, body_of, runs_only


def test_a_session_remembers(mock: MockServer) -> None:
    session = mock.client().session("memory-chat")
    assert session.session_id is None
    # Nothing was said yet.
    assert (session.messages(), session.info(), session.clear()) == ([], None, False)
    session.run("My name is Alice")
    assert (session.status, bool(session.session_id)) == ("new", True)
    assert "Alice" in session.run("What is my name?").text
    assert session.status == "continued"
    said = [message.text for message in session.messages()]
    assert said[0] == "My name is Alice"
    assert len(said) == 4
    info = session.info()
    assert info is not None
    assert info.message_count == 4
    assert str(session.session_id) in repr(session)
    assert session.clear() is True
    assert session.clear() is False
    assert session.info() is None
    assert session.messages() == []


def test_a_session_streams(mock: MockServer) -> None:
    session = mock.client().session("memory-chat")
    with session.stream("My name is Bob") as stream:
        "".join(stream.text_stream)
        assert session.session_id == stream.get_final_result().session_id
    assert "Bob" in session.stream("What is my name?").get_final_result().text


def test_a_session_in_a_coroutine(mock: MockServer) -> None:
    async def main() -> None:
        async with mock.async_client() as client:
            session = client.session("memory-chat")
            assert await session.messages() == []
            assert (await session.info(), await session.clear()) == (None, False)
            await session.run("My name is Alice")
            text = (await session.stream("What is my name?").get_final_result()).text
            assert "Alice" in text
            assert len(await session.messages()) == 4
            info = await session.info()
            assert info is not None
            assert info.id == session.session_id
            assert await session.clear()

    asyncio.run(main())


def test_tweaks_of_a_session(raw: RawServer) -> None:
    from langflow_api import Client

    raw.script = runs_only
    session = Client(raw.url, "k").session("f", "s-0", tweaks={"A": {"k": 1, "m": 2}})
    session.run("hi", tweaks={"A": {"k": 5}, "B": {"n": 0}})
    sent = body_of(raw.requests[-1])
    assert sent["tweaks"] == {"A": {"k": 5, "m": 2}, "B": {"n": 0}}
    assert sent["session_id"] == "s-0"
    assert session.session_id == "s-1"


def test_run_flow_with_stream(mock: MockServer) -> None:
    with mock.client().run_flow("echo", "Hi", stream=True) as stream:
        assert stream.get_final_result().text == "Hi"

    async def main() -> str:
        async with mock.async_client() as client:
            stream = await client.run_flow("echo", "Hi", stream=True)
            return (await stream.get_final_result()).text

    assert asyncio.run(main()) == "Hi"


def test_runs_that_begin_together_are_one_conversation(mock: MockServer) -> None:
    session = mock.client().session("memory-chat")
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(session.run("Hi").session_id))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert set(found) == {session.session_id}
    again = pickle.loads(pickle.dumps(session))
    assert again.session_id == session.session_id

    async def together() -> None:
        session = mock.async_client().session("memory-chat")
        results = await asyncio.gather(*(session.run(text) for text in "abc"))
        assert {result.session_id for result in results} == {session.session_id}
        assert len(await session.messages()) == 6

    asyncio.run(together())


def test_where_the_first_run_fails_the_next_one_opens_the_session() -> None:
    with MockServer() as server:
        session = server.client(max_retries=0).session("memory-chat")
        server.fault("rate_limited")
        with pytest.raises(LangflowError):
            session.run("Hi")
        assert session.session_id is None
        assert session.run("Hi").session_id == session.session_id
