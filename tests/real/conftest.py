"""A real Langflow 1.13.0 with authentication on, for the tests of this folder.

REAL_PYTHON is a Python that has langflow-base. The server listens on a free port of this machine,
keeps its state in a temporary folder and is ended with the tests. REAL_SERVER names one that is
running instead: JSON with `url`, `api_key`, `password` (of the user admin) and `flows` (ids by the
names of the files in `flows/`).
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import model
import pytest

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
MOCK = ROOT / "target/debug/langflow-mock"
PASSWORD = "for-this-test-1"


@dataclass(frozen=True)
class Server:
    """Where the server is, and what it has."""

    url: str
    api_key: str
    flows: dict[str, str]
    password: str = PASSWORD

    def environment(self) -> dict[str, str]:
        return {**os.environ, "LANGFLOW_URL": self.url, "LANGFLOW_API_KEY": self.api_key}


def call(url: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    kind = "application/x-www-form-urlencoded" if isinstance(body, bytes) else "application/json"
    request = urllib.request.Request(url, data, {"Content-Type": kind, **(headers or {})})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def wait(url: str, process: subprocess.Popen[bytes], log: pathlib.Path) -> None:
    deadline = time.monotonic() + 240
    while process.poll() is None and time.monotonic() < deadline:
        try:
            call(f"{url}/health")
        except (OSError, ValueError):
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"the server did not come up:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if running := os.environ.get("REAL_SERVER"):
        yield Server(**json.loads(running))
        return
    state = tmp_path_factory.mktemp("langflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", state / "server.log"
    python = pathlib.Path(os.environ["REAL_PYTHON"])
    settings = {
        "LANGFLOW_CONFIG_DIR": str(state),
        "LANGFLOW_DATABASE_URL": f"sqlite:///{state}/langflow.db",
        "LANGFLOW_AUTO_LOGIN": "false",
        "LANGFLOW_SUPERUSER": "admin",
        "LANGFLOW_SUPERUSER_PASSWORD": PASSWORD,
        "LANGFLOW_PRETTY_LOGS": "false",
        # Where the model is; otherwise the server asks nobody on its own machine.
        "LANGFLOW_SSRF_ALLOWED_HOSTS": "127.0.0.1,localhost",
        # Five logins a minute are less than these tests make.
        "LANGFLOW_RATE_LIMIT_PER_MINUTE": "1000",
        "DO_NOT_TRACK": "true",
    }
    stack = ExitStack()
    command = [python.with_name("langflow"), "run", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*map(str, command), "--no-open-browser"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **settings},
            start_new_session=True,
        )
    try:
        wait(url, process, log)
        models = stack.enter_context(model.serve())
        login = urllib.parse.urlencode({"username": "admin", "password": PASSWORD}).encode()
        token = call(f"{url}/api/v1/login", login)["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        key = call(f"{url}/api/v1/api_key/", {"name": "tests"}, bearer)["api_key"]
        flows = {}
        for file in sorted((HERE / "flows").glob("*.json")):
            flow = file.read_text().replace("http://127.0.0.1:9099", models)
            made = call(f"{url}/api/v1/flows/", json.loads(flow), bearer)
            flows[file.stem] = made["id"]
        yield Server(url, key, flows)
    finally:
        stack.close()
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def lfx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The flows that need no database, behind `lfx serve`."""
    state = tmp_path_factory.mktemp("lfx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log, key = f"http://127.0.0.1:{port}", state / "server.log", "sk-of-these-tests"
    served = state / "flows"
    served.mkdir()
    for name in ("boom", "echo", "fake_llm", "file"):
        (served / f"{name}.json").write_text((HERE / "flows" / f"{name}.json").read_text())
    python = pathlib.Path(os.environ["REAL_PYTHON"])
    command = [python.with_name("lfx"), "serve", served, "--port", str(port)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, "LANGFLOW_API_KEY": key, "DO_NOT_TRACK": "true"},
            start_new_session=True,
        )
    try:
        wait(url, process, log)
        flows = call(f"{url}/flows", None, {"x-api-key": key})
        ids = {pathlib.Path(flow["relative_path"]).stem: flow["id"] for flow in flows}
        yield Server(url, key, ids)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="session")
def mock_open_source() -> Iterator[Server]:
    """The mock as an open-source server, with flows of this folder."""
    process = subprocess.Popen(
        [MOCK, "serve", "--api", "langflow", "--port", "0", "--ready-json", "--exit-with-parent"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    try:
        ready = json.loads(process.stdout.readline())
        key = {"x-api-key": ready["api_key"]}
        flows = {"speaks": "hello-flow"}
        for name in ("echo", "file", "text", "two_outputs"):
            file = json.loads((HERE / f"flows/{name}.json").read_text())
            flows[name] = call(f"{ready['url']}/api/v1/flows/", file, key)["id"]
        yield Server(ready["url"], ready["api_key"], flows)
    finally:
        process.stdin.close()
        process.wait(20)
