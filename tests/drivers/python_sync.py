"""Driver of ``Client``: performs each job and reports; asserts nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from langflow_api import Client, LangflowError

from common import (
    answer,
    arguments,
    error_report,
    event_report,
    jobs,
    method,
    result_report,
    value_report,
)


def perform(job: dict[str, Any]) -> dict[str, Any]:
    """The report of a job."""
    call = job["call"]
    client = Client(**job["client"])
    if call["method"] == "new":
        return {"result": None}
    if call["method"] == "run_flow":
        return {"result": result_report(client.run_flow(**arguments(call)))}
    if call["method"] == "stream_flow":
        events: list[Any] = []
        with client.stream_flow(**arguments(call)) as stream:
            try:
                for event in stream:
                    events.append(event_report(event))
            except LangflowError as error:
                return {"events": events, "error": error_report(error)}
        return {"events": events, "error": None}
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
