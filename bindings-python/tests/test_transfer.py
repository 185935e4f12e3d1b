"""Files on their way to a server, with their progress."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langflow_api import (
    AsyncClient,
    Client,
    FileError,
    InvalidInput,
    TotalTimeout,
    Unprocessable,
)
from langflow_api.models import FlowImportResult
from langflow_api.testing import MockServer
from support import Connection, RawServer, header_of, python

SIZE = 48 << 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A file that is too large to go unseen in the memory of this process."""
    path = tmp_path / "flows.zip"
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        file.truncate(SIZE)
    return path


def imported(connection: Connection, _: bytes) -> None:
    connection.answer({"flows": [], "items": []}, "201 Created")


class Swallowing(RawServer):
    """Takes bodies of any size and remembers their heads and sizes alone."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def _serve(self, connection: Connection) -> None:
        with suppress(OSError):
            while self._one(connection):
                pass

    def _one(self, connection: Connection) -> bool:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.peer.recv(65536)
            if not more:
                return False
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        self.requests.append(head + b"\r\n\r\n")
        if header_of(self.requests[-1], "transfer-encoding"):
            size = self._chunks(connection, body)
        else:
            size, wanted = len(body), int(header_of(self.requests[-1], "content-length") or 0)
            while size < wanted:
                more = connection.peer.recv(1 << 20)
                if not more:
                    connection.left.set()
                    return False
                size += len(more)
        if size < 0:
            connection.left.set()
            return False
        self.sizes.append(size)
        self.script(connection, self.requests[-1])
        return True

    def _chunks(self, connection: Connection, begun: bytes) -> int:
        """Bytes of a body in chunks; less than none where it breaks off."""
        data, size = bytearray(begun), 0
        while True:
            while b"\r\n" not in data:
                more = connection.peer.recv(1 << 20)
                if not more:
                    return -1
                data += more
            line, _, rest = bytes(data).partition(b"\r\n")
            length = int(line, 16)
            while len(rest) < length + 2:
                more = connection.peer.recv(1 << 20)
                if not more:
                    return -1
                rest += more
            size, data = size + length, bytearray(rest[length + 2 :])
            if length == 0:
                return size


def grown(url: str, path: Path, code: str) -> int:
    """Bytes by which an interpreter of its own grew at most while it ran the code."""
    done = python(
        f"""
        import re, sys
        from pathlib import Path
        from langflow_api import Client
        # Not what `getrusage` says: that begins with the peak of the process that started this one.
        status = Path("/proc/self/status")
        peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) << 10
        client, path = Client(sys.argv[1], "k"), Path(sys.argv[2])
        client.flows.get("f")
        before = peak()
        {code}
        print(peak() - before)
        """,
        url,
        str(path),
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_a_path_is_sent_as_it_is_read(archive: Path) -> None:
    with Swallowing() as server:
        server.script = imported
        seen: list[tuple[int, int | None]] = []
        made = Client(server.url, "k").flows.import_(
            archive, progress=lambda done, total: seen.append((done, total))
        )
        assert isinstance(made, FlowImportResult)
        assert server.sizes == [SIZE]
        assert header_of(server.requests[0], "content-type") == "application/zip"
    assert seen[-1] == (SIZE, SIZE)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_neither_way_holds_a_file_in_memory(archive: Path, tmp_path: Path) -> None:
    def script(connection: Connection, request: bytes) -> None:
        if b"/export" not in request:
            return connection.answer({"flows": [], "items": []}, "201 Created")
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE)
        for _ in range(SIZE >> 20):
            connection.send(b"x" * (1 << 20))

    with Swallowing() as server:
        server.script = script
        assert grown(server.url, archive, "client.flows.import_(path)") < SIZE // 4
        saved = tmp_path / "flow.json"
        assert grown(server.url, saved, "client.flows.save_to(path).export('f')") < SIZE // 4
        assert saved.stat().st_size == SIZE
        # What is measured here is seen: bytes are in memory.
        assert grown(server.url, archive, "client.flows.import_(path.read_bytes())") > SIZE


def test_progress_of_bytes(raw: RawServer) -> None:
    raw.script = imported
    seen: list[tuple[int, int | None]] = []
    client = Client(raw.url, "k")
    client.flows.import_(b"PK\x03\x04", progress=lambda *far: seen.append(far))
    assert seen == [(4, 4)]
    assert header_of(raw.requests[0], "content-type") == "application/zip"
    client.flows.import_({"name": "x"}, progress=lambda *far: seen.append(far))
    assert seen == [(4, 4)], "JSON is no file"


def test_a_path_in_a_form(raw: RawServer, tmp_path: Path) -> None:
    raw.script = lambda connection, _: connection.answer({"id": "f1", "name": "a"}, "201 Created")
    path = tmp_path / "a.txt"
    path.write_text("hello")
    seen: list[int] = []
    files = Client(raw.url, "k", api="langflow").langflow.files
    files.upload(path, progress=lambda done, _: seen.append(done))
    files.upload(path, filename="b.txt")
    bodies = [request.partition(b"\r\n\r\n")[2] for request in raw.requests]
    assert b'name="file"; filename="a.txt"' in bodies[0]
    assert b'name="file"; filename="b.txt"' in bodies[1]
    assert all(b"\r\n\r\nhello\r\n--" in body for body in bodies)
    assert seen[-1] == len(bodies[0])


def test_a_raw_answer_to_a_file(mock: MockServer, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    client = mock.client()
    client.flows.save_to(path).export("echo")
    answer = client.flows.with_raw_response.import_(path)
    assert answer.status == 201
    assert answer.parse().flows[0].name == answer.json()["flows"][0]["name"]
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    with pytest.raises(Unprocessable):
        client.flows.import_(broken)
    with pytest.raises(FileError):
        client.flows.import_(tmp_path / "missing.zip")


def test_an_upload_in_a_coroutine(archive: Path) -> None:
    async def main(url: str) -> None:
        async with AsyncClient(url, "k") as client:
            seen: list[int] = []
            ticks = 0

            async def tick() -> None:
                nonlocal ticks
                while True:
                    ticks += 1
                    await asyncio.sleep(0)

            ticking = asyncio.create_task(tick())
            await client.flows.import_(archive, progress=lambda done, _: seen.append(done))
            ticking.cancel()
            assert seen[-1] == SIZE
            assert ticks > 10, "the loop goes on while a file is sent"

    with Swallowing() as server:
        server.script = imported
        asyncio.run(main(server.url))
        assert server.sizes == [SIZE]


def test_a_cancelled_upload_closes_its_connection(archive: Path, raw: RawServer) -> None:
    raw.script = lambda connection, _: None

    async def main() -> None:
        async with AsyncClient(raw.url, "k") as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.flows.import_(archive.with_name("a.json")), 0.3)

    archive.with_name("a.json").write_text("{}")
    asyncio.run(main())
    assert raw.connections[0].left.wait(5)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes as Unix has them")
def test_a_pipe_is_no_file_to_wait_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    for options in ({"ca_bundle": str(pipe)}, {"client_cert": str(pipe)}):
        with pytest.raises(InvalidInput) as caught:
            Client("https://127.0.0.1:1", "k", **options).run_flow("f", "x")  # type: ignore[arg-type]
        assert caught.value.field in options


def test_a_source_that_gives_nothing_ends_with_the_call(raw: RawServer) -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.sleep(60)
        yield b"x"

    async def main() -> None:
        async with AsyncClient(raw.url, "k") as client:
            with pytest.raises(TotalTimeout) as caught:
                await client.flows.import_(nothing(), timeout=0.2)
            assert not caught.value.may_have_executed

    asyncio.run(asyncio.wait_for(main(), 10))
    assert not raw.requests


@pytest.mark.parametrize("body", ["flow.json", 5, True, '{"name": "n"}'])
def test_a_single_value_is_no_body(raw: RawServer, body: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        Client(raw.url, "k").flows.import_(body)
    assert caught.value.field == "body"
    assert not raw.requests


def test_a_folder_with_two_files_of_one_flow_is_refused(raw: RawServer, tmp_path: Path) -> None:
    flow = {"id": "f-1", "name": "one", "data": {"nodes": []}}
    (tmp_path / "project.json").write_text(json.dumps({"id": "p", "name": "p"}))
    (tmp_path / "a.json").write_text(json.dumps(flow))
    (tmp_path / "b.json").write_text(json.dumps(flow | {"name": "two"}))
    client = Client(raw.url, "k", api="langflow")
    with pytest.raises(InvalidInput, match=r"a\.json and b\.json"):
        client.push_project(tmp_path)
    (tmp_path / "project.json").write_text("5")
    with pytest.raises(InvalidInput, match=r"project\.json is no project"):
        client.push_project(tmp_path)
    for call in (client.push_project, lambda folder: client.pull_project("p", folder)):
        with pytest.raises(InvalidInput) as caught:
            call("")
        assert caught.value.field == "folder"
    assert not raw.requests


def test_a_bar(mock: MockServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    mock.client().flows.save_to(tmp_path / "echo.json", progress=True).export("echo")
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "echo.json: 100%" in shown.err


@pytest.mark.parametrize("api", ["auto", "langflow"])
def test_an_open_source_server_is_asked_in_its_own_words(
    raw: RawServer, tmp_path: Path, api: str
) -> None:
    def script(connection: Connection, request: bytes) -> None:
        line = request.partition(b"\r\n")[0]
        flow = {"id": "f1", "name": "x", "data": {"nodes": [], "edges": []}}
        if b"/workspace" in line or b"/langflow/" in line:
            connection.answer(b"<html>", kind="text/html")
        elif b"/version" in line:
            connection.answer({"version": "1.13.0", "package": "Langflow"})
        elif line.startswith(b"POST") or b"/flows/" in line:
            connection.answer(flow, "201 Created" if line.startswith(b"POST") else "200 OK")
        else:
            connection.answer([])

    raw.script = script
    client = Client(raw.url, "k", api=api)
    path = tmp_path / "flow.json"
    saved = client.flows.save_to(path).export("f1")
    assert json.loads(path.read_text())["id"] == "f1"
    assert saved.size == path.stat().st_size
    seen: list[int] = []
    made = client.flows.import_(path, progress=lambda done, _: seen.append(done))
    assert made.flows[0].name == "x"
    assert seen == [saved.size]


def zeros() -> Iterator[bytes]:
    """A file of :data:`SIZE` bytes that is nowhere."""
    yield b"PK\x03\x04"
    for _ in range(SIZE >> 20):
        yield b"\0" * (1 << 20)


class Once(io.RawIOBase):
    """A file object whose size nobody knows, as that of a socket or an archive's member."""

    def __init__(self) -> None:
        self.pieces = zeros()

    def read(self, size: int = -1) -> bytes:
        return next(self.pieces, b"")


def test_what_can_be_read_once_is_sent_as_it_is_read(archive: Path) -> None:
    with Swallowing() as server:
        server.script = imported
        client = Client(server.url, "k")
        seen: list[Any] = []
        with archive.open("rb") as file:
            client.flows.import_(file, progress=lambda *far: seen.append(far))
        assert seen[-1] == (SIZE, SIZE)
        assert header_of(server.requests[-1], "content-length") == str(SIZE)
        client.flows.import_(zeros(), progress=lambda *far: seen.append(far))
        assert seen[-1] == (SIZE + 4, None)
        assert header_of(server.requests[-1], "transfer-encoding") == "chunked"
        client.flows.import_(Once())
        assert server.sizes == [SIZE, SIZE + 4, SIZE + 4]
        assert {header_of(one, "content-type") for one in server.requests} == {"application/zip"}
        for body in ("path.open('rb')", "(b'x' * 99 for _ in range(500_000))"):
            assert grown(server.url, archive, f"client.flows.import_({body})") < SIZE // 4


def test_pieces_of_a_coroutine(archive: Path) -> None:
    async def awaited() -> AsyncIterator[bytes]:
        for piece in zeros():
            await asyncio.sleep(0)
            yield piece

    async def main(url: str) -> None:
        async with AsyncClient(url, "k") as client:
            await client.flows.import_(awaited())
            with archive.open("rb") as file:
                await client.flows.import_(file)
            await client.langflow.files.upload(awaited(), filename="a.bin")

    with Swallowing() as server:
        server.script = imported
        asyncio.run(main(server.url))
        assert server.sizes[:2] == [SIZE + 4, SIZE]
        assert server.sizes[2] > SIZE + 4
        with pytest.raises(InvalidInput):
            Client(server.url, "k").flows.import_(awaited())  # type: ignore[arg-type]


def test_what_is_small_can_be_sent_again(raw: RawServer) -> None:
    def script(connection: Connection, _: bytes) -> None:
        if len(raw.requests) == 1:
            connection.answer({}, "503 Service Unavailable", more="retry-after: 0\r\n")
        else:
            connection.answer({"flows": []}, "201 Created")

    raw.script = script
    Client(raw.url, "k").flows.import_(iter([b"PK", b"\x03\x04"]))
    assert len(raw.requests) == 2
    assert raw.requests[1].endswith(b"PK\x03\x04")


def test_a_reader_that_fails_ends_the_call(archive: Path) -> None:
    def broken() -> Iterator[Any]:
        yield b"x" * (2 << 20)
        raise KeyError("no such member")

    def text() -> Iterator[Any]:
        yield b"x" * (2 << 20)
        yield "text"

    with Swallowing() as server:
        client = Client(server.url, "k")
        with pytest.raises(KeyError):
            client.flows.import_(broken())
        with pytest.raises(InvalidInput):
            client.flows.import_(text())

        async def main() -> None:
            async with AsyncClient(server.url, "k") as other:
                with pytest.raises(KeyError):
                    await other.flows.import_(broken())

        asyncio.run(main())
        assert all(connection.left.wait(5) for connection in server.connections)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are POSIX")
def test_a_pipe_is_no_file_and_is_not_waited_for(mock: MockServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is no file"):
        mock.client().flows.import_(tmp_path / "pipe")
