"""The client of a command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from langflow_api import Client

if TYPE_CHECKING:
    import argparse


def client(arguments: argparse.Namespace) -> Client:
    """The client that the options of the command ask for."""
    settings: dict[str, Any] = {}
    if arguments.url:
        settings["base_url"] = arguments.url
    if arguments.api_key_env:
        settings["api_key"] = key_of(arguments.api_key_env)
    if arguments.timeout is not None:
        settings["timeout"] = arguments.timeout
    if arguments.environment:
        return Client.for_environment(arguments.environment, **settings)
    return Client(**settings)


def key_of(name: str) -> str:
    """The key in a variable of the environment."""
    from langflow_api import _native

    key = os.environ.get(name)
    if not key:
        raise _native.invalid_input("api_key", f"The environment has no variable {name}.")
    return key
