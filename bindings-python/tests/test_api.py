"""The public surface that is written by hand stands in ``api.txt``: whoever changes it sees that.

``UPDATE_API=1`` writes the file anew. Of what is generated the code itself is the record: it is
checked in, and the gate compares it.
"""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import langflow_api

RECORD = Path(__file__).resolve().parents[1] / "api.txt"
# What needs packages of others has tests of its own beside them.
MODULES = ("langflow_api", "export", "langflow_sdk", "testing", "webhooks")


def modules() -> Iterator[ModuleType]:
    for name in MODULES:
        yield langflow_api if name == "langflow_api" else import_module(f"langflow_api.{name}")


def public(module: ModuleType) -> list[str]:
    names = getattr(module, "__all__", None)
    if names is None:
        # What was defined there, and not what it imports.
        own = module.__name__
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and getattr(value, "__module__", None) == own
        ]
    return sorted(name for name in names if name != "__version__")


def signature(function: object) -> str:
    try:
        # Annotations are texts here.
        return str(inspect.signature(function)).replace("'", "")  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "(...)"


def fields_of(kind: type) -> Iterable[str]:
    get: Any = getattr(inspect, "get_annotations", None)
    found: Iterable[str] = get(kind) if get else vars(kind).get("__annotations__", ())
    return found


def members(kind: type, name: str) -> Iterator[str]:
    """What a class has of its own or from a base that nobody can name."""
    seen: dict[str, object] = {}
    for base in reversed(kind.__mro__[:-1]):
        hidden = base is kind or base.__name__ not in langflow_api.__all__
        if base.__module__.startswith("langflow_api") and hidden:
            seen.update((field, None) for field in fields_of(base))
            seen.update(vars(base))
    for member in sorted(seen):
        value = seen[member]
        if member.startswith("_") and member != "__init__":
            continue
        plain = value.__func__ if isinstance(value, (classmethod, staticmethod)) else value
        if inspect.isfunction(plain):
            kind_of = "async " if inspect.iscoroutinefunction(plain) else ""
            yield f"{kind_of}{name}.{member}{signature(plain)}"
        else:
            yield f"{name}.{member}"


def surface() -> list[str]:
    lines: list[str] = []
    for module in modules():
        for name in public(module):
            value = getattr(module, name)
            path = f"{module.__name__}.{name}"
            if inspect.isclass(value):
                bases = ", ".join(base.__name__ for base in value.__bases__ if base is not object)
                lines.append(f"class {path}({bases})")
                if "_generated.errors" not in value.__module__:
                    lines += members(value, path)
            elif inspect.isfunction(value):
                lines.append(f"{path}{signature(value)}")
            else:
                lines.append(path)
    return lines


def test_the_public_surface_is_the_one_on_record() -> None:
    found = surface()
    if os.environ.get("UPDATE_API"):
        RECORD.write_text("\n".join(found) + "\n", encoding="utf-8")
    known = RECORD.read_text(encoding="utf-8").splitlines()
    change = "\n".join(difflib.unified_diff(known, found, "api.txt", "the package", lineterm=""))
    assert not change, f"{change}\n\nUPDATE_API=1 records it; the changelog has to say it."
