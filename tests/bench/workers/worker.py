"""One Python contender in a process of its own: `worker.py WHO URL`; see bench.py for the lines."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

BODY = {"input_value": "Hello!"}
HEADERS = {"Authorization": "Bearer sk-bench"}
Job = dict[str, Any]


def target(url: str, flow: str) -> str:
    return f"{url}/langflow/api/v1/flows/{flow}/run"


def text_of(answer: Any) -> int:
    if not answer["result"]["output"]:
        raise SystemExit("no text in the answer")
    return 1


def ours(url: str) -> Callable[[Job], int]:
    from langflow_api import Client

    client = Client(base_url=url, api_key="sk-bench")

    def perform(job: Job) -> int:
        done = 0
        if job["case"] == "many":
            inputs = ["Hello!"] * job["calls"]
            batch = client.run_many(job["flow"], inputs, concurrency=job["at_once"])
            return sum(bool(item.result and item.result.output) for item in batch)
        for _ in range(job["calls"]):
            if job["case"] == "stream":
                with client.stream_flow(job["flow"], "Hello!") as stream:
                    for event in stream:
                        done += event.type == "token"
            else:
                done += bool(client.run_flow(job["flow"], "Hello!").output)
        return done

    return perform


def ours_async(url: str) -> Callable[[Job], Awaitable[int]]:
    from langflow_api import AsyncClient

    client = AsyncClient(base_url=url, api_key="sk-bench")

    async def one(job: Job) -> int:
        if job["case"] != "stream":
            return bool((await client.run_flow(job["flow"], "Hello!")).output)
        done = 0
        async with client.stream_flow(job["flow"], "Hello!") as stream:
            async for event in stream:
                done += event.type == "token"
        return done

    return lambda job: at_once(job, one)


async def at_once(job: Job, one: Callable[[Job], Awaitable[int]]) -> int:
    """The job's calls, so many at once."""
    left, done = job["calls"], 0

    async def lane() -> None:
        nonlocal left, done
        while left > 0:
            left -= 1
            # Not `done += await`: that reads `done` before it waits.
            units = await one(job)
            done += units

    await asyncio.gather(*(lane() for _ in range(job["at_once"])))
    return done


def langflow_sdk(url: str) -> Callable[[Job], int]:
    import langflow_sdk

    client = langflow_sdk.Client(url, "sk-bench")

    def perform(job: Job) -> int:
        for _ in range(job["calls"]):
            if not client.run(job["flow"], "Hello!").first_text_output():
                raise SystemExit("no text in the answer")
        return job["calls"]

    return perform


def httpx(url: str) -> Callable[[Job], int]:
    import httpx as package

    client = package.Client(headers=HEADERS)
    return lambda job: sum(
        text_of(client.post(target(url, job["flow"]), json=BODY).json())
        for _ in range(job["calls"])
    )


def requests(url: str) -> Callable[[Job], int]:
    import requests as package

    session = package.Session()
    session.headers.update(HEADERS)
    return lambda job: sum(
        text_of(session.post(target(url, job["flow"]), json=BODY).json())
        for _ in range(job["calls"])
    )


def httpx_async(url: str) -> Callable[[Job], Awaitable[int]]:
    import httpx as package

    client = package.AsyncClient(headers=HEADERS)

    async def one(job: Job) -> int:
        return text_of((await client.post(target(url, job["flow"]), json=BODY)).json())

    return lambda job: at_once(job, one)


def aiohttp(url: str) -> Callable[[Job], Awaitable[int]]:
    import aiohttp as package

    session: Any = None

    async def one(job: Job) -> int:
        nonlocal session
        session = session or package.ClientSession(headers=HEADERS)
        async with session.post(target(url, job["flow"]), json=BODY) as answer:
            return text_of(await answer.json())

    return lambda job: at_once(job, one)


SYNC = {"langflow-api": ours, "langflow-sdk": langflow_sdk, "httpx": httpx, "requests": requests}
ASYNC = {"langflow-api-async": ours_async, "httpx-async": httpx_async, "aiohttp": aiohttp}


def measure(cpu: float, wall: float, units: int) -> None:
    took = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "units": units}
    print(json.dumps(took), flush=True)


def main(who: str, url: str) -> None:
    if who in SYNC:
        perform = SYNC[who](url)
        for line in sys.stdin:
            job = json.loads(line)
            cpu, wall = time.process_time(), time.perf_counter()
            measure(cpu, wall, perform(job))
        return

    async def loop() -> None:
        # One event loop for all jobs, as a server has; lines are read between them.
        work = ASYNC[who](url)
        while line := sys.stdin.readline():
            job = json.loads(line)
            cpu, wall = time.process_time(), time.perf_counter()
            measure(cpu, wall, await work(job))
        sys.stdout.flush()
        os._exit(0)  # peers complain of sessions that are not closed

    asyncio.run(loop())


main(sys.argv[1], sys.argv[2])
