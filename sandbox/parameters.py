"""What a call accepts: the kinds of its parameters, and filters over the items of a list."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.errors import ApiError

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?(?:Z|\+00:?00)?)?")


@dataclass(frozen=True)
class Kind:
    """A JSON type, named as OpenAPI names it; `many` for an array of it."""

    name: str
    types: tuple[type, ...]
    many: bool = False

    def accepts(self, value: Any) -> bool:
        """Tell whether a value is of this kind; a boolean is no number."""
        if not self.many:
            return self._is_one(value)
        return isinstance(value, list) and all(self._is_one(item) for item in value)

    def _is_one(self, value: Any) -> bool:
        return isinstance(value, self.types) and (bool in self.types or not isinstance(value, bool))


BOOLEAN = Kind("boolean", (bool,))
TEXT = Kind("string", (str,))
INTEGER = Kind("integer", (int,))
OBJECT = Kind("object", (dict,))
TEXTS = Kind("string", (str,), many=True)
INTEGERS = Kind("integer", (int,), many=True)
NUMBERS = Kind("number", (int, float), many=True)
OBJECTS = Kind("object", (dict,), many=True)

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Filter:
    """One filter: an item passes when one of the values `read` from it is among those asked for."""

    kind: Kind
    read: Callable[[Item], Iterable[Any]]

    def passes(self, item: Item, asked: Any) -> bool:
        """Tell whether an item passes; an empty list asks for nothing in particular."""
        wanted = asked if isinstance(asked, list) else [asked]
        return not wanted or any(value in wanted for value in self.read(item))


def field(path: str, kind: Kind = TEXTS) -> Filter:
    """Return the filter that compares one field, such as `State` or `Nics.LinkNic.State`.

    An item may lack it; where the path leads through a list, any of its members will do.
    """
    names = path.split(".")
    return Filter(kind, lambda item: _values_at(item, names))


def _values_at(value: Any, names: list[str]) -> list[Any]:
    if isinstance(value, list | tuple):
        return [found for part in value for found in _values_at(part, names)]
    if not names:
        return [value]
    return _values_at(value[names[0]], names[1:]) if isinstance(value, Mapping) and names[0] in value else []


# Tag filters are the same for every kind of resource that has them; they know no wildcard.
TAG_FILTERS = {
    "TagKeys": field("Tags.Key"),
    "TagValues": field("Tags.Value"),
    "Tags": Filter(TEXTS, lambda item: [f"{tag['Key']}={tag['Value']}" for tag in item["Tags"]]),
}


def period(given: Mapping[str, Any]) -> tuple[date, date]:
    """Return FromDate and ToDate, the second excluded.

    Raise ApiError 4047 where one is neither a date nor a midnight in UTC, 4118 where they are no period.
    """
    first, end = _midnight("FromDate", given), _midnight("ToDate", given)
    if first >= end:
        raise ApiError("4118", "FromDate must be before ToDate.")
    return first, end


def _midnight(name: str, parameters: Mapping[str, Any]) -> date:
    """Return a date, written alone or as a midnight in UTC; raise ApiError 4047 for anything else."""
    found = _DATE.fullmatch(parameters[name])
    try:
        return date.fromisoformat(found[1] if found else "")
    except ValueError:
        raise ApiError("4047", f"{name} must be a date, or a date-time at midnight.") from None


def check(given: Mapping[str, Any], known: Mapping[str, Kind], required: Iterable[str] = ()) -> None:
    """Raise ApiError 3001 for an unknown parameter or one of another type, 7000 for a missing one."""
    for name, value in given.items():
        if name not in known:
            raise ApiError("3001", f"Parameter {name} is unknown.")
        if not known[name].accepts(value):
            raise ApiError("3001", f"Parameter {name} has a wrong type.")
    for name in required:
        if name not in given:
            raise ApiError("7000", f"Parameter {name} is missing.")


def select(items: Iterable[Item], asked: Mapping[str, Any], filters: Mapping[str, Filter]) -> list[Item]:
    """Return the items that pass every filter asked for; raise ApiError 3001 for an unknown filter."""
    check(asked, {name: known.kind for name, known in filters.items()})
    return [item for item in items if all(filters[name].passes(item, value) for name, value in asked.items())]
