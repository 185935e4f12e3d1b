"""Measures the mock server against its own targets: starts, memory, CPU, streams, instances.

    cargo build --release -p langflow-mock
    python tests/bench/mock.py target/release/langflow-mock [--starts 10000] [--quick]

Linux only (/proc), loopback only, standard library only. It prints one JSON object; what misses its
target is listed under "missed", and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

TARGETS = {
    "ready_ms": 10.0,
    "rest_mb": 12.0,
    "after_requests_mb": 40.0,
    "cpu_us": 80.0,
    "failed_starts": 0,
    "lost_streams": 0,
    "streams_mb": 200.0,
    "reset_ms": 1.0,
    "end_ms": 5.0,
    "program_mb": 10.0,
    "lost_instances": 0,
}
RUN = "/langflow/api/v1/flows/echo/run"
TICK = os.sysconf("SC_CLK_TCK")


class Mock:
    """A mock as a program."""

    def __init__(self, program: str, *flags: str) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [program, "serve", "--port", "0", "--ready-json", "--exit-with-parent", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        line = self.process.stdout.readline()
        self.ready_ms = (time.perf_counter() - begun) * 1000
        ready = json.loads(line)
        self.key = ready["api_key"]
        host, port = ready["url"].removeprefix("http://").split(":")
        self.address = (host, int(port))

    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return round(int(line.split()[1]) / 1024, 1)

    def cpu(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def request(self, body: dict, path: str = RUN) -> bytes:
        data = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: {self.address[0]}:{self.address[1]}\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(data)}\r\n\r\n"
        )
        return head.encode() + data

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)


def answered(sock: socket.socket) -> bytes:
    """One whole answer with a length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(sock)
    head, _, rest = data.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length")
    )
    while len(rest) < length:
        rest += received(sock)
    return head


def received(sock: socket.socket) -> bytes:
    data = sock.recv(65536)
    if not data:
        raise ConnectionError("the mock closed the connection")
    return data


def starts(program: str, count: int) -> dict:
    """Starts it again and again; each has to answer a request at once."""
    failed, times = 0, []
    for _ in range(count):
        try:
            mock = Mock(program)
            with socket.create_connection(mock.address, timeout=10) as sock:
                sock.sendall(b"GET /langflow/api/v1/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
                failed += b" 200 " not in answered(sock)
            times.append(mock.ready_ms)
            mock.stop()
        except (OSError, ValueError, subprocess.SubprocessError):
            failed += 1
    times.sort()
    return {
        "starts": count,
        "failed_starts": failed,
        "ready_ms": round(times[len(times) // 2], 2),
        "ready_p99_ms": round(times[int(len(times) * 0.99)], 2),
    }


def requests(program: str, count: int, connections: int = 16) -> dict:
    """Runs of a flow with a key, the journal and validation on."""
    mock = Mock(program)
    found = {"rest_mb": mock.memory_mb()}
    message = mock.request({"input_value": "hello"})
    socks = [socket.create_connection(mock.address, timeout=30) for _ in range(connections)]

    def load(rounds: int) -> None:
        for _ in range(rounds):
            for sock in socks:
                sock.sendall(message)
            for sock in socks:
                if b" 200 " not in answered(sock):
                    raise RuntimeError("a run was not answered with 200")

    load(1_000 // connections)
    found["reset_ms"] = resets(mock)
    before, begun = mock.cpu(), time.perf_counter()
    rounds = count // connections
    load(rounds)
    done = rounds * connections
    found["requests"] = done
    found["cpu_us"] = round((mock.cpu() - before) / done * 1e6, 1)
    found["requests_per_second"] = round(done / (time.perf_counter() - begun))
    found["after_requests_mb"] = mock.memory_mb()
    mock.stop()
    return found


def resets(mock: Mock, count: int = 50) -> float:
    """Milliseconds from the order to begin anew to its answer, the middle of some."""
    head = f"POST /__mock/reset HTTP/1.1\r\nhost: {mock.address[0]}\r\ncontent-length: 2\r\n"
    order = f"{head}content-type: application/json\r\n\r\n{{}}".encode()
    run = mock.request({"input_value": "hello"})
    times = []
    with socket.create_connection(mock.address, timeout=30) as sock:
        for _ in range(count):
            # So that there is something to throw away.
            sock.sendall(run)
            answered(sock)
            begun = time.perf_counter()
            sock.sendall(order)
            if b" 200 " not in answered(sock):
                raise RuntimeError("a reset was not answered with 200")
            times.append((time.perf_counter() - begun) * 1000)
    return round(sorted(times)[count // 2], 2)


def streams(program: str, count: int) -> dict:
    """Streams that are open at the same time: each has sent its first events and goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 200), hard))
    # The file limit of the mock is ours: it is inherited.
    mock = Mock(program, "--token-delay-ms", "3600000")
    message = mock.request(
        {"input_value": "hello", "stream": True}, RUN.replace("echo", "hello-flow")
    )
    socks, lost = [], 0
    for _ in range(count):
        sock = socket.create_connection(mock.address, timeout=30)
        sock.sendall(message)
        socks.append(sock)
    for sock in socks:
        try:
            lost += b" 200 " not in sock.recv(4096)
        except OSError:
            lost += 1
    memory = mock.memory_mb()
    poll = select.poll()
    for sock in socks:
        poll.register(sock, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    time.sleep(1)
    lost += len(poll.poll(0))
    for sock in socks:
        sock.close()
    mock.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return {"streams": count, "lost_streams": lost, "streams_mb": memory}


def ends(program: str, count: int = 21, streams: int = 50) -> dict:
    """From the signal to the end of the process, with streams open."""
    times = []
    for _ in range(count):
        mock = Mock(program, "--token-delay-ms", "3600000")
        message = mock.request(
            {"input_value": "hello", "stream": True}, RUN.replace("echo", "hello-flow")
        )
        socks = [socket.create_connection(mock.address, timeout=30) for _ in range(streams)]
        for sock in socks:
            sock.sendall(message)
        for sock in socks:
            received(sock)
        begun = time.perf_counter()
        mock.process.send_signal(signal.SIGTERM)
        # Without a timeout: with one it looks now and then only.
        mock.process.wait()
        times.append((time.perf_counter() - begun) * 1000)
        for sock in socks:
            sock.close()
    return {"end_ms": round(sorted(times)[count // 2], 2)}


def instances(program: str, count: int) -> dict:
    """Workspaces in one process, each of which runs a flow: tenants, made as they are named."""
    mock = Mock(program)
    lost = 0
    begun = time.perf_counter()
    with socket.create_connection(mock.address, timeout=30) as sock:
        for number in range(count):
            sock.sendall(mock.request({"input_value": "hi"}, f"/__t/t{number}{RUN}"))
            lost += b" 200 " not in answered(sock)
    took = (time.perf_counter() - begun) / count * 1000
    found = {
        "instances": count,
        "lost_instances": lost,
        "instance_ms": round(took, 2),
        "instances_mb": mock.memory_mb(),
    }
    mock.stop()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="a release build of langflow-mock")
    parser.add_argument("--starts", type=int, default=10_000)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    options = parser.parse_args()
    part = 10 if options.quick else 1
    found = starts(options.program, options.starts // part)
    found["program_mb"] = round(os.stat(options.program).st_size / 1e6, 1)
    found |= ends(options.program)
    found |= requests(options.program, 100_000 // part)
    found |= streams(options.program, 10_000 // part)
    found |= instances(options.program, 1_000 // part)
    found["missed"] = [name for name, most in TARGETS.items() if found[name] > most]
    print(json.dumps(found, indent=2))
    return 1 if found["missed"] else 0


if __name__ == "__main__":
    sys.exit(main())
