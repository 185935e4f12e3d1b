"""The command line, as data for argparse."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from . import admin, flows, run, serve

if TYPE_CHECKING:
    from collections.abc import Mapping

EVENTS = ("flow_started", "flow_completed", "flow_error", "component_completed")


def parser(exit_codes: Mapping[int, str]) -> argparse.ArgumentParser:
    """The parser of the whole command."""
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in exit_codes.items())
    top = argparse.ArgumentParser(
        prog="langflow-api",
        description="Runs flows and looks after a workspace.",
        epilog=f"LANGFLOW_URL and LANGFLOW_API_KEY name the workspace.\n\nexit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _run(commands)
    _flows(commands)
    _admin(commands)
    _serve(commands)
    return top


class Version(argparse.Action):
    """Asks for the version only where it is wanted."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from langflow_api import __version__

        print(f"langflow-api {__version__}")
        parser.exit()


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no port: they go from 0 to 65535")


def _connection() -> argparse.ArgumentParser:
    """Options of every command that talks to a server."""
    shared = argparse.ArgumentParser(add_help=False)
    group = shared.add_argument_group("connection")
    group.add_argument("--url", help="the workspace, instead of LANGFLOW_URL")
    group.add_argument(
        "--api-key-env",
        metavar="NAME",
        help="variable that holds the key, instead of LANGFLOW_API_KEY; a key itself is no "
        "argument, because other users of the machine can read command lines",
    )
    group.add_argument(
        "--environment",
        metavar="NAME",
        help="address and key of this name in langflow-environments.toml",
    )
    group.add_argument("--timeout", type=float, metavar="SECONDS", help="time for a call")
    shared.add_argument("--json", action="store_true", help="print JSON, errors too")
    return shared


def _run(commands: Commands) -> None:
    shared = _connection()
    how = argparse.ArgumentParser(add_help=False)
    how.add_argument("flow", help="id of the flow")
    how.add_argument("--session", metavar="ID", help="go on with this conversation")
    how.add_argument(
        "--tweak",
        action="append",
        default=[],
        metavar="COMPONENT.FIELD=VALUE",
        help="a setting for this run; the value is JSON or else a text; may be repeated",
    )
    once = commands.add_parser("run", parents=[shared, how], help="run a flow once")
    once.add_argument(
        "input", nargs="?", help="the input; without it, or as -, it is read from standard input"
    )
    once.add_argument("--stream", action="store_true", help="print the text as it comes")
    once.set_defaults(command=run.run)
    chat = commands.add_parser("chat", parents=[shared, how], help="talk with a flow")
    chat.set_defaults(command=run.chat)


def _flows(commands: Commands) -> None:
    shared = _connection()
    several = commands.add_parser("flows", help="list, fetch and send flows")
    some = several.add_subparsers(metavar="ACTION", required=True)
    listing = some.add_parser("list", parents=[shared], help="list the flows")
    listing.add_argument("--query", "-q", metavar="TEXT", help="only those with this text")
    listing.set_defaults(command=flows.list_flows)
    pull = some.add_parser("pull", parents=[shared], help="save flows as files")
    pull.add_argument("flow", nargs="*", help="ids; all flows if left out")
    pull.add_argument("--output", "-o", default="flows", metavar="FOLDER")
    pull.set_defaults(command=flows.pull)
    push = some.add_parser("push", parents=[shared], help="import flows from files")
    push.add_argument("path", nargs="+", help="a file, a zip archive, or a folder of *.json")
    push.add_argument(
        "--on-conflict",
        choices=("new_id", "replace", "fail"),
        default="replace",
        help="what to do with a flow whose id is taken (replace)",
    )
    push.set_defaults(command=flows.push)
    projects = commands.add_parser("projects", help="projects of an open-source server as folders")
    some = projects.add_subparsers(metavar="ACTION", required=True)
    pull = some.add_parser("pull", parents=[shared], help="save a project as a folder of files")
    pull.add_argument("project", help="id or name of the project")
    pull.add_argument("--output", "-o", default="project", metavar="FOLDER")
    pull.set_defaults(command=flows.pull_project)
    push = some.add_parser("push", parents=[shared], help="bring such a folder to a server")
    push.add_argument("folder")
    push.set_defaults(command=flows.push_project)
    export = commands.add_parser("export", parents=[shared], help="a flow as JSON, or as code")
    export.add_argument("flow", help="id of the flow, or a flow file: that needs no server")
    export.add_argument(
        "--format",
        choices=flows.FORMATS,
        default="json",
        help="python: a program that needs no Langflow; call-*: the code that calls the flow; "
        "tweaks-*: what can be set for one run, as types",
    )
    export.add_argument(
        "--stubs",
        action="store_true",
        help="python: write functions that raise for what has no translation",
    )
    export.add_argument("--output", "-o", metavar="FILE", help="a file; standard output if absent")
    export.set_defaults(command=flows.export)


def _admin(commands: Commands) -> None:
    shared = _connection()
    sessions = commands.add_parser("sessions", help="conversations that flows remember")
    some = sessions.add_subparsers(metavar="ACTION", required=True)
    for name, text, handler in (
        ("list", "list the sessions of a flow", admin.list_sessions),
        ("show", "what was said in a session", admin.show_session),
        ("clear", "forget a session, or all of the flow", admin.clear_sessions),
    ):
        one = some.add_parser(name, parents=[shared], help=text)
        one.add_argument("flow", help="id of the flow")
        if name != "list":
            one.add_argument("session", nargs="?" if name == "clear" else None, help="its id")
        if name == "clear":
            one.add_argument("--all", action="store_true", help="all sessions of the flow")
        one.set_defaults(command=handler)
    keys = commands.add_parser("keys", help="API keys; needs the permission admin")
    some = keys.add_subparsers(metavar="ACTION", required=True)
    some.add_parser("list", parents=[shared], help="list the keys").set_defaults(
        command=admin.list_keys
    )
    create = some.add_parser("create", parents=[shared], help="make a key and print it once")
    create.add_argument("name")
    create.add_argument(
        "--permission",
        action="append",
        choices=("read", "execute", "write", "admin"),
        required=True,
        help="may be repeated",
    )
    create.add_argument("--expires", metavar="TIME", help="RFC 3339; never if left out")
    create.set_defaults(command=admin.create_key)
    rotate = some.add_parser("rotate", parents=[shared], help="give a key a new secret")
    rotate.add_argument("id")
    rotate.add_argument("--grace", type=int, metavar="SECONDS", help="how long the old one works")
    rotate.set_defaults(command=admin.rotate_key)
    revoke = some.add_parser("revoke", parents=[shared], help="refuse a key from now on")
    revoke.add_argument("id")
    revoke.set_defaults(command=admin.revoke_key)
    doctor = commands.add_parser("doctor", parents=[shared], help="find out why it does not work")
    doctor.set_defaults(command=admin.doctor)


def _serve(commands: Commands) -> None:
    shared = _connection()
    webhooks = commands.add_parser("webhooks", help="events of flows on this machine")
    some = webhooks.add_subparsers(metavar="ACTION", required=True)
    listen = some.add_parser(
        "listen", parents=[shared], help="print (and pass on) the events of a flow as they come"
    )
    listen.add_argument("flow", help="id of the flow")
    listen.add_argument(
        "--event", action="append", choices=EVENTS, help="only these; may be repeated"
    )
    listen.add_argument("--forward", metavar="URL", help="send every delivery on, as it came")
    listen.add_argument("--port", type=_port, default=0, help="port to listen on; any free one")
    listen.add_argument(
        "--public-url", metavar="URL", help="how the server reaches this machine, if not directly"
    )
    listen.add_argument("--count", type=int, metavar="N", help="end after so many events")
    listen.set_defaults(command=serve.listen)
    mock = commands.add_parser("mock", help="a workspace for tests, on this machine")
    mock.add_argument("--port", type=_port, default=0, help="any free one if left out")
    mock.add_argument("--seed", type=int, help="makes ids and keys the same in every run")
    mock.add_argument("--json", action="store_true", help="print JSON")
    mock.set_defaults(command=serve.mock)
