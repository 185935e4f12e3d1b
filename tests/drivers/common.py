"""What the two Python drivers share: reading jobs, and reporting what a call ended with."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from langflow_api import LangflowError, NoSingleOutput, RunResult, webhooks

REPORTED = (
    "code message hint phase may_have_executed status field server_code errors request_id "
    "retry_after attempts method url elapsed partial_text outputs body"
).split()


def jobs() -> Iterator[dict[str, Any]]:
    """The jobs, one a line."""
    for line in sys.stdin:
        yield json.loads(line)


def answer(job: dict[str, Any], report: dict[str, Any]) -> None:
    """Reports on a job."""
    sys.stdout.write(json.dumps({"id": job["id"], **report}) + "\n")
    sys.stdout.flush()


def error_report(error: LangflowError) -> dict[str, Any]:
    """An error by its wire names, read from its attributes as a program would."""
    report = {name: getattr(error, name) for name in REPORTED}
    return {**report, "class": type(error).__name__, "display": f"{error} {error!r}"}


def result_report(result: RunResult) -> dict[str, Any]:
    """A result by its wire names, read from its attributes as a program would."""
    try:
        text: Any = result.text
        text_error = None
    except NoSingleOutput as error:
        text, text_error = None, error_report(error)
    return {
        **result.to_dict(),
        "output": result.output,
        "session_id": result.session_id,
        "session_status": result.session_status,
        "reason": result.reason,
        "cached": result.cached,
        "skipped_events": result.skipped_events,
        "raw": result.raw,
        "request_id": result.request_id,
        "text": text,
        "text_error": text_error,
    }


def event_report(event: Any) -> dict[str, Any]:
    """An event by its wire names."""
    if event.type == "end":
        return {"type": "end", "id": event.id, "result": result_report(event.result)}
    return event.to_dict()


def value_report(value: Any) -> Any:
    """What an operation answers with, as JSON."""
    if isinstance(value, list):
        return [value_report(item) for item in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def verified(call: dict[str, Any]) -> dict[str, Any]:
    """A delivery, verified."""
    args = call["args"]
    body, headers, secrets = args["body"].encode(), args["headers"], args["secrets"]
    return webhooks.verify(body, headers, secrets, tolerance=args["tolerance"]).to_dict()


def arguments(call: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a resource method: parameters and body fields are one list of names."""
    merged = {**(call.get("args") or {}), **(call.get("body") or {}), **(call.get("options") or {})}
    return {name.lower().replace("-", "_"): value for name, value in merged.items()}


def method(client: Any, name: str) -> Any:
    """``flows.list`` of a client."""
    for part in name.split("."):
        client = getattr(client, part)
    return client
