"""Differences between openapi/langflow.yaml and the document that a server has of itself.

A difference is a line of text that names the operation and what differs; `differences.yaml` lists
those that are meant, with their reasons.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

METHODS = ("get", "post", "put", "patch", "delete")
FORM_FIELDS = "application/x-www-form-urlencoded"


class Document:
    """An OpenAPI document: its operations, with references followed."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def resolve(self, node: Any) -> Any:
        """The node that is meant: behind references, and without the null beside it."""
        while isinstance(node, dict):
            if "$ref" in node:
                found: Any = self.data
                for part in node["$ref"][2:].split("/"):
                    found = found[part.replace("~1", "/")]
                node = found
                continue
            parts = node.get("anyOf") or node.get("allOf") or []
            real = [part for part in parts if part.get("type") != "null"]
            if len(real) != 1:
                return node
            node = real[0]
        return node

    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        found = {}
        for path, item in self.data["paths"].items():
            for method in METHODS:
                if method in item:
                    shared = item.get("parameters", [])
                    own = item[method].get("parameters", [])
                    found[method.upper(), path] = {**item[method], "parameters": shared + own}
        return found

    def parameters(self, operation: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
        listed = [self.resolve(node) for node in operation["parameters"]]
        return {(node["in"], node["name"]): node for node in listed}

    def kind(self, schema: Any) -> str:
        """What a parameter may be, in words that both documents share."""
        node = self.resolve(schema)
        if "enum" in node:
            return " or ".join(sorted(node["enum"]))
        return str(node.get("type", "anything"))

    def body(self, operation: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        """Whether a body is needed, and its schemas by media type."""
        node = self.resolve(operation.get("requestBody") or {})
        content = node.get("content", {})
        return bool(node.get("required")), {
            name: self.resolve(media.get("schema", {})) for name, media in content.items()
        }

    def answers(self, operation: dict[str, Any]) -> dict[str, Any]:
        """The JSON schemas of the success answers, by status; a list stands for its items."""
        found = {}
        for status, reference in operation["responses"].items():
            if status.startswith("2"):
                content = self.resolve(reference).get("content", {})
                schema = self.resolve(content.get("application/json", {}).get("schema", {}))
                while schema.get("type") == "array":
                    schema = self.resolve(schema["items"])
                found[status] = schema
        return found


def differences(ours: Document, theirs: Document) -> Iterator[str]:
    """Every difference, in the order of our document, and what only the server has."""
    mine, known = ours.operations(), theirs.operations()
    for (method, path), operation in mine.items():
        name = f"{method} {path}"
        hidden = operation["x-origin"] == "hidden"
        twin = (method, _same(path, known, method))
        if hidden:
            if twin in known:
                yield f"{name}: the server documents it by now"
        elif twin not in known:
            yield f"{name}: the server has no such operation"
        else:
            for difference in _operation(ours, operation, theirs, known[twin]):
                yield f"{name}: {difference}"
            if path != twin[1]:
                yield f"{name}: the server writes {twin[1]}"
    for method, path in known:
        if (method, _same(path, mine, method)) not in mine:
            yield f"{method} {path}: only the server has it"


def _shape(path: str) -> list[str]:
    return ["{}" if part.startswith("{") else part for part in path.split("/")]


def _same(path: str, known: dict[tuple[str, str], Any], method: str) -> str:
    """The path of the other document that differs in the names of its parameters at most."""
    if (method, path) in known:
        return path
    twins = (other for m, other in known if m == method and _shape(other) == _shape(path))
    return next(twins, path)


def _operation(
    ours: Document, mine: dict[str, Any], theirs: Document, known: dict[str, Any]
) -> Iterator[str]:
    left, right = ours.parameters(mine), theirs.parameters(known)
    for key in [*left, *(key for key in right if key not in left)]:
        if key[0] == "path":
            continue
        name = f"parameter {key[1]}"
        if key not in right:
            yield f"{name}: the server has none"
        elif key not in left:
            yield f"{name}: only the server has it"
        else:
            if bool(left[key].get("required")) != bool(right[key].get("required")):
                yield f"{name}: the server says required: {bool(right[key].get('required'))}"
            kinds = ours.kind(left[key]["schema"]), theirs.kind(right[key]["schema"])
            if kinds[0] != kinds[1]:
                yield f"{name}: the server takes {kinds[1]}"
    yield from _bodies(ours.body(mine), theirs.body(known))
    statuses = ours.answers(mine), theirs.answers(known)
    for status in statuses[0]:
        if status not in statuses[1]:
            yield f"status {status}: the server says {', '.join(statuses[1])}"
            continue
        for difference in _fields(statuses[0][status], statuses[1][status], answer=True):
            yield f"answer {difference}"


def _bodies(left: tuple[bool, dict[str, Any]], right: tuple[bool, dict[str, Any]]) -> Iterator[str]:
    if left[0] != right[0]:
        yield f"body: the server says required: {right[0]}"
    for media, schema in left[1].items():
        if media not in right[1]:
            yield f"body: the server takes no {media}"
            continue
        for difference in _fields(schema, right[1][media], answer=False):
            yield f"body {difference}"


def _fields(left: dict[str, Any], right: dict[str, Any], *, answer: bool) -> Iterator[str]:
    ours, theirs = left.get("properties", {}), right.get("properties", {})
    if not ours:
        # A free map promises nothing.
        return
    if not theirs:
        # Most answers that are no model of the server's have no schema in its document at all.
        yield "the server says nothing of its fields"
        return
    for field in [*ours, *(field for field in theirs if field not in ours)]:
        if field not in theirs:
            yield f"field {field}: the server has none"
        elif field not in ours:
            yield f"field {field}: only the server has it"
        else:
            mine, known = field in left.get("required", []), field in right.get("required", [])
            # What an answer promises here must be promised there; less is no harm.
            if (mine and not known) or (known and not mine and not answer):
                yield f"field {field}: the server says required: {known}"


def unexplained(found: list[str], meant: list[dict[str, str]]) -> tuple[list[str], list[str]]:
    """Differences that no entry allows, and entries that allow nothing."""
    open_ = [line for line in found if not any(_fits(line, entry) for entry in meant)]
    stale = [entry["is"] for entry in meant if not any(_fits(line, entry) for line in found)]
    return open_, stale


def _fits(line: str, entry: dict[str, str]) -> bool:
    # Braces and brackets of a path are no pattern; only the star is.
    pattern = entry["is"].replace("[", "[[]")
    return fnmatch.fnmatchcase(line, pattern)
