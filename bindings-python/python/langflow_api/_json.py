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


def check(value: object) -> None:
    """Refuses what :func:`dumps` writes and a reader takes for something else.

    Args:
        value: What :func:`dumps` has written: it does not contain itself.

    Raises:
        ValueError: it has an integer that others read as a float, or two keys that are one as text.
    """
    waiting = [value]
    while waiting:
        one = waiting.pop()
        kind = type(one)
        if kind is str or one is None or kind is bool or kind is float:
            continue
        if isinstance(one, int):
            if not -(2**63) <= one < 2**64:
                raise ValueError("it has an integer of more than 64 bits; send it as text")
        elif isinstance(one, dict):
            if any(type(key) is not str for key in one):
                _check_keys(one)
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple)):
            waiting.extend(one)
        elif isinstance(one, Model) or hasattr(one, "keys"):
            waiting.append(_other(one))


def _check_keys(value: dict[Any, object]) -> None:
    import json

    seen: set[str] = set()
    for key in value:
        name = key if isinstance(key, str) else json.dumps(key)
        if name in seen:
            raise ValueError(f"two of its keys are `{name}` as text")
        seen.add(name)


def _other(value: object) -> object:
    if isinstance(value, Model):
        return value.to_dict()
    if hasattr(value, "keys"):
        return {key: value[key] for key in value.keys()}  # type: ignore[index]
    moment = getattr(value, "isoformat", None)
    if moment is not None:
        return moment()
    raise TypeError(f"{type(value).__name__} is not JSON")
