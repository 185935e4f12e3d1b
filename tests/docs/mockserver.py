"""The mock server as a program, and plain HTTP to speak with it, without any client of ours."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docpage import HERE

BINARY = Path(os.environ.get("LANGFLOW_MOCK_BIN") or HERE / "../../target/debug/langflow-mock")
PREFIX = "/langflow/api/v1"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Mock:
    """A running `langflow-mock serve`."""

    def __init__(self, *flags: str) -> None:
        command = [str(BINARY), "serve", "--port", "0", "--ready-json", "--seed", "42"]
        self._process = subprocess.Popen(
            [*command, "--exit-with-parent", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        self.url: str = ready["url"]
        self.api_key: str = ready["api_key"]
        self.keys: dict[str, str] = ready["keys"]
        self.flow_ids: list[str] = sorted(ready["flow_ids"].values())

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)

    def call(self, method: str, path: str, body: object = None, *, key: str | None = "") -> Answer:
        """One request. `key` is the administrator's unless given; None sends none."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if key is not None:
            headers["Authorization"] = f"Bearer {key or self.api_key}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{self.url}{PREFIX}{path}", data=data, headers=headers, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=30) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def get(self, path: str) -> Any:
        """What stands at a path."""
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        return answer.json

    def run(self, flow_id: str, body: object) -> Any:
        """The answer of a run."""
        answer = self.call("POST", f"/flows/{flow_id}/run", body)
        assert answer.status == 200, answer
        return answer.json

    def settings_of_run(self, run_id: str, component_id: str) -> dict[str, Any]:
        """The settings that a component had in a run."""
        components = self.get(f"/runs/{run_id}")["components"]
        return next(one["settings"] for one in components if one["component_id"] == component_id)


def clean_environment() -> dict[str, str]:
    """The environment without what configures a client, a server or curl."""
    proxies = {"http_proxy", "https_proxy", "all_proxy"}
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LANGFLOW_") and name.lower() not in proxies
    }
