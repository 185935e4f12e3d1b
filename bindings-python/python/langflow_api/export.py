"""Flows as code: Python that runs without Langflow, calls in four languages, typed tweaks.

Nothing here needs a client or a server::

    from langflow_api import export

    print(export.to_python(open("flow.json").read()))
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal, Union

    from ._models import Model

    Flow = Union[str, bytes, os.PathLike[str], Mapping[str, Any], Model]
    """A flow file: its text, its path, what it says as a mapping, or an answer of the client."""

__all__ = ["snippet", "to_python", "tweak_types"]


def to_python(
    flow: Flow,
    *,
    stubs: bool = False,
    stream: bool = False,
    asynchronous: bool = False,
    tweaks: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """A flow as a Python program over LangChain that does the same and needs no Langflow.

    The program defines ``run(input_value, *, session_id)``, can be run by itself, and says in its
    header what it needs. No secret of the flow is in it.

    Args:
        flow: The flow file.
        stubs: Write functions that raise for what cannot be said in Python, instead of refusing.
        stream: Add ``stream()``, and ``astream()`` where ``asynchronous`` is set too.
        asynchronous: Add ``arun()``, which can be awaited.
        tweaks: Settings of components that are changed first, as in a run.

    Returns:
        The program, formatted as ``ruff format`` has it.

    Raises:
        InvalidInput: the file is no flow, or it holds components without a translation; the message
            names all of them, with the reasons.
    """
    options: dict[str, object] = {
        "stubs": stubs,
        "stream": stream,
        "asynchronous": asynchronous,
        "tweaks": None if tweaks is None else {key: dict(value) for key, value in tweaks.items()},
    }
    return _compute("export.to_python", options, flow)


def snippet(
    flow: Flow,
    language: Literal["python", "typescript", "rust", "curl"],
    *,
    flow_id: str | None = None,
    base_url: str | None = None,
    input_value: str | None = None,
) -> str:
    """The code that calls a flow with this client, its components by name.

    Args:
        flow: The flow file.
        language: What to write.
        flow_id: Id of the flow on its server; a placeholder if absent.
        base_url: Where the workspace is; from the environment if absent.
        input_value: What is asked; the text of the flow's own Chat Input if absent.

    Returns:
        The code. The key comes from the environment in every language.

    Raises:
        InvalidInput: the file is no flow.
    """
    about: dict[str, object] = {
        "language": language,
        "flow_id": flow_id,
        "base_url": base_url,
        "input_value": input_value,
    }
    return _compute("export.snippet", about, flow)


def tweak_types(flow: Flow, language: Literal["python", "typescript"]) -> str:
    """What can be set in a flow for one run, as types that a checker understands.

    Args:
        flow: The flow file.
        language: What to write.

    Returns:
        A module with a type for each component and one for all of them.

    Raises:
        InvalidInput: the file is no flow.
    """
    return _compute("export.types", {"language": language}, flow)


def _compute(name: str, args: dict[str, object], flow: Flow) -> str:
    text: str = json.loads(_native.compute(name, json.dumps(args), _file(flow)))
    return text


def _file(flow: Flow) -> bytes:
    """The bytes of a flow file."""
    if isinstance(flow, bytes):
        return flow
    if isinstance(flow, os.PathLike):
        return Path(flow).read_bytes()
    if isinstance(flow, str):
        return flow.encode()
    to_dict = getattr(flow, "to_dict", None)
    try:
        plain = dict(flow) if to_dict is None else to_dict()  # type: ignore[arg-type]
        return json.dumps(plain).encode()
    except (TypeError, ValueError) as error:
        message = f"A flow is a text, a path, a mapping or an answer of the client: {error}."
        raise _native.invalid_input("flow", message) from None
