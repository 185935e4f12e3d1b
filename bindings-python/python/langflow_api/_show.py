"""How results look in a notebook and as a table. Loaded only when something is shown."""

from __future__ import annotations

from html import escape

from ._models import Model, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    import pandas

    from ._result import RunResult

# What a notebook shows of a long list; `to_pandas()` has the rest.
_ROWS = 50


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """An HTML table; every text is escaped."""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(cell, row))}</tr>" for row in rows)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def cell(value: object) -> str:
    """A value in a table."""
    text = "" if value is None else value if isinstance(value, str) else short(value)
    return f'<td style="text-align:left">{escape(text)}</td>'


def model_html(model: Model) -> str:
    """An object as a table of its fields."""
    hidden = {model._wire.get(name, name) for name in model._secret}
    rows = [(name, "***" if name in hidden else model[name]) for name in model]
    return table(("field", "value"), rows, type(model).__name__)


def items_html(items: Sequence[object], caption: str) -> str:
    """Objects as rows."""
    rows = [row(item) for item in items[:_ROWS]]
    names = columns(rows)
    return table(names, ([one.get(name) for name in names] for one in rows), caption)


def row(item: object) -> Mapping[str, Any]:
    """An object as a row."""
    if isinstance(item, Model):
        return item.to_dict()
    return item if isinstance(item, dict) else {"value": item}


def columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names that any row has, in the order in which they come up."""
    return list(dict.fromkeys(name for one in rows for name in one))


def facts(result: RunResult) -> str:
    """Session, duration and tokens of a run in a line."""
    metadata = result.metadata
    shown = [f"session {result.session_id}" if result.session_id else None]
    if metadata.duration is not None:
        shown.append(f"{metadata.duration:.2f} s")
    if metadata.tokens_used is not None:
        shown.append(f"{metadata.tokens_used} tokens")
    return ", ".join(filter(None, shown))


def result_html(result: RunResult) -> str:
    """The answer as it reads, and what it cost."""
    text = result.output
    if isinstance(text, str):
        body = f'<div style="white-space:pre-wrap">{escape(text)}</div>'
    elif text is not None:
        body = f"<pre>{escape(pretty(text))}</pre>"
    else:
        rows = [(key, one.display_name, one.value) for key, one in result.outputs.items()]
        body = table(("component", "name", "value"), rows, f"outputs: {result.reason}")
    return f"{body}<small>{escape(facts(result))}</small>"


def result_markdown(result: RunResult) -> str:
    """The same as Markdown, for reports and terminals."""
    text = result.output
    if isinstance(text, str):
        body = text
    elif text is not None:
        body = f"```json\n{pretty(text)}\n```"
    else:
        body = "\n".join(f"- **{key}**: {short(one.value)}" for key, one in result.outputs.items())
    return f"{body}\n\n*{facts(result)}*"


def pretty(value: object) -> str:
    """A value as JSON that people read."""
    import json

    return json.dumps(value, indent=2, ensure_ascii=False)


def frame(rows: Iterable[Mapping[str, Any]]) -> pandas.DataFrame:
    """A pandas DataFrame of the rows."""
    try:
        import pandas
    except ImportError as error:
        message = "to_pandas() needs pandas: pip install pandas"
        raise ImportError(message) from error
    return pandas.DataFrame([dict(one) for one in rows])
