"""Bodies that are given as files: bytes, a path, a file object, or pieces."""

from __future__ import annotations

from ._given import NOT_GIVEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import AsyncIterable, Iterable, Iterator
    from typing import IO, Any, Union

    FileInput = Union[bytes, bytearray, "os.PathLike[str]", IO[bytes], Iterable[bytes]]
    """What a file can be: its bytes, its path (:class:`pathlib.Path`), a file object opened for
    reading in binary mode, or its pieces. A ``str`` is no path. Paths, file objects and pieces are
    read as they are sent. A path can be sent again where an attempt fails; the others cannot once
    more than a megabyte of them has gone."""
    AsyncFileInput = Union[FileInput, AsyncIterable[bytes]]
    """As :data:`FileInput`, or pieces that are awaited."""

# As much of a file as says what it is.
_BEGINNING = 64
# How much is read at once.
_CHUNK = 1 << 18
# How much is handed over at once at least, but for the end.
_ENOUGH = 1 << 16


class Upload:
    """A file that is sent as it is read, or whose progress somebody wants to hear of.

    Args:
        source: What the engine is told of it.
        data: Its bytes, where they are at hand.
        pieces: The rest of its pieces, where it is read as it is sent.
    """

    __slots__ = ("data", "pieces", "source")

    def __init__(
        self, source: dict[str, object], data: bytes = b"", pieces: Pieces | None = None
    ) -> None:
        self.source = source
        self.data = data
        self.pieces = pieces


class _Some:
    """Small pieces together: each that is handed over costs more than its bytes."""

    __slots__ = ("_items", "_size")

    def __init__(self) -> None:
        self._items: list[bytes] = []
        self._size = 0

    def enough(self, item: object) -> bool:
        piece = _checked(item)
        self._items.append(piece)
        self._size += len(piece)
        return self._size >= _ENOUGH

    def piece(self) -> bytes | None:
        if len(self._items) == 1:
            return self._items[0] or None
        return b"".join(self._items) or None


class Pieces:
    """What can be read once, piece by piece. In a coroutine another thread reads it."""

    __slots__ = ("_items", "_later", "size")

    def __init__(self, body: Any) -> None:
        self._later: Any = None
        self._items: Iterator[object] | None = None
        self.size: int | None = None
        if hasattr(body, "read"):
            self._items = iter(lambda: body.read(_CHUNK), b"")
            self.size = _size(body)
        elif hasattr(body, "__aiter__"):
            self._later = body.__aiter__()
        else:
            self._items = iter(body)

    def _next(self) -> bytes | None:
        if self._items is None:
            from . import _native

            message = "Pieces that are awaited can be sent by an `AsyncClient` only."
            raise _native.invalid_input("body", message)
        found = _Some()
        for item in self._items:
            if found.enough(item):
                break
        return found.piece()

    def next(self) -> bytes | None:
        """The next piece; ``None`` at the end."""
        return self._next()

    async def next_async(self) -> bytes | None:
        """The next piece; the event loop goes on while it is read."""
        if self._later is None:
            from asyncio import get_running_loop

            return await get_running_loop().run_in_executor(None, self._next)
        found = _Some()
        async for item in self._later:
            if found.enough(item):
                break
        return found.piece()


def file_body(
    body: Any, archive: str, heard: bool, begun: Pieces | bytes | None = None
) -> tuple[object, str | None]:
    """The body of a call that takes JSON or a file, and the media type of a file.

    Args:
        body: JSON, a model, or a file in any form.
        archive: Media type of files that are not JSON.
        heard: Whether somebody wants to hear of the progress.
        begun: The body where it was begun to be read already.
    """
    path = _path(body)
    if path is not None:
        try:
            _regular(path)
            with open(path, "rb") as file:
                media = _media(file.read(_BEGINNING), archive)
        except (OSError, ValueError) as error:
            from ._generated.errors import FileError

            why = getattr(error, "strerror", None) or error
            raise FileError(f"{path!r} cannot be read: {why}.", {"field": "body"}) from error
        return Upload({"path": path, "content_type": media}), None
    data = begun if begun is not None else _begin(body)
    if data is None:
        return body, None
    if isinstance(data, Pieces):
        # What it is, the core finds out from how it begins.
        return Upload({"size": data.size}, pieces=data), None
    media = _media(data, archive)
    if heard:
        return Upload({"bytes": True, "content_type": media}, data), None
    return data, media


def form_file(
    file: Any, filename: object, heard: bool, begun: Pieces | bytes | None = None
) -> tuple[object, str | None]:
    """The file of a form as a body, and its name where the body does not say it.

    Args:
        file: A file in any form.
        filename: Its name, where the caller says one.
        heard: Whether somebody wants to hear of the progress.
        begun: The file where it was begun to be read already.
    """
    path = _path(file)
    if filename is NOT_GIVEN:
        named = getattr(file, "name", "") if path is None else path
        text = named if isinstance(named, str) else ""
        filename = text.replace("\\", "/").rpartition("/")[2] or "upload"
    if path is not None:
        return Upload({"path": path, "filename": filename}), None
    data = begun if begun is not None else _begin(file)
    if data is None:
        from . import _native

        message = f"`file` has to be a file, not {type(file).__name__}."
        raise _native.invalid_input("file", message)
    if isinstance(data, Pieces):
        return Upload({"filename": filename, "size": data.size}, pieces=data), None
    if heard:
        return Upload({"bytes": True, "filename": filename}, data), None
    return data, str(filename)


async def file_body_async(body: Any, archive: str, heard: bool) -> tuple[object, str | None]:
    """As :func:`file_body`, for coroutines."""
    return file_body(body, archive, heard, _begin_async(body))


async def form_file_async(file: Any, filename: object, heard: bool) -> tuple[object, str | None]:
    """As :func:`form_file`, for coroutines."""
    return form_file(file, filename, heard, _begin_async(file))


def _regular(path: str) -> None:
    """Refuses what is no file: to open a pipe is to wait for whoever writes into it."""
    import os
    import stat

    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(0, "it is no file")


def _path(body: Any) -> str | None:
    if not hasattr(body, "__fspath__"):
        return None
    import os

    return os.fsdecode(body)


def _media(beginning: bytes, archive: str) -> str:
    # A file of this API that is not an archive is JSON, which begins with a bracket.
    text = beginning[:_BEGINNING].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "application/json" if text[:1] in (b"{", b"[") else archive


def _size(file: Any) -> int | None:
    """How many bytes a file object still has, where asking for it costs nothing."""
    import io

    if not isinstance(file, (io.BytesIO, io.BufferedReader, io.FileIO)) or not file.seekable():
        return None
    here = file.tell()
    end = file.seek(0, 2)
    file.seek(here)
    return max(end - here, 0)


def _begin(body: Any) -> Pieces | bytes | None:
    """The bytes of a file, or its pieces where it is large; ``None`` for what is no file."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if not _in_pieces(body):
        return None
    return Pieces(body)


def _begin_async(body: Any) -> Pieces | None:
    # Not read here: the core asks for it within the time of the call.
    return Pieces(body) if _in_pieces(body) else None


def _in_pieces(body: Any) -> bool:
    if hasattr(body, "__fspath__") or isinstance(body, (bytes, bytearray, memoryview)):
        return False
    if hasattr(body, "read") or hasattr(body, "__aiter__"):
        return True
    if isinstance(body, (str, dict, list, tuple)) or not hasattr(body, "__iter__"):
        return False
    return not (hasattr(body, "to_dict") or hasattr(body, "keys"))


def _checked(data: object) -> bytes:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    from . import _native

    message = f'`body` has to be read as bytes, not {type(data).__name__}: open it with "rb".'
    raise _native.invalid_input("body", message)
