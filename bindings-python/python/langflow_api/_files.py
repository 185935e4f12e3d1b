"""Bodies that are given as files: bytes, a path, a file object, or pieces."""

from __future__ import annotations

from ._given import NOT_GIVEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import IO, Any, Union

    FileInput = Union[bytes, bytearray, "os.PathLike[str]", IO[bytes], Iterable[bytes]]
    """What a file can be: its bytes, its path (:class:`pathlib.Path`), a file object opened for
    reading in binary mode, or its pieces. A ``str`` is no path."""

# As much of a file as says what it is.
_BEGINNING = 64


class Upload:
    """A file that is sent as it is read, or whose progress somebody wants to hear of.

    Args:
        source: What the engine is told of it.
        data: Its bytes, where ``source`` has no path.
    """

    __slots__ = ("data", "source")

    def __init__(self, source: dict[str, object], data: bytes = b"") -> None:
        self.source = source
        self.data = data


def file_body(body: Any, archive: str, heard: bool) -> tuple[object, str | None]:
    """The body of a call that takes JSON or a file, and the media type of a file.

    Args:
        body: JSON, a model, or a file in any form.
        archive: Media type of files that are not JSON.
        heard: Whether somebody wants to hear of the progress.
    """
    path = _path(body)
    if path is not None:
        with open(path, "rb") as file:
            media = _media(file.read(_BEGINNING), archive)
        return Upload({"path": path, "content_type": media}), None
    data = read(body)
    if data is None:
        return body, None
    media = _media(data, archive)
    if heard:
        return Upload({"bytes": True, "content_type": media}, data), None
    return data, media


def form_file(file: Any, filename: object, heard: bool) -> tuple[object, str | None]:
    """The file of a form as a body, and its name where the body does not say it.

    Args:
        file: A file in any form.
        filename: Its name, where the caller says one.
        heard: Whether somebody wants to hear of the progress.
    """
    path = _path(file)
    if filename is NOT_GIVEN:
        named = getattr(file, "name", "") if path is None else path
        text = named if isinstance(named, str) else ""
        filename = text.replace("\\", "/").rpartition("/")[2] or "upload"
    if path is not None:
        return Upload({"path": path, "filename": filename}), None
    data = read(file)
    if data is None:
        from . import _native

        message = f"`file` has to be a file, not {type(file).__name__}."
        raise _native.invalid_input("file", message)
    if heard:
        return Upload({"bytes": True, "filename": filename}, data), None
    return data, str(filename)


def _path(body: Any) -> str | None:
    if not hasattr(body, "__fspath__"):
        return None
    import os

    return os.fsdecode(body)


def _media(beginning: bytes, archive: str) -> str:
    # A file of this API that is not an archive is JSON, which begins with a bracket.
    text = beginning[:_BEGINNING].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "application/json" if text[:1] in (b"{", b"[") else archive


def read(body: Any) -> bytes | None:
    """The bytes of a file, or ``None`` for what is no file."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if hasattr(body, "read"):
        return _checked(body.read())
    if isinstance(body, (str, dict, list, tuple)) or not hasattr(body, "__iter__"):
        return None
    if hasattr(body, "to_dict") or hasattr(body, "keys"):
        return None
    return b"".join(_checked(piece) for piece in body)


def _checked(data: object) -> bytes:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    from . import _native

    message = f'`body` has to be read as bytes, not {type(data).__name__}: open it with "rb".'
    raise _native.invalid_input("body", message)
