"""Result: the arrays of one call by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Result:
    """Named arrays: by attribute or name, or like a tuple in the order that was asked for.

    Example:
        >>> result = Result({"value": 1.0, "gradient": [2.0]})
        >>> result.value
        1.0
        >>> value, gradient = result
        >>> result[0], result["gradient"]
        (1.0, [2.0])
    """

    __slots__ = ("_arrays",)

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_arrays", dict(arrays))

    _arrays: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._arrays[name]
        except KeyError:
            known = ", ".join(self._arrays)
            raise AttributeError(f"this result has no {name!r}; it has {known}") from None

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a result is immutable; cannot set {name!r}")

    def __getitem__(self, name: str | int | slice) -> Any:
        return self._arrays[name] if isinstance(name, str) else tuple(self)[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._arrays.values())

    def __len__(self) -> int:
        return len(self._arrays)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._arrays]

    def __reduce__(self) -> tuple[type[Result], tuple[dict[str, Any]]]:
        return Result, (self._arrays,)

    def as_dict(self) -> dict[str, Any]:
        """The arrays by name, as a new dict."""
        return dict(self._arrays)

    def __repr__(self) -> str:
        lines = [f"  {name}: {_describe(array)}" for name, array in self._arrays.items()]
        return "\n".join(["Result", *lines])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{name}</td><td>{_describe(array)}</td></tr>"
            for name, array in self._arrays.items()
        )
        return f"<table>{rows}</table>"


def _describe(array: Any) -> str:
    shape = getattr(array, "shape", None)
    return repr(array) if not shape else f"array of shape {shape}, {array.dtype}"
