"""The finest parts of an allocation: what each resource cost under each combination of values.

Who groups them (``consumption.allocation``) adds them up, and never asks for the runs of days again. Finding
them takes a second for two years of ten thousand resources, so they are remembered until a day, or the tags,
are read again. Amounts are whole numbers of 10⁻¹⁰, before tax.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from consumption.history import History
from consumption.models import Ledger, ResourceTag, UsageDay
from consumption.periods import Period
from consumption.remembering import Memory
from consumption.tags import last_readings

if TYPE_CHECKING:
    from consumption.allocationsums import Held

Place = tuple[str, str, str]
"""A resource: its account, its region, its id."""

Values = tuple[str | None, ...]
"""The value of each key on some days; None where the resource does not carry it."""

_ROWS_AT_ONCE = 10_000
_MEMORY = Memory("allocation-parts", version=3)


class Part(NamedTuple):
    """What a resource cost on the days on which it carried some values.

    ``unpriced`` counts its lines without a price on those days, each day of each.
    """

    place: Place
    values: Values
    cost: int
    unpriced: int


class CommonPart(NamedTuple):
    """What a meter cost, by its primary key, of which all is shared."""

    meter: int
    cost: int
    unpriced: int


class Parts(NamedTuple):
    """All parts of a bill: those of resources, and what is shared, dearest first."""

    by_resource: Sequence[Part]
    common: Sequence[CommonPart]


def parts_of(history: History, keys: Sequence[str], shared_services: frozenset[str]) -> Parts:
    """Return what the question of a history comes to (three queries; five when it is not remembered).

    Shared is what the cloud names no resource for, and everything of ``shared_services``.
    """
    name = _name_of(history, keys, shared_services)
    known = _MEMORY.recall([name]).get(name)
    if known is None:
        known = _packed(_found(history, keys, shared_services))
        _MEMORY.keep({name: known})
    places, values, (place, code, cost, unpriced), common = known
    whose, carried = map(places.__getitem__, place), map(values.__getitem__, code)
    return Parts(list(map(Part, whose, carried, cost, unpriced)), [CommonPart(*one) for one in common])


def _packed(parts: Parts) -> tuple[list, list, tuple[list, ...], list]:
    """Return parts as the cache keeps them: column by column, each resource and each combination once."""
    places = {place: number for number, place in enumerate(dict.fromkeys(one.place for one in parts[0]))}
    values = {found: number for number, found in enumerate(dict.fromkeys(one.values for one in parts[0]))}
    columns = (
        [places[one.place] for one in parts.by_resource],
        [values[one.values] for one in parts.by_resource],
        [one.cost for one in parts.by_resource],
        [one.unpriced for one in parts.by_resource],
    )
    return list(places), list(values), columns, [tuple(one) for one in parts.common]


def facts_of(history: History) -> tuple:
    """Return what parts depend on beside keys: the question, and what was read for it (two queries)."""
    question = history.question
    ledgers = sorted(ledger.pk for ledger in history.ledgers)
    return (
        question.period,
        [(name, sorted(values)) for name, values in sorted(question.filters.items())],
        question.with_linked,
        ledgers,
        _readings(history),
        last_readings(ledgers),
    )


def _readings(history: History) -> list[tuple[int, datetime | None]]:
    """Return when each day of a history was read."""
    first, end = history.question.period
    if history.known:
        return sorted((row.pk, row.read_at) for row in history.known.rows(history.ledgers, first, end))
    days = UsageDay.objects.filter(ledger__in=history.ledgers, day__gte=first, day__lt=end)
    return list(days.order_by("pk").values_list("pk", "read_at"))


def _name_of(history: History, keys: Sequence[str], shared_services: frozenset[str]) -> str:
    """Return a name that changes with the question, and with all that was read for it."""
    return _MEMORY.name(*facts_of(history), list(keys), sorted(shared_services))


def _found(history: History, keys: Sequence[str], shared_services: frozenset[str]) -> Parts:
    """Part the runs of days of all resources."""
    from consumption.allocationsums import AllocatedSums, Runs  # noqa: PLC0415 - it loads numpy

    ledgers, period = {ledger.pk: ledger for ledger in history.ledgers}, history.question.period
    is_shared = {meter.pk for meter in history.meters if meter.service in shared_services}
    runs, common = Runs(), _Common()
    for ledger, account_id, resource_id, meter, first, last, price in history.resource_runs():
        if not resource_id or meter in is_shared:
            common.add(meter, last - first + 1, price)
            continue
        runs.place.append((account_id, ledgers[ledger].region, resource_id))
        runs.meter.append(meter)
        runs.first.append(first)
        runs.last.append(last)
        runs.price.append(price)
    return Parts(
        AllocatedSums(runs, _held(ledgers.values(), period, keys), len(keys)).parts,
        common.parts,
    )


class _Common:
    """Shared costs, meter by meter."""

    def __init__(self) -> None:
        self._costs: Counter[int] = Counter()
        self._unpriced: Counter[int] = Counter()

    def add(self, meter: int, days: int, price: int | None) -> None:
        """Add a run of days."""
        self._costs[meter] += days * (price or 0)
        self._unpriced[meter] += days if price is None else 0

    @property
    def parts(self) -> list[CommonPart]:
        """The meters, dearest first."""
        found = sorted(self._costs, key=lambda meter: (-self._costs[meter], meter))
        return [CommonPart(meter, self._costs[meter], self._unpriced[meter]) for meter in found]


def _held(ledgers: Iterable[Ledger], period: Period, keys: Sequence[str]) -> dict[Place, list["Held"]]:
    """Return what each resource carried on which days of a period."""
    from consumption.allocationsums import Held  # noqa: PLC0415

    owners = {ledger.pk: (ledger.account_id, ledger.region) for ledger in ledgers}
    number = {key: place for place, key in enumerate(keys)}
    first, end = period.first.toordinal(), period.end.toordinal()
    rows = ResourceTag.objects.filter(
        ledger__in=owners, key__in=keys, held_from__lt=end, held_until__gt=first
    ).order_by()
    found: dict[Place, list[Held]] = {}
    columns = ("ledger_id", "resource_id", "key", "value", "held_from", "held_until")
    for ledger, resource_id, key, value, begin, until in rows.values_list(*columns).iterator(_ROWS_AT_ONCE):
        held = Held(number[key], value, max(begin, first), min(until, end) - 1)
        found.setdefault((*owners[ledger], resource_id), []).append(held)
    return found
