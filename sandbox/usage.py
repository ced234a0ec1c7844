"""What an account consumed between two days (OUTSCALE API documentation, ReadConsumptionAccount).

The answers are long and asked for day by day, so they are composed of written entries, which are kept: from
one day to the next nothing changes but the dates, unless the next month has another length.
"""

import calendar
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType

from sandbox.answers import fields_json, number_text
from sandbox.cloud import Account
from sandbox.history import Use
from sandbox.meters import Meter
from sandbox.prices import Entry, Key, unit_price
from sandbox.shown import billing_moment
from sandbox.vmtypes import shape_of

_HOURS_A_DAY = 24
_PRECISION = Decimal("1e-10")

_NONE: Mapping[date, Fraction] = MappingProxyType({})

Identity = tuple[Key, str, str | None]
"""What tells the entries of one account apart: key, place, and the resource where details are asked for."""


@dataclass(frozen=True)
class Question:
    """The days asked for, the first included and the last excluded, and how much detail is wanted."""

    first: date
    end: date
    show_price: bool
    show_resources: bool


class Statement:
    """What the resources of one account and region consume, told in the words of a catalog.

    It tells amounts, with `show_price` what they cost too, and with `show_resources` each resource by itself.
    It may be kept as long as neither resources nor catalog change.
    """

    def __init__(
        self, meters: Iterable[Meter], catalog: Mapping[Key, Entry], *, show_price: bool, show_resources: bool
    ) -> None:
        self._catalog = catalog
        self._show_price = show_price
        self._show_resources = show_resources
        self._products: dict[tuple[Key, str], tuple[str, Decimal | None]] = {}
        grouped: dict[Identity, list[Meter]] = defaultdict(list)
        for meter in meters:
            grouped[meter.key, meter.place, meter.resource_id if show_resources else None].append(meter)
        self._lines = {identity: _Line(group) for identity, group in grouped.items()}

    def entries(
        self, first: date, end: date, uses: Iterable[Use] = (), corrections: Mapping[date, Fraction] = _NONE
    ) -> Iterator[bytes]:
        """Yield what was consumed from `first` to `end`, excluded, as written entries that lack their start.

        `uses` are added to it, and what is told of a day in `corrections` is multiplied by its factor. The
        start is what the entries of an account have in common, whose and when: `account_entries` has it.
        """
        added = self._added_up(uses, corrections)
        corrected = {day: factor for day, factor in corrections.items() if first <= day < end}
        shared = added.keys() & self._lines.keys()
        is_usual_day = (end - first).days == 1 and not corrected
        month_days = _month_days(first)
        for identity, line in self._lines.items():
            # Looking up an identity takes longer than all the rest, and with details nothing is shared.
            if is_usual_day and not (shared and identity in shared):
                kind_of_day = (line.begun(first), month_days)
                written = line.written.get(kind_of_day)
                if written is None:
                    written = self._written(identity, line.value(first, end))
                    line.written[kind_of_day] = written
            else:
                value = line.value(first, end) + added.pop(identity, 0)
                for day, factor in corrected.items():
                    value += (factor - 1) * line.value(day, day + timedelta(days=1))
                written = self._written(identity, value)
            if written:
                yield written
        yield from filter(None, (self._written(identity, value) for identity, value in added.items()))

    def _added_up(
        self, uses: Iterable[Use], corrections: Mapping[date, Fraction]
    ) -> dict[Identity, Fraction]:
        values: dict[Identity, Fraction] = defaultdict(Fraction)
        for use in uses:
            identity = (use.key, use.place, use.resource_id if self._show_resources else None)
            values[identity] += use.value * corrections.get(use.day, 1)
        return values

    def _written(self, identity: Identity, value: Fraction) -> bytes:
        """Return an entry in JSON without its start; nothing where nothing was consumed."""
        if not value:
            return b""
        key, place, resource_id = identity
        start, price = self._product(key, place)
        consumed = _rounded(value)
        resource = priced = ""
        if resource_id is not None:
            resource = f',"ResourceId":{json.dumps(resource_id, ensure_ascii=False)}'
        if price is not None:
            priced = f',"UnitPrice":{number_text(price)},"Price":{number_text(consumed * price)}'
        return f"{start}{number_text(consumed)}{resource}{priced}}}".encode()

    def _product(self, key: Key, place: str) -> tuple[str, Decimal | None]:
        """Return the written start of what is told of a product, up to its value, and its price to show."""
        known = self._products.get((key, place))
        if known is None:
            start = fields_json(_product(key, place, self._catalog))
            price = unit_price(self._catalog, key) if self._show_price else None
            known = self._products[key, place] = (start.decode()[1:-1] + ',"Value":', price)
        return known


def account_entries(account: Account, question: Question, entries: Iterable[bytes]) -> bytes:
    """Return the entries of one account in JSON, separated by commas: each begins with whose and when."""
    common = {
        "AccountId": account.account_id,
        "PayingAccountId": account.paying_account_id,
        "FromDate": billing_moment(datetime.combine(question.first, time())),
        "ToDate": billing_moment(datetime.combine(question.end, time())),
    }
    start = fields_json(common)[:-1] + b","
    told = (b"," + start).join(entries)
    return start + told if told else b""


class _Line:
    """What one entry adds up: the meters of one product, in the order they begin."""

    def __init__(self, meters: list[Meter]) -> None:
        ordered = sorted(meters, key=lambda meter: meter.first_day)
        self._first_days = [meter.first_day for meter in ordered]
        self._quantities = [Fraction(meter.quantity) for meter in ordered]
        self._held = list(accumulate(self._quantities, initial=Fraction()))
        self._amount = _months if meters[0].per_month else _hours
        # By how many meters have begun, and the days of the month: these two make the value of a day.
        self.written: dict[tuple[int, int], bytes] = {}

    def begun(self, day: date) -> int:
        """Return how many of its meters count on a day."""
        return bisect_right(self._first_days, day)

    def value(self, first: date, end: date) -> Fraction:
        """Return what was consumed from `first` to `end`, excluded: hours, or fractions of a month."""
        begun = self.begun(first)
        value = self._held[begun] * self._amount(first, end)
        for place in range(begun, self.begun(end)):
            value += self._quantities[place] * self._amount(self._first_days[place], end)
        return value


def _product(key: Key, place: str, catalog: Mapping[Key, Entry]) -> dict[str, str]:
    service, type_, operation = key
    category, title = _words(key, catalog)
    return {
        "Service": service,
        "Type": type_,
        "Operation": operation,
        "SubregionName": place,
        "Category": category,
        "Title": title,
    }


def _words(key: Key, prices: Mapping[Key, Entry]) -> tuple[str, str]:
    """Return category and title: those of the catalog, but VMs and licences have a line for each VM type."""
    service, type_, operation = key
    family, _, vm_type = type_.partition(":")
    if family == "BoxUsage":
        shape = shape_of(vm_type)
        performance = f" {shape.performance_name} performance" if shape else ""
        return "compute", f"Instance - On demand - {vm_type}{performance} - par heure"
    listed = prices.get((service, "ProductUsage", operation) if family == "ProductUsage" else key)
    if listed:
        return listed.category, listed.title
    return ("licence" if family == "ProductUsage" else "", type_)


def _hours(first: date, end: date) -> int:
    return _HOURS_A_DAY * (end - first).days


@lru_cache(maxsize=1024)
def _months(first: date, end: date) -> Fraction:
    """Return how many months there are between two days, each day a part of its own month."""
    months = Fraction()
    while first < end:
        until = min(end, date(first.year + first.month // 12, first.month % 12 + 1, 1))
        months += Fraction((until - first).days, _month_days(first))
        first = until
    return months


def _month_days(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


@lru_cache(maxsize=4096)
def _rounded(value: Fraction) -> Decimal:
    """Return a consumed amount with the 10 decimals of the real API."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(_PRECISION)
