"""What was consumed under tags: on which days a resource carried what is asked for, and what it cost then.

The days on which a tag holds are kept (``consumption.tags``). Only what an account consumed itself is looked
at: of a resource of a linked account, which is billed to another, its own ledger knows the tags.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import F, QuerySet
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from consumption.models import Ledger, ResourceTag, ResourceUsage
from consumption.periods import Period
from consumption.wholenumbers import whole_number

MOST_VALUES = 200
"""So many values of a key are offered to choose from: ``Name`` has as many as there are resources."""

_ROWS_AT_ONCE = 10_000

Condition = frozenset[tuple[str, str]]
"""Tags, as (key, value). Values of a key are alternatives; of each key one must hold, all on the same day."""


@dataclass(frozen=True, slots=True)
class TaggedRun:
    """A run of days on each of which resources that carried some tags cost the same together.

    ``ledger`` and ``meter`` are primary keys. Days are ordinals (``date.toordinal``), both included.
    ``price`` is that of a day, before tax, as a whole number of 10⁻¹⁰ in the currency of the day;
    ``unpriced`` is how many lines of a day have no price, which is not zero.
    """

    ledger: int
    account_id: str
    meter: int
    first: int
    last: int
    price: int
    unpriced: int


def known_tags(ledgers: Iterable[Ledger]) -> dict[str, list[str]]:
    """Return the values that were ever seen of each key, both sorted; the first ``MOST_VALUES`` of each."""
    pairs = ResourceTag.objects.filter(ledger__in=list(ledgers)).order_by().values_list("key", "value")
    found: dict[str, list[str]] = {}
    for key, value in sorted(pairs.distinct()):
        found.setdefault(key, []).append(value)
    return {key: values[:MOST_VALUES] for key, values in found.items()}


def seen_among(ledgers: Iterable[Ledger], pairs: Condition) -> Condition:
    """Return those of some tags that a resource was ever seen with; takes one query."""
    found = ResourceTag.objects.filter(
        ledger__in=list(ledgers),
        key__in={key for key, _value in pairs},
        value__in={value for _key, value in pairs},
    )
    return pairs & frozenset(found.order_by().values_list("key", "value").distinct())


def tagged_runs(
    ledgers: Iterable[Ledger], period: Period, conditions: Iterable[Condition]
) -> dict[Condition, list[TaggedRun]]:
    """Return what the resources that fulfil each condition consumed in a period, while they fulfil it.

    Runs of equal ledger, meter and days are one. Takes two queries, however much is asked for. Raises
    ``ValueError`` for a condition without any tag.
    """
    ledgers, wanted = list(ledgers), list(dict.fromkeys(conditions))
    if not all(wanted):
        raise ValueError("a condition names at least one tag")
    if not wanted or period.length <= 0:
        return {condition: [] for condition in wanted}
    tags = _tags(ledgers, period, frozenset().union(*wanted))
    usages = _usages(ledgers, period, tags)
    # numpy takes a part of a second to load: who asks for no tags does not wait for it.
    from consumption.taggedsums import TaggedSums  # noqa: PLC0415

    sums = TaggedSums(
        period,
        tags.values_list(*_TAG_COLUMNS).iterator(chunk_size=_ROWS_AT_ONCE),
        usages.values_list(*_USAGE_COLUMNS).iterator(chunk_size=_ROWS_AT_ONCE),
    )
    accounts = {ledger.pk: ledger.account_id for ledger in ledgers}
    found = {}
    for condition in wanted:
        ledger, *rest = sums.runs(condition)
        found[condition] = list(map(TaggedRun, ledger, map(accounts.get, ledger), *rest))
    return found


_TAG_COLUMNS = ("ledger_id", "resource_id", "key", "value", "held_from", "held_until")
_USAGE_COLUMNS = ("ledger_id", "resource_id", "meter_id", "first_day", "last_day", whole_number("price"))


def _tags(ledgers: Sequence[Ledger], period: Period, pairs: Condition) -> QuerySet[ResourceTag]:
    """Return the tags that hold in a period and whose key and value are among those of ``pairs``."""
    return ResourceTag.objects.filter(
        ledger__in=ledgers,
        key__in={key for key, _value in pairs},
        value__in={value for _key, value in pairs},
        held_from__lt=period.end.toordinal(),
        held_until__gt=period.first.toordinal(),
    ).order_by()


def _usages(
    ledgers: Sequence[Ledger], period: Period, tags: QuerySet[ResourceTag]
) -> QuerySet[ResourceUsage]:
    """Return what the resources with some tags consumed in a period."""
    own = {ledger.account_id for ledger in ledgers}
    rows = ResourceUsage.objects.filter(
        # Sums instead of the columns: SQLite would else take the index of the days, and look up each row.
        LessThan(F("first_day") + 0, period.end.toordinal()),
        GreaterThanOrEqual(F("last_day") + 0, period.first.toordinal()),
        ledger__in=ledgers,
        resource_id__in=tags.values("resource_id"),
        account_id__in=own,
    )
    return (rows if len(own) == 1 else rows.filter(account_id=F("ledger__account_id"))).order_by()
