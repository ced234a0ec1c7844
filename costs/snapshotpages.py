"""The pages of stored readings: whoever asks for many days of readings reads what they share once.

From one day to the next most resources stay as they are. So a reading is also kept as pages: some resources
of one kind on each, and a page that equals one of an earlier reading of the same key is that one. A page
tells what its resources cost on a day without their explanation, which is read for those that are shown.
"""

import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import NamedTuple

import msgspec

from costs.dailycost import day_amounts
from costs.inventory import LISTS, RESOURCE_TYPE_OF, Missing, ResourceType, affected_by
from costs.lines import Cost, Line

LINES_PER_PAGE = 256
"""About as many resources stand on a page: a change of one of them makes a new page of so many."""

_COMPRESSION = 1


class DayCosts(msgspec.Struct, frozen=True, array_like=True):
    """What the resources of a page cost on a day, one beside the other.

    ``amounts`` has for each resource one list for each category: its place among ``categories``, then what
    it costs on a day of each of ``costs.dailycost.MONTH_LENGTHS``, in 10⁻¹⁰. ``unpriced`` are the places of
    those whose price is not known whole.
    """

    resource_ids: list[str]
    categories: list[str]
    amounts: list[list[list[int]]]
    unpriced: list[int]


class _Lines(msgspec.Struct, frozen=True, array_like=True):
    lines: list[msgspec.Raw]
    costs: list[msgspec.Raw]


class PageContent(NamedTuple):
    """The two halves of a page, as they are stored."""

    day_costs: bytes
    lines: bytes


_decode_costs = msgspec.json.Decoder(DayCosts).decode
_decode_lines = msgspec.json.Decoder(_Lines).decode
_decode_line = msgspec.json.Decoder(Line).decode
_decode_cost = msgspec.json.Decoder(Cost).decode


def read_day_costs(content: bytes) -> DayCosts:
    """Return what the resources of a stored page cost."""
    return _decode_costs(zlib.decompress(content))


class Lines:
    """The resources of a page, each read when it is asked for."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    @cached_property
    def _found(self) -> _Lines:
        return _decode_lines(zlib.decompress(self._content))

    def __getitem__(self, place: int) -> tuple[Line, Cost]:
        line = _decode_line(self._found.lines[place])
        return line, _decode_cost(self._found.costs[line.cost])


def known_kinds(read: Iterable[str], missing: Iterable[Missing]) -> set[ResourceType]:
    """Return the kinds of resource of which a reading knows all, with what their prices depend on.

    ``missing`` are the lists that failed; of a bucket that could not be listed, its own line tells.
    """
    read = set(read) - {one.call for one in missing if not one.detail}
    known = {RESOURCE_TYPE_OF[call] for call in read}
    return known - {kind for call in LISTS if call not in read for kind in affected_by(call)}


def pages_of(lines: Iterable[Line], costs: list[Cost]) -> dict[str, tuple[ResourceType, PageContent]]:
    """Return the pages that hold ``lines``, each with its kind, by what tells it from all others."""
    by_kind: dict[ResourceType, list[Line]] = defaultdict(list)
    for line in lines:
        by_kind[line.resource_type].append(line)
    by_day = [day_amounts(cost.price.parts, cost.price.period) if cost.price else {} for cost in costs]
    found = {}
    for kind, of_kind in by_kind.items():
        for lines_of_page in _parted(of_kind):
            digest, content = _page(lines_of_page, costs, by_day)
            found[digest] = (kind, content)
    return found


def _parted(lines: list[Line]) -> Iterable[list[Line]]:
    """Part resources by their ids, so that each stays on its page while others come and go."""
    count = 1 << (max(0, len(lines) - 1) // LINES_PER_PAGE).bit_length()
    parts: list[list[Line]] = [[] for _ in range(count)]
    for line in lines:
        parts[zlib.crc32(line.resource_id.encode()) % count].append(line)
    return filter(None, parts)


def _page(
    lines: list[Line], costs: list[Cost], by_day: list[Mapping[str, tuple[int, ...]]]
) -> tuple[str, PageContent]:
    """Return a page that is the same whatever else its reading holds."""
    ordered = sorted(lines, key=lambda line: line.resource_id)
    places: dict[int, int] = {}
    moved = [
        msgspec.structs.replace(line, cost=places.setdefault(line.cost, len(places))) for line in ordered
    ]
    categories: dict[str, int] = {}
    amounts = [
        [
            [categories.setdefault(category, len(categories)), *found]
            for category, found in by_day[line.cost].items()
            if any(found)
        ]
        for line in ordered
    ]
    unpriced = [place for place, line in enumerate(ordered) if costs[line.cost].problems]
    texts = [
        msgspec.json.encode(
            DayCosts([line.resource_id for line in ordered], list(categories), amounts, unpriced)
        ),
        msgspec.json.encode([moved, [costs[place] for place in places]]),
    ]
    digest = hashlib.sha256(b"\n".join(texts)).hexdigest()
    return digest, PageContent(*(zlib.compress(text, _COMPRESSION) for text in texts))
