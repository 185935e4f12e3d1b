"""A progress bar, drawn by whatever is installed: tqdm, rich, or nothing."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Optional

    Far = Callable[[int, Optional[int]], object]
    """How far something is: what is done, and of how much if that is known."""


@contextmanager
def bar(total: int | None, what: str, unit: str = "it") -> Iterator[Far]:
    """A bar on standard error; what it hands over is called as things get on.

    Args:
        total: How much there is to do, if that is known before.
        what: Stands before the bar.
        unit: ``B`` where bytes are counted.
    """
    try:
        from tqdm.auto import tqdm
    except ImportError:
        pass
    else:
        with tqdm(total=total, desc=what, unit=unit, unit_scale=unit == "B") as drawn:

            def far(done: int, of: int | None) -> None:
                drawn.total = of
                drawn.update(done - drawn.n)

            yield far
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda done, of: None
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done, of: progress.update(task, completed=done, total=of)


@contextmanager
def told(progress: object, total: int | None, what: str, unit: str = "it") -> Iterator[Far]:
    """Whom to tell: a bar for ``True``, the function that was given, else nobody."""
    if progress is True:
        with bar(total, what, unit) as far:
            yield far
    elif callable(progress):
        yield progress
    elif progress:
        from . import _native

        message = f"`progress` has to be True, False or a function, not {type(progress).__name__}."
        raise _native.invalid_input("progress", message)
    else:
        yield lambda done, of: None
