"""Files that say what resources should cost: the JSON of osc-cost, and that of our own current cost.

osc-cost writes one JSON object for each resource, or with ``--aggregate`` for each kind
(outscale/osc-cost, ``src/core``). Ours is one document, as the API and ``manage.py current_cost --format
json`` write it. Both are read exactly and within limits; what is odd is refused with its place.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from accounts.errors import PortalError
from costs.inventory import ResourceType
from costs.lines import Cost, Line

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
LONGEST_TEXT = 255

_LARGEST = Decimal("1e9")
_FINEST_EXPONENT = -40


class EstimateRefused(PortalError):
    """A file is no estimate that can be compared; the message says why, with its place in the file."""

    code = "ESTIMATE_REFUSED"
    http_status = 422

    def __init__(self, message: str) -> None:
        super().__init__()
        self.message = message


class Given(msgspec.Struct, frozen=True):
    """What a file estimates, and what of it is ``left_out``, in sentences.

    ``account_id``, ``region`` and ``currency`` are empty where the file does not name them. Of other
    ``kinds`` than these it knows nothing.
    """

    name: str
    account_id: str
    region: str
    currency: str
    made_at: dt.datetime | None
    kinds: list[str]
    lines: list[Line]
    costs: list[Cost]
    left_out: list[str]


class Row:
    """One JSON object of a file, whose fields are read with their types checked; ``place`` names it."""

    def __init__(self, fields: Any, place: str) -> None:
        self.place = place
        if not isinstance(fields, dict):
            raise EstimateRefused(_("%(place)s is no JSON object.") % {"place": place})
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def get(self, name: str) -> Any:
        """Return a field as it is."""
        return self._fields.get(name)

    def text(self, name: str) -> str:
        """Return a text, empty where there is none."""
        found = self._fields.get(name)
        if found is None:
            return ""
        if not isinstance(found, str) or len(found) > LONGEST_TEXT or "\x00" in found:
            raise self.odd(name)
        return found

    def amount(self, name: str) -> Decimal | None:
        """Return a number that is no less than zero, None where there is none."""
        found = self._fields.get(name)
        if found is None:
            return None
        if isinstance(found, str):
            try:
                found = Decimal(found)
            except ArithmeticError:
                raise self.odd(name) from None
        if isinstance(found, bool) or not isinstance(found, int | Decimal):
            raise self.odd(name)
        number = Decimal(found)
        is_sane = number.is_finite() and 0 <= number < _LARGEST
        if not is_sane or (number and number.as_tuple().exponent < _FINEST_EXPONENT):
            raise self.odd(name)
        return number

    def odd(self, name: str) -> EstimateRefused:
        """Return the error for a field that cannot be right."""
        return EstimateRefused(
            _("%(place)s: %(field)s cannot be right.") % {"place": self.place, "field": name}
        )


def documents_of(content: bytes) -> list[Any]:
    """Return the JSON values of a file, in order; raise ``EstimateRefused`` when it is no JSON."""
    if len(content) > MOST_BYTES:
        raise EstimateRefused(_("The file is larger than %(most)s MB.") % {"most": MOST_BYTES // 2**20})
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not text:
        raise EstimateRefused(_("The file is empty."))
    whole = _decoded(text)
    if whole is not None:
        return whole if isinstance(whole, list) else [whole]
    return list(_by_line(text))


def _by_line(text: bytes) -> Iterator[Any]:
    for number, line in enumerate(text.splitlines(), start=1):
        if number > MOST_ROWS:
            raise EstimateRefused(_("The file has more than %(most)s rows.") % {"most": MOST_ROWS})
        if not line.strip():
            continue
        found = _decoded(line)
        if found is None:
            said = _(
                "Line %(line)s is no JSON. Files of osc-cost --format json are understood, and the JSON of "
                "the current cost; those of human, csv, ods or prometheus are not."
            )
            raise EstimateRefused(said % {"line": number})
        yield found


def _number(text: str) -> Decimal:
    return Decimal(text)


_decoder = msgspec.json.Decoder(float_hook=_number)


def _decoded(text: bytes) -> Any:
    """Return a JSON value with exact numbers, None when it is none."""
    try:
        return _decoder.decode(text)
    except (ValueError, ArithmeticError, RecursionError):
        return None


def check_once(lines: list[Line]) -> None:
    """Raise ``EstimateRefused`` when a resource stands in a file twice."""
    seen = set()
    for line in lines:
        key = (line.resource_type, line.resource_id)
        if key in seen:
            named = line.resource_id or line.resource_type
            raise EstimateRefused(_("%(resource)s stands in the file twice.") % {"resource": named})
        seen.add(key)


def moment_of(text: str) -> dt.datetime | None:
    """Return the moment that a text names, in UTC; None where it names none that there is."""
    try:
        found = dt.datetime.fromisoformat(text)
        return found.astimezone(dt.UTC) if found.tzinfo else found.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        return None


KINDS = {kind.value for kind in ResourceType}
