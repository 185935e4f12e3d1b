"""Bodies that are given as files: bytes, a path, a file object, or pieces."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import IO, Any, Union

    FileInput = Union[bytes, bytearray, "os.PathLike[str]", IO[bytes], Iterable[bytes]]
    """What a file can be: its bytes, its path (:class:`pathlib.Path`), a file object opened for
    reading in binary mode, or its pieces. A ``str`` is no path."""


def file_body(body: Any, archive: str) -> tuple[object, str | None]:
    """The body of a call that takes JSON or a file, and the media type of a file.

    Args:
        body: JSON, a model, or a file in any form.
        archive: Media type of files that are not JSON.
    """
    data = read(body)
    if data is None:
        return body, None
    # A file of this API that is not an archive is JSON, which begins with a bracket.
    beginning = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    return data, "application/json" if beginning[:1] in (b"{", b"[") else archive


def form_file(file: Any, filename: object) -> tuple[bytes, str]:
    """The bytes of a file for a form, and its name.

    Args:
        file: A file in any form.
        filename: Its name, where the caller says one.
    """
    from ._given import NOT_GIVEN

    data = read(file)
    if data is None:
        from . import _native

        message = f"`file` has to be a file, not {type(file).__name__}."
        raise _native.invalid_input("file", message)
    if filename is NOT_GIVEN:
        named = file.__fspath__() if hasattr(file, "__fspath__") else getattr(file, "name", "")
        text = named if isinstance(named, str) else ""
        filename = text.replace("\\", "/").rpartition("/")[2] or "upload"
    return data, str(filename)


def read(body: Any) -> bytes | None:
    """The bytes of a file, or ``None`` for what is no file."""
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    if hasattr(body, "__fspath__"):
        with open(body, "rb") as file:
            return file.read()
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
