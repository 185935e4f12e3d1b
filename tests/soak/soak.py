"""Calls and streams that their reader leaves, in Python: nothing is left behind.

``LANGFLOW_MOCK_BIN=langflow-mock python soak.py [CALLS] [STREAMS]``. The mock is a process of its
own: what it remembers is not the client's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from langflow_api import AsyncClient, Client, LangflowError

CALLS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
STREAMS = int(sys.argv[2]) if len(sys.argv) > 2 else 300


def held() -> dict[str, int]:
    """Sockets, threads and memory (kB) of this process."""
    links = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(entry))
        except OSError:
            continue
    status = Path("/proc/self/status").read_text().splitlines()
    number = {line.split(":")[0]: line.split()[1] for line in status if len(line.split()) > 1}
    return {
        "sockets": sum(link.startswith("socket:") for link in links),
        "threads": int(number["Threads"]),
        "python threads": threading.active_count(),
        "memory": int(number["VmRSS"]),
    }


def sync(client: Client, calls: int, streams: int) -> None:
    for number in range(calls):
        if number % 4 == 0:
            try:
                client.flows.get("no-such-flow")
            except LangflowError:
                pass
        else:
            client.run_flow(flow_id="echo", input_value="Hi")
    for number in range(streams):
        with client.stream_flow(flow_id="hello-flow", input_value="Hello!") as stream:
            for seen, _ in enumerate(stream):
                if seen >= number % 4:
                    break


async def concurrent(url: str, key: str, calls: int, streams: int) -> None:
    gate = asyncio.Semaphore(16)

    async def call(client: AsyncClient) -> None:
        async with gate:
            await client.run_flow(flow_id="echo", input_value="Hi")

    async def left(client: AsyncClient, number: int) -> None:
        async with gate, client.stream_flow(flow_id="hello-flow", input_value="Hello!") as stream:
            seen = 0
            async for _ in stream:
                seen += 1
                if seen > number % 4:
                    break

    async with AsyncClient(base_url=url, api_key=key) as client:
        await asyncio.gather(*(call(client) for _ in range(calls)))
        await asyncio.gather(*(left(client, number) for number in range(streams)))
    assert len(asyncio.all_tasks()) == 1, "tasks are left"


def soak(url: str, key: str) -> None:
    client = Client(base_url=url, api_key=key)

    def all_of_it(share: float) -> None:
        sync(client, int(CALLS * share), int(STREAMS * share))
        asyncio.run(concurrent(url, key, int(CALLS * share), int(STREAMS * share)))

    # As much as is counted below: the memory of a process grows until about 4,000 calls and
    # stays then (29.3 MiB after 6,000, 29.5 MiB after 24,000): less would count the way there.
    all_of_it(1.0)
    gc.collect()
    # Connections that nobody uses for 1.5 s are closed when the pool looks the next time.
    time.sleep(4)
    before = held()
    all_of_it(1.0)
    gc.collect()
    time.sleep(4)
    after = held()
    print(f"{2 * CALLS} calls, {2 * STREAMS} streams\nbefore {before}\nafter  {after}")
    assert after["sockets"] <= before["sockets"] + 2, "sockets"
    assert after["threads"] <= before["threads"], "threads"
    assert after["python threads"] <= before["python threads"], "threads of Python"
    assert after["memory"] <= before["memory"] + 3 * 1024, "memory"
    client.close()
    print("1 passed in soak")


command = [os.environ["LANGFLOW_MOCK_BIN"], "serve", "--port", "0", "--ready-json"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as mock:
    try:
        assert mock.stdout is not None
        ready = json.loads(mock.stdout.readline())
        soak(ready["url"], ready["api_key"])
    finally:
        mock.kill()
