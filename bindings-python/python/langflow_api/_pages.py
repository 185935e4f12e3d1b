"""Lists that come page by page."""

from __future__ import annotations

from . import _native
from ._bridge import encode
from ._json import dumps, loads
from ._models import Model, short

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator
    from typing import Any, Generic, TypeVar

    import pandas

    from ._resource import AsyncCalls, Calls

    T = TypeVar("T")

    class _Generic(Generic[T]):
        pass

else:
    T = None

    class _Generic:
        # Subscripts are for type checkers; at run time a page is a page.
        def __class_getitem__(cls, item):
            return cls


_FIGURES = ("page", "size", "pages", "total")


class _Query:
    """A list operation with its arguments."""

    __slots__ = ("args", "before", "follows", "operation", "options", "shape")

    def __init__(
        self,
        operation: str,
        args: dict[str, object],
        options: dict[str, object],
        shape: str,
        before: int | None = None,
        follows: bool = False,
    ) -> None:
        self.operation = operation
        self.args = args
        self.options = options
        self.shape = shape
        # Items on the pages before, where the list was read from its beginning.
        self.before = 0 if self.number == 1 and not follows else before
        self.follows = follows

    @property
    def number(self) -> int:
        """The page that is asked for, from 1."""
        page = self.args.get("page")
        return page if isinstance(page, int) else 1

    def at(self, number: int, more: int) -> _Query:
        before = None if self.before is None else self.before + more
        args = {**self.args, "page": number}
        return _Query(self.operation, args, self.options, self.shape, before, follows=True)

    def figures(self, data: Model, count: int, ended: bool = False) -> dict[str, Any]:
        """What the page says of its list, by the core."""
        said: dict[str, object] = {name: data.get(name) for name in _FIGURES}
        said |= {"operation": self.operation, "asked": self.number, "count": count}
        if self.follows:
            said["follows"] = True
        if self.before is not None:
            said["before"] = self.before
        if ended:
            said["ended"] = True
        figures: dict[str, Any] = loads(_native.compute("page.figures", encode(said).decode(), b""))
        return figures


def _invalid(query: _Query, what: str) -> Exception:
    from ._generated.errors import InvalidResponse

    info = {"attempts": 1, "status": 200}
    return InvalidResponse(f"The server answered {query.operation} {what}.", info)


def _kind(value: object) -> str:
    names = {type(None): "nothing", list: "a list", str: "text", bytes: "bytes"}
    return names.get(type(value), f"{value!r:.40}")


class _Figures(_Generic[T]):
    """What pages of both kinds say."""

    items: list[T]
    """The items of this page."""
    total: int
    """Number of items on all pages together."""
    page: int
    """Number of this page, from 1."""
    size: int
    """Items a page."""
    pages: int
    """Number of pages."""
    raw: dict[str, Any]
    """The answer's body as it came."""

    def __init__(self, query: _Query, data: object) -> None:
        if not isinstance(data, Model):
            raise _invalid(query, f"with {_kind(data)} where a page was expected")
        items = data.get("items")
        if not isinstance(items, list):
            raise _invalid(query, "with a page whose `items` are no list")
        if not all(isinstance(item, Model) for item in items):
            raise _invalid(query, "with a page whose `items` are not all objects")

        self.raw = data.to_dict()
        self.items = items
        self._said = data
        figures = query.figures(data, len(items))
        self.page, self.size = figures["page"], figures["size"]
        self.total, self.pages = figures["total"], figures["pages"]
        self._next: int | None = figures["next"]
        self._short: bool = figures["short"]

    def _after(self, query: _Query) -> _Query | None:
        """The question for the page after this one; an end where items are missing is none."""
        if self._next is not None:
            return query.at(self._next, len(self.items))
        if self._short:
            query.figures(self._said, len(self.items), ended=True)
        return None

    @property
    def has_next_page(self) -> bool:
        """Whether another page follows."""
        return self._next is not None

    def to_dict(self) -> dict[str, Any]:
        """The page as plain data."""
        copy: dict[str, Any] = loads(dumps(self.raw))
        return copy

    def model_dump(self) -> dict[str, Any]:
        """The same as :meth:`to_dict`, under the name that pydantic's users look for."""
        return self.to_dict()

    def to_pandas(self) -> pandas.DataFrame:
        """The items of this page, one a row.

        Raises:
            ImportError: pandas is not installed.
        """
        from ._show import frame, row

        return frame(row(item) for item in self.items)

    def _repr_html_(self) -> str:
        from ._show import items_html

        caption = f"page {self.page} of {self.pages}, {self.total} items in all"
        return items_html(self.items, caption)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self.raw == other.raw)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(page={self.page}, pages={self.pages}, total={self.total}, "
            f"items={short(self.items)})"
        )


class Page(_Figures[T]):
    """One page of a list; iterating over it goes on through all the pages after it."""

    def __init__(self, calls: Calls, query: _Query, data: object) -> None:
        super().__init__(query, data)
        self._calls = calls
        self._query = query

    def next_page(self) -> Page[T] | None:
        """The page after this one, or ``None`` after the last.

        Raises:
            InvalidResponse: this is the last one, and fewer items came than the server counts; or
                the server does not turn pages.
        """
        query = self._after(self._query)
        if query is None:
            return None
        page: Page[T] = self._calls.page(query)
        return page

    def iter_pages(self) -> Iterator[Page[T]]:
        """This page and all after it."""
        page: Page[T] | None = self
        while page is not None:
            yield page
            page = page.next_page()

    def to_pandas(self) -> pandas.DataFrame:
        """The items of this page and of all after it, one a row; these are fetched.

        Raises:
            ImportError: pandas is not installed.
        """
        from ._show import frame, row

        return frame(row(item) for item in self)

    def __iter__(self) -> Iterator[T]:
        for page in self.iter_pages():
            yield from page.items


class AsyncPage(_Figures[T]):
    """One page of a list; ``async for`` over it goes on through all the pages after it."""

    def __init__(self, calls: AsyncCalls, query: _Query, data: object) -> None:
        super().__init__(query, data)
        self._calls = calls
        self._query = query

    async def next_page(self) -> AsyncPage[T] | None:
        """The page after this one, or ``None`` after the last.

        Raises:
            InvalidResponse: this is the last one, and fewer items came than the server counts; or
                the server does not turn pages.
        """
        query = self._after(self._query)
        if query is None:
            return None
        page: AsyncPage[T] = await self._calls.page(query)
        return page

    async def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and all after it."""
        page: AsyncPage[T] | None = self
        while page is not None:
            yield page
            page = await page.next_page()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.items:
                yield item


class AsyncPager(_Generic[T]):
    """A list that was not asked for yet: ``await`` it for one page, or iterate over it with
    ``async for`` to get the items of all pages."""

    def __init__(self, calls: AsyncCalls, query: _Query) -> None:
        self._calls = calls
        self._query = query

    async def _first(self) -> AsyncPage[T]:
        page: AsyncPage[T] = await self._calls.page(self._query)
        return page

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._first().__await__()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._first():
            yield item
