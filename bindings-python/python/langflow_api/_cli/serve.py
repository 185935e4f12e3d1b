"""``mock``."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING, Any

from . import output

if TYPE_CHECKING:
    import argparse


def mock(arguments: argparse.Namespace) -> int:
    """A workspace for tests until Ctrl-C."""
    from langflow_api.testing import MockServer

    options: dict[str, Any] = {"port": arguments.port}
    if arguments.seed is not None:
        options["seed"] = arguments.seed
    with MockServer(**options) as server:
        if arguments.json:
            print(json.dumps(server.ready), flush=True)
        else:
            print(f"LANGFLOW_URL={server.url}", flush=True)
            print(f"LANGFLOW_API_KEY={server.api_key}", flush=True)
            output.say("Ctrl-C ends it.")
        _until_interrupted()
    return 0


def _until_interrupted() -> None:
    over = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: over.set())
    try:
        # A wait without end would not hear Ctrl-C on every system.
        while not over.wait(0.5):
            pass
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
