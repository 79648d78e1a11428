"""Records read from JSON, strictly by the types of their fields."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import TypeAdapter

_Record = TypeVar("_Record", bound="DataclassInstance")


def from_json(
    kind: type[_Record], text: str, *, others: Literal["ignore", "forbid"] = "ignore"
) -> _Record:
    """Read a dataclass from a JSON object.

    Args:
        kind: the dataclass.
        text: the JSON.
        others: whether members without a field, such as those of a later version, are ignored.

    Raises:
        ValueError: the text is not JSON, or a value is missing or of another type.

    >>> from dataclasses import make_dataclass
    >>> from_json(make_dataclass("Reading", [("kw", float)]), '{"kw": 1, "volt": 230}')
    Reading(kw=1.0)
    """
    return _adapter(kind).validate_json(text, strict=True, extra=others)  # type: ignore[no-any-return]


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # where it is used: not in Spark's workers

    return TypeAdapter(kind)
