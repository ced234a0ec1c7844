"""The current cost as metrics for Prometheus, to be scraped or left for its textfile collector."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from costs.currentcost import CurrentCost
from costs.unlisted import Unlisted

_COMPLETE = "1 when every list was read"

Samples = list[tuple[dict[str, str], Decimal | int]]


def metrics_of(cost: CurrentCost, *, by_resource: bool = True) -> bytes:
    """Write totals, totals by kind, what is missing, and each resource if asked; amounts exclude tax.

    A resource of which no price is known has none here: zero would say that it is free.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(cost, by_resource=by_resource))
    return generate_latest(registry)


def metrics_of_all(
    costs: Iterable[CurrentCost], unread: Iterable[tuple[str, str]], *, by_resource: bool = True
) -> bytes:
    """Write the metrics of several readings as ``metrics_of`` does, told apart by account and region.

    The accounts and regions in ``unread`` have no reading: they are not complete, and have no other metric.
    """
    collectors = [_Collector(cost, by_resource=by_resource) for cost in costs]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collectors(collectors, list(unread)))
    return generate_latest(registry)


class _Collectors:
    """The metrics of several readings: each named once, with the samples of all."""

    def __init__(self, collectors: list["_Collector"], unread: list[tuple[str, str]]) -> None:
        self._collectors = collectors
        self._unread = unread

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics."""
        lacking = [({"account_id": account, "region": region}, 0) for account, region in self._unread]
        families = {"outscale_cost_complete": _gauge("outscale_cost_complete", _COMPLETE, lacking)}
        for collector in self._collectors:
            for family in collector.collect():
                known = families.setdefault(family.name, family)
                if known is not family:
                    known.samples += family.samples
        yield from families.values()


class _Collector:
    """The metrics of one reading, in the shape that the library asks for."""

    def __init__(self, cost: CurrentCost, *, by_resource: bool) -> None:
        self._cost = cost
        self._by_resource = by_resource
        self._place = {"account_id": cost.snapshot.account_id, "region": cost.snapshot.region}
        self._money = self._place | {"currency": cost.currency}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the metrics."""
        cost, place, money = self._cost, self._place, self._money
        taken_at = int(cost.snapshot.taken_at.timestamp())
        yield _gauge("outscale_cost_per_hour", "Known cost of an hour", [(money, cost.amount.hour)])
        yield _gauge("outscale_cost_per_month", "Known cost of 730 hours", [(money, cost.amount.month)])
        yield from self._by_type()
        yield _gauge("outscale_cost_complete", _COMPLETE, [(place, int(not cost.missing))])
        objects = [(place, int(cost.snapshot.has_objects))]
        yield _gauge("outscale_cost_objects_read", "1 when the object storage was read", objects)
        yield _gauge("outscale_cost_missing", "Lists that could not be read", self._missing())
        unpriced = [(place, len(cost.unpriced))]
        yield _gauge("outscale_cost_unpriced_resources", "Resources not priced whole", unpriced)
        yield _gauge("outscale_cost_read_at_seconds", "When the cloud was read", [(place, taken_at)])
        if cost.unlisted:
            yield self._unlisted(cost.unlisted)
        if self._by_resource:
            yield self._resources()

    def _by_type(self) -> Iterator[GaugeMetricFamily]:
        groups = [group for group in self._cost.by_type() if group.amount is not None]
        hours = [(self._money | {"resource_type": group.key}, group.amount.hour) for group in groups]
        counts = [(self._place | {"resource_type": group.key}, group.count) for group in groups]
        yield _gauge("outscale_cost_type_per_hour", "Known cost of an hour, by kind of resource", hours)
        yield _gauge("outscale_cost_type_resources", "Number of resources, by kind", counts)

    def _missing(self) -> Samples:
        return [
            (self._place | {"call": one.call, "code": one.code, "detail": one.detail}, 1)
            for one in self._cost.missing
        ]

    def _unlisted(self, unlisted: Unlisted) -> GaugeMetricFamily:
        labels = self._place | {"currency": unlisted.currency}
        samples = [
            (labels | {"service": line.key.service, "type": line.key.type}, line.amount.hour)
            for line in unlisted.lines
            if line.price is not None
        ]
        text = "Cost of an hour of what no call lists, as on the last consumed day; in no total"
        return _gauge("outscale_cost_unlisted_per_hour", text, samples)

    def _resources(self) -> GaugeMetricFamily:
        samples = [
            (
                self._money
                | {
                    "resource_id": line.resource_id,
                    "resource_type": line.resource_type.value,
                    "name": line.name,
                    "subregion": line.subregion,
                },
                self._cost.cost_of(line).amount.hour,
            )
            for line in self._cost.lines
            if not self._cost.cost_of(line).is_unknown
        ]
        return _gauge("outscale_cost_resource_per_hour", "Known cost of an hour, by resource", samples)


def _gauge(name: str, text: str, samples: Samples) -> GaugeMetricFamily:
    """Return a gauge; all its samples have the same labels."""
    labels = list(samples[0][0]) if samples else []
    gauge = GaugeMetricFamily(name, text, labels=labels)
    for labelled, value in samples:
        gauge.add_metric(list(labelled.values()), float(value))
    return gauge
