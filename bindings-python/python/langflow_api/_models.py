"""What answers are made of: typed views of JSON that keep every field, known or not."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, ClassVar, Union

    from typing_extensions import Self

    # "Flow": a model; ["Flow"]: a list of them; {"*": "Flow"}: a map of them; None: plain JSON.
    Shape = Union[str, "list[Shape]", "dict[str, Shape]", None]


def wrap(value: Any, shape: Shape, namespace: Mapping[str, Any]) -> Any:
    """The JSON value with the models of a shape around its objects."""
    if isinstance(shape, str):
        return of(namespace[shape], value) if isinstance(value, dict) else value
    if isinstance(shape, list) and isinstance(value, list):
        return [wrap(item, shape[0], namespace) for item in value]
    if isinstance(shape, dict) and isinstance(value, dict):
        return {key: wrap(item, shape["*"], namespace) for key, item in value.items()}
    return value


def plain(value: Any) -> Any:
    """The value without models: what JSON can say."""
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


class Model:
    """A JSON object with typed attributes.

    A field that the server left out is ``None``. Fields that this version of the package does not
    know are kept: ``model["name"]`` reads any field by its name on the wire, and
    :attr:`extra` has all unknown ones.
    """

    __slots__ = ("_data",)

    _data: dict[str, Any]
    _shapes: ClassVar[dict[str, Shape]] = {}
    # Attribute to wire name, where they differ.
    _wire: ClassVar[dict[str, str]] = {}
    _fields: ClassVar[tuple[str, ...]] = ()
    # Attributes that are not printed.
    _secret: ClassVar[tuple[str, ...]] = ()
    # The module that knows the classes of `_shapes`: a subclass may live elsewhere.
    _home: ClassVar[str] = __name__

    def __init_subclass__(cls) -> None:
        if "_shapes" in cls.__dict__:
            cls._home = cls.__module__

    def __init__(self, data: Mapping[str, Any] | None = None, /, **fields: Any) -> None:
        wire = self._wire
        values = {**(data or {}), **{wire.get(name, name): fields[name] for name in fields}}
        object.__setattr__(self, "_data", plain(values))

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report an attribute that is misspelt.
        def __getattr__(self, name: str) -> Any:
            if name.startswith("__") or name == "_data":
                raise AttributeError(name)
            key = self._wire.get(name, name)
            data = self._data
            if key in data:
                return self._wrapped(key)
            if name in self._fields:
                return None
            kind = type(self).__name__
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")

    def _wrapped(self, key: str) -> Any:
        value = self._data[key]
        shape = self._shapes.get(key)
        if shape is None:
            return value
        return wrap(value, shape, vars(sys.modules[self._home]))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__!r} objects do not change; use to_dict()")

    def __getitem__(self, key: str) -> Any:
        return self._wrapped(key)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def get(self, key: str, default: Any = None) -> Any:
        """The field of that name on the wire, or the default."""
        return self._wrapped(key) if key in self._data else default

    @property
    def extra(self) -> dict[str, Any]:
        """Fields that this version of the package does not know."""
        known = {self._wire.get(name, name) for name in self._fields}
        return {key: value for key, value in self._data.items() if key not in known}

    def to_dict(self) -> dict[str, Any]:
        """A copy of the object as plain data, all fields included."""
        data: dict[str, Any] = plain(self._data)
        return data

    def model_dump(self) -> dict[str, Any]:
        """The same as :meth:`to_dict`, under the name that pydantic's users look for."""
        return self.to_dict()

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The same as JSON text, indented by so many spaces, or on one line."""
        import json

        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def _repr_html_(self) -> str:
        from ._show import model_html

        return model_html(self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return bool(self._data == other._data)

    __hash__ = None  # type: ignore[assignment]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._fields})

    def __repr__(self) -> str:
        shown = [name for name in self._fields if self._wire.get(name, name) in self._data]
        fields = ", ".join(f"{name}={self._printed(name)}" for name in shown)
        more = len(self._data) - len(shown)
        unknown = f", +{more} more" if more and shown else f"{more} fields" if more else ""
        return f"{type(self).__name__}({fields}{unknown})"

    def _printed(self, name: str) -> str:
        value = getattr(self, name)
        return "'***'" if name in self._secret and value else short(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self._data,))

    def __copy__(self) -> Self:
        return self


_set_data = Model.__dict__["_data"].__set__


def of(kind: type[Any], data: dict[str, Any]) -> Any:
    """A model of JSON that was parsed for it alone: nothing is copied."""
    made = object.__new__(kind)
    _set_data(made, data)
    return made


def short(value: object, limit: int = 120) -> str:
    """The value for a repr: one line, not endless."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
