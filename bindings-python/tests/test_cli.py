"""The command, as people start it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from langflow_api._cli import EXIT_CODES, exit_code
from langflow_api._cli.flows import file_name
from langflow_api.testing import MockServer
from support import RawServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and terminals of POSIX")


@pytest.fixture
def environment(mock: MockServer, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LANGFLOW_URL": mock.url,
        "LANGFLOW_API_KEY": mock.api_key,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "TERM": "dumb",
    }


@pytest.fixture
def command(environment: dict[str, str], tmp_path: Path) -> Any:
    def run(*arguments: str, text: str = "", **changed: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "langflow_api", *arguments],
            input=text,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=30,
            env={**environment, **changed},
            check=False,
        )

    return run


def test_an_input_that_is_no_text(
    command: Any, environment: dict[str, str], tmp_path: Path
) -> None:
    done = command("run", "echo", "caf\udce9")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The input is not UTF-8." in done.stderr
    call = [sys.executable, "-m", "langflow_api", "run", "echo"]
    piped = subprocess.run(
        call, input=b"caf\xe9", capture_output=True, env=environment, timeout=30, check=False
    )
    assert (piped.returncode, piped.stdout) == (2, b"")
    assert b"UTF-8" in piped.stderr


def test_run(command: Any) -> None:
    done = command("run", "echo", "Hello!")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hello!\n", "")
    assert command("run", "echo", text="From a pipe").stdout == "From a pipe\n"
    told = json.loads(command("run", "echo", "Hello!", "--json").stdout)
    assert told["output"] == "Hello!"
    assert told["session_id"]
    done = command("run", "two-outputs", "Hi")
    assert done.stdout.split()[:3] == ["COMPONENT", "NAME", "VALUE"]


def test_run_as_a_stream(command: Any) -> None:
    whole = command("run", "hello-flow", "Hello!").stdout
    assert command("run", "hello-flow", "Hello!", "--stream").stdout == whole
    lines = command("run", "hello-flow", "Hello!", "--stream", "--json").stdout.splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert (kinds[0], kinds[-1]) == ("run_started", "end")


def test_run_with_a_session_and_tweaks(command: Any, mock: MockServer) -> None:
    first = json.loads(command("run", "memory-chat", "My name is Alice", "--json").stdout)
    done = command("run", "memory-chat", "What is my name?", "--session", first["session_id"])
    assert "Alice" in done.stdout
    one = command("run", "document-qa", "Which?", "--tweak", "Retriever-xxxxx.k=1", "--json")
    assert one.returncode == 0, one.stderr
    assert command("run", "echo", "x", "--tweak", "nonsense").returncode == 2


def test_exit_codes(command: Any) -> None:
    assert command("run", "no-such-flow", "x").returncode == 4
    assert command("run", "failing-flow", "x").returncode == 1
    assert command("run", "echo", "x", LANGFLOW_API_KEY="wrong").returncode == 3
    assert command("run", "echo", "x", LANGFLOW_URL="http://127.0.0.1:9").returncode == 5
    assert command("run", "echo", "x", "--url", "ftp://x").returncode == 2
    assert command("run").returncode == 2
    assert command("flows", "push", "no-such-file.json").returncode == 4
    done = command("run", "no-such-flow", "x", "--json")
    assert json.loads(done.stderr)["code"] == "not_found"
    assert done.stdout == ""
    shown = command("--help").stdout
    for code, meaning in EXIT_CODES.items():
        assert re.search(rf"^ +{code}  {re.escape(meaning)}", shown, re.MULTILINE)
    used = {exit_code(error()) for error in _every_error()}
    assert used | {0, 130} == set(EXIT_CODES)


def _every_error() -> list[Any]:
    from langflow_api._generated.errors import BY_CODE

    return list(BY_CODE.values())


def test_the_key_is_no_argument_and_is_never_shown(command: Any, mock: MockServer) -> None:
    assert command("run", "echo", "x", "--api-key", mock.api_key).returncode == 2
    changed = {"LANGFLOW_API_KEY": "wrong", "OTHER_KEY": mock.api_key}
    done = command("run", "echo", "x", "--api-key-env", "OTHER_KEY", **changed)
    assert done.stdout == "x\n"
    assert command("run", "echo", "x", "--api-key-env", "NO_SUCH").returncode == 2
    for arguments in (("doctor",), ("doctor", "--json"), ("keys", "list", "--json")):
        done = command(*arguments)
        assert done.returncode == 0
        assert mock.api_key not in done.stdout + done.stderr


def test_ctrl_c(environment: dict[str, str], raw: RawServer) -> None:
    raw.script = lambda connection, _: connection.wait_until_left()
    process = subprocess.Popen(
        [sys.executable, "-m", "langflow_api", "run", "echo", "x"],
        env={**environment, "LANGFLOW_URL": raw.url},
        stderr=subprocess.PIPE,
        # A shell that starts the tests in the background has them ignore this signal.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 10
    while not raw.requests and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said == b"interrupted\n"


def test_flows(command: Any, mock: MockServer, tmp_path: Path) -> None:
    listed = json.loads(command("flows", "list", "--json").stdout)
    assert "hello-flow" in {flow["id"] for flow in listed}
    assert re.search(r"^hello-flow +Hello flow +\d{4}-", command("flows", "list").stdout, re.M)
    assert [
        f["id"] for f in json.loads(command("flows", "list", "-q", "echo", "--json").stdout)
    ] == ["echo"]
    saved = command("flows", "pull", "echo", "hello-flow", "-o", "saved").stdout.splitlines()
    assert len(saved) == 2
    assert all((tmp_path / path).is_file() for path in saved)
    again = command("flows", "pull", "echo", "-o", "saved").stdout
    assert again.endswith(" (unchanged)\n")
    every = json.loads(command("flows", "pull", "-o", "all", "--json").stdout)
    assert len(every) == len(listed)
    with MockServer() as other:
        there = {"LANGFLOW_URL": other.url, "LANGFLOW_API_KEY": other.api_key}
        other.client().flows.delete("echo")
        done = command("flows", "push", "saved", **there)
        assert done.returncode == 0, done.stderr
        assert other.client().run_flow("echo", "Hi").text == "Hi"
        kept = command("flows", "push", "saved", "--on-conflict", "fail", **there)
        assert kept.returncode == 1


def test_names_of_files_stay_in_the_folder() -> None:
    assert file_name("f-1", "../../Hello, world") == "hello-world.f-1.json"
    assert file_name("../x", "/etc/passwd") == "etc-passwd.x.json"
    assert file_name("..", "..") == "flow.json"
    assert file_name("echo", "Echo") == "echo.json"


def test_export(command: Any, tmp_path: Path) -> None:
    assert json.loads(command("export", "echo").stdout)["name"] == "Echo"
    assert command("export", "echo", "-o", "echo.json").stdout == ""
    assert json.loads((tmp_path / "echo.json").read_text())["name"] == "Echo"


def test_export_of_a_file_needs_no_server(command: Any, tmp_path: Path) -> None:
    saved = command("export", "hello-flow", "-o", "hello.json")
    assert saved.returncode == 0, saved.stderr
    nowhere = {"LANGFLOW_URL": "http://127.0.0.1:9", "LANGFLOW_API_KEY": ""}
    program = command("export", "hello.json", "--format", "python", **nowhere)
    assert program.returncode == 0, program.stderr
    compile(program.stdout, "hello.py", "exec")
    assert program.stdout == command("export", "hello-flow", "--format", "python").stdout
    for form, word in (
        ("call-python", "run_flow"),
        ("call-typescript", "runFlow"),
        ("call-rust", "run_flow"),
        ("call-curl", "curl"),
        ("tweaks-python", "TypedDict"),
        ("tweaks-typescript", "interface"),
    ):
        written = command("export", "hello.json", "--format", form, **nowhere)
        assert word in written.stdout, (form, written.stderr)
    asked = command("export", "hello-flow", "--format", "call-python").stdout
    assert "hello-flow" in asked


def test_sessions(command: Any, mock: MockServer) -> None:
    session = mock.client().session("memory-chat")
    session.run("My name is Alice")
    assert session.session_id
    assert session.session_id in command("sessions", "list", "memory-chat").stdout
    shown = command("sessions", "show", "memory-chat", session.session_id).stdout
    assert "My name is Alice" in shown
    assert command("sessions", "clear", "memory-chat").returncode == 2
    assert command("sessions", "clear", "memory-chat", session.session_id).returncode == 0
    assert command("sessions", "show", "memory-chat", session.session_id).returncode == 4
    assert command("sessions", "clear", "memory-chat", "--all").returncode == 0


def test_keys(command: Any, mock: MockServer) -> None:
    done = command("keys", "create", "ci", "--permission", "execute", "--permission", "read")
    secret = done.stdout.strip()
    assert "shown once" in done.stderr
    assert mock.client(api_key=secret).run_flow("echo", "x").text == "x"
    keys = json.loads(command("keys", "list", "--json").stdout)
    found = next(key for key in keys if key["name"] == "ci")
    rotated = command("keys", "rotate", found["id"], "--grace", "0").stdout.strip()
    assert rotated != secret
    assert mock.client(api_key=rotated).run_flow("echo", "x").text == "x"
    assert command("keys", "revoke", found["id"]).returncode == 0
    assert command("run", "echo", "x", LANGFLOW_API_KEY=rotated).returncode == 3
    assert "PERMISSIONS" in command("keys", "list").stdout


def test_doctor(command: Any) -> None:
    done = command("doctor")
    assert done.returncode == 0
    assert done.stdout.count("ok  ") == 4
    done = command("doctor", LANGFLOW_API_KEY="wrong")
    assert done.returncode == 3
    assert "FAILS  key is accepted" in done.stdout
    assert "hint: " in done.stderr
    done = command("doctor", "--json", LANGFLOW_URL="http://127.0.0.1:9")
    assert done.returncode == 5
    assert json.loads(done.stdout)[-1]["ok"] is False


@pytest.fixture
def started(environment: dict[str, str]) -> Iterator[Any]:
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "langflow_api", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_mock(started: Any, command: Any) -> None:
    process = started("mock", "--seed", "7")
    lines = [process.stdout.readline().strip() for _ in range(2)]
    settings = dict(line.split("=", 1) for line in lines)
    assert command("run", "echo", "Hello!", **settings).stdout == "Hello!\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


CHAT = ("chat", "memory-chat")


def test_chat_in_a_terminal(environment: dict[str, str]) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.execve(sys.executable, [sys.executable, "-m", "langflow_api", *CHAT], environment)
    seen = ""

    def until(text: str) -> str:
        nonlocal seen
        deadline = time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < deadline, seen
            seen += os.read(terminal, 4096).decode()
        before, _, seen = seen.partition(text)
        return before

    until("> ")
    os.write(terminal, b"My name is Alice\n")
    until("Alice")
    until("> ")
    os.write(terminal, b"What is my name?\n")
    until("What is my name?")
    assert "Alice" in until("> ")
    os.write(terminal, b"/new\n")
    until("A new conversation.")
    until("> ")
    os.write(terminal, b"What is my name?\n")
    until("What is my name?")
    assert "Alice" not in until("> ")
    os.write(terminal, b"\x04")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def test_chat_through_a_pipe(command: Any) -> None:
    done = command("chat", "memory-chat", text="My name is Bob\nWhat is my name?\n/session\n")
    assert done.returncode == 0
    assert "Bob" in done.stdout.splitlines()[-1]
    assert "Talking with memory-chat" in done.stderr


def test_output_that_nobody_reads(environment: dict[str, str]) -> None:
    done = subprocess.run(
        f"{sys.executable} -m langflow_api flows list --json | head -c 1",
        shell=True,
        env=environment,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[", "")


def test_webhooks_listen(started: Any, mock: MockServer) -> None:
    process = started("webhooks", "listen", "echo", "--count", "2", "--json")
    assert "arrive at" in process.stderr.readline()
    mock.client().run_flow("echo", "Hello!")
    events = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert {event["event"] for event in events} == {"flow_started", "flow_completed"}
    done = next(event for event in events if event["event"] == "flow_completed")
    assert (done["flow_id"], done["output"]) == ("echo", "Hello!")
    assert process.wait(10) == 0
    assert list(mock.client().webhooks.list("echo")) == [], "the webhook is deleted at the end"


def test_webhooks_are_passed_on(started: Any, mock: MockServer) -> None:
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from langflow_api import WebhookVerificationFailed
    from langflow_api.webhooks import verify

    got: list[tuple[dict[str, str], bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.handle_request, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    arguments = ("--count", "1", "--event", "flow_completed", "--forward", url)
    process = started("webhooks", "listen", "echo", *arguments)
    process.stderr.readline()
    mock.client().run_flow("echo", "Passed on")
    assert process.wait(10) == 0
    server.server_close()
    headers, body = got[0]
    assert b"Passed on" in body
    with pytest.raises(WebhookVerificationFailed):
        verify(body, headers, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")


def test_the_input_may_stand_behind_options(command: Any) -> None:
    done = command("run", "echo", "--session", "s1", "Hello!")
    assert (done.returncode, done.stdout) == (0, "Hello!\n")
    done = command("run", "echo", "Hello!", "more")
    assert (done.returncode, "unrecognized arguments: more" in done.stderr) == (2, True)


def test_what_the_output_cannot_say_is_escaped(command: Any) -> None:
    done = command("run", "echo", "\u00e9", PYTHONIOENCODING="ascii:strict")
    assert (done.returncode, done.stdout) == (0, "\\xe9\n")
    done = command("run", "echo", "\u00e9", "--json", PYTHONIOENCODING="ascii:strict")
    assert json.loads(done.stdout)["output"] == "\u00e9"


def test_names_do_not_command_a_terminal(command: Any, mock: MockServer) -> None:
    client = mock.client()
    made = client.flows.create(name="\x1b[31mred\nline", data={"nodes": [], "edges": []})
    try:
        shown = command("flows", "list").stdout
    finally:
        client.flows.delete(made.id)
    assert "\x1b" not in shown
    assert "\\x1b[31mred\\nline" in shown


def test_push_says_where_it_failed(command: Any, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    folder.mkdir()
    assert "no *.json" in command("flows", "push", "some").stderr
    good = command("export", "echo").stdout
    (folder / "a.json").write_text(good)
    (folder / "b.json").write_text('{"name": "no flow"}')
    done = command("flows", "push", "some", "--on-conflict", "new_id")
    assert done.returncode == 2 or done.returncode == 1
    assert "a.json" in done.stdout
    assert "b.json was not pushed" in done.stderr
    # A link leads out of the folder.
    (folder / "b.json").unlink()
    (tmp_path / "secret.json").write_text(good)
    (folder / "c.json").symlink_to(tmp_path / "secret.json")
    done = command("flows", "push", "some", "--on-conflict", "new_id", "--json")
    assert [Path(one["path"]).name for one in json.loads(done.stdout)] == ["a.json"]


def test_bad_command_lines_are_one_line(command: Any, mock: MockServer, tmp_path: Path) -> None:
    port = mock.url.rpartition(":")[2].strip("/")
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xe9"}')
    for arguments, code in (
        (("mock", "--port", "99999"), 2),
        (("mock", "--port", port), 1),
        (("export", "latin.json", "--format", "python"), 2),
        (("export", "echo", "-o", "new/"), 2),
        (("webhooks", "listen", "echo", "--forward", "ftp://x"), 2),
    ):
        done = command(*arguments)
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr, done


def test_a_run_without_input_is_refused(command: Any) -> None:
    done = command("run", "echo")
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no input" in done.stderr
    for arguments, text in ((("",), ""), (("-",), ""), ((), "from a pipe")):
        done = command("run", "echo", *arguments, text=text)
        assert (done.returncode, done.stdout.strip()) == (0, text)


def test_a_table_is_as_wide_as_its_terminal(environment: dict[str, str]) -> None:
    import pty

    environment["COLUMNS"] = "60"
    held, terminal = pty.openpty()
    arguments = [sys.executable, "-m", "langflow_api", "keys", "list"]
    subprocess.run(arguments, env=environment, stdout=terminal, check=True)
    os.close(terminal)
    said = b""
    with suppress(OSError):
        while piece := os.read(held, 65536):
            said += piece
    os.close(held)
    lines = said.decode().splitlines()
    assert max(map(len, lines)) <= 60
    # What is copied is whole.
    assert any(line.startswith(("key_execute ", "\u2502 key_execute ")) for line in lines), lines
