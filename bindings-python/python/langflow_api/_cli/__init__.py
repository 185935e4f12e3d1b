"""The command ``langflow-api``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from langflow_api import (
    InvalidInput,
    LangflowError,
    NotFound,
    PermissionDenied,
    TimedOut,
    TransportError,
    Unauthenticated,
)

from . import output
from .arguments import parser

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence

# Documented in the help of the command and in the manual; a list kept twice, so tested.
EXIT_CODES = {
    0: "done",
    1: "the run or the call failed",
    2: "the command line, or an argument of the call, is wrong; nothing was sent",
    3: "the key is missing, refused, or may not do this",
    4: "there is no such flow, session, key or file",
    5: "the server could not be reached, or did not answer in time",
    130: "interrupted with Ctrl-C",
}


def exit_code(error: LangflowError) -> int:
    """The exit code of an error."""
    if isinstance(error, InvalidInput):
        return 2
    if isinstance(error, (Unauthenticated, PermissionDenied)):
        return 3
    if isinstance(error, NotFound):
        return 4
    if isinstance(error, (TransportError, TimedOut)):
        return 5
    return 1


def parse(arguments: Sequence[str] | None) -> Namespace:
    """The command line; the input of a run may stand behind its options."""
    line = parser(EXIT_CODES)
    parsed, rest = line.parse_known_args(arguments)
    if getattr(parsed, "input", "") is None and len(rest) == 1 and rest[0][:1] != "-":
        # argparse takes a part that may be left out for one that is, where options follow.
        parsed.input = rest.pop()
    if rest:
        line.error(f"unrecognized arguments: {' '.join(rest)}")
    return parsed


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code."""
    output.prepare()
    parsed = parse(arguments)
    try:
        code: int = parsed.command(parsed)
        sys.stdout.flush()
        return code
    except LangflowError as error:
        output.failure(error, as_json=parsed.json)
        return exit_code(error)
    except FileNotFoundError as error:
        output.say(f"error: {error.strerror}: {error.filename}")
        return 4
    except UnicodeError as error:
        output.say(f"error: what was read is no UTF-8: {error}")
        return 2
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            # Whoever read the output has enough of it, `head` for example.
            sys.stderr.close()
            return 0
        output.say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        # Behind what the terminal makes of Ctrl-C, or what a stream had printed.
        output.say("\ninterrupted" if sys.stderr.isatty() else "interrupted")
        return 130
