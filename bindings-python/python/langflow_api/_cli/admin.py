"""``sessions``, ``keys`` and ``doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langflow_api import LangflowError
from langflow_api._given import NOT_GIVEN

from . import output
from .client import client

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from langflow_api import Client
    from langflow_api.models import ApiKeySecret


def list_sessions(arguments: argparse.Namespace) -> int:
    """A table of the sessions."""
    with client(arguments) as caller:
        found = list(caller.sessions.list(arguments.flow, size=100))
    if arguments.json:
        output.show_json([session.to_dict() for session in found])
    else:
        columns = ("id", "messages", "last active", "expires")
        output.table(
            columns,
            ((one.id, one.message_count, one.last_active_at, one.expires_at) for one in found),
        )
    return 0


def show_session(arguments: argparse.Namespace) -> int:
    """What was said."""
    with client(arguments) as caller:
        said = list(caller.sessions.list_messages(arguments.flow, arguments.session, size=100))
    if arguments.json:
        output.show_json([message.to_dict() for message in said])
    else:
        output.table(("role", "text"), ((one.role, one.text) for one in said), whole=True)
    return 0


def clear_sessions(arguments: argparse.Namespace) -> int:
    """Forgets one session, or all where that is asked for in so many words."""
    from langflow_api import _native

    if bool(arguments.session) == arguments.all:
        raise _native.invalid_input("session", "Name one session, or pass --all.")
    with client(arguments) as caller:
        if arguments.all:
            cleared = caller.sessions.clear_all(arguments.flow).to_dict()
        else:
            caller.sessions.clear(arguments.flow, arguments.session)
            cleared = {"cleared": 1}
    if arguments.json:
        output.show_json(cleared)
    return 0


def list_keys(arguments: argparse.Namespace) -> int:
    """A table of the keys, without their secrets."""
    with client(arguments) as caller:
        found = list(caller.api_keys.list(size=100))
    if arguments.json:
        output.show_json([key.to_dict() for key in found])
    else:
        columns = ("id", "name", "begins with", "permissions", "status", "last used")
        rows = (
            (key.id, key.name, key.prefix, " ".join(key.permissions), key.status, key.last_used_at)
            for key in found
        )
        output.table(columns, rows)
    return 0


def create_key(arguments: argparse.Namespace) -> int:
    """Makes a key; its secret is all that standard output gets."""
    with client(arguments) as caller:
        made = caller.api_keys.create(
            name=arguments.name,
            permissions=arguments.permission,
            expires_at=arguments.expires or NOT_GIVEN,
        )
    return _secret(arguments, made)


def rotate_key(arguments: argparse.Namespace) -> int:
    """Gives a key a new secret."""
    grace = NOT_GIVEN if arguments.grace is None else arguments.grace
    with client(arguments) as caller:
        made = caller.api_keys.rotate(arguments.id, grace_period=grace)
    return _secret(arguments, made)


def _secret(arguments: argparse.Namespace, made: ApiKeySecret) -> int:
    if arguments.json:
        output.show_json(made.to_dict())
    else:
        output.say("This key is shown once; keep it safe.")
        print(made.key)
    return 0


def revoke_key(arguments: argparse.Namespace) -> int:
    """Refuses a key from now on."""
    with client(arguments) as caller:
        caller.api_keys.revoke(arguments.id)
    return 0


def doctor(arguments: argparse.Namespace) -> int:
    """Goes through what a call needs, in order, and says what to do about the first failure."""
    found: list[dict[str, Any]] = []
    with client(arguments) as caller:
        found.append({"check": "settings", "ok": True, "detail": repr(caller)})
        checks: tuple[tuple[str, Callable[[Client], str]], ...] = (
            ("server answers", _health),
            ("server is known", _version),
            ("key is accepted", _key),
        )
        failure: LangflowError | None = None
        for name, check in checks:
            try:
                found.append({"check": name, "ok": True, "detail": check(caller)})
            except LangflowError as error:
                failure = error
                found.append(
                    {"check": name, "ok": False, "detail": f"{error.code}: {error.message}"}
                )
                found[-1]["hint"] = error.hint
                break
    if arguments.json:
        output.show_json(found)
    else:
        rows = (("ok" if one["ok"] else "FAILS", one["check"], one["detail"]) for one in found)
        output.table(("", "check", "detail"), rows, whole=True)
    if failure is None:
        return 0
    if not arguments.json and failure.hint:
        output.say(f"hint: {failure.hint}")
    from . import exit_code

    return exit_code(failure)


def _health(caller: Client) -> str:
    return str(caller.monitoring.get_health().status)


def _version(caller: Client) -> str:
    told = caller.monitoring.get_version()
    return f"{told.server} {told.server_version}, {told.api} {told.api_version}"


def _key(caller: Client) -> str:
    return f"{caller.flows.list(size=1).total} flows"
