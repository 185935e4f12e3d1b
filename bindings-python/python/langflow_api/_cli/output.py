"""What commands print: results on standard output, all else on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from langflow_api import LangflowError


def prepare() -> None:
    """What a terminal or a file cannot say is written as an escape: the flow has run, and its
    answer must not be lost over one letter."""
    if sys.stdout is None:
        # Closed by who began the program.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def say(text: str) -> None:
    """A line for people; never in the way of what a program reads."""
    print(text, file=sys.stderr, flush=True)


def show_json(value: Any) -> None:
    """A result for programs."""
    print(as_json(value, indent=2))


def as_json(value: Any, indent: int | None = None) -> str:
    """The value as JSON that standard output can say."""
    unicode = (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")
    return json.dumps(value, indent=indent, ensure_ascii=not unicode)


def failure(error: LangflowError, *, as_json: bool) -> None:
    """An error: for people as text, with ``--json`` as JSON, both on standard error."""
    if as_json:
        say(json.dumps(error.to_dict(), indent=2, ensure_ascii=False))
    else:
        say(f"error: {error}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, whole: bool = False) -> None:
    """Rows under a head; drawn by rich where it is installed and somebody looks.

    On a terminal long cells are cut to its width, unless the table is to be ``whole``.
    """
    texts = [["" if value is None else harmless(str(value)) for value in row] for row in rows]
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.table import Table
        except ImportError:
            pass
        else:
            drawn = Table(*columns)
            for text in texts:
                drawn.add_row(*(_plain(one) for one in text))
            Console().print(drawn)
            return
    widths = [max(map(len, column)) for column in zip(columns, *texts)]
    if sys.stdout.isatty() and not whole:
        _narrow(widths)
    for row in ([name.upper() for name in columns], *texts):
        line = "  ".join(_cut(value, width).ljust(width) for value, width in zip(row, widths))
        print(line.rstrip())


def _narrow(widths: list[int]) -> None:
    """Makes a table as wide as the terminal; the first column, which is copied, stays whole."""
    from shutil import get_terminal_size

    room = get_terminal_size().columns - 2 * (len(widths) - 1)
    while sum(widths) > room:
        widest = max(range(1, len(widths)), key=lambda at: widths[at], default=0)
        if widest == 0 or widths[widest] <= 5:
            return
        widths[widest] -= 1


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."


def harmless(text: str) -> str:
    """A name as one line that no terminal obeys."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _plain(text: str) -> Any:
    from rich.text import Text

    return Text(text)


def progress(items: Sequence[Any], what: str) -> Iterator[Any]:
    """The items, with a bar on standard error where somebody looks."""
    if not sys.stderr.isatty() or len(items) < 2:
        yield from items
        return
    from langflow_api._progress import bar

    with bar(len(items), what) as far:
        for done, item in enumerate(items, 1):
            yield item
            far(done, len(items))
