"""Why a resource cost more or less than expected, as far as the facts on both sides tell.

Nothing is guessed: a reason is given only where a reading or the consumption shows it, and a difference that
none explains has none.
"""

import calendar
import datetime as dt
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from consumption.driftkinds import resource_of
from consumption.driftregion import RegionDrift, ResourceKey
from consumption.driftsums import ConsumedRun, consumed_runs
from consumption.wholenumbers import amount_of
from costs.dailycost import quantity_on_day
from costs.inventory import ResourceType
from costs.lines import Cost, Line
from costs.pricelist import PriceKey
from costs.pricing import Period
from costs.vmtypes import UnknownVmType, VmShape, shape_of

SMALLEST = Decimal("0.005")
"""A smaller difference is none that anybody pays, and is not explained."""

_VM_TYPES, _LICENCES = "BoxUsage", "ProductUsage"
_FULL_DAY = Decimal(24)
_RESOURCES_AT_ONCE = 5_000
_ONCE_ROUNDED = Decimal("1e-9")  # both sides round the part of a month to ten decimals


class ReasonCode(StrEnum):
    """What is known of a difference."""

    NOT_NAMED = "not_named"
    NOT_PLANNED = "not_planned"
    PLANNED_ONLY = "planned_only"
    UPPER_BOUND = "upper_bound"
    CREATED_SINCE = "created_since"
    REMOVED_SINCE = "removed_since"
    STOPPED_SINCE = "stopped_since"
    STARTED_SINCE = "started_since"
    NOT_EXPECTED = "not_expected"
    NOT_CONSUMED = "not_consumed"
    PART_OF_THE_TIME = "part_of_the_time"
    RESIZED = "resized"
    PRICE_CHANGED = "price_changed"
    BILLED_OTHERWISE = "billed_otherwise"
    SURPLUS_NOT_BILLED = "surplus_not_billed"


class Reason(NamedTuple):
    """One reason, and what its text names: a day, two figures or two names."""

    code: ReasonCode
    day: dt.date | None = None
    before: Any = ""
    after: Any = ""


class Span(NamedTuple):
    """A resource as an estimate has it on some days."""

    line: Line
    cost: Cost
    days: list[dt.date]


@dataclass(frozen=True)
class Facts:
    """What both sides tell of one resource on the ``days`` on which its kind is compared.

    ``runs`` are what it consumed, with the product of each; ``read_days`` are those on which
    the estimate was made. ``consumed_more``: than was expected.
    """

    kind: str
    days: list[dt.date]
    spans: list[Span]
    runs: list[tuple[PriceKey, ConsumedRun]]
    read_days: frozenset[dt.date]
    consumed_more: bool

    @cached_property
    def expected_days(self) -> set[dt.date]:
        """The days on which the estimate has it."""
        return {day for span in self.spans for day in span.days}

    @cached_property
    def billed_days(self) -> set[dt.date]:
        """The days on which it consumed anything that cost something."""
        found: set[dt.date] = set()
        for _key, run in self.runs:
            if run.price:
                found.update(self.days[bisect_left(self.days, run.first) : bisect_right(self.days, run.last)])
        return found

    @cached_property
    def costing_days(self) -> set[dt.date]:
        """The days on which it was expected to cost something."""
        return {day for span in self.spans if span.cost.amount for day in span.days}

    def run_on(self, key: PriceKey, day: dt.date) -> ConsumedRun | None:
        """Return what it consumed of a product on a day."""
        return next((run for one, run in self.runs if one == key and run.first <= day <= run.last), None)


def facts_of(region: RegionDrift, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Facts]:
    """Return what both sides tell of some resources."""
    keys = list(keys)
    held = {key: region.spans_of(key) for key in keys if key[1]}
    details = region.estimate.details(span[0] for spans in held.values() for span in spans)
    runs = _runs_of(region, [key for key in keys if key[1]])
    found = {}
    for key in keys:
        kind, resource = key
        spans = [Span(*details[span[0]], region.days_of_span(span)) for span in held.get(key, ())]
        whole = region.expected[kind].get(resource, 0)
        consumed = region.consumed[kind].get(resource, 0)
        spans.sort(key=lambda span: span.days[0])
        found[key] = Facts(
            kind,
            region.days_of(kind),
            spans,
            runs.get(key, []),
            region.estimate.read_days,
            consumed > whole,
        )
    return found


def _runs_of(
    region: RegionDrift, keys: list[ResourceKey]
) -> dict[ResourceKey, list[tuple[PriceKey, ConsumedRun]]]:
    found: dict[ResourceKey, list[tuple[PriceKey, ConsumedRun]]] = defaultdict(list)
    kinds = {kind for kind, _resource in keys}
    ids = [resource for kind, resource in keys if kind != ResourceType.DEDICATED_INSTANCE]
    if ResourceType.DEDICATED_INSTANCE in kinds:
        ids.append(region.ledger.account_id)
    meters = {pk: meter for pk, meter in region.meters.items() if region.kind_of_meter[pk] in kinds}
    for begin in range(0, len(ids), _RESOURCES_AT_ONCE):
        for run in consumed_runs(region.ledger, ids[begin : begin + _RESOURCES_AT_ONCE], region.days, meters):
            key, kind = meters[run.meter_id].key, region.kind_of_meter[run.meter_id]
            found[kind, resource_of(kind, key, run.resource_id)].append((key, run))
    return found


# --- The rules


def reasons_of(facts: Facts) -> list[Reason]:
    """Return what explains the difference of a resource, in the order in which it is best said."""
    if not (facts.spans or facts.runs):
        return [Reason(ReasonCode.NOT_NAMED)]
    found = [*_of_time(facts), *_of_size(facts), *_of_price(facts)]
    if facts.kind == ResourceType.SNAPSHOT and not facts.consumed_more and facts.spans:
        found = [Reason(ReasonCode.UPPER_BOUND)] + [
            one for one in found if one.code not in (ReasonCode.RESIZED, ReasonCode.BILLED_OTHERWISE)
        ]
    return list({one.code: one for one in reversed(found)}.values())[::-1]


def _of_time(facts: Facts) -> Iterable[Reason]:
    """Yield why it was there, or ran, on other days than expected."""
    unexpected = sorted(facts.billed_days - facts.costing_days)
    unconsumed = sorted(facts.costing_days - facts.billed_days)
    if unexpected:
        yield from _unexpected(facts, unexpected)
    if unconsumed:
        yield from _unconsumed(facts, unconsumed)
    yield from _part_of_days(facts)


def _unexpected(facts: Facts, days: list[dt.date]) -> Iterable[Reason]:
    """Yield why it consumed on days on which it was expected to cost nothing."""
    if facts.expected_days.issuperset(days):
        if _states(facts, days) - {"running"}:
            yield Reason(ReasonCode.STARTED_SINCE, days[0])
        return
    first, last = min(facts.billed_days), max(facts.billed_days)
    if facts.spans and days[0] > min(facts.expected_days):
        yield Reason(ReasonCode.REMOVED_SINCE, last)
    elif facts.spans or (facts.read_days and max(facts.read_days) < first):
        yield Reason(ReasonCode.CREATED_SINCE, first)
        if not facts.spans and last < facts.days[-1]:
            yield Reason(ReasonCode.REMOVED_SINCE, last)
    else:
        yield Reason(ReasonCode.NOT_EXPECTED, first, last, len(days))


def _unconsumed(facts: Facts, days: list[dt.date]) -> Iterable[Reason]:
    """Yield why it consumed nothing on days on which it was expected to."""
    if not facts.billed_days:
        yield Reason(ReasonCode.NOT_CONSUMED)
        return
    last = max(facts.billed_days)
    after = [day for day in facts.days if day > last]
    if after and days[-1] > last:
        if _states(facts, after) & {"stopped", "stopping"}:
            yield Reason(ReasonCode.STOPPED_SINCE, last)
        elif not facts.expected_days.issuperset(after):
            yield Reason(ReasonCode.REMOVED_SINCE, last)
        else:
            yield Reason(ReasonCode.NOT_CONSUMED, last)
    if days[0] < min(facts.billed_days):
        yield Reason(ReasonCode.STARTED_SINCE, min(facts.billed_days))
    elif days[0] < last:
        yield Reason(ReasonCode.PART_OF_THE_TIME, None, *_days_of(facts))


def _days_of(facts: Facts) -> tuple[str, str]:
    return str(len(facts.billed_days)), str(len(facts.costing_days | facts.billed_days))


def _states(facts: Facts, days: Iterable[dt.date]) -> set[str]:
    """Return the states in which the estimate has it on some days."""
    days = set(days)
    return {span.line.state for span in facts.spans if days.intersection(span.days)}


def _part_of_days(facts: Facts) -> Iterable[Reason]:
    """Tell of hours that were not run on days that it did run."""
    hours = [
        amount_of(run.value)
        for day in sorted(facts.billed_days & facts.costing_days)
        for key, run in facts.runs
        if key.type.startswith(f"{_VM_TYPES}:") and run.first <= day <= run.last
    ]
    if any(value < _FULL_DAY for value in hours):
        run, whole = sum(hours, Decimal(0)), len(facts.billed_days & facts.costing_days) * _FULL_DAY
        yield Reason(ReasonCode.PART_OF_THE_TIME, None, run, whole)


def _of_size(facts: Facts) -> Iterable[Reason]:
    """Yield that it became another size, as readings or the consumption show."""
    sizes = list(dict.fromkeys(span.line.specification for span in facts.spans))
    if len(sizes) > 1 and facts.kind not in (ResourceType.PUBLIC_IP, ResourceType.LOAD_BALANCER):
        second = next(span for span in facts.spans if span.line.specification == sizes[1])
        yield Reason(ReasonCode.RESIZED, second.days[0], sizes[0], sizes[-1])
        return
    for span in facts.spans:
        for day in span.days:
            if reason := _resized_on(facts, span, day):
                yield reason
                return


def _resized_on(facts: Facts, span: Span, day: dt.date) -> Reason | None:
    if facts.kind == ResourceType.VM:
        for key, run in facts.runs:
            type_ = key.type.partition(":")
            if (
                type_[0] == _VM_TYPES
                and run.first <= day <= run.last
                and not _is_same_type(span.line, type_[2])
            ):
                return Reason(ReasonCode.RESIZED, day, span.line.specification, type_[2])
    if not span.cost.price or span.cost.price.period != Period.MONTH:
        return None
    month = calendar.monthrange(day.year, day.month)[1]
    for part in span.cost.price.parts:
        run = facts.run_on(part.key, day)
        if run is None:
            continue
        value, expected = amount_of(run.value), quantity_on_day(part, Period.MONTH, month)
        if abs(value - expected) > _ONCE_ROUNDED:
            return Reason(ReasonCode.RESIZED, day, part.quantity, round(value * month, 3).normalize())
    return None


def _is_same_type(line: Line, consumed: str) -> bool:
    """Tell whether a VM type of the consumption is that of a line, which may leave the performance out."""
    type_, _space, performance = line.specification.partition(" ")
    if type_ == consumed:
        return True
    try:
        return _size(shape_of(type_, performance=performance or None)) == _size(shape_of(consumed))
    except UnknownVmType:
        return False


def _size(shape: VmShape) -> tuple[int, ...]:
    return shape.generation, shape.performance, shape.vcores, shape.ram_gib


def _of_price(facts: Facts) -> Iterable[Reason]:
    """Yield that a product was billed at another price than expected, or that another one was billed."""
    for span in facts.spans:
        for day in span.days:
            billed = {key: run for key, run in facts.runs if run.first <= day <= run.last and run.price}
            if billed and span.cost.price:
                yield from _priced_otherwise(facts.kind, span, day, billed)
                break


def _priced_otherwise(
    kind: str, span: Span, day: dt.date, billed: dict[PriceKey, ConsumedRun]
) -> Iterable[Reason]:
    expected = {part.key: part for part in span.cost.price.parts}
    surplus = [part for part in span.cost.price.parts if part.surplus_percent is not None]
    if surplus and not any("Surplus" in key.type for key in billed):
        yield Reason(ReasonCode.SURPLUS_NOT_BILLED)
    if kind == ResourceType.VM:
        yield from _vm_priced_otherwise(span, day, billed)
        return
    for key, run in billed.items():
        part = expected.get(key)
        if part and run.unit_price is not None and amount_of(run.unit_price) != part.unit_price:
            yield Reason(ReasonCode.PRICE_CHANGED, day, part.unit_price, amount_of(run.unit_price))
    strange, absent = billed.keys() - expected.keys(), expected.keys() - billed.keys()
    if strange and absent and all(key.service for key in absent):
        yield Reason(ReasonCode.BILLED_OTHERWISE, None, min(absent), min(strange))


def _vm_priced_otherwise(span: Span, day: dt.date, billed: dict[PriceKey, ConsumedRun]) -> Iterable[Reason]:
    """Compare the price of an hour of the VM itself, and of each of its licences."""
    parts = [part for part in span.cost.price.parts if part.surplus_percent is None]
    licences = {part.key.operation: part.amount for part in parts if part.key.type == _LICENCES}
    compute = sum((part.amount for part in parts if part.key.type != _LICENCES), Decimal(0))
    for key, run in billed.items():
        family, _colon, type_ = key.type.partition(":")
        if run.unit_price is None or family not in (_VM_TYPES, _LICENCES):
            continue
        is_vm = family == _VM_TYPES
        if is_vm and not _is_same_type(span.line, type_):
            continue
        expected, found = compute if is_vm else licences.get(key.operation), amount_of(run.unit_price)
        if expected is not None and abs(expected - found) > Decimal("1e-6"):
            yield Reason(ReasonCode.PRICE_CHANGED, day, expected, found)
