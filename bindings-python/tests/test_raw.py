"""Answers with their status and headers, and files in every form."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from langflow_api import Client, InvalidInput, NotFound, Page, RawResponse
from langflow_api.models import Flow
from langflow_api.testing import MockServer
from support import RawServer, header_of


def test_a_raw_answer(mock: MockServer) -> None:
    client = mock.client()
    answer = client.flows.with_raw_response.get("echo")
    assert isinstance(answer, RawResponse)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/json")
    assert "etag" in answer.headers
    assert answer.request_id == answer.headers["x-request-id"] == answer.headers["X-Request-Id"]
    assert answer.headers.get("ETag") == answer.headers["etag"]
    assert "Content-Type" in answer.headers
    assert "X-None" not in answer.headers
    assert answer.headers.get("X-None") is None
    assert answer.attempts == 1
    assert 0 < answer.elapsed < 10
    flow = answer.parse()
    assert isinstance(flow, Flow)
    assert flow.id == "echo" == answer.json()["id"]
    assert str(len(answer.content)) in repr(answer)
    with pytest.raises(NotFound):
        client.flows.with_raw_response.get("no-such-flow")


def test_a_raw_list(mock: MockServer) -> None:
    answer = mock.client().flows.with_raw_response.list(size=2)
    page = answer.parse()
    assert isinstance(page, Page)
    assert len(list(page)) == page.total == answer.json()["total"]


def test_a_raw_answer_in_a_coroutine(mock: MockServer) -> None:
    async def main() -> None:
        async with mock.async_client() as client:
            answer = await client.flows.with_raw_response.get("echo")
            assert answer.parse().id == "echo"
            listed = await client.flows.with_raw_response.list(size=2)
            assert listed.status == 200
            assert len([flow async for flow in listed.parse()]) == listed.parse().total

    asyncio.run(main())


def test_files_in_every_form(raw: RawServer, tmp_path: Path) -> None:
    raw.script = lambda connection, _: connection.answer({"flows": []})
    client = Client(raw.url, "k")
    path = tmp_path / "flow.json"
    path.write_bytes(b' {"name": "x"}')
    archive = tmp_path / "flows.zip"
    archive.write_bytes(b"PK\x03\x04")
    client.flows.import_(path)
    client.flows.import_(archive)
    client.flows.import_(io.BytesIO(b"PK\x03\x04"))
    with archive.open("rb") as file:
        client.flows.import_(file)
    client.flows.import_(piece for piece in (b"PK", b"\x03\x04"))
    client.flows.import_({"name": "x"})
    kinds = [header_of(request, "content-type") for request in raw.requests]
    assert kinds == ["application/json", *["application/zip"] * 4, "application/json"]
    bodies = {request.partition(b"\r\n\r\n")[2] for request in raw.requests[1:5]}
    assert bodies == {b"PK\x03\x04"}
    with pytest.raises(InvalidInput) as caught:
        client.flows.import_(io.StringIO("text"))  # type: ignore[arg-type]
    assert caught.value.field == "body"
    assert len(raw.requests) == 6


def test_the_raw_answer_to_an_upload_is_what_was_received(raw: RawServer, tmp_path: Path) -> None:
    received = b'{"warnings": [],  "flows": [], "n": 1.00, "big": 123456789012345678901234567890}'
    raw.script = lambda connection, _: connection.answer(received, "201 Created")
    path = tmp_path / "flow.json"
    path.write_text("{}")
    answer = Client(raw.url, api="workspace").flows.with_raw_response.import_(path)
    assert answer.content == received
    assert answer.parse().flows == []


def test_what_returns_nothing_has_a_raw_answer_too(mock: MockServer) -> None:
    client = mock.client()
    made = client.flows.create(name="Short", data={"nodes": [], "edges": []})
    answer = client.flows.with_raw_response.delete(made.id)
    assert (answer.status, answer.content, answer.parse()) == (204, b"", None)
