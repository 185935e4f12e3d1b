from __future__ import annotations

import asyncio
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    InvalidInput,
    InvalidResponse,
    NotFound,
    Page,
    StreamInterrupted,
    TotalTimeout,
)
from langflow_api.models import Flow, FlowFile, FlowSummary
from langflow_api.testing import MockServer
from support import Connection, RawServer, body_of, header_of

MOMENT = "2026-01-01T00:00:00Z"


def summary(number: int) -> dict[str, Any]:
    return {
        "id": f"f{number}",
        "name": f"Flow {number}",
        "tags": [],
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "stars": number,
    }


def pages(connection: Connection, request: bytes) -> None:
    line = request.split(b" ")[1].decode()
    page = int(line.partition("page=")[2].partition("&")[0] or 1)
    items = [summary(number) for number in range(page * 2 - 2, min(page * 2, 5))]
    connection.answer({"items": items, "total": 5, "page": page, "size": 2, "pages": 3})


def test_a_list_goes_through_all_pages(raw: RawServer) -> None:
    raw.script = pages
    client = Client(raw.url, "k")
    first = client.flows.list(size=2, q="flow")
    assert isinstance(first, Page)
    assert [flow.id for flow in first.items] == ["f0", "f1"]
    assert (first.total, first.page, first.size, first.pages) == (5, 1, 2, 3)
    assert len(raw.requests) == 1
    assert [flow.name for flow in first] == [f"Flow {number}" for number in range(5)]
    assert all(b"q=flow" in request and b"size=2" in request for request in raw.requests)
    assert [page.page for page in first.iter_pages()] == [1, 2, 3]
    assert "pages=3" in repr(first)


def test_a_list_in_a_coroutine(raw: RawServer) -> None:
    raw.script = pages

    async def main() -> tuple[list[str], list[str]]:
        async with AsyncClient(raw.url, "k") as client:
            page = await client.flows.list()
            return [flow.id for flow in page.items], [flow.id async for flow in client.flows.list()]

    assert asyncio.run(main()) == (["f0", "f1"], ["f0", "f1", "f2", "f3", "f4"])


STUCK: list[Any] = [
    {"items": [summary(1)], "page": 1, "pages": 3},
    {"items": [summary(1)], "page": 0, "pages": 3},
]


@pytest.mark.parametrize("page", STUCK)
def test_a_list_whose_pages_do_not_turn_ends(raw: RawServer, page: Any) -> None:
    raw.script = lambda connection, _: connection.answer(page)
    with pytest.raises(InvalidResponse, match="was asked for"):
        list(Client(raw.url, "k").flows.list())

    async def main() -> None:
        with pytest.raises(InvalidResponse, match="was asked for"):
            _ = [flow async for flow in AsyncClient(raw.url, "k").flows.list()]

    asyncio.run(main())
    assert len(raw.requests) == 4


def listed(*counts: int, **said: Any) -> Callable[[Connection, bytes], None]:
    """A server whose pages have so many items, and say this of themselves."""

    def script(connection: Connection, request: bytes) -> None:
        page = int(re.search(rb"[?&]page=(\d+)", request)[1]) if b"page=" in request else 1  # type: ignore[index]
        before, count = sum(counts[: page - 1]), counts[page - 1]
        items = [summary(number) for number in range(before, before + count)]
        figures = {"total": sum(counts), "page": page, "size": 3, "pages": len(counts), **said}
        connection.answer({"items": items, **figures})

    return script


def test_an_empty_page_in_the_middle_is_no_end(raw: RawServer) -> None:
    raw.script = listed(3, 0, 3)
    assert len(list(Client(raw.url, "k").flows.list())) == 6
    raw.script = listed(3, 3, 2, pages=None)
    assert len(list(Client(raw.url, "k").flows.list())) == 8


@pytest.mark.parametrize("counts", [(3, 0, 3), (3,), (0, 0)])
def test_a_list_that_ends_too_soon_says_so_behind_its_items(
    raw: RawServer, counts: tuple[int, ...]
) -> None:
    raw.script = listed(*counts, total=9)
    seen: list[str] = []
    says = f"after {sum(counts)} of 9 items"
    with pytest.raises(InvalidResponse, match=says):
        seen.extend(flow.id for flow in Client(raw.url, "k").flows.list())

    async def main() -> None:
        async for flow in AsyncClient(raw.url, "k").flows.list():
            seen.append(flow.id)

    with pytest.raises(InvalidResponse, match=says):
        asyncio.run(main())
    assert seen[-sum(counts) :] == [f"f{number}" for number in range(sum(counts))]
    # Who begins in the middle cannot know how many were before.
    raw.script = listed(3, 3, 3, total=99)
    assert len(list(Client(raw.url, "k").flows.list(page=2))) == 6


def test_messages_are_read_as_lists_are(raw: RawServer) -> None:
    def endless(connection: Connection, request: bytes) -> None:
        page = int(re.search(rb"[?&]page=(\d+)", request)[1])  # type: ignore[index]
        connection.answer({"items": [{"id": f"m{page}"}], "page": page, "pages": page + 1})

    raw.script = endless
    session = Client(raw.url, "k", timeout=0.3).session("f", "s")
    with pytest.raises(TotalTimeout, match="pages"):
        session.messages()
    for wrong, says in (
        ({"items": [{"id": "m"}], "page": 1, "pages": 3}, "does not go on"),
        ({"items": [None], "page": 1, "pages": 1}, "list of objects"),
        ({"items": [{"id": "m"}], "page": 1, "pages": 1, "total": 2}, "1 of 2 items"),
    ):
        raw.script = lambda connection, _, wrong=wrong: connection.answer(wrong)
        with pytest.raises(InvalidResponse, match=says):
            session.messages()


NO_PAGES: list[Any] = [
    None,
    5,
    "x",
    [],
    {},
    {"detail": "no"},
    {"items": 5},
    {"items": None},
    {"items": [5]},
    {"items": [], "pages": "x"},
    {"items": [], "page": -5, "pages": -3},
    {"items": [], "total": True},
]


@pytest.mark.parametrize("answered", NO_PAGES)
def test_what_is_no_page(raw: RawServer, answered: Any) -> None:
    raw.script = lambda connection, _: connection.answer(answered)
    with pytest.raises(InvalidResponse) as caught:
        Client(raw.url, "k").flows.list()
    assert caught.value.status == 200

    async def main() -> None:
        with pytest.raises(InvalidResponse):
            await AsyncClient(raw.url, "k").flows.list()

    asyncio.run(main())


def test_absent_is_not_null(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer({**summary(1), "data": {}})
    client = Client(raw.url, "k")
    client.flows.update("f1", name="New")
    client.flows.update("f1", description=None, extra_body={"stars": 3})
    client.workspace.flows.update("f1", if_match='"7"', tags=["a"])
    assert [body_of(request) for request in raw.requests] == [
        {"name": "New"},
        {"description": None, "stars": 3},
        {"tags": ["a"]},
    ]
    assert header_of(raw.requests[2], "if-match") == '"7"'


def test_models_keep_what_they_do_not_know(raw: RawServer) -> None:
    answer = {**summary(1), "data": {"nodes": [], "edges": [], "grid": 4}}
    raw.script = lambda connection, _: connection.answer(answer)
    flow = Client(raw.url, "k").flows.get("f1")
    assert isinstance(flow, Flow)
    assert flow["stars"] == 1
    assert flow.extra == {"stars": 1}
    assert "stars" in flow
    assert flow.data["grid"] == 4
    assert flow.description is None
    assert flow.to_dict() == answer
    assert flow == pickle.loads(pickle.dumps(flow)) == Flow(answer)
    assert flow != FlowSummary(answer)
    assert repr(flow).startswith("Flow(id='f1', name='Flow 1'")
    assert "name" in dir(flow)


def test_models_are_arguments(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer({**summary(1), "data": {}})
    client = Client(raw.url, "k")
    file = FlowFile(name="Copy", data={"nodes": [{"id": "a"}], "edges": []})
    client.flows.create(name=file.name, data=file.data)
    assert body_of(raw.requests[0]) == {"name": "Copy", "data": file.to_dict()["data"]}


def test_paths_are_encoded(raw: RawServer) -> None:
    Client(raw.url, "k").flows.get("../a?b#c")
    assert raw.requests[0].startswith(b"GET /langflow/api/v1/flows/..%2Fa%3Fb%23c HTTP/1.1\r\n")


def test_arguments_are_checked_before_anything_is_sent(raw: RawServer) -> None:
    client = Client(raw.url, "k")
    with pytest.raises(InvalidInput) as caught:
        client.flows.list(page="many")  # type: ignore[arg-type]
    assert caught.value.field == "page"
    with pytest.raises(InvalidInput) as caught:
        client.flows.get("")
    assert caught.value.field == "flow_id"
    with pytest.raises(InvalidInput) as caught:
        client.flows.create(name="x", tags={"a"})  # type: ignore[arg-type]
    assert caught.value.field == "tags"
    assert raw.requests == []


def test_export_as_json_and_as_python(raw: RawServer) -> None:
    def script(connection: Connection, request: bytes) -> None:
        if b"format=python" in request:
            connection.answer(b"print('hi')\n", kind="text/x-python")
        else:
            connection.answer({"name": "A", "data": {"nodes": [], "edges": []}})

    raw.script = script
    client = Client(raw.url, "k")
    file = client.flows.export("f1")
    assert (type(file), file.name) == (FlowFile, "A")
    assert client.flows.export("f1", format="python") == "print('hi')\n"


def test_import_of_bytes(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.answer({"flows": [summary(1)]})
    result = Client(raw.url, "k").flows.import_(b"PK...", on_conflict="replace")
    assert header_of(raw.requests[0], "content-type") == "application/zip"
    assert raw.requests[0].endswith(b"\r\n\r\nPK...")
    assert result.flows[0].name == "Flow 1"


def test_nothing_is_none(raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    Client(raw.url, "k").flows.delete("f1")
    assert raw.requests[0].startswith(b"DELETE ")


def test_a_stream_of_an_operation(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("token", {"text": "x"})
        connection.event("end", {"result": {"output": "x"}, "session_id": "s", "metadata": {}})

    raw.script = script
    client = Client(raw.url, "k")
    stream = client.runs.stream_events("r1", last_event_id="4")
    assert [event.type for event in stream] == ["token", "end"]
    assert header_of(raw.requests[0], "last-event-id") == "4"

    async def main() -> list[str]:
        follow = AsyncClient(raw.url, "k").runs.stream_events("r1")
        return [event.type async for event in follow]

    assert asyncio.run(main()) == ["token", "end"]


def test_a_stream_that_is_no_run_has_no_result(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.events()
        connection.event("message", {"text": "x"})
        connection.peer.shutdown(2)

    raw.script = script
    stream = Client(raw.url, "k").langflow.workflows.follow("j1")
    assert len(list(stream)) == 1
    assert list(stream) == []
    with pytest.raises(StreamInterrupted, match="not those of a run"):
        stream.get_final_result()

    async def main() -> list[str]:
        follow = AsyncClient(raw.url, "k").langflow.workflows.follow("j1")
        return [event.type async for event in follow]

    assert len(asyncio.run(main())) == 1


def test_against_the_mock(mock: MockServer) -> None:
    client = mock.client()
    before = client.flows.get("hello-flow")
    created = client.flows.create(name="Mine", data=before.data)
    assert client.flows.get(created.id).name == "Mine"
    assert created.id in [flow.id for flow in client.flows.list(size=2)]
    client.flows.update(created.id, name="Yours")
    file = client.flows.export(created.id)
    assert file.name == "Yours"
    client.flows.delete(created.id)
    with pytest.raises(NotFound):
        client.flows.get(created.id)
    assert client.flows.import_(file).flows[0].name == "Yours"


def test_sessions_expire(mock: MockServer) -> None:
    client = mock.client()
    first = client.run_flow("memory-chat", "My name is Alice")
    mock.advance(30 * 60 + 1)
    second = client.run_flow("memory-chat", "What is my name?", session_id=first.session_id)
    assert "Alice" not in second.text
    assert second.session_status == "expired"
