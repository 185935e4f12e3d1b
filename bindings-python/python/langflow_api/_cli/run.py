"""``run`` and ``chat``."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from langflow_api import LangflowError

from . import output
from .client import client

if TYPE_CHECKING:
    import argparse

    from langflow_api import RunResult, Session, Stream

HELP = "/new begins a new conversation, /session shows its id, /exit or Ctrl-D leaves"


def tweaks(settings: list[str]) -> dict[str, dict[str, Any]]:
    """``COMPONENT.FIELD=VALUE`` as tweaks."""
    from langflow_api import _native

    found: dict[str, dict[str, Any]] = {}
    for setting in settings:
        place, equals, text = setting.partition("=")
        component, dot, field = place.rpartition(".")
        if not (equals and dot and component and field):
            message = f"`{setting}` is not COMPONENT.FIELD=VALUE."
            raise _native.invalid_input("tweak", message)
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(component, {})[field] = value
    return found


def input_of(arguments: argparse.Namespace) -> str:
    """The input of a run: the argument, else what standard input holds."""
    text: str | None = arguments.input
    if text is not None and text != "-":
        return text
    if sys.stdin is None:
        read = ""
    else:
        if sys.stdin.isatty():
            output.say("Type the input; Ctrl-D on a line of its own ends it.")
        read = sys.stdin.read()
    if text is None and not read.strip():
        from langflow_api import _native

        message = 'There is no input: pass it behind the flow, as "" if there is to be none.'
        raise _native.invalid_input("input", message)
    return read


def run(arguments: argparse.Namespace) -> int:
    """Runs a flow once; the text goes to standard output and nothing else does."""
    text = input_of(arguments)
    try:
        text.encode()
    except UnicodeEncodeError:
        from langflow_api import _native

        # What the shell handed over as bytes.
        raise _native.invalid_input("input", "The input is not UTF-8.") from None
    call: dict[str, Any] = {
        "flow_id": arguments.flow,
        "input_value": text,
        "tweaks": tweaks(arguments.tweak) or None,
        "session_id": arguments.session,
    }
    with client(arguments) as caller:
        if arguments.stream:
            with caller.stream_flow(**call) as stream:
                if arguments.json:
                    for event in stream:
                        print(output.as_json(event.to_dict()), flush=True)
                else:
                    write(stream)
            return 0
        result: RunResult = caller.run_flow(**call)
        if arguments.json:
            output.show_json(result.to_dict())
        elif isinstance(result.output, str):
            print(result.output)
        elif result.output is not None:
            output.show_json(result.output)
        else:
            rows = ((key, one.display_name, one.value) for key, one in result.outputs.items())
            output.table(("component", "name", "value"), rows, whole=True)
    return 0


def write(stream: Stream) -> None:
    """Prints the text of a run as it comes."""
    for piece in stream.text_stream:
        sys.stdout.write(piece)
        sys.stdout.flush()
    print()


def chat(arguments: argparse.Namespace) -> int:
    """A conversation; Ctrl-C ends an answer, Ctrl-D the conversation."""
    try:
        import readline  # noqa: F401  (lines can be edited and called back)
    except ImportError:
        pass
    with client(arguments) as caller:
        talk = caller.session(
            arguments.flow, arguments.session, tweaks=tweaks(arguments.tweak) or None
        )
        output.say(f"Talking with {arguments.flow}. {HELP}.")
        while True:
            try:
                line = input("> " if sys.stdin.isatty() else "").strip()
            except EOFError:
                return 0
            except KeyboardInterrupt:
                print()
                continue
            if line == "/exit":
                return 0
            if line == "/new":
                talk = caller.session(arguments.flow, tweaks=talk.tweaks)
                output.say("A new conversation.")
            elif line == "/session":
                output.say(talk.session_id or "none yet")
            elif line.startswith("/"):
                output.say(HELP)
            elif line:
                answer(talk, line, as_json=arguments.json)


def answer(talk: Session, line: str, *, as_json: bool) -> None:
    """One answer; an error does not end the conversation."""
    try:
        if as_json:
            output.show_json(talk.run(line).to_dict())
            return
        with talk.stream(line) as stream:
            write(stream)
        if talk.status == "expired":
            output.say("(the conversation had expired; this is a new one)")
    except LangflowError as error:
        print()
        output.failure(error, as_json=as_json)
    except KeyboardInterrupt:
        print()
        output.say("(stopped)")
