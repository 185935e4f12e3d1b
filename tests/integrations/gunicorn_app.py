"""The application of the gunicorn test: preloaded, with clients that the master has used."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from langflow_api import AsyncClient, Client

client = Client()
coroutines = AsyncClient()
MASTER = os.getpid()
BEFORE = client.run_flow("echo", "in the master").text
ALSO_BEFORE = asyncio.run(coroutines.run_flow("echo", "in the master")).text


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with the text of a run and the process that ran it."""
    if scope["type"] != "http":
        return
    word = scope["query_string"].decode()
    text = (await coroutines.run_flow("echo", word)).text
    assert (await asyncio.to_thread(client.run_flow, "echo", word)).text == text
    body = f"{text} {os.getpid()} {MASTER}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
