"""An operation added to a copy of the document works, typed, in three languages; no other edit."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "xtask" / "grow"
BUILD = {**os.environ, "CARGO_TARGET_DIR": str(ROOT / "target" / "grow")}

OPERATION = """
  /flows/{flow_id}/rating:
    put:
      operationId: rateFlow
      tags: [flows]
      summary: Rate a flow
      description: Says how good a flow is.
      deprecated: true
      x-permission: write
      x-origin: ours
      x-safety: safe
      parameters:
        - name: flow_id
          in: path
          required: true
          description: Id of the flow.
          schema: {type: string}
        - name: dry_run
          in: query
          description: Only check.
          schema: {type: boolean}
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/FlowRating'}
      responses:
        '200':
          description: What is known now.
          content:
            application/json:
              schema: {$ref: '#/components/schemas/FlowRatingSum'}
        '404': {$ref: '#/components/responses/NotFound'}
"""

SCHEMAS = """
    FlowRating:
      type: object
      description: A rating.
      additionalProperties: false
      required: [stars]
      properties:
        stars: {type: integer, description: How many stars.}
        review_text: {type: string, description: Why.}
    FlowRatingSum:
      type: object
      description: All ratings together.
      additionalProperties: {}
      required: [mean_stars]
      properties:
        mean_stars: {type: number, description: Mean of all ratings.}
"""

EXPECTED = {
    "method": "PUT",
    "path": "/langflow/api/v1/flows/f%201/rating?dry_run=true",
    "body": {"stars": 5, "review_text": "works"},
}

RUST = """
use langflow_client::{Client, params::RateFlowParams, types::FlowRating};

#[tokio::main]
// It is deprecated, and says so where it is used.
#[expect(deprecated)]
async fn main() {
    let client = Client::from_env().unwrap();
    let rating: FlowRating =
        serde_json::from_str(r#"{"stars": 5, "review_text": "works"}"#).unwrap();
    let params = RateFlowParams { dry_run: Some(true) };
    let sum = client.flows().rate("f 1", &rating, params).await.unwrap();
    println!("{}", sum.mean_stars + 0.25);
}
"""

PYTHON = """
import os
import warnings

from langflow_api import Client

client = Client(base_url=os.environ["LANGFLOW_URL"])
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    total = client.flows.rate("f 1", stars=5, review_text="works", dry_run=True)
assert [(one.category, one.filename) for one in said] == [(DeprecationWarning, __file__)]
assert "flows.rate is deprecated" in str(said[0].message)
mean: float = total.mean_stars
print(mean + 0.25)
"""

TYPESCRIPT = """
import { LangflowClient } from './dist/index.mjs';

const client = new LangflowClient({ baseUrl: process.env['LANGFLOW_URL'] });
const sum = await client.flows.rate({
  flowId: 'f 1', stars: 5, reviewText: 'works', dryRun: true,
});
const mean: number = sum.meanStars;
console.log(mean + 0.25);
"""


def run(*command: str | Path, cwd: Path, **more: str) -> str:
    """Runs a program; its output where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**BUILD, **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def copy() -> Path:
    """A copy of the repository whose document has one operation more, its code generated."""
    shutil.rmtree(WORK, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (WORK / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, WORK / name)
    document = WORK / "openapi" / "workspace.yaml"
    text = document.read_text()
    assert text.count("\npaths:\n") == 1
    assert text.count("\n  schemas:\n") == 1
    text = text.replace("\npaths:\n", "\npaths:" + OPERATION)
    text = text.replace("\n  schemas:\n", "\n  schemas:" + SCHEMAS)
    document.write_text(text)
    run("cargo", "run", "-q", "--locked", "-p", "codegen", cwd=WORK)
    return WORK


class Recorder(BaseHTTPRequestHandler):
    """Answers every PUT and remembers it."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def do_PUT(self) -> None:
        """Answers a rating."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append({"method": "PUT", "path": self.path, "body": body})
        answer = b'{"mean_stars": 4.5}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server that remembers what it is asked."""
    Recorder.seen = []
    http = HTTPServer(("127.0.0.1", 0), Recorder)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}"
    http.shutdown()


def test_rust(copy: Path, server: str) -> None:
    """Through progenitor's typed client."""
    program = copy / "grown"
    (program / "src").mkdir(parents=True)
    (program / "src" / "main.rs").write_text(RUST)
    shutil.copy2(copy / "Cargo.lock", program / "Cargo.lock")
    (program / "Cargo.toml").write_text(
        '[workspace]\n[package]\nname = "grown"\nversion = "0.1.0"\nedition = "2024"\n'
        '[dependencies]\nlangflow-client = { path = "../sdk-core" }\nserde_json = "1"\n'
        'tokio = { version = "1", features = ["macros", "rt-multi-thread"] }\n'
    )
    assert run("cargo", "run", "-q", cwd=program, LANGFLOW_URL=server).strip() == "4.75"
    assert Recorder.seen == [EXPECTED]


def test_python(copy: Path, server: str) -> None:
    """Through the generated façade of a wheel; mypy knows the method and its types."""
    wheels = copy / "wheels"
    source = copy / "bindings-python"
    maturin = (sys.executable, "-m", "maturin", "build", "-q", "--out", wheels)
    run(*maturin, cwd=source)
    run(sys.executable, "-m", "venv", copy / "venv", cwd=copy)
    python = copy / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--no-index", *wheels.glob("*.whl"), cwd=copy)
    program = copy / "grown.py"
    program.write_text(PYTHON)
    assert run(python, program, cwd=wheels, LANGFLOW_URL=server).strip() == "4.75"
    assert Recorder.seen == [EXPECTED]
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable", python)
    run(*mypy, program, cwd=wheels)
    program.write_text(PYTHON.replace("stars=5", 'stars="five"'))
    with pytest.raises(AssertionError, match=r"\[arg-type\]"):
        run(*mypy, program, cwd=wheels)


def test_typescript(copy: Path, server: str) -> None:
    """Through the generated façade of the npm package; tsc knows the method and its types."""
    package = copy / "bindings-node"
    modules = package / "node_modules"
    modules.symlink_to(ROOT / "bindings-node" / "node_modules")
    run("npm", "run", "-s", "build:debug", cwd=package)
    program = package / "grown.mts"
    program.write_text(TYPESCRIPT)
    tsc = ("npx", "tsc", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "--target")
    tsc = (*tsc, "es2022", "--module", "nodenext", "--types", "node", "--ignoreConfig")
    run(*tsc, "grown.mts", cwd=package)
    assert run("node", "grown.mjs", cwd=package, LANGFLOW_URL=server).strip() == "4.75"
    assert Recorder.seen == [EXPECTED]
    program.write_text(TYPESCRIPT.replace("stars: 5", "stars: 'five'"))
    with pytest.raises(AssertionError, match="TS2322"):
        run(*tsc, "--noEmit", "grown.mts", cwd=package)
