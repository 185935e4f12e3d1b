"""Tells an argument that was left out from one that is ``None``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import overload as overload

    from typing_extensions import deprecated as deprecated
else:
    # `typing` costs more than all the rest of the package's import.
    def overload(function):
        """Signatures are for type checkers."""
        return function

    def deprecated(message):
        """Marks a method of which every call warns; type checkers say so before."""

        def mark(function):
            from functools import wraps

            @wraps(function)
            def warned(*given, **named):
                import warnings

                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return function(*given, **named)

            return warned

        return mark


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
