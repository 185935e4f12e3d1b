"""Flow files of Langflow 1.0 to 1.13, as its packages ship them, go in and out of the mock.

The wheels are downloaded when the tests run; nothing of them is in this repository.
"""

import json
import os
import pathlib
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

# Wheels of langflow-base: 1.0 (alpha and release), 1.1, 1.4, 1.5, 1.6, 1.8, 1.13.
RELEASES = ("0.0.50", "0.0.99", "0.1.4", "0.4.3", "0.5.1", "0.6.9", "0.8.4", "1.13.0")
PREFIX = "/langflow/api/v1"
OF_THE_SERVER = ("id", "created_at", "updated_at")


class Mock:
    """A mock server without flows."""

    def __init__(self) -> None:
        command = [
            os.environ["LANGFLOW_MOCK_BIN"],
            "serve",
            "--port",
            "0",
            "--ready-json",
            "--empty",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        self.ready = json.loads(self.process.stdout.readline())

    def call(self, method: str, path: str, body: bytes | None = None) -> bytes:
        headers = {
            "Authorization": f"Bearer {self.ready['api_key']}",
            "Content-Type": "application/json",
        }
        url = f"{self.ready['url']}{PREFIX}{path}"
        request = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def take(self, flow: bytes) -> str:
        made = json.loads(self.call("POST", "/flows/import", flow))
        return str(made["flows"][0]["id"])

    def export(self, flow_id: str) -> dict[str, Any]:
        exported: dict[str, Any] = json.loads(
            self.call("GET", f"/flows/{flow_id}/export?format=json")
        )
        return exported

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def mocks() -> Iterator[tuple[Mock, Mock]]:
    both = Mock(), Mock()
    yield both
    for mock in both:
        mock.close()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("wheels")
    download = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    for release in RELEASES:
        subprocess.run([*download, f"langflow-base=={release}"], check=True)
    return folder


def without_what_the_server_gives(flow: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in flow.items() if key not in OF_THE_SERVER})


def without_secrets(value: Any) -> Any:
    """The value as an export has it: what stands in a password field stays with its owner."""
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {key: without_secrets(item) for key, item in value.items()}
    if plain.get("password") is True and not plain.get("load_from_db") and plain.get("value"):
        plain["value"] = ""
    return plain


@pytest.mark.parametrize("release", RELEASES)
def test_in_and_out(release: str, wheels: pathlib.Path, mocks: tuple[Mock, Mock]) -> None:
    first, second = mocks
    (wheel,) = wheels.glob(f"langflow_base-{release}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if "starter_projects/" in name]
        files = {name: archive.read(name) for name in names if name.endswith(".json")}
    assert len(files) >= 5, names
    for name, content in files.items():
        given = json.loads(content)
        exported = first.export(first.take(content))
        # Nothing of the drawing is lost, and a second trip changes nothing at all.
        assert exported["data"] == without_secrets(given["data"]), name
        again = second.export(second.take(json.dumps(exported).encode()))
        assert without_what_the_server_gives(again) == without_what_the_server_gives(exported), name
