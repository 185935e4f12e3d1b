"""The documentation page, run: the run route, its answer, keys and permissions.

Tests are numbered as the documented rows of the product; this file has 1 to 4, and what holds for
the page as a whole. The code comes from `page.txt` by its anchors.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from langflow_api import Client, Unauthenticated

from commands import body_of, curl, endpoint
from docpage import BLOCKS, HERE, LISTS, PAGE, block, lines
from document import differences, operations, schema
from mockserver import PREFIX, Mock

# --- 0: the page itself -------------------------------------------------------------------------


def test_00_the_page_is_as_it_was_published() -> None:
    digest = hashlib.sha256((HERE / "page.txt").read_bytes()).hexdigest()
    assert digest == "a317f455dd6ef9f5b998f647f3ccf523e544f0fbbd271cdc6ddf2161b9702040"


def test_00_every_code_block_of_the_page_is_known_and_every_known_one_is_tested() -> None:
    prose = PAGE
    for piece in [*BLOCKS.values(), *(LISTS[name] for name in LISTS if name != "best practices")]:
        prose = prose.replace(piece.text, "")
    assert not re.search(r'[{}"=\\]|curl|import ', prose), prose
    tests = "".join(file.read_text(encoding="utf-8") for file in HERE.glob("test_*.py"))
    for name in BLOCKS:
        assert f'"{name}"' in tests, name
    for name in LISTS:
        assert f'lines("{name}")' in tests, name


# --- 1: the run route ---------------------------------------------------------------------------


def test_01_every_flow_is_an_api(mock: Mock) -> None:
    for flow_id in mock.flow_ids:
        url = endpoint(mock, flow_id)
        assert url == f"{mock.url}{PREFIX}/flows/{flow_id}/run"
        answer = mock.call("POST", url.removeprefix(mock.url + PREFIX), {"input_value": "Hello"})
        failing = flow_id == "failing-flow"
        assert (answer.status, failing) in {(200, False), (500, True)}, answer


def test_01_basic_request(mock: Mock) -> None:
    places = {"your-flow-endpoint": endpoint(mock, "hello-flow")}
    answer = curl(block("basic request"), places, mock.keys["execute"])
    assert answer["result"]["output"] == json.loads(block("answer"))["result"]["output"]


def test_01_request_with_parameters(mock: Mock) -> None:
    command = block("request with parameters")
    places = {"your-flow-endpoint": endpoint(mock, "hello-flow")}
    answer = curl(command, places, mock.keys["execute"])
    used = mock.settings_of_run(answer["run_id"], "OpenAI-xxxxx")
    asked = body_of(command)["tweaks"]["OpenAI-xxxxx"]
    assert asked.items() <= used.items()
    plain = mock.run("hello-flow", {"input_value": body_of(command)["input_value"]})
    assert plain["result"]["output"] != answer["result"]["output"]


# --- 2: the answer ------------------------------------------------------------------------------


def shape(value: Any) -> Any:
    """Keys and types of a value."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return type(value)


def documented(value: Any, example: Any) -> Any:
    """The part of a value that the example has too."""
    if isinstance(example, dict):
        return {name: documented(value[name], inner) for name, inner in example.items()}
    return value


def test_02_response_format(mock: Mock) -> None:
    example = json.loads(block("answer"))
    answer = mock.run("hello-flow", body_of(block("basic request")))
    assert shape(documented(answer, example)) == shape(example)
    for value in (example, answer):
        assert not list(differences(value, schema("RunResponse")))
    more = set(answer) - set(example)
    origins = {name: schema("RunResponse")["properties"][name]["x-origin"] for name in more}
    assert set(origins.values()) == {"ours"}, origins


# --- 3: keys ------------------------------------------------------------------------------------


def test_03_using_the_key(mock: Mock) -> None:
    places = {"your-flow-endpoint": endpoint(mock, "hello-flow")}
    command = block("request with a key")
    answer = curl(command, {**places, "YOUR_API_KEY": mock.keys["execute"]})
    assert answer["result"]["output"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("wrong", "invalid_key"),
        ("expired", "key_expired"),
        ("revoked", "key_revoked"),
        ("missing", "missing_key"),
    ],
)
def test_03_a_key_that_is_no_good(mock: Mock, name: str, code: str) -> None:
    key = {"wrong": "lf_wrong", "missing": ""}.get(name, mock.keys.get(name, ""))
    command = block("request with a key")
    if not key:
        command = command.replace('-H "Authorization: Bearer YOUR_API_KEY" \\\n', "")
        assert "YOUR_API_KEY" not in command
    places = {"your-flow-endpoint": endpoint(mock, "hello-flow"), "YOUR_API_KEY": key}
    if not key:
        del places["YOUR_API_KEY"]
    problem = curl(command, places)
    assert (problem["status"], problem["code"]) == (401, code)

    client = Client(base_url=mock.url, api_key=key or None)
    with pytest.raises(Unauthenticated) as raised:
        client.run_flow("hello-flow", "Hello")
    assert raised.value.server_code == code
    assert not key or key not in f"{raised.value}{raised.value!r}"


def test_03_a_key_is_created_shown_once_and_rotated(mock: Mock) -> None:
    body = {"name": "ours", "permissions": ["execute"]}
    made = mock.call("POST", "/api-keys", body).json
    secret, key_id = made["key"], made["api_key"]["id"]
    assert mock.call("POST", "/flows/echo/run", {"input_value": "Hi"}, key=secret).status == 200
    for path in ("/api-keys?size=100", f"/api-keys/{key_id}"):
        assert secret not in mock.call("GET", path).text
    rotated = mock.call("POST", f"/api-keys/{key_id}/rotate", {"grace_period": 0}).json
    for key, status in ((secret, 401), (rotated["key"], 200)):
        answer = mock.call("POST", "/flows/echo/run", {"input_value": "Hi"}, key=key)
        assert answer.status == status, answer


# --- 4: permissions -----------------------------------------------------------------------------

# An operation that stands for each line of the page.
STANDS_FOR = {
    "Read: View flows": ("getFlow", "read"),
    "Execute: Run flows": ("runFlow", "execute"),
    "Write: Modify flows": ("updateFlow", "write"),
    "Admin: Full access": ("createApiKey", "admin"),
}
FLAGS = ("read", "execute", "write", "admin")


def test_04_the_permissions_of_the_page() -> None:
    table = {operation.id: operation.permission for operation in operations()}
    named = [line.removeprefix("- ") for line in lines("permissions")]
    assert named == list(STANDS_FOR)
    for operation_id, permission in STANDS_FOR.values():
        assert table[operation_id] == permission
    assert set(table.values()) == {*FLAGS, "none"}


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_04_route_and_permission(mock: Mock, operation: Any, flag: str) -> None:
    # Ids that exist nowhere: who is let in changes nothing.
    path = re.sub(r"\{\w+\}", "nothing", operation.path)
    answer = mock.call(operation.method, path, key=mock.keys[flag])
    allowed = flag == "admin" or operation.permission in {"none", flag} or operation.own == flag
    if allowed:
        assert answer.status not in {401, 403}, answer
    else:
        assert (answer.status, answer.json["code"]) == (403, "permission_missing")
        assert answer.json["permission"] == operation.permission
