"""What both clients share: configuration, and the engine that it makes."""

from __future__ import annotations

import os
import sys

from . import _native
from ._bridge import encode
from ._given import NOT_GIVEN, NotGiven, given
from ._json import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from typing import Any

    from typing_extensions import Self

    from ._hooks import OnRequest, OnResponse
    from ._metrics import Alert, Alerts, Metrics

# Options that a call can carry; changing one of these keeps the connections of a client.
_PER_CALL = ("timeout", "max_retries", "headers", "query")
# Options of the client itself that keep its connections too.
_SHARED = (
    "api_key",
    "first_byte_timeout",
    "idle_timeout",
    "repeat_runs",
    "skip_malformed",
    "strict_sessions",
    "max_event",
    "cache_ttl",
)


class _Settings(dict[str, object]):
    """Settings that do not show themselves, since a key or a password is among them: debuggers, and
    whoever prints ``vars(client)``, show what an object holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<settings: {', '.join(self)}>"


class Base:
    """Base of :class:`Client` and :class:`AsyncClient`."""

    _config: dict[str, object]
    _defaults: dict[str, object]
    _bare: _native.Engine
    _keys: Callable[[], object] | None
    # Asked for once, and only where a function hands out the key.
    _seconds: float | NotGiven | None = NOT_GIVEN

    def __init__(
        self,
        base_url: str | NotGiven | None = NOT_GIVEN,
        api_key: str | Callable[[], str | Awaitable[str]] | NotGiven | None = NOT_GIVEN,
        *,
        timeout: float | NotGiven | None = NOT_GIVEN,
        connect_timeout: float | NotGiven | None = NOT_GIVEN,
        first_byte_timeout: float | NotGiven | None = NOT_GIVEN,
        idle_timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | NotGiven = NOT_GIVEN,
        headers: Mapping[str, str] | NotGiven = NOT_GIVEN,
        query: Mapping[str, object] | NotGiven = NOT_GIVEN,
        allow_http: bool | NotGiven = NOT_GIVEN,
        strict_sessions: bool | NotGiven = NOT_GIVEN,
        repeat_runs: bool | NotGiven = NOT_GIVEN,
        skip_malformed: bool | NotGiven = NOT_GIVEN,
        proxy: str | NotGiven = NOT_GIVEN,
        ca_bundle: str | os.PathLike[str] | NotGiven = NOT_GIVEN,
        client_cert: str | os.PathLike[str] | NotGiven = NOT_GIVEN,
        requests_per_second: float | NotGiven = NOT_GIVEN,
        max_concurrent: int | NotGiven = NOT_GIVEN,
        cache_ttl: float | NotGiven = NOT_GIVEN,
        cache_entries: int | NotGiven = NOT_GIVEN,
        max_event: int | NotGiven = NOT_GIVEN,
        api: str | NotGiven = NOT_GIVEN,
        username: str | NotGiven | None = NOT_GIVEN,
        password: str | NotGiven | None = NOT_GIVEN,
        organization: str | NotGiven | None = NOT_GIVEN,
        on_request: OnRequest | Sequence[OnRequest] | None = None,
        on_response: OnResponse | Sequence[OnResponse] | None = None,
    ) -> None:
        """Makes a client; nothing is sent, and no thread is started, before the first call.

        Args:
            base_url: URL of the workspace, in any form that people paste: a host, a URL with or
                without path, or the URL of a flow's endpoint. Without it, the environment
                variable ``LANGFLOW_URL``.
            api_key: The key. Without it, the environment variable ``LANGFLOW_API_KEY``. A function
                is asked for the key before each call, so that it can be renewed; one for an
                :class:`AsyncClient` may be a coroutine function. Its time is part of the call's
                (one that blocks is not interrupted); what it raises is the cause of the call's
                ``InvalidInput``.
            timeout: Seconds that a whole call may take, retries included.
            connect_timeout: Seconds to connect.
            first_byte_timeout: Seconds until the answer begins.
            idle_timeout: Seconds that a stream may be silent.
            max_retries: How often a call that may safely be repeated is tried again.
            headers: Sent with every request.
            query: Parameters added to the query of every request; a list is one that is repeated.
            allow_http: Allow plain HTTP to other hosts than this one.
            strict_sessions: Raise where a session had expired, instead of logging a warning.
            repeat_runs: Try a run again even where it may have been executed, as after a lost
                connection: the flow may then run twice. False if left out.
            skip_malformed: Pass over events of a stream that are malformed, instead of ending it
                with ``MalformedEvent``. That is logged as a warning and counted, in
                ``skipped_events`` of the result and of :meth:`metrics`; what they said is lost.
                False if left out.
            proxy: URL of a proxy; without it, the usual variables of the environment.
            ca_bundle: Path of a PEM file with authorities to trust instead of the platform's.
            client_cert: Path of a PEM file with a certificate and its key, to show to the server.
            requests_per_second: How many requests are sent a second at most.
            max_concurrent: How many calls are under way at a time at most.
            cache_ttl: Seconds for which :meth:`run_flow` gives the answer of a run without a
                session again to the same question: same flow (and version of it), input and
                tweaks, same key and headers. 0, the default, keeps no answers.
            cache_entries: How many answers are kept at most; 1000 if left out.
            max_event: Bytes that one event of a stream may have.
            api: Family of the server: ``workspace``; ``langflow``, an open-source one; ``hosted``,
                the same behind a host that takes the key as a Bearer; ``lfx``, that is
                ``lfx serve``; or ``responses``, an open-source one by its ``/api/v1/responses``.
                Found out by default, but for the last.
            username: Logs in to an open-source server instead of sending a key; its token is
                renewed as long as the client lives. Needs ``password`` and excludes ``api_key``.
            password: Password of ``username``.
            organization: Organization that a hosted Langflow is told (``X-DataStax-Current-Org``).
            on_request: A function, or several, called with the :class:`HttpRequest` of every
                attempt, retries too: it may change its headers, or return an
                :class:`HttpResponse`, which then stands for the server's answer (for tests without
                a server). No coroutine function; it is called in a thread of its own, within the
                time of its call. What it raises ends the call, as the cause of its error.
            on_response: The same, called with the request and the head of its answer.

        Raises:
            InvalidInput: an argument is not usable; the error names it.
        """
        config = given(
            {
                "base_url": base_url,
                "api_key": api_key,
                "timeout": timeout,
                "connect_timeout": connect_timeout,
                "first_byte_timeout": first_byte_timeout,
                "idle_timeout": idle_timeout,
                "max_retries": max_retries,
                "headers": headers,
                "query": query,
                "allow_http": allow_http,
                "strict_sessions": strict_sessions,
                "repeat_runs": repeat_runs,
                "skip_malformed": skip_malformed,
                "proxy": proxy,
                "ca_bundle": ca_bundle,
                "client_cert": client_cert,
                "requests_per_second": requests_per_second,
                "max_concurrent": max_concurrent,
                "cache_ttl": cache_ttl,
                "cache_entries": cache_entries,
                "max_event": max_event,
                "api": api,
                "username": username,
                "password": password,
                "organization": organization,
            }
        )
        if on_request is not None:
            config["on_request"] = on_request
        if on_response is not None:
            config["on_response"] = on_response
        level = os.environ.get("LANGFLOW_LOG")
        if level:
            from ._watch import quick_look

            quick_look(level)
        self._start(config, {})

    @classmethod
    def for_environment(
        cls,
        name: str | None = None,
        *,
        file: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> Self:
        """A client of a named environment, such as ``staging``, out of a TOML file.

        The file is that of ``langflow-sdk``: ``[environments.NAME]`` with ``url`` and
        ``api_key_env``, the name of the variable that holds the key.

        Args:
            name: The environment. Without it the variable ``LANGFLOW_ENV``, then ``environment``
                of ``[defaults]``.
            file: The file. Without it the one that ``LANGFLOW_ENVIRONMENTS_FILE`` names, else
                ``langflow-environments.toml`` here, else
                ``~/.config/langflow/environments.toml``.
            options: Other arguments of the constructor.

        Raises:
            InvalidInput: there is no such file or environment, or the variable is not set.
        """
        from ._environments import settings

        return cls(**settings(name, file, options))

    def _start(self, config: dict[str, object], defaults: dict[str, object]) -> None:
        language = f"python/{sys.version_info[0]}.{sys.version_info[1]}"
        for name in ("ca_bundle", "client_cert"):
            path = config.get(name)
            if isinstance(path, os.PathLike):
                config[name] = os.fsdecode(path)
        self._config = _Settings(config)
        self._defaults = defaults
        self._keys, said = split_key(config)
        hooks = None
        if "on_request" in said or "on_response" in said:
            from ._hooks import chain

            hooks = chain(said)
            said = {key: said[key] for key in said if key not in ("on_request", "on_response")}
        # Now, and not with the first error, which can be that no file is to be opened, or that the
        # interpreter ends: nothing is imported then. Nor with the package, which loads quickly.
        from ._generated import errors as _errors  # noqa: F401

        self._bare = _native.Engine(encode({**said, "language": language}).decode(), hooks)
        self._keyed: tuple[str, _native.Engine] | None = None

    @property
    def _engine(self) -> Any:
        if self._keys is None:
            return self._bare
        from ._late import KeyedEngine

        return KeyedEngine(lambda: self._with_key(self._asked()), self._limit())

    def _asked(self) -> object:
        """What the function for the key answers."""
        assert self._keys is not None
        try:
            return self._keys()
        except Exception as error:
            from ._late import failed

            raise failed(error)  # noqa: B904 - it has its cause

    def _limit(self) -> float | None:
        """Seconds that a call may take that says nothing of its own."""
        if self._seconds is NOT_GIVEN:
            self._seconds = loads(self._bare.describe()).get("timeout")
        return self._seconds  # type: ignore[return-value]

    def _with_key(self, key: object) -> _native.Engine:
        if not isinstance(key, str):
            message = f"`api_key` has to return the key, not {type(key).__name__}."
            if hasattr(key, "__await__"):
                message += " Only an AsyncClient waits for one."
                # A coroutine that nobody awaits would warn of it.
                close = getattr(key, "close", None)
                if close is not None:
                    close()
            raise _native.invalid_input("api_key", message)
        keyed = self._keyed
        if keyed is None or keyed[0] != key:
            # Shares connections with the others: only the header differs.
            keyed = key, self._bare.with_options(encode({"api_key": key}).decode())
            self._keyed = keyed
        return keyed[1]

    def _options(self, options: dict[str, object]) -> dict[str, object]:
        """The options of a call over those of :meth:`with_options`."""
        if not self._defaults:
            return options
        merged = {**self._defaults, **given(options)}
        for name in ("headers", "query"):
            default, own = self._defaults.get(name), options.get(name)
            if isinstance(default, dict) and isinstance(own, dict):
                merged[name] = {**default, **own}
        return merged

    def with_options(self, **options: Any) -> Self:
        """A client with some options changed; takes the arguments of the constructor.

        The connections are shared unless the change concerns them.
        """
        clone = object.__new__(type(self))
        if all(name in _PER_CALL for name in options):
            clone._config = self._config
            clone._defaults = self._options(options)
            # An engine of its own, so that closing one does not end the other.
            clone._bare = self._bare.with_options("{}")
            clone._keys, clone._keyed = self._keys, None
            encode(clone._defaults)
            return clone
        config = {name: options[name] for name in options if name not in _PER_CALL}
        calls = {name: options[name] for name in options if name in _PER_CALL}
        if all(name in _SHARED and config[name] is not None for name in config):
            clone._config = _Settings({**self._config, **config})
            clone._defaults = self._options(calls)
            clone._keys, said = split_key(clone._config)
            said = {name: said[name] for name in config if name in said}
            clone._bare = self._bare.with_options(encode(said).decode())
            clone._keyed = None
        else:
            clone._start({**self._config, **config}, self._options(calls))
        return clone

    def _plain(self, text: str, options: dict[str, object]) -> str:
        """What a log may say: without the secrets of this client and of a call."""
        engine = self._bare if self._keyed is None else self._keyed[1]
        headers = options.get("headers")
        return engine.masked(text, encode({"headers": headers}).decode() if headers else "")

    def metrics(self) -> Metrics:
        """What the calls came to since the client was made: counts, errors, latency, tokens."""
        from ._metrics import Metrics

        return Metrics(loads(self._bare.metrics()))

    def on_alert(
        self,
        callback: Callable[[Alert], object],
        *,
        error_rate: float | NotGiven = NOT_GIVEN,
        p95_latency: float | NotGiven = NOT_GIVEN,
        tokens: int | NotGiven = NOT_GIVEN,
        window: float | NotGiven = NOT_GIVEN,
        min_calls: int | NotGiven = NOT_GIVEN,
    ) -> Alerts:
        """Has a function called, in a thread of its own, when a threshold is passed.

        Args:
            callback: Called with an :class:`Alert`.
            error_rate: Share of failed calls, from 0 to 1.
            p95_latency: Seconds that 95 of 100 calls take at most.
            tokens: Tokens that the runs of the window use.
            window: Seconds that are looked at; 60 if left out.
            min_calls: Calls that have to be in the window; 10 if left out.

        Returns:
            What is listening; ``close()`` it.

        Raises:
            InvalidInput: a threshold is not usable.
        """
        from ._metrics import Alerts

        called: object = callback
        if not callable(called):
            message = f"`callback` has to be a function, not {type(called).__name__}."
            raise _native.invalid_input("callback", message)
        thresholds: dict[str, object] = {
            "error_rate": error_rate,
            "p95_latency": p95_latency,
            "tokens": tokens,
            "window": window,
            "min_calls": min_calls,
        }
        return Alerts(self._bare.watch(encode(given(thresholds)).decode()), callback)

    def close(self) -> None:
        """Lets go of the connections; a later call raises ``ClientClosed``."""
        self._bare.close()
        if self._keyed is not None:
            self._keyed[1].close()

    def __repr__(self) -> str:
        shown = loads(self._bare.describe())
        if self._keys is not None:
            shown["api_key"] = "***"
        shown.pop("language", None)
        shown.update(self._defaults)
        for name in ("headers", "query"):
            values = shown.get(name)
            if isinstance(values, dict):
                # Some carry a key, and which do is not for us to know.
                shown[name] = dict.fromkeys(values, "***")
        fields = ", ".join(f"{name}={value!r}" for name, value in shown.items() if value)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[Any, ...]:
        # The configuration travels, and with it a key that was passed as an argument; one that
        # came from the environment is read anew where the client arrives, as connections are made.
        return (rebuild, (type(self), self._config, self._defaults))


# What Python says of an argument that there is not names the function.
Base.__init__.__qualname__ = "Client.__init__"


def split_key(
    config: dict[str, object],
) -> tuple[Callable[[], object] | None, dict[str, object]]:
    """A function that is asked for the key, if there is one, and the rest of the configuration."""
    source = config.get("api_key")
    if not callable(source):
        return None, config
    # Until a call asks for the key there is none: not that of the environment either.
    return source, {**config, "api_key": "asked-for-with-each-call"}


def rebuild(kind: type[Base], config: dict[str, object], defaults: dict[str, object]) -> Base:
    """A client out of its pickled configuration."""
    client = object.__new__(kind)
    client._start(config, defaults)
    return client


def run_fields(
    flow_id: object,
    input_value: object,
    tweaks: object,
    session_id: object,
    files: object = None,
    variables: object = None,
    output_ids: object = None,
    delete_files: object = False,
) -> dict[str, object]:
    """The fields of a run; what was left out stays out."""
    if isinstance(files, (list, tuple)):
        files = [file.__fspath__() if hasattr(file, "__fspath__") else file for file in files]
    return {
        "flow_id": flow_id,
        "input_value": input_value,
        "tweaks": NOT_GIVEN if tweaks is None else tweaks,
        "session_id": NOT_GIVEN if session_id is None else session_id,
        "files": NOT_GIVEN if files is None else files,
        "variables": NOT_GIVEN if variables is None else variables,
        "output_ids": NOT_GIVEN if output_ids is None else output_ids,
        "delete_files": NOT_GIVEN if delete_files is False else delete_files,
    }


def run_options(
    timeout: object, max_retries: object, headers: object, idempotency_key: object
) -> dict[str, object]:
    """The options of a run."""
    return {
        "timeout": timeout,
        "max_retries": max_retries,
        "headers": headers,
        "idempotency_key": idempotency_key,
    }


def folder_of(folder: object) -> str:
    """The path of a project's folder."""
    try:
        return os.fsdecode(folder)  # type: ignore[arg-type]
    except TypeError:
        message = f"`folder` has to be a path, not {type(folder).__name__}."
        raise _native.invalid_input("folder", message) from None


def tweaks_of(flow: object, tweaks: object) -> str:
    """What checking tweaks needs to know."""
    which: dict[str, object] = {"flow_id" if isinstance(flow, str) else "flow": flow}
    return encode({**which, "tweaks": tweaks}).decode()
