"""``flows`` and ``export``."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langflow_api import LangflowError, _native
from langflow_api._given import NOT_GIVEN

from .. import export as code
from . import output
from .client import client

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

FORMATS = (
    "json",
    "python",
    "call-python",
    "call-typescript",
    "call-rust",
    "call-curl",
    "tweaks-python",
    "tweaks-typescript",
)
"""What `export` can write."""


def list_flows(arguments: argparse.Namespace) -> int:
    """A table of the flows."""
    with client(arguments) as caller:
        found = list(caller.flows.list(size=100, q=arguments.query or NOT_GIVEN))
    if arguments.json:
        output.show_json([flow.to_dict() for flow in found])
    else:
        rows = ((flow.id, flow.name, flow.updated_at) for flow in found)
        output.table(("id", "name", "updated"), rows)
    return 0


def file_name(flow_id: str, name: str) -> str:
    """A file name of the flow's name and id. Neither can lead out of the folder."""
    words = re.sub(r"[^\w-]+", "-", name, flags=re.ASCII).strip("-_").lower()[:60]
    ident = re.sub(r"[^\w-]+", "-", flow_id, flags=re.ASCII).strip("-") or "flow"
    return f"{words}.{ident}.json" if words and words != ident.lower() else f"{ident}.json"


def pull(arguments: argparse.Namespace) -> int:
    """Saves flows; what a file says already is not written again."""
    folder = Path(arguments.output)
    with client(arguments) as caller:
        if arguments.flow:
            wanted = list(arguments.flow)
        else:
            wanted = [flow.id for flow in caller.flows.list(size=100)]
        folder.mkdir(parents=True, exist_ok=True)
        saved: list[dict[str, Any]] = []
        for flow_id in output.progress(wanted, "pull"):
            file = caller.flows.export(flow_id)
            path = folder / file_name(flow_id, file.name)
            text = json.dumps(file.to_dict(), indent=2, ensure_ascii=False) + "\n"
            changed = not path.exists() or path.read_text(encoding="utf-8") != text
            if changed:
                path.write_text(text, encoding="utf-8")
            saved.append({"id": flow_id, "path": str(path), "changed": changed})
    if arguments.json:
        output.show_json(saved)
    else:
        for one in saved:
            print(f"{one['path']}{'' if one['changed'] else ' (unchanged)'}")
    return 0


def pull_project(arguments: argparse.Namespace) -> int:
    """Saves a project of an open-source server as a folder."""
    with client(arguments) as caller:
        return _report(arguments, caller.pull_project(arguments.project, arguments.output))


def push_project(arguments: argparse.Namespace) -> int:
    """Brings a folder to an open-source server."""
    with client(arguments) as caller:
        return _report(arguments, caller.push_project(arguments.folder))


def _report(arguments: argparse.Namespace, report: dict[str, Any]) -> int:
    if arguments.json:
        output.show_json(report)
    else:
        rows = (
            (flow["file"], flow["id"], flow["name"], flow["action"]) for flow in report["flows"]
        )
        output.table(("file", "id", "name", "what"), rows)
    return 0


def push(arguments: argparse.Namespace) -> int:
    """Imports flows from files."""
    paths = list(files(arguments.path))
    made: list[dict[str, Any]] = []
    with client(arguments) as caller:
        for path in output.progress(paths, "push"):
            try:
                answered = caller.flows.import_(path, on_conflict=arguments.on_conflict)
            except LangflowError:
                _pushed(arguments, made)
                output.say(f"{path} was not pushed, nor what comes after it:")
                raise
            made.extend({"path": str(path), **flow.to_dict()} for flow in answered.flows)
    _pushed(arguments, made)
    return 0


def _pushed(arguments: argparse.Namespace, made: list[dict[str, Any]]) -> None:
    if arguments.json:
        output.show_json(made)
    else:
        output.table(
            ("file", "id", "name"), ((one["path"], one["id"], one["name"]) for one in made)
        )


def files(names: list[str]) -> Iterator[Path]:
    """The files, and those in the folders."""
    for name in names:
        path = Path(name)
        if path.is_dir():
            whole = path.resolve()
            # A link may lead to what nobody meant to send.
            found = [one for one in path.glob("*.json") if whole in one.resolve().parents]
            if not found:
                raise FileNotFoundError(2, "no *.json in the folder", name)
            yield from sorted(found)
        elif path.exists():
            yield path
        else:
            raise FileNotFoundError(2, "no such file", name)


def export(arguments: argparse.Namespace) -> int:
    """A flow as a file, read from a server or from a file."""
    path = Path(arguments.flow)
    kind, _, language = arguments.format.partition("-")
    if not path.is_file():
        with client(arguments) as caller:
            if kind == "python":
                text = caller.export_flow(arguments.flow, "python", stubs=arguments.stubs)
                return _write(text, arguments.output)
            content = json.dumps(caller.flows.export(arguments.flow).to_dict(), ensure_ascii=False)
    else:
        content = path.read_text(encoding="utf-8")
    if kind == "python":
        text = code.to_python(content, stubs=arguments.stubs)
    elif kind == "call":
        named = None if path.is_file() else arguments.flow
        text = code.snippet(content, language, flow_id=named)
    elif kind == "tweaks":
        text = code.tweak_types(content, language)
    else:
        text = json.dumps(json.loads(content), indent=2, ensure_ascii=False) + "\n"
    return _write(text, arguments.output)


def _write(text: str, name: str | None) -> int:
    if name and (name.endswith(("/", os.sep)) or Path(name).is_dir()):
        raise _native.invalid_input("output", f"`--output` has to be a file, not a folder: {name}")
    if name:
        Path(name).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0
