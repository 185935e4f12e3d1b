"""Many runs, some at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Union

from . import _native
from ._bridge import encode, result
from ._errors import from_info
from ._generated.errors import InvalidInput
from ._given import NOT_GIVEN, given
from ._json import loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pandas

    from ._errors import LangflowError
    from ._result import RunResult

    Inputs = Iterable[Union[str, Mapping[str, Any]]]
    """Texts, or mappings with ``input_value`` and, if they differ, ``flow_id``, ``tweaks`` and
    ``session_id``."""
    Progress = Union[bool, Callable[[int, int], object]]
    """``True`` for a bar (by tqdm or rich if installed, else none), or a function that is called
    with the number of runs done and of all."""


class RunItem:
    """What became of one of many runs: a result, or the error."""

    __slots__ = ("error", "index", "input_value", "result")

    def __init__(
        self,
        index: int,
        input_value: str,
        result: RunResult | None = None,
        error: LangflowError | None = None,
    ) -> None:
        self.index = index
        self.input_value = input_value
        self.result = result
        self.error = error

    @property
    def ok(self) -> bool:
        """Whether there is a result."""
        return self.error is None

    @property
    def text(self) -> str:
        """The text of the result.

        Raises:
            LangflowError: the error of this run.
            NoSingleOutput: the result has no single text.
        """
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result.text

    def to_dict(self) -> dict[str, Any]:
        """The item as a row: input, output or error, session, seconds and tokens."""
        row: dict[str, Any] = {"index": self.index, "input_value": self.input_value}
        if self.result is not None:
            metadata = self.result.metadata
            row.update(
                output=self.result.output,
                session_id=self.result.session_id,
                duration=metadata.duration,
                tokens_used=metadata.tokens_used,
            )
        row["error"] = None if self.error is None else self.error.code
        return row

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RunItem):
            return NotImplemented
        return (self.index, self.result, repr(self.error)) == (
            other.index,
            other.result,
            repr(other.error),
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        outcome = repr(self.error) if self.error is not None else repr(self.result)
        return f"RunItem({self.index}, {outcome})"


class RunBatch(Sequence[RunItem]):
    """The items of many runs, in the order of their inputs."""

    def __init__(self, items: list[RunItem]) -> None:
        self._items = items

    @property
    def results(self) -> list[RunResult | None]:
        """The results by input; ``None`` where there is an error."""
        return [item.result for item in self._items]

    @property
    def errors(self) -> dict[int, LangflowError]:
        """The errors by the number of their input."""
        return {item.index: item.error for item in self._items if item.error is not None}

    def raise_for_errors(self) -> None:
        """Raises the first error, if there is one."""
        for error in self.errors.values():
            raise error

    def to_pandas(self) -> pandas.DataFrame:
        """One row a run.

        Raises:
            ImportError: pandas is not installed.
        """
        from ._show import frame

        return frame(item.to_dict() for item in self._items)

    def to_dict(self) -> list[dict[str, Any]]:
        """One row a run, as plain data."""
        return [item.to_dict() for item in self._items]

    model_dump = to_dict

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[RunItem]:
        return iter(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunBatch) and self._items == other._items

    __hash__ = None  # type: ignore[assignment]

    def _repr_html_(self) -> str:
        from ._show import columns, table

        rows = self.to_dict()[:50]
        names = columns(rows)
        cells = ([row.get(name) for name in names] for row in rows)
        return table(names, cells, f"{len(self)} runs, {len(self.errors)} failed")

    def __repr__(self) -> str:
        return f"RunBatch({len(self)} runs, {len(self.errors)} failed)"


class Many:
    """Runs under way; what both clients make of the engine's items."""

    def __init__(
        self,
        flow_id: object,
        inputs: Inputs,
        shared: Mapping[str, object],
        options: dict[str, object],
        concurrency: int,
        ordered: bool,
    ) -> None:
        chosen: list[Any] = inputs_of(inputs)
        settings = {"concurrency": concurrency, "ordered": ordered}
        self.texts: list[str] | None = None
        """The inputs where they are all that the runs differ in: they go in as they are."""
        if _texts(chosen):
            try:
                one = self._request(flow_id, {}, shared, options)
                self.message = encode({"request": one, **settings}).decode()
            except InvalidInput:
                # Below it is said of which run.
                pass
            else:
                self.inputs = self.texts = chosen
                return
        requests = [self._request(flow_id, one, shared, options) for one in chosen]
        self.inputs = [str(request.get("input_value", "")) for request in requests]
        self.message = encode({"requests": requests, **settings}).decode()

    @staticmethod
    def _request(
        flow_id: object,
        one: str | Mapping[str, Any],
        shared: Mapping[str, object],
        options: dict[str, object],
    ) -> dict[str, object]:
        own: Mapping[str, Any] = {"input_value": one} if isinstance(one, str) else one
        fields = given({"flow_id": flow_id, **shared, **own})
        sent = given(options)
        if sent:
            fields["options"] = sent
        return fields

    def items(self, batch: list[Any]) -> list[RunItem]:
        """The items of a batch of the engine."""
        inputs = self.inputs
        made = []
        for event in batch:
            if type(event) is tuple:
                index, held = event
                made.append(RunItem(index, inputs[index], result(held)))
                continue
            event = loads(event)
            if event["type"] == "item":
                index = event["index"]
                made.append(RunItem(index, inputs[index], error=from_info(event["error"])))
        return made


def _texts(chosen: list[Any]) -> bool:
    """Whether all inputs are texts that can be sent, which half a character cannot."""
    if set(map(type, chosen)) != {str}:
        return False
    if not all(map(str.isascii, chosen)):
        try:
            for one in chosen:
                one.encode()
        except UnicodeEncodeError:
            return False
    return True


def inputs_of(inputs: Inputs) -> list[str | Mapping[str, Any]]:
    """The inputs as a list.

    Raises:
        InvalidInput: they are one input instead of many, or one of them is none.
    """
    given_one = isinstance(inputs, (str, bytes, Mapping))
    if given_one or not hasattr(inputs, "__iter__"):
        raise _refused("inputs", "a list of inputs", inputs)
    chosen = list(inputs)
    if set(map(type, chosen)) <= {str, dict}:
        return chosen
    for index, one in enumerate(chosen):
        if not isinstance(one, (str, Mapping)):
            raise _refused(f"inputs[{index}]", "text, or a mapping with `input_value`", one)
    return chosen


def _refused(name: str, what: str, value: object) -> Exception:
    message = f"`{name}` has to be {what}, not {type(value).__name__}."
    return _native.invalid_input(name, message)


def batches(engine: _native.Engine, many: Many) -> Iterator[list[RunItem]]:
    """The items as they are done, those together that are there together."""
    source = engine.run_many(many.message, many.texts)
    try:
        while True:
            batch = source.next_events()
            if batch is None:
                return
            yield many.items(batch)
    finally:
        source.close()


def iterate(engine: _native.Engine, many: Many) -> Iterator[RunItem]:
    """The items as they are done."""
    for made in batches(engine, many):
        yield from made


def in_order(items: list[RunItem]) -> list[RunItem]:
    """The items in the order of their inputs."""
    return sorted(items, key=attrgetter("index"))


def shared_fields(tweaks: object) -> dict[str, object]:
    """What every run of many is given."""
    return {"tweaks": NOT_GIVEN if tweaks is None else tweaks}
