"""The contract as data: its operations, and whether a value is what a schema says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from docpage import HERE

METHODS = ("get", "post", "put", "patch", "delete")
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}


@dataclass(frozen=True)
class Operation:
    id: str
    method: str
    path: str
    permission: str
    own: str | None
    tag: str


@cache
def contract() -> dict[str, Any]:
    return yaml.safe_load((HERE / "../../openapi/workspace.yaml").read_text(encoding="utf-8"))


def operations() -> list[Operation]:
    return [
        Operation(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            permission=operation["x-permission"],
            own=operation.get("x-permission-own"),
            tag=operation["tags"][0],
        )
        for path, item in contract()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def schema(name: str) -> dict[str, Any]:
    return contract()["components"]["schemas"][name]


def differences(value: object, shape: dict[str, Any], at: str = "$") -> Iterator[str]:
    """Where a value is not what a schema says: as much of JSON Schema as the contract uses."""
    if "$ref" in shape:
        yield from differences(value, schema(shape["$ref"].rsplit("/", 1)[1]), at)
        return
    for part in shape.get("allOf", ()):
        yield from differences(value, part, at)
    if value is None and shape.get("nullable"):
        return
    expected = TYPES.get(shape.get("type", ""), object)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is int):
        yield f"{at} is no {shape['type']}: {value!r}"
        return
    if "enum" in shape and value not in shape["enum"]:
        yield f"{at} is none of {shape['enum']}: {value!r}"
    if isinstance(value, dict):
        known = shape.get("properties", {})
        yield from (f"{at} lacks {name}" for name in shape.get("required", ()) if name not in value)
        for name, inner in value.items():
            rest = shape.get("additionalProperties", {})
            if name not in known and rest is False:
                yield f"{at} may not have {name}"
            else:
                yield from differences(inner, known.get(name, rest), f"{at}.{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from differences(inner, shape.get("items", {}), f"{at}[{index}]")
