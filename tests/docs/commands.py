"""The page's commands, run: only endpoint, key and ids are filled in."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from docpage import block, fill
from mockserver import Mock, clean_environment


def endpoint(mock: Mock, flow_id: str) -> str:
    """A flow's endpoint in the format that the page gives."""
    return fill(block("endpoint"), {"https://your-workspace-url": mock.url, "{flow-id}": flow_id})


def curl(command: str, places: dict[str, str], key: str | None = None) -> Any:
    """Runs a curl command in bash. The page leaves the key out of most of them."""
    command = fill(command, places)
    if key is not None:
        command += f' -H "Authorization: Bearer {key}"'
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def body_of(command: str) -> Any:
    """What a curl command sends."""
    return json.loads(command.split("-d '", 1)[1].rsplit("'", 1)[0])
