"""A progress bar, drawn by whatever is installed: tqdm, rich, or nothing."""

from __future__ import annotations

from contextlib import contextmanager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def bar(total: int | None, what: str) -> Iterator[Callable[[], None]]:
    """A bar on standard error; what it hands over is called once for each thing done."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        pass
    else:
        with tqdm(total=total, desc=what) as drawn:
            yield lambda: _ignore(drawn.update())
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda: None
        return
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(what, total=total)
        yield lambda: progress.advance(task)


def _ignore(_: object) -> None:
    pass
