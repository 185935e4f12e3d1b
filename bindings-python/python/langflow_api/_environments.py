"""Named environments in a file: the file of ``langflow-sdk``.

The file names a server and the variable that holds its key::

    [environments.staging]
    url = "https://staging.example.com"
    api_key_env = "STAGING_API_KEY"

    [defaults]
    environment = "staging"
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ._native import invalid_input

VARIABLE = "LANGFLOW_ENVIRONMENTS_FILE"
LOCAL = "langflow-environments.toml"
# `description` is for people.
_FIELDS = ("url", "api_key_env", "api_key", "description")
OF_THE_USER = ".config/langflow/environments.toml"


def settings(
    name: str | None, file: str | os.PathLike[str] | None, options: dict[str, Any]
) -> dict[str, Any]:
    """Address and key of an environment, and the options over them.

    Nothing is guessed: a file that was named and is not there, and a variable that is not set, are
    errors, since the client would go to another server, or show another key, than was meant.

    Raises:
        InvalidInput: there is no such file or environment, or it lacks something.
    """
    path = _path(file)
    content = _read(path)
    known = content.get("environments")
    if not isinstance(known, dict) or not known:
        raise invalid_input("file", f"{path} has no [environments.NAME].")
    if name is None:
        defaults = content.get("defaults")
        named = defaults.get("environment") if isinstance(defaults, dict) else None
        name = os.environ.get("LANGFLOW_ENV") or named
    names = ", ".join(sorted(known))
    if not name:
        raise invalid_input("name", f"Say which environment is meant; {path} has {names}.")
    chosen = known.get(name)
    if not isinstance(chosen, dict):
        raise invalid_input("name", f"There is no environment {name!r}; {path} has {names}.")
    url = chosen.get("url")
    if not isinstance(url, str) or not url:
        raise invalid_input("url", f"The environment {name!r} of {path} has no `url`.")
    for field in chosen:
        if field not in _FIELDS:
            message = f"The environment {name!r} of {path} has a `{field}`, which nobody reads."
            raise invalid_input(str(field), f"{message} There is {', '.join(_FIELDS)}.")
    found: dict[str, Any] = {"base_url": url, **options}
    if "api_key" not in options and "username" not in options:
        found["api_key"] = _key(name, chosen, path)
    return found


def _key(name: str, chosen: dict[str, Any], path: Path) -> str | None:
    variable = chosen.get("api_key_env")
    if variable is None:
        key = chosen.get("api_key")
        if key is not None and not isinstance(key, str):
            raise invalid_input("api_key", f"`api_key` of {name!r} in {path} is no text.")
        if key is None and os.environ.get("LANGFLOW_API_KEY"):
            message = f"{path} names no key for {name!r}, and LANGFLOW_API_KEY may be another's."
            raise invalid_input("api_key", message)
        return key
    key = os.environ.get(str(variable))
    if not key:
        message = f"{variable}, which {path} names for the key of {name!r}, is not set."
        raise invalid_input("api_key", message)
    return key


def _path(file: str | os.PathLike[str] | None) -> Path:
    named = os.fspath(file) if file is not None else os.environ.get(VARIABLE)
    if named:
        path = Path(named)
        if not path.is_file():
            whose = "" if file is not None else f" ({VARIABLE})"
            raise invalid_input("file", f"There is no file {path}{whose}.")
        return path
    places = [Path(LOCAL)]
    home = os.path.expanduser("~")
    # Where there is no home folder the name stays as it is.
    if home != "~":
        places.append(Path(home, OF_THE_USER))
    for place in places:
        if place.is_file():
            return place
    raise invalid_input("file", f"There is neither {LOCAL} here nor ~/{OF_THE_USER}.")


def _read(path: Path) -> dict[str, Any]:
    try:
        import tomllib as toml
    except ImportError:
        try:
            import tomli as toml  # type: ignore[import-not-found,no-redef,unused-ignore]
        except ImportError:
            message = "Files of environments need Python 3.11, or the package tomli."
            raise invalid_input("file", message) from None
    try:
        content: dict[str, Any] = toml.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise invalid_input("file", f"{path} cannot be read: {error}.") from None
    return content
