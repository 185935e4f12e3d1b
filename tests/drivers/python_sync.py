"""Driver of ``Client``: performs each job and reports; asserts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langflow_api import Client, LangflowError, Stream

from common import (
    answer,
    arguments,
    error_report,
    event_report,
    jobs,
    method,
    result_report,
    value_report,
    verified,
)


def follow(stream: Stream) -> dict[str, Any]:
    """The events of a stream and what it ended with."""
    events: list[Any] = []
    with stream:
        try:
            for event in stream:
                events.append(event_report(event))
        except LangflowError as error:
            return {"events": events, "error": error_report(error)}
    return {"events": events, "error": None}


def perform(job: dict[str, Any]) -> dict[str, Any]:
    """The report of a job."""
    call = job["call"]
    client = Client(**job["client"])
    if call["method"] == "new":
        return {"result": None}
    if call["method"] == "run_flow":
        for _ in range(call.get("times", 1) - 1):
            client.run_flow(**arguments(call))
        return {"result": result_report(client.run_flow(**arguments(call)))}
    if call["method"] == "stream_flow":
        return follow(client.stream_flow(**arguments(call)))
    if call["method"] == "job":
        started = client.run_flow(**arguments(call), background=True)
        return {"result": result_report(started.wait())}
    if call["method"] == "job.events":
        named = client.job(call["args"]["job_id"])
        return follow(named.events(call["args"].get("last_event_id")))
    if call["method"] in ("job.info", "job.cancel"):
        named = client.job(call["args"]["job_id"])
        name = call["method"].partition(".")[2]
        return {"result": value_report(getattr(named, name)())}
    if call["method"] == "request":
        return {"result": value_report((client.request(**arguments(call))).parse())}
    if call["method"] == "webhook.verify":
        return {"result": verified(call)}
    if call["method"] == "upload":
        made = client.flows.import_(Path(call["path"]))
        return {"result": value_report(made)}
    return {"result": value_report(method(client, call["method"])(**arguments(call)))}


for job in jobs():
    try:
        report = perform(job)
    except LangflowError as error:
        report = {"error": error_report(error)}
    except TypeError as error:
        # A name that the signature does not have: Python's own words for it.
        report = (
            {"unsayable": True} if "unexpected keyword" in str(error) else {"error": repr(error)}
        )
    answer(job, report)
