"""The bodies that the JSON API takes: JSON whose texts can be stored and answered again."""

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.parser import Parser

from accounts.errors import InputRefused

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # PostgreSQL keeps neither, and UTF-8 has no lone surrogates


class StorableParser(Parser):
    """Refuses text that JSON can write and no database can keep, wherever in a body it stands."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the body; raise ``InputRefused`` with the fields whose text is unusable."""
        body = super().parse_body(request)
        places = dict.fromkeys(_unstorable_places(body))
        if places:
            raise InputRefused({place: [_("This is not valid text.")] for place in places})
        return body


def _unstorable_places(body: Any) -> Iterator[str]:
    """Return the path of each unusable text, such as ``parameters.model``; of a name, that of its object."""
    left: list[tuple[str, Any]] = [("", body)]
    while left:  # no recursion: how deep a body is nested is its sender's choice
        place, value = left.pop()
        if isinstance(value, str) and _UNSTORABLE.search(value):
            yield place or NON_FIELD_ERRORS
        elif isinstance(value, list):
            left += [(_below(place, number), item) for number, item in enumerate(value)]
        elif isinstance(value, dict):
            if any(_UNSTORABLE.search(name) for name in value):
                yield place or NON_FIELD_ERRORS
            left += [
                (_below(place, name), item) for name, item in value.items() if not _UNSTORABLE.search(name)
            ]


def _below(place: str, name: str | int) -> str:
    return f"{place}.{name}" if place else str(name)
