"""A server for tests, in this process: no port to choose, no model to pay.

    >>> from langflow_api.testing import MockServer
    >>> with MockServer() as server:
    ...     print(server.client().run_flow("echo", "Hello!").output)
    ...     server.verify(operation="runFlow", flow_id="echo")
    Hello!

It behaves like the product: flows are executed, keys and permissions are checked, sessions
remember and expire. It moves its clock, breaks answers, keeps a journal of what came and judges
the client. With pytest, the fixtures ``langflow_mock`` and ``langflow_client`` are there without
an import.
"""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

from . import _native
from ._async_client import AsyncClient
from ._generated.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

__all__ = ["MockServer"]


class MockServer:
    """The mock server; started at once, ended by ``with`` or :meth:`stop`.

    Each server is a workspace of its own, on a port of its own of 127.0.0.1. Its methods block for
    as long as the server works on them; where a receiver of webhooks runs in the same event loop,
    call them with :func:`asyncio.to_thread`.

    Args:
        options: Settings of the server, such as ``seed``, ``port``, ``token_delay`` (seconds
            before each word), ``auth``, ``seed_flows``, ``seed_file`` (flows, keys and webhooks of
            yours, or a saved state), ``tenants`` or ``webhook_schedule`` (a name, or the pause
            before each attempt: ``"0,1s,5m"``, or a list of seconds).
    """

    def __init__(self, **options: Any) -> None:
        self._server = _native.MockServer(json.dumps(options, default=os.fspath))
        ready = json.loads(self._server.ready())
        self.url: str = ready["url"]
        """URL of the workspace."""
        self.api_key: str = ready["api_key"]
        """A key that may do everything."""
        self.keys: dict[str, str] = ready["keys"]
        """Keys by name: ``admin``, ``read``, ``execute``, ``write``, ``expired``, ``revoked``."""
        self.flow_ids: dict[str, str] = ready["flow_ids"]
        """Ids of the flows that are there from the start, by name."""
        self.ready: dict[str, Any] = ready
        """All that the server said when it began to listen."""

    def client(self, **options: Any) -> Client:
        """A client of this server; options as for :class:`langflow_api.Client`."""
        return Client(**{"base_url": self.url, "api_key": self.api_key, **options})

    def async_client(self, **options: Any) -> AsyncClient:
        """An asyncio client of this server; options as for :class:`langflow_api.AsyncClient`."""
        return AsyncClient(**{"base_url": self.url, "api_key": self.api_key, **options})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Calls the server's control API, for what has no method here.

        Args:
            method: The HTTP method.
            path: The path below ``/__mock``; ``/openapi.json`` lists them.
            body: The body, sent as JSON.

        Raises:
            ValueError: The server refused it; the text names the field.
        """
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=330)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, f"/__mock{path}", sent)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        data: Any = json.loads(text) if text else {}
        if answer.status >= 400:
            said = data.get("detail") or data["title"]
            errors = [it for it in data.get("errors", []) if it["message"] not in said]
            fields = "; ".join(f"{it['field']} {it['message']}" for it in errors)
            raise ValueError(f"{said} {fields}".strip())
        return data

    # Time ------------------------------------------------------------------------------------

    def advance(self, by: float | str) -> list[dict[str, Any]]:
        """Moves the clock forward, and does on the way all that falls due, in order.

        Args:
            by: Seconds, or a text such as ``"31m"``, ``"1h30m"``, ``"2d"``.

        Returns:
            What fell due, each with ``type`` and ``at``: sessions and keys that expired,
            deliveries that were tried again.
        """
        fired: list[dict[str, Any]] = self.control("POST", "/clock", {"advance": by})["fired"]
        return fired

    def freeze(self, at: str | None = None) -> None:
        """Lets the clock stand still, now or at a moment such as ``"2026-01-01T00:00Z"``."""
        how: dict[str, Any] = {"freeze": True}
        if at is not None:
            # Without an earlier time to go on from, any moment may be chosen.
            how = {"reset": True, "freeze": _moment(at)}
        self.control("POST", "/clock", how)

    # What goes wrong, and what is said -------------------------------------------------------

    def fault(self, kind: str | Mapping[str, Any], **values: Any) -> str:
        """Arms a fault for the next request that fits, unless ``times`` or ``scope`` say more.

        Args:
            kind: What goes wrong, such as ``"rate_limited"``, ``"reset"``, ``"stall"``; or a whole
                fault as a mapping.
            values: The values of the kind, and ``times``, ``scope``, ``match``.

        Returns:
            The id of the fault, for :meth:`disarm`.
        """
        whole = {"kind": kind} if isinstance(kind, str) else dict(kind)
        return str(self.control("POST", "/faults", {**whole, **values})["id"])

    def faults(self) -> list[dict[str, Any]]:
        """The faults that are armed, each with how often it struck (``hits``)."""
        items: list[dict[str, Any]] = self.control("GET", "/faults")["items"]
        return items

    def disarm(self, fault_id: str | None = None) -> None:
        """Disarms a fault, or all."""
        self.control("DELETE", "/faults" + (f"/{quote(fault_id, safe='')}" if fault_id else ""))

    def script(self, text: str | None = None, **values: Any) -> str:
        """Scripts what a model says.

        Args:
            text: The reply, said word by word.
            values: ``match``, ``tokens``, ``error``, ``delay_ms``, ``times`` and what else the
                control API names.

        Returns:
            The id of the script.
        """
        body = values if text is None else {"text": text, **values}
        return str(self.control("POST", "/scripts", body)["id"])

    # What came -------------------------------------------------------------------------------

    def requests(self, **match: Any) -> list[dict[str, Any]]:
        """The requests that came, the oldest first, with headers, bodies and answers.

        Args:
            match: Which ones: ``operation``, ``method``, ``path``, ``flow_id``, ``session_id``,
                ``status``, ``ending``, ``fault``, ``contains``, ``since``.
        """
        asked = {"limit": 1000, "whole": "true", **match}
        items: list[dict[str, Any]] = self.control("GET", f"/requests?{urlencode(asked)}")["items"]
        return items

    def verify(
        self,
        *,
        count: int | None = None,
        min: int | None = None,
        max: int | None = None,
        order: Iterable[Mapping[str, Any]] | None = None,
        **match: Any,
    ) -> None:
        """Fails unless what should have come has come.

        Args:
            count: So many requests, exactly.
            min: So many at least; 1 if nothing else is said.
            max: So many at most.
            order: Instead of all this: filters, for each of which a request came, in this order.
            match: Which requests, as for :meth:`requests`; ``headers`` too.

        Raises:
            AssertionError: Something else came; the text says what.
        """
        asked: dict[str, Any] = {"count": count, "min": min, "max": max}
        asked = {name: value for name, value in asked.items() if value is not None}
        if order is not None:
            asked["order"] = [dict(one) for one in order]
        else:
            asked["match"] = match
        told = self.control("POST", "/verify", asked)
        if not told["ok"]:
            wanted = asked.get("order", match)
            raise AssertionError(f"{wanted}: {told['message']}\n{_lines(told.get('instead', []))}")

    def wait(self, *, count: int = 1, timeout: float = 10.0, **match: Any) -> None:
        """Waits until so many requests have come.

        Args:
            count: How many.
            timeout: Seconds of real time, 300 at most.
            match: Which requests, as for :meth:`requests`.

        Raises:
            AssertionError: They did not come in time.
        """
        asked = {"match": match, "count": count, "timeout": timeout}
        told = self.control("POST", "/wait", asked)
        if not told["ok"]:
            found = told["found"]
            raise AssertionError(f"{match}: {found} of {count} came within {timeout} s")

    def deliveries(self, **match: Any) -> list[dict[str, Any]]:
        """What was sent to webhooks, the newest first for each of them, with every attempt.

        Args:
            match: Fields that have to be equal, such as ``event``, ``status``, ``webhook_id``.
        """
        found: list[dict[str, Any]] = []
        for flow in self._look("/flows"):
            for webhook in self._look(f"/flows/{quote(flow['id'], safe='')}/webhooks"):
                found += self._look(f"/webhooks/{quote(webhook['id'], safe='')}/deliveries")
        return [it for it in found if all(it.get(name) == want for name, want in match.items())]

    def verdict(self, *, ignore: Iterable[str] = (), strict: bool = False) -> dict[str, Any]:
        """What the client did wrong, as far as a server sees it: ``ok`` and ``findings``.

        Args:
            ignore: Codes that do not count.
            strict: Counts it too that a client does not retry, or retries without jitter.
        """
        asked = {"ignore": ",".join(ignore), "strict": "true" if strict else "false"}
        verdict: dict[str, Any] = self.control("GET", f"/verdict?{urlencode(asked)}")
        return verdict

    def assert_resilient(self, *, ignore: Iterable[str] = (), strict: bool = False) -> None:
        """Fails if the client did something wrong; the arguments are those of `verdict`.

        Raises:
            AssertionError: With what the client did.
        """
        verdict = self.verdict(ignore=ignore, strict=strict)
        if not verdict["ok"]:
            found = (f"{it['code']}: {it['message']}" for it in verdict["findings"])
            raise AssertionError("; ".join(found))

    def report(self, last: int = 10) -> str:
        """The last requests and the verdict, for people: what a failed test wants to show."""
        requests = self.control("GET", f"/requests?limit={last}")
        verdict = self.verdict()
        lines = [f"{requests['total']} requests, the last of them:", _lines(requests["items"])]
        lines += ["verdict: " + ("nothing to blame" if verdict["ok"] else "")]
        lines += [f"  {it['code']}: {it['message']}" for it in verdict["findings"]]
        return "\n".join(lines)

    # Its life --------------------------------------------------------------------------------

    def reset(self, *scopes: str, keep: Iterable[str] = ()) -> None:
        """Begins anew: flows, keys, sessions, journal, faults, scripts, snapshots and clock.

        Args:
            scopes: Only these: ``state``, ``requests``, ``faults``, ``scripts``, ``snapshots``,
                ``clock``.
            keep: What stays as it is.
        """
        body: dict[str, Any] = {"keep": list(keep)}
        if scopes:
            body["scopes"] = list(scopes)
        self.control("POST", "/reset", body)

    def stop(self) -> None:
        """Ends the server and closes its connections."""
        self._server.stop()

    def _look(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        page, pages = 1, 1
        while page <= pages:
            asked = quote(f"{path}?size=100&page={page}", safe="")
            shown = self.control("GET", f"/look?path={asked}")
            found += shown["items"]
            page, pages = page + 1, shown["pages"]
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"MockServer({self.url!r})"


def _moment(text: str) -> str:
    """A moment as RFC 3339 wants it: seconds may be left out."""
    date, mark, time = text.partition("T")
    clock = time.rstrip("Zz")
    if mark and time != clock and clock.count(":") == 1:
        return f"{date}T{clock}:00Z"
    return text


def _lines(requests: Iterable[Mapping[str, Any]]) -> str:
    shown = []
    for it in requests:
        status = it["status"] or "no answer"
        more = "".join(f" {it[name]}" for name in ("fault",) if it[name])
        ending = "" if it["ending"] == "complete" else f" ({it['ending']})"
        shown.append(f"  #{it['id']} {it['method']} {it['target']} -> {status}{more}{ending}")
    return "\n".join(shown) or "  none came"
