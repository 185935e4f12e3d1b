"""Tells an argument that was left out from one that is ``None``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import overload as overload
else:
    # `typing` costs more than all the rest of the package's import.
    def overload(function):
        """Signatures are for type checkers."""
        return function


class NotGiven:
    """Type of :data:`NOT_GIVEN`."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"

    def __reduce__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN = NotGiven()
"""The default of optional arguments: nothing is sent, while ``None`` is sent as ``null``."""


def given(fields: dict[str, object]) -> dict[str, object]:
    """The fields without those that were left out."""
    return {name: value for name, value in fields.items() if value is not NOT_GIVEN}
