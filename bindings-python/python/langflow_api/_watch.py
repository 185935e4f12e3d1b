"""What others may know of a call: a line in the log, a span of OpenTelemetry.

Both cost nothing where nobody asked for them: neither ``logging`` nor ``opentelemetry`` is imported
before the program has done so itself, or has set ``LANGFLOW_LOG``.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Protocol

    from ._result import RunResult

    class Base(Protocol):
        """A client, as far as a log needs it."""

        def _plain(self, text: str, options: dict[str, object]) -> str: ...


_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def quick_look(level: str) -> None:
    """Writes the log to standard error: what ``LANGFLOW_LOG=debug`` asks for."""
    import logging

    logger = logging.getLogger("langflow_api")
    number = _LEVELS.get(level.strip().lower())
    if number is None:
        logger.warning("LANGFLOW_LOG=%s: known are %s", level, ", ".join(_LEVELS))
        return
    logger.setLevel(number)
    if not any(getattr(handler, "langflow", False) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        handler.langflow = True  # type: ignore[attr-defined]
        logger.addHandler(handler)


class Watch:
    """A call that nobody watches."""

    __slots__ = ("options",)

    def __init__(self, options: dict[str, object]) -> None:
        self.options = options

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def replied(self, head: str) -> None:
        """An operation was answered."""

    def finished(self, result: RunResult) -> None:
        """A run has its result."""

    def goes_on(self) -> None:
        """The call is a stream now: leaving the block does not end it."""

    def ended(self, error: BaseException | None = None) -> None:
        """The stream is over."""


class Watched(Watch):
    """A call that is logged or traced."""

    __slots__ = ("_client", "_facts", "_goes_on", "_logger", "_name", "_over", "_span", "_started")

    def __init__(
        self, client: Base, name: str, options: dict[str, object], flow_id: object
    ) -> None:
        from time import perf_counter

        super().__init__(options)
        self._client = client
        self._name = name
        self._facts: dict[str, Any] = {}
        self._goes_on = self._over = False
        self._started = perf_counter()
        logging = sys.modules.get("logging")
        self._logger = logging.getLogger("langflow_api") if logging is not None else None
        self._span: Any = None
        if "opentelemetry.trace" in sys.modules:
            self._begin_span(flow_id)
        if self._logger is not None:
            self._logger.debug("%s begins", name)

    def _begin_span(self, flow_id: object) -> None:
        from opentelemetry import propagate, trace

        attributes: dict[str, Any] = {"langflow.operation": self._name}
        if isinstance(flow_id, str):
            attributes["langflow.flow_id"] = flow_id
        tracer = trace.get_tracer("langflow_api")
        self._span = tracer.start_span(
            f"langflow {self._name}", kind=trace.SpanKind.CLIENT, attributes=attributes
        )
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(self._span))
        if carrier:
            headers = self.options.get("headers")
            merged = {**carrier, **headers} if isinstance(headers, dict) else carrier
            self.options = {**self.options, "headers": merged}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None or not self._goes_on:
            self.ended(error)

    def replied(self, head: str) -> None:
        """An operation was answered."""
        from ._json import loads

        reply = loads(head)
        for name in ("status", "attempts", "request_id"):
            self._facts[name] = reply.get(name)

    def finished(self, result: RunResult) -> None:
        """A run has its result."""
        self._facts.update(
            attempts=result.attempts,
            request_id=result.request_id,
            session_id=result.session_id,
            server=result.server,
            tokens_used=result.metadata.tokens_used if result.metadata else None,
        )

    def goes_on(self) -> None:
        """The call is a stream now: leaving the block does not end it."""
        self._goes_on = True

    def ended(self, error: BaseException | None = None) -> None:
        """The call is over. Said once."""
        if self._over:
            return
        self._over = True
        code = None
        if error is not None:
            code = str(getattr(error, "code", None) or type(error).__name__)
            for name in ("status", "attempts", "request_id"):
                self._facts[name] = getattr(error, name, None)
        for name, value in self._facts.items():
            if isinstance(value, str):
                # A server's words: it may have been told a key, and repeat it.
                self._facts[name] = self._client._plain(value, self.options)
        if self._span is not None:
            self._end_span(error, code)
        if self._logger is not None:
            self._log(code)

    def _end_span(self, error: BaseException | None, code: str | None) -> None:
        from opentelemetry.trace import StatusCode

        names = {"status": "http.response.status_code", "attempts": "langflow.attempts"}
        for name, value in self._facts.items():
            if value is not None:
                self._span.set_attribute(names.get(name, f"langflow.{name}"), value)
        if code is not None:
            self._span.set_attribute("error.type", code)
            self._span.set_status(StatusCode.ERROR, str(getattr(error, "message", "") or code))
        self._span.end()

    def _log(self, code: str | None) -> None:
        from time import perf_counter

        attempts = self._facts.get("attempts") or 1
        facts = " ".join(
            # A server's words stay on the line of the call.
            f"{key}={' '.join(str(value).split())}"
            for key, value in self._facts.items()
            if value is not None
        )
        # A retry that helped is worth knowing; an error is raised, and so is the caller's to log.
        level = 20 if attempts > 1 and code is None else 10
        outcome = "ended" if code is None else f"failed with {code}"
        seconds = perf_counter() - self._started
        if self._logger is not None:
            self._logger.log(level, "%s %s after %.3f s %s", self._name, outcome, seconds, facts)


def watch(client: Base, name: str, options: dict[str, object], flow_id: object = None) -> Watch:
    """Begins to watch a call, if anybody wants to know of it."""
    return Watched(client, name, options, flow_id) if wanted() else Watch(options)


# Looked up once: a logger stays, while asking for it takes a lock.
_logger: Any = None


def wanted() -> bool:
    """Whether anybody wants to know of calls."""
    global _logger
    modules = sys.modules
    if "opentelemetry.trace" in modules:
        return True
    if _logger is None:
        logging = modules.get("logging")
        if logging is None:
            return False
        _logger = logging.getLogger("langflow_api")
    enabled: bool = _logger.isEnabledFor(20)
    return enabled
