"""A flow as a LangChain ``Runnable``; needs ``langchain-core``.

chain = prompt | FlowRunnable(client, "your-flow-id") | parser
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

from langchain_core.messages import BaseMessage
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableConfig

if TYPE_CHECKING:
    from langflow_api import AsyncClient, Client, RunResult

__all__ = ["FlowInput", "FlowRunnable", "input_text"]

FlowInput = Union[str, PromptValue, BaseMessage, Sequence[BaseMessage], Mapping[str, Any]]
"""What a chain may hand to a flow."""


def input_text(value: FlowInput) -> str:
    """What the user said.

    A text as it is; of messages and prompts the last message, because the flow keeps its own
    memory; of a mapping its ``input_value`` or ``input``.

    Raises:
        TypeError: the value is none of these.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, PromptValue):
        return input_text(value.to_messages())
    if isinstance(value, BaseMessage):
        return _text_of(value)
    if isinstance(value, Mapping):
        for name in ("input_value", "input"):
            if name in value:
                return input_text(value[name])
        raise TypeError("a mapping needs `input_value` or `input` to be the input of a flow")
    if isinstance(value, Sequence) and value and isinstance(value[-1], BaseMessage):
        return _text_of(value[-1])
    raise TypeError(f"{type(value).__name__} is no input of a flow")


def _text_of(message: BaseMessage) -> str:
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else part.get("text", "") for part in content)


class FlowRunnable(Runnable[FlowInput, str]):
    """Runs a flow with what it is given and returns its text.

    ``session_id`` and ``tweaks`` of ``config["configurable"]`` belong to the one call;
    ``invoke`` and ``stream`` need a :class:`Client`, ``ainvoke`` and ``astream`` an
    :class:`AsyncClient`. With only a :class:`Client`, ``ainvoke`` runs it in a thread.

    Args:
        client: The client.
        flow_id: The flow.
        tweaks: Settings of components for every call.
        async_client: For ``ainvoke`` and ``astream``.
    """

    def __init__(
        self,
        client: Client,
        flow_id: str,
        *,
        tweaks: Mapping[str, Mapping[str, Any]] | None = None,
        async_client: AsyncClient | None = None,
    ) -> None:
        self.client = client
        self.async_client = async_client
        self.flow_id = flow_id
        self.tweaks = tweaks
        self.name = f"flow {flow_id}"

    def _arguments(self, value: FlowInput, config: RunnableConfig | None) -> dict[str, Any]:
        own: Mapping[str, Any] = (config or {}).get("configurable") or {}
        return {
            "flow_id": self.flow_id,
            "input_value": input_text(value),
            "session_id": own.get("session_id"),
            "tweaks": own.get("tweaks", self.tweaks),
        }

    def invoke(self, input: FlowInput, config: RunnableConfig | None = None, **kwargs: Any) -> str:
        """The text of a run.

        Raises:
            NoSingleOutput: the flow has none, or more than one output.
            LangflowError: as for :meth:`Client.run_flow`.
        """

        def run(value: FlowInput) -> str:
            result: RunResult = self.client.run_flow(**self._arguments(value, config))
            return result.text

        text: str = self._call_with_config(run, input, config)
        return text

    async def ainvoke(
        self, input: FlowInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> str:
        """The text of a run; errors as for :meth:`invoke`."""
        client = self.async_client
        if client is None:
            return await super().ainvoke(input, config, **kwargs)

        async def run(value: FlowInput) -> str:
            result: RunResult = await client.run_flow(**self._arguments(value, config))
            return result.text

        text: str = await self._acall_with_config(run, input, config)
        return text

    def stream(
        self, input: FlowInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Iterator[str]:
        """The text of a run, piece by piece; a consumer that leaves closes the connection."""

        def pieces(values: Iterator[FlowInput]) -> Iterator[str]:
            for value in values:
                with self.client.stream_flow(**self._arguments(value, config)) as stream:
                    yield from stream.text_stream

        return self._transform_stream_with_config(iter([input]), pieces, config)

    async def astream(
        self, input: FlowInput, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[str]:
        """The text of a run, piece by piece; without an ``async_client`` in one piece."""
        client = self.async_client
        if client is None:
            yield await self.ainvoke(input, config)
            return

        async def one() -> AsyncIterator[FlowInput]:
            yield input

        async def pieces(values: AsyncIterator[FlowInput]) -> AsyncIterator[str]:
            async for value in values:
                async with client.stream_flow(**self._arguments(value, config)) as stream:
                    async for piece in stream.text_stream:
                        yield piece

        async for piece in self._atransform_stream_with_config(one(), pieces, config):
            yield piece
