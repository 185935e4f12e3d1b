"""JSON, loaded with the first call: it costs more than all the rest of the package's import."""

from __future__ import annotations

from ._models import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_read: Callable[[str | bytes], Any] | None = None
_write: Callable[[object], str] | None = None

UNSAYABLE = (TypeError, ValueError, RecursionError)
"""What :func:`dumps` raises where JSON cannot say a value."""


def loads(text: str | bytes) -> Any:
    """The value of a JSON text."""
    global _read
    if _read is None:
        import json

        _read = json.loads
    return _read(text)


def dumps(value: object) -> bytes:
    """The JSON text of a value: strict, as other languages read it too."""
    global _write
    if _write is None:
        import json

        _write = json.JSONEncoder(
            ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_other
        ).encode
    return _write(value).encode()


def _other(value: object) -> object:
    if isinstance(value, Model):
        return value.to_dict()
    if hasattr(value, "keys"):
        return {key: value[key] for key in value.keys()}  # type: ignore[index]
    moment = getattr(value, "isoformat", None)
    if moment is not None:
        return moment()
    raise TypeError(f"{type(value).__name__} is not JSON")
