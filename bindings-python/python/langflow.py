"""The documented import: ``from langflow import Client``.

The server's own Python package is called ``langflow`` too. This is a module *file* and not a
package for that reason: Python prefers a package folder to a module file, so that installing both
overwrites nothing and ``import langflow`` is the server wherever the server is installed. Use
``from langflow_api import Client`` there; it is the same class.
"""

from __future__ import annotations

import langflow_api as _api

TYPE_CHECKING = False
if TYPE_CHECKING:
    from langflow_api import *  # noqa: F403


if not TYPE_CHECKING:
    __all__ = _api.__all__

    # Hidden from type checkers, so that they report a name that is misspelt.
    def __getattr__(name: str) -> object:
        return getattr(_api, name)


def __dir__() -> list[str]:
    return dir(_api)
