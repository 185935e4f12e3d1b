"""openapi/langflow.yaml says what the server says of itself, and what it answers unsaid."""

import copy
import json
import pathlib
import re
import urllib.error
import urllib.request
from typing import Any

import pytest
import yaml
from compare import Document, differences, unexplained

from conftest import Server, call

HERE = pathlib.Path(__file__).parent
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    text = (HERE.parents[1] / "openapi/langflow.yaml").read_text()
    document: dict[str, Any] = yaml.safe_load(text)
    return document


@pytest.fixture(scope="module")
def meant() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = yaml.safe_load((HERE / "differences.yaml").read_text())
    assert all(entry["reason"] for entry in entries)
    return entries


@pytest.fixture(scope="module")
def theirs(real: Server) -> Document:
    return Document(call(f"{real.url}/openapi.json"))


def test_every_difference_has_its_reason(
    ours: dict[str, Any], theirs: Document, meant: list[dict[str, str]]
) -> None:
    found = list(differences(Document(ours), theirs))
    unknown, stale = unexplained(found, meant)
    assert not unknown, "\n".join(unknown)
    assert not stale, "these entries of differences.yaml fit nothing any more:\n" + "\n".join(stale)
    operations = len(Document(ours).operations())
    print(f"{operations} operations compared, {len(found)} differences, all with reasons")


FLOWS = "/api/v1/flows/"


@pytest.mark.parametrize(
    ("what", "spoil", "said"),
    [
        (
            "path",
            lambda d: d["paths"].update({"/api/v1/nothing": d["paths"].pop(FLOWS)}),
            "GET /api/v1/nothing: the server has no such operation",
        ),
        (
            "method",
            lambda d: d["paths"][FLOWS].update(patch=d["paths"][FLOWS].pop("post")),
            "PATCH /api/v1/flows/: the server has no such operation",
        ),
        (
            "parameter",
            lambda d: d["paths"][FLOWS]["get"]["parameters"][0].update(name="remove_examples"),
            "GET /api/v1/flows/: parameter remove_examples: the server has none",
        ),
        (
            "required",
            lambda d: d["components"]["schemas"]["FlowCreate"].pop("required"),
            "POST /api/v1/flows/: body field name: the server says required: True",
        ),
        (
            "field",
            lambda d: d["components"]["schemas"]["FlowUpdate"]["properties"].pop("endpoint_name"),
            "PATCH /api/v1/flows/{flow_id}: body field endpoint_name: only the server has it",
        ),
        (
            "kind",
            lambda d: d["paths"][FLOWS]["get"]["parameters"][0].update(schema={"type": "string"}),
            "GET /api/v1/flows/: parameter remove_example_flows: the server takes boolean",
        ),
    ],
)
def test_the_comparison_sees(
    ours: dict[str, Any],
    theirs: Document,
    meant: list[dict[str, str]],
    what: str,
    spoil: Any,
    said: str,
) -> None:
    spoilt = copy.deepcopy(ours)
    spoil(spoilt)
    unknown, _ = unexplained(list(differences(Document(spoilt), theirs)), meant)
    assert said in unknown, what


def answer(real: Server, method: str, path: str, body: bytes | None, kind: str) -> tuple[int, Any]:
    headers = {"x-api-key": real.api_key, "Content-Type": kind}
    request = urllib.request.Request(f"{real.url}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.loads(reply.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def hidden() -> list[tuple[str, str]]:
    document = yaml.safe_load((HERE.parents[1] / "openapi/langflow.yaml").read_text())
    operations = Document(document).operations()
    return [key for key, operation in operations.items() if operation["x-origin"] == "hidden"]


@pytest.mark.parametrize(("method", "path"), hidden())
def test_what_the_server_hides_is_there(
    real: Server, ours: dict[str, Any], method: str, path: str
) -> None:
    document = Document(ours)
    _, bodies = document.body(document.operations()[method, path])
    place = re.sub(r"\{\w+\}", NOBODY, path)
    [(kind, schema)] = bodies.items() or [("application/json", {})]
    status, said = answer(real, method, place, b"{}" if bodies else None, kind)
    # A route that is not there is answered with 404 and these words, or with 405.
    assert status != 405, said
    assert not (status == 404 and said == {"detail": "Not Found"}), said
    if status == 422:
        missing = {entry["loc"][-1] for entry in said["detail"] if entry["type"] == "missing"}
        assert missing == set(schema.get("required", []))
