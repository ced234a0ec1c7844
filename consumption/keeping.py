"""How answers of the cloud become kept days: each day whole, in one transaction with its ledger row."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from django.db import connection, models, transaction

from accounts import changes, regions
from accounts.errors import CallRefused, CloudError
from consumption.entries import Answer, Entry
from consumption.models import DayState, Ledger, Meter, ResourceUsage, Usage, UsageDay
from consumption.runs import DayFigures, Run, Runs
from consumption.valuation import Valuation, is_priced
from costs import catalog
from costs.money import ScaledDecimalField
from costs.pricelist import PriceList

PROVISIONAL_DAYS = 3
"""For how many days after its end a day can still grow (OUTSCALE publishes no figure)."""

NOT_CONSOLIDATED = "NOT_CONSOLIDATED"
"""The reason of a young day for which the cloud has nothing yet: that is not the same as zero."""

ENTRIES_NOT_UNDERSTOOD = "ENTRIES_NOT_UNDERSTOOD"
"""The reason of a day of which some entries could not be read: what they cost is not known."""

_ROWS_AT_ONCE = 500

_MeterFacts = tuple[str, ...]
_LineKey = tuple[str, _MeterFacts, str]
"""The consuming account, what is measured, and the resource."""


@dataclass(frozen=True)
class ReadDay:
    """The answer for a day; ``with_linked``: the accounts billed to this one were asked for too."""

    day: dt.date
    answer: Answer
    with_linked: bool = False

    @property
    def says_nothing(self) -> bool:
        """Tell whether the answer holds no entry at all."""
        return not self.answer.entries and not self.answer.unreadable_count


@dataclass(frozen=True)
class _ValuedDay:
    """A day with what each line comes to: by consuming account, meter and resource."""

    read: ReadDay
    currency: str
    lines: dict[_LineKey, DayFigures]

    @property
    def by_meter(self) -> dict[tuple[str, _MeterFacts], DayFigures]:
        gathered = defaultdict(list)
        for (account_id, meter, _resource), figures in self.lines.items():
            gathered[account_id, meter].append(figures)
        return {key: _sum(found) for key, found in gathered.items()}


def is_provisional(day: dt.date, at: dt.datetime) -> bool:
    """Tell whether the bill of a day can still grow at the moment ``at``."""
    return day >= at.date() - dt.timedelta(days=PROVISIONAL_DAYS)


@transaction.atomic
def keep(ledger: Ledger, read: Iterable[ReadDay], *, at: dt.datetime) -> None:
    """Keep days as they were read at ``at``, each in the place of what was kept of it: all of them or none.

    An empty answer for a day that the cloud may not have consolidated yet is no answer, nor for one that had
    figures before: that day fails, and what was kept of it stays. Of an account that has consumed nothing so
    far it is one.
    """
    Ledger.objects.select_for_update().get(pk=ledger.pk)  # a second reader of the same waits here
    read, owns_nothing = list(read), _owns_nothing(ledger)
    has_figures = _days_with_figures(ledger, [one.day for one in read])
    valued, valuation = [], Valuation(catalog.history_of(ledger.region))
    for one in read:
        too_early = is_provisional(one.day, at) and not owns_nothing
        if one.says_nothing and (too_early or one.day in has_figures):
            _note_failure(ledger, one.day, NOT_CONSOLIDATED, at)
        else:
            valued.append(_valued(one, ledger, valuation))
    if valued:
        meters = _meters({meter for one in valued for _account, meter, _resource in one.lines})
        _keep_days(ledger, valued, meters, at)
        _keep_resources(ledger, valued, meters)
    changes.note(changes.of_place(ledger.place))


def _days_with_figures(ledger: Ledger, days: list[dt.date]) -> set[dt.date]:
    kept = Usage.objects.filter(day__ledger=ledger, day__day__in=days)
    return set(kept.values_list("day__day", flat=True).distinct())


def _owns_nothing(ledger: Ledger) -> bool:
    """Tell whether complete days are known of a ledger, and nothing was consumed on any day."""
    known = UsageDay.objects.filter(ledger=ledger, state=DayState.COMPLETE)
    return known.exists() and not Usage.objects.filter(day__ledger=ledger).exists()


@transaction.atomic
def note_failure(ledger: Ledger, day: dt.date, error: CloudError, *, at: dt.datetime) -> None:
    """Note that a day could not be read at ``at``; figures of it that are kept already stay as they are.

    The API may refuse to speak of a day that it has not consolidated yet (OUTSCALE's older API did).
    """
    Ledger.objects.select_for_update().get(pk=ledger.pk)
    too_early = isinstance(error, CallRefused) and is_provisional(day, at)
    _note_failure(ledger, day, NOT_CONSOLIDATED if too_early else error.code, at)
    changes.note(changes.of_place(ledger.place))


def _note_failure(ledger: Ledger, day: dt.date, reason: str, at: dt.datetime) -> None:
    row, is_new = UsageDay.objects.get_or_create(
        ledger=ledger, day=day, defaults={"state": DayState.FAILED, "reason": reason, "tried_at": at}
    )
    if not is_new:
        row.tried_at = at
        row.reason = row.reason if row.state == DayState.PARTIAL else reason
        row.save(update_fields=["tried_at", "reason"])


# --- What a day comes to


def _valued(read: ReadDay, ledger: Ledger, valuation: Valuation) -> _ValuedDay:
    answer = read.answer
    entries = _with_unit_prices_of_their_likes(answer.entries)
    prices = None
    if not answer.currency or not all(map(is_priced, entries)):
        prices = valuation.prices_on(read.day)
    currency = answer.currency or _currency_of(ledger, prices)
    if prices and prices.currency != currency and prices.currency_confirmed:
        prices = None  # amounts in another currency would be added to the others
    lines: dict[_LineKey, DayFigures] = {}
    for entry in entries:
        figures = valuation.figures_of(entry, prices)
        account_id = (read.with_linked and entry.account_id) or ledger.account_id
        line = (account_id, entry.meter, entry.resource_id or "")
        lines[line] = _sum([lines[line], figures]) if line in lines else figures
    return _ValuedDay(read, currency, _priced_alike(lines))


def _currency_of(ledger: Ledger, prices: PriceList | None) -> str:
    """Return the currency of a day for which the cloud names none: that of the days known already."""
    known = UsageDay.objects.filter(ledger=ledger).exclude(currency="").order_by("-read_at")
    last = known.values_list("currency", flat=True).first()
    return last or (prices.currency if prices else regions.assumed_currency(ledger.region))


def _with_unit_prices_of_their_likes(entries: list[Entry]) -> list[Entry]:
    """Give an entry without a price the cloud's own unit price of the same product, where it is known."""
    if all(map(is_priced, entries)):
        return entries
    known = {entry.key: found for entry in entries if (found := _unit_price_in(entry)) is not None}
    return [
        entry
        if is_priced(entry) or entry.key not in known
        else msgspec.structs.replace(entry, unit_price=known[entry.key])
        for entry in entries
    ]


def _unit_price_in(entry: Entry) -> Decimal | None:
    if entry.unit_price is not None or entry.price is None or not entry.value:
        return entry.unit_price
    return entry.price / entry.value


def _priced_alike(lines: dict[_LineKey, DayFigures]) -> dict[_LineKey, DayFigures]:
    """Take the price of every line of a meter whose lines have not all one: half of it would look whole."""
    unknown = {key[:2] for key, figures in lines.items() if figures.price is None}
    return {
        key: figures._replace(price=None) if key[:2] in unknown else figures for key, figures in lines.items()
    }


def _sum(found: Sequence[DayFigures]) -> DayFigures:
    """Add lines of one product on one day; the sum has a price when all of them have one."""
    if len(found) == 1:
        return found[0]
    unit_prices = {figures.unit_price for figures in found}
    prices = [figures.price for figures in found]
    return DayFigures(
        sum(figures.value for figures in found),
        unit_prices.pop() if len(unit_prices) == 1 else None,
        None if None in prices else sum(prices),
    )


# --- Rows


def _meters(wanted: set[_MeterFacts]) -> dict[_MeterFacts, int]:
    """Return the ids of meters, made where they are new."""
    known = _known_meters(wanted)
    new = sorted(wanted - known.keys())  # in one order for all, so that no two wait for each other
    if new:
        Meter.objects.bulk_create(
            [Meter(**dict(zip(_METER_FIELDS, facts, strict=True))) for facts in new], ignore_conflicts=True
        )
        known = _known_meters(wanted)
    return known


_METER_FIELDS = ("service", "type", "operation", "subregion", "category", "title")


def _known_meters(wanted: set[_MeterFacts]) -> dict[_MeterFacts, int]:
    types = {facts[1] for facts in wanted}
    rows = Meter.objects.filter(type__in=types).values_list("pk", *_METER_FIELDS)
    return {tuple(facts): pk for pk, *facts in rows if tuple(facts) in wanted}


def _keep_days(
    ledger: Ledger, valued: list[_ValuedDay], meters: dict[_MeterFacts, int], at: dt.datetime
) -> None:
    """Write the ledger rows of days, and their lines by meter."""
    days = [one.read.day for one in valued]
    of_ledger = UsageDay.objects.filter(ledger=ledger, day__in=days)
    # By their ids: PostgreSQL joins two tables that it has no statistics of yet row by row.
    Usage.objects.filter(day__in=list(of_ledger.values_list("pk", flat=True))).delete()
    UsageDay.objects.bulk_create(
        [_day_row(ledger, one, at) for one in valued],
        update_conflicts=True,
        unique_fields=["ledger", "day"],
        update_fields=[
            "state", "reason", "read_at", "tried_at", "currency", "with_linked", "unreadable_count"
        ],
    )  # fmt: skip
    rows = dict(of_ledger.values_list("day", "pk"))
    insert(
        Usage,
        ("day", "account_id", "meter", *DayFigures._fields),
        [
            (rows[one.read.day], account_id, meters[meter], *figures)
            for one in valued
            for (account_id, meter), figures in one.by_meter.items()
        ],
    )


def _day_row(ledger: Ledger, valued: _ValuedDay, at: dt.datetime) -> UsageDay:
    unreadable = valued.read.answer.unreadable_count
    settled = DayState.PROVISIONAL if is_provisional(valued.read.day, at) else DayState.COMPLETE
    return UsageDay(
        ledger=ledger,
        day=valued.read.day,
        state=DayState.PARTIAL if unreadable else settled,
        reason=ENTRIES_NOT_UNDERSTOOD if unreadable else "",
        read_at=at,
        tried_at=at,
        currency=valued.currency,
        with_linked=valued.read.with_linked,
        unreadable_count=unreadable,
    )


def _keep_resources(ledger: Ledger, valued: list[_ValuedDay], meters: dict[_MeterFacts, int]) -> None:
    """Put days into the runs of the resources, and write the runs that this changed."""
    days = [one.read.day for one in valued]
    around = ResourceUsage.objects.filter(ledger=ledger).during(
        min(days) - dt.timedelta(days=1), max(days) + dt.timedelta(days=2)
    )
    kept = [_run(*row) for row in around.values_list(*_RUN_FIELDS)]
    known = {run: (run.first, run.last) for run in kept}
    runs = Runs(kept)
    for one in valued:
        figures = {
            (account_id, meters[meter], resource_id): found
            for (account_id, meter, resource_id), found in one.lines.items()
        }
        runs.put(one.read.day.toordinal(), figures)
    later = [run for run in runs.changed if run.row is not None and run.first > known[run][0]]
    _delete([run.row for run in (*runs.removed, *later) if run.row])
    for run in later:
        run.row = None  # written anew: moved by its ends one after the other, it might stand on its head
    for place, field in enumerate(("first_day", "last_day")):
        _update(
            field, {run: (run.first, run.last)[place] for run in runs.changed if _moved(run, known, place)}
        )
    insert(
        ResourceUsage,
        ("ledger", *_RUN_FIELDS[1:]),
        [(ledger.pk, *run.key, run.first, run.last, *run.figures) for run in runs.changed if run.row is None],
    )


_RUN_FIELDS = ("pk", "account_id", "meter_id", "resource_id", "first_day", "last_day", *DayFigures._fields)


def _run(row: int, *facts: Any) -> Run:
    account_id, meter_id, resource_id, first, last, *figures = facts
    return Run((account_id, meter_id, resource_id), DayFigures(*figures), first, last, row)


def _moved(run: Run, known: dict[Run, tuple[int, int]], place: int) -> bool:
    return run.row is not None and known[run][place] != (run.first, run.last)[place]


def _update(field: str, moved: dict[Run, int]) -> None:
    """Move one end of runs: most move to the same day, which is one statement for many."""
    rows_by_day = defaultdict(list)
    for run, day in moved.items():
        rows_by_day[day].append(run.row)
    for day, rows in sorted(rows_by_day.items()):  # no two runs of a key may begin on one day meanwhile
        for some in _in_parts(rows):
            ResourceUsage.objects.filter(pk__in=some).update(**{field: day})


def _delete(rows: list[int]) -> None:
    for some in _in_parts(rows):
        ResourceUsage.objects.filter(pk__in=some).delete()


def _in_parts(rows: list[int]) -> Iterator[list[int]]:
    return (rows[place : place + _ROWS_AT_ONCE] for place in range(0, len(rows), _ROWS_AT_ONCE))


def insert(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of a model, given as the values of the fields that ``names`` says, in this order.

    ``bulk_create`` makes an object of each row first, which takes longer than everything else of a day.
    """
    fields = [model._meta.get_field(name) for name in names]
    quoted = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table, places = connection.ops.quote_name(model._meta.db_table), ", ".join(["%s"] * len(fields))
    scaled = [place for place, field in enumerate(fields) if isinstance(field, ScaledDecimalField)]
    prepared = [list(row) for row in rows]
    for row in prepared:
        for place in scaled:
            row[place] = fields[place].get_prep_value(row[place])
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({quoted}) VALUES ({places})", prepared)  # noqa: S608
