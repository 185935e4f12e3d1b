"""What the calls of a client came to, and alerts."""

from __future__ import annotations

from ._json import loads
from ._models import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, Literal

    from . import _native
    from ._models import Shape


class Latency(Model):
    """A histogram of times in seconds."""

    __slots__ = ()
    count: int
    """Number of calls."""
    sum: float
    """Sum of their times."""
    max: float
    """The longest."""
    p50: float
    """Half of the calls took at most this."""
    p95: float
    """95 of 100 calls took at most this."""
    p99: float
    """99 of 100 calls took at most this."""
    buckets: list[Any]
    """Upper end of a bucket (``None`` for the last) and the calls in it."""
    _fields = ("count", "sum", "max", "p50", "p95", "p99", "buckets")


class Metrics(Model):
    """What the calls of a client came to since it was made; copies by ``with_options`` share it."""

    __slots__ = ()
    calls: int
    """Calls that are over."""
    in_flight: int
    """Calls that are under way, open streams included."""
    failed: int
    """Calls that ended with an error."""
    abandoned: int
    """Streams that were left before their end."""
    attempts: int
    """Requests sent, retries included."""
    errors: dict[str, int]
    """Errors by their code."""
    latency: Latency
    """How long calls took, failed ones included."""
    tokens: int
    """Tokens that runs used, as the servers counted them."""
    skipped_events: int
    """Malformed events of streams that were passed over (``skip_malformed``)."""
    cache_hits: int
    """Runs answered from the cache: these are no calls."""
    cache_misses: int
    """Runs that the cache did not know."""
    _fields = (
        "calls",
        "in_flight",
        "failed",
        "abandoned",
        "attempts",
        "errors",
        "latency",
        "tokens",
        "skipped_events",
        "cache_hits",
        "cache_misses",
    )
    _shapes: ClassVar[dict[str, Shape]] = {"latency": "Latency"}


class Alert(Model):
    """A threshold that was passed. Raised once, and again only after it had gone back below."""

    __slots__ = ()
    kind: Literal["error_rate", "p95_latency", "tokens"]
    """What was passed."""
    value: float
    """What was found."""
    threshold: float
    """What it passed."""
    calls: int
    """Calls in the window."""
    window: float
    """Length of the window in seconds."""
    _fields = ("kind", "value", "threshold", "calls", "window")


class Alerts:
    """Alerts that are listened to in a thread; :meth:`close` or a ``with`` block ends it."""

    def __init__(self, source: _native.EventStream, callback: Callable[[Alert], object]) -> None:
        from threading import Thread

        self._source = source
        self._callback = callback
        self._thread = Thread(target=self._listen, name="langflow-alerts", daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            batch = self._source.next_batch()
            if batch is None:
                return
            for event in loads(batch):
                try:
                    self._callback(Alert(event))
                except Exception:
                    import logging

                    logging.getLogger("langflow_api").exception("an alert's callback failed")

    def close(self) -> None:
        """Stops listening."""
        self._source.close()

    def __enter__(self) -> Alerts:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
