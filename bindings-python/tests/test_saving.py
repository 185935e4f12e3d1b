"""Answers on their way to a file."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from langflow_api import (
    Client,
    FileError,
    InvalidInput,
    InvalidResponse,
    LangflowError,
    NotFound,
    SavedFile,
    UnexpectedHtml,
)
from langflow_api.testing import MockServer
from support import Connection, RawServer

SIZE = 48 << 20


def test_an_answer_is_saved_as_it_comes(raw: RawServer, tmp_path: Path) -> None:
    piece = b"[" * (1 << 20)
    begun = threading.Event()
    path = tmp_path / "graph.json"

    def script(connection: Connection, _: bytes) -> None:
        kind = b"content-type: application/json"
        connection.send(b"HTTP/1.1 200 OK\r\n%s\r\ncontent-length: %d\r\n\r\n" % (kind, SIZE))
        for _number in range(SIZE // len(piece)):
            connection.send(piece)
            if not begun.is_set():
                begun.wait(5)
                assert not path.exists(), "not in its place before it is whole"

    raw.script = script
    seen: list[tuple[int, int | None]] = []

    def hear(done: int, total: int | None) -> None:
        seen.append((done, total))
        begun.set()

    saved = Client(raw.url, "k").flows.save_to(path, progress=hear).export("f")
    assert isinstance(saved, SavedFile)
    assert (saved.path, saved.size, saved.status, saved.attempts) == (str(path), SIZE, 200, 1)
    assert saved.headers["content-type"] == "application/json"
    assert path.stat().st_size == SIZE
    assert seen[-1] == (SIZE, SIZE)
    assert len(seen) > 2
    assert list(tmp_path.iterdir()) == [path]
    assert repr(saved) == f"SavedFile(path={str(path)!r}, size={SIZE})"
    with open(saved, "rb") as file:
        assert file.read(1) == b"["


def test_a_broken_answer_leaves_what_was_there(raw: RawServer, tmp_path: Path) -> None:
    def script(connection: Connection, _: bytes) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf")
        connection.peer.close()

    raw.script = script
    path = tmp_path / "flow.json"
    path.write_text("as it was")
    from langflow_api import ConnectionLost

    with pytest.raises(ConnectionLost):
        Client(raw.url, "k", max_retries=0).flows.save_to(path).export("f")
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


NO_FILE: list[tuple[bytes, type[LangflowError]]] = [
    (b"200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>", UnexpectedHtml),
    (b"200 OK\r\ncontent-type: application/json\r\ncontent-length: 0\r\n\r\n", InvalidResponse),
    (b"200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull", InvalidResponse),
    (b"204 No Content\r\n\r\n", InvalidResponse),
    (
        b"206 Partial Content\r\ncontent-range: bytes 0-1/500\r\ncontent-length: 2\r\n\r\n{}",
        InvalidResponse,
    ),
]


@pytest.mark.parametrize(("answered", "kind"), NO_FILE)
def test_what_is_no_file_does_not_take_its_place(
    raw: RawServer, tmp_path: Path, answered: bytes, kind: type[LangflowError]
) -> None:
    raw.script = lambda connection, _: connection.send(b"HTTP/1.1 " + answered)
    path = tmp_path / "flow.json"
    path.write_text("as it was")
    with pytest.raises(kind):
        Client(raw.url, "k", max_retries=0, api="workspace").flows.save_to(path).export("f")
    assert path.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and links as Unix has them")
def test_what_is_in_the_place_stays_what_it_is(mock: MockServer, tmp_path: Path) -> None:
    client = mock.client()
    pipe, target, link, lost = (tmp_path / name for name in ("pipe", "target", "link", "lost"))
    os.mkfifo(pipe)
    with pytest.raises(FileError) as caught:
        client.flows.save_to(pipe).export("echo")
    assert "no regular file" in caught.value.message
    assert stat.S_ISFIFO(pipe.stat().st_mode)

    target.write_text("as it was")
    target.chmod(0o600)
    link.symlink_to(target)
    client.flows.save_to(link).export("echo")
    assert link.is_symlink()
    assert json.loads(target.read_text())["id"] == "echo"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600

    lost.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileError):
        client.flows.save_to(lost).export("echo")
    assert lost.is_symlink()


def test_saving_from_the_mock(mock: MockServer, tmp_path: Path) -> None:
    client = mock.client()
    path = tmp_path / "echo.json"
    saved = client.flows.save_to(str(path)).export("echo")
    assert json.loads(path.read_text())["id"] == "echo"
    assert saved.request_id
    listed = client.flows.save_to(tmp_path / "program.py").export("hello-flow", format="python")
    assert "def " in Path(listed.path).read_text()
    with pytest.raises(NotFound):
        client.flows.save_to(tmp_path / "none.json").export("no-such-flow")
    assert not (tmp_path / "none.json").exists()
    with pytest.raises(FileError) as caught:
        client.flows.save_to(tmp_path / "no" / "folder.json").export("echo")
    assert caught.value.field == "path"
    with pytest.raises(InvalidInput):
        client.flows.save_to(path).import_(path)  # type: ignore[attr-defined]

    async def main() -> None:
        async with mock.async_client() as other:
            there = await other.flows.save_to(tmp_path / "again.json").export("echo")
            assert Path(there).read_bytes() == path.read_bytes()

    asyncio.run(main())
