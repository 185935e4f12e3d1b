"""Whatever a server answers, a call ends with a value or with one of our errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from langflow_api import Client, InternalError, LangflowError, Page, Stream
from langflow_api._resource import Resource
from support import RawServer

ANSWERS = [b"null", b"5", b'"x"', b"[]", b"[5]", b"{}", b'{"items":5}', b"true", b""]


def argument(kind: str) -> object:
    """Something that an argument of this type can be."""
    for name, value in (("File", b"x"), ("str", "x"), ("int", 1), ("list", []), ("Sequence", [])):
        if name in kind:
            return value
    return {}


def methods(client: Client, api: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """All methods of all resources, with what they need."""
    face: Any = client if api == "workspace" else client.langflow
    for name in dir(face):
        resource = None if name.startswith("_") else getattr(face, name)
        if not isinstance(resource, Resource):
            continue
        for called in dir(resource):
            if called.startswith("_") or called in ("with_raw_response", "save_to"):
                continue
            method = getattr(resource, called)
            needed = {
                parameter.name: argument(str(parameter.annotation))
                for parameter in inspect.signature(method).parameters.values()
                if parameter.default is inspect.Parameter.empty
            }
            yield f"{name}.{called}", partial(method, **needed)


def others(client: Client) -> dict[str, Callable[[], object]]:
    """What calls operations by itself."""
    return {
        "run": lambda: client.run_flow("f", "x").text,
        "stream": lambda: client.stream_flow("f", "x"),
        "background": lambda: client.run_flow("f", "x", background=True),
        "job.info": lambda: client.job("j").info(),
        "job.wait": lambda: client.job("j").wait(timeout=0.2),
        "job.cancel": lambda: client.job("j").cancel(),
        "session.info": lambda: client.session("f", "s").info(),
        "session.messages": lambda: client.session("f", "s").messages(),
        "session.clear": lambda: client.session("f", "s").clear(),
        "check_tweaks": lambda: client.check_tweaks("f", {"A-1": {}}),
        "export_flow": lambda: client.export_flow("f"),
        "export_flow python": lambda: client.export_flow("f", "python"),
    }


@pytest.mark.parametrize("api", ["workspace", "langflow"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_answer_is_an_error_of_the_language(raw: RawServer, api: str, answer: bytes) -> None:
    raw.script = lambda connection, _: connection.answer(answer)
    client = Client(raw.url, "k", api=api, max_retries=0)
    calls = [*methods(client, api), *others(client).items()]
    assert len(calls) > 40
    internal: list[tuple[str, str]] = []
    for name, call in calls:
        try:
            value = call()
            if isinstance(value, Page):
                value = list(value)
            elif isinstance(value, Stream):
                value = value.get_final_result()
            assert repr(value), name
        except LangflowError as error:
            if isinstance(error, InternalError):
                internal.append((name, str(error)))
    assert internal == []
