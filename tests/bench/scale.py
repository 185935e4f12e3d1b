"""What has no peer to be compared with: how figures grow with size, what starting costs, and the
engine of pages beside what a browser has."""

import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
NODE = pathlib.Path(os.environ.get("BENCH_NODE_DIR", HERE / "../../target/xtask/bench-node"))
STREAMS = 10_000


@dataclass(frozen=True)
class Fact:
    """One figure that has a limit."""

    name: str
    goal: str
    shown: str
    met: bool


def allow_files() -> None:
    """As many open files as the system lets a process have: each stream is one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def facts(worker: Callable[[str, str], Any], url: str, only: str) -> Iterator[Fact]:
    """The figures, one by one."""
    parts: dict[str, Callable[[], Iterator[Fact]]] = {
        "1 M tokens": lambda: tokens(worker, url),
        "16 MiB event": lambda: large(worker, url),
        "concurrent streams": lambda: streams(worker, url),
        "cold start": lambda: cold(url),
        "wasm in Chromium": lambda: browser(url),
    }
    for name, part in parts.items():
        if only in name:
            yield from part()


def job(case: str, flow: str, calls: int = 1, at_once: int = 1) -> dict[str, object]:
    return {"case": case, "flow": flow, "calls": calls, "at_once": at_once}


def tokens(worker: Callable[[str, str], Any], url: str) -> Iterator[Fact]:
    """A token costs as much in a stream of a million as in one of a hundred thousand; only the text
    itself (11 MiB) is kept, which errors and `text` need."""
    for who in ("client", "langflow-api", "langflow-api-async", "langflow-client"):
        process = worker(who, url)
        try:
            few = [process.perform(job("stream", "tokens-100000-50"))["cpu"] for _ in range(3)]
            before = process.memory()
            many = process.perform(job("stream", "tokens-1000000-50"))["cpu"]
            grown = process.memory() - before
        finally:
            process.close()
        ratio = many / statistics.median(few)
        yield Fact(
            f"{who}: 1 M tokens to 100,000, CPU a token", "<= 1.25x", f"{ratio:.2f}x", ratio <= 1.25
        )
        yield Fact(
            f"{who}: memory after 1 M tokens", "<= +64 MiB", f"{grown:+.0f} MiB", grown <= 64
        )


def large(worker: Callable[[str, str], Any], url: str) -> Iterator[Fact]:
    """An event of 16 MiB costs four times one of 4 MiB."""
    for who in ("client", "langflow-api", "langflow-client"):
        process = worker(who, url)
        try:
            # No tokens are sent: the text comes as one.
            small = [process.perform(job("stream", f"large-{4 << 20}"))["cpu"] for _ in range(4)][
                1:
            ]
            big = [process.perform(job("stream", f"large-{16 << 20}"))["cpu"] for _ in range(3)]
        finally:
            process.close()
        ratio = statistics.median(big) / statistics.median(small)
        shown = f"{ratio:.2f}x, {statistics.median(big) * 1000:.0f} ms"
        yield Fact(f"{who}: an event of 16 MiB to one of 4 MiB", "<= 5x", shown, ratio <= 5)


def streams(worker: Callable[[str, str], Any], url: str) -> Iterator[Fact]:
    """Each of many open streams needs as much memory as each of few."""
    process = worker("client", url)
    try:
        process.perform(job("call", "hello", 10))
        empty = process.memory()
        process.perform(job("hold", "hold", STREAMS // 10, 100))
        few = (process.memory() - empty) / (STREAMS // 10)
        # Those are closed first, and their memory is used again.
        process.perform(job("hold", "hold", STREAMS, 100))
        many = (process.memory() - empty) / STREAMS
    finally:
        process.process.kill()
    shown = f"{many * 1024:.1f} KiB each, {many / few:.2f}x"
    name = f"client: {STREAMS:,} streams open at once to {STREAMS // 10:,}, memory a stream"
    yield Fact(name, "<= 1.25x", shown, many <= 1.25 * few)


IMPORT = """
import os, time
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
before, begun = memory(), time.process_time()
import {module}
print((time.process_time() - begun) * 1000, memory() - before)
"""
ANSWER = {
    "langflow_api": "Client(base_url={url!r}, api_key='k').run_flow('hello', 'Hello!')",
    "langflow_sdk": "Client({url!r}, 'k').run('hello', 'Hello!')",
    "httpx": "post({url!r} + '/langflow/api/v1/flows/hello/run', json={{}})",
    "requests": "post({url!r} + '/langflow/api/v1/flows/hello/run', json={{}})",
}
REQUIRE = """
const begun = process.cpuUsage();
const made = require({module!r});
const used = process.cpuUsage(begun);
console.log((used.user + used.system) / 1000);
"""


def cold(url: str) -> Iterator[Fact]:
    """Import, memory, and a process from its start to its end with one answer between."""

    def python(code: str) -> tuple[list[float], float]:
        begun = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return [float(word) for word in done.stdout.split()], time.perf_counter() - begun

    whole: dict[str, float] = {}
    for module in ANSWER:
        runs = [python(IMPORT.format(module=module))[0] for _ in range(5)]
        took, grown = (statistics.median(column) for column in zip(*runs))
        call = f"import {module}; {module}.{ANSWER[module].format(url=url)}"
        whole[module] = statistics.median(python(call)[1] for _ in range(3)) * 1000
        own = module == "langflow_api"
        shown = f"{took:.1f} ms of CPU, {grown:.1f} MiB"
        yield Fact(
            f"Python: import {module}",
            "<= 10 ms and <= 6 MiB" if own else "a peer",
            shown,
            not own or (took <= 10 and grown <= 6),
        )
    bare = statistics.median(python("pass")[1] for _ in range(3)) * 1000
    for module, took in whole.items():
        shown = f"{took:.0f} ms, of which {bare:.0f} ms are Python's own"
        yield Fact(f"Python: from start to first answer, {module}", "none", shown, True)

    for module in ("langflow-client", "undici", "@datastax/langflow-client"):
        took = []
        for _ in range(5):
            done = subprocess.run(
                ["node", "-e", REQUIRE.format(module=module)],
                capture_output=True,
                cwd=NODE,
                check=True,
            )
            took.append(float(done.stdout))
        median = statistics.median(took)
        own = module == "langflow-client"
        goal = "<= 15 ms" if own else "a peer"
        yield Fact(
            f"Node: require {module}", goal, f"{median:.1f} ms of CPU", not own or median <= 15
        )


class Said(BaseHTTPRequestHandler):
    """Hears what the page reports."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.said = json.loads(body)  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def browser(url: str) -> Iterator[Fact]:
    """Wall time: a page does not tell its CPU time."""
    name, goal = "wasm in Chromium: a call to fetch + JSON, wall time", "<= 1.2x"
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    with (
        HTTPServer(("127.0.0.1", 0), Said) as server,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        report = f"const REPORT = 'http://127.0.0.1:{server.server_port}/';\n"
        (NODE / "node_modules/langflow-client/dist/bench.js").write_text(
            report + (HERE / "workers/page.js").read_text()
        )
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
        page = subprocess.Popen(
            [chromium, *flags, f"{url}/page/index.html"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            server.timeout = 120
            server.handle_request()
        finally:
            page.terminate()
            page.wait(20)
        found = getattr(server, "said", {"error": "the page said nothing in two minutes"})
    if "error" in found:
        yield Fact(name, goal, found["error"], False)
        return
    ratios = found["ratios"]
    # Rounds are short, so that one of them says little.
    low, ratio, high = statistics.quantiles(ratios, n=4)
    took = statistics.median(found["ours"])
    shown = f"{ratio:.2f}x (half of the rounds: {low:.2f} to {high:.2f}), {took:.2f} ms"
    yield Fact(name, goal, shown, ratio <= 1.2)
