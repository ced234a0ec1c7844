"""Readings and consumption of a few resources, written by hand, and the drift between them."""

import json
from decimal import Decimal

from django.http import QueryDict

from consumption.driftasking import Side, drift_of
from consumption.driftforms import DriftFilter
from consumption.driftlines import all_lines
from costs import snapshots
from costs.inventory import LISTS, OBJECTS, Inventory, Missing, Placement, Tag, Vm, Volume
from costs.inventory import Snapshot as SnapshotFacts
from costs.money import round_for_storage
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY
from tests.consumption.days import LATER, REGION, entry
from tests.costs.pricelists import sandbox_price_list

READER = snapshots.reader_of(DEMO_KEY.access_key)
VM = "tinav6.c4r8p2"
"""0.18 EUR an hour, 4.32 EUR a day."""


def vm(vm_id="i-1", vm_type=VM, *, state="running", codes=("0001",), tenancy="default", tags=()):
    return Vm(
        vm_id,
        vm_type,
        state,
        product_codes=list(codes),
        placement=Placement(f"{REGION}a", tenancy),
        tags=[Tag(*tag.split("=")) for tag in tags],
    )


def volume(size=300, volume_id="vol-1"):
    return Volume(volume_id, "gp2", size, state="in-use", subregion_name=f"{REGION}a")


def snapshot(size=100):
    return SnapshotFacts("snap-1", size)


_FIELDS = {Vm: "vms", Volume: "volumes", SnapshotFacts: "snapshots"}


def read(day, *resources, hour=8, missing=(), prices=None, reader=READER, account=DEMO_ACCOUNT.account_id):
    """Store a reading of a day that found these resources and nothing else."""
    lists = {"vms": [], "volumes": [], "snapshots": []}
    for one in resources:
        lists[_FIELDS[type(one)]].append(one)
    calls = [call for call in LISTS if call not in missing and call != OBJECTS]
    inventory = Inventory(
        **lists, read=calls, missing=[Missing(call, "CLOUD_UNAVAILABLE") for call in missing]
    )
    taken_at = LATER.replace(year=day.year, month=day.month, day=day.day, hour=hour)
    reading = snapshots.snapshot_of(
        inventory, prices or sandbox_price_list(), account_id=account, taken_at=taken_at
    )
    return snapshots.store(reading, reader)


def ran(vm_id="i-1", vm_type=VM, *, hours="24", price="0.18"):
    """Return what a VM is billed for on a day."""
    used = priced(hours, price)
    return entry(
        f"BoxUsage:{vm_type}",
        operation="RunInstances-OD",
        category="compute",
        resource=vm_id,
        subregion=f"{REGION}a",
        **used,
    )


def held(size, days, *, price="0.11", volume_id="vol-1", type_="BSU:VolumeUsage:gp2"):
    """Return what a volume of ``size`` GiB is billed for on a day of a month of so many ``days``."""
    return entry(
        type_,
        operation="CreateVolume",
        category="storage",
        resource=volume_id,
        **priced(round_for_storage(Decimal(size) / days), price),
    )


def priced(value, price):
    value, unit_price = Decimal(value), Decimal(price)
    return {
        "value": str(value),
        "unit_price": unit_price,
        "price": str(round_for_storage(value * unit_price)),
    }


def answer(ledger, first, last, *, given=None, reader=READER, **asked):
    """Return the drift of the days from ``first`` to ``last``, both included."""
    data = QueryDict(mutable=True)
    data["first"], data["last"] = first.isoformat(), last.isoformat()
    for name, value in asked.items():
        data.setlist(name, value if isinstance(value, list) else [value])
    form = DriftFilter(data, today=LATER.date(), regions={REGION})
    assert form.is_valid(), form.errors
    return drift_of([Side(ledger, reader)], form, currency="EUR", at=LATER, given=given)


def drift(*days, **asked):
    return answer(*days, **asked).drift


def lines(found):
    """Return both amounts and the codes of the reasons of each resource, to the cent."""
    return {
        shown.line.resource_id or shown.line.kind: (
            cents(shown.line.sums.estimated),
            cents(shown.line.sums.consumed),
            [reason.code.value for reason in shown.reasons],
        )
        for shown in all_lines(found)
    }


def cents(amount):
    return f"{amount:.2f}"


def sums(found):
    """Return both totals to the cent, and how many days are compared."""
    return cents(found.total.estimated), cents(found.total.consumed), found.compared_days


def osc_cost_file(*rows, account_id=None, region=None):
    """Return a file of osc-cost with resources: kind, id, and the price of an hour (a month for storage)."""
    found = []
    for kind, resource_id, price in rows:
        period = "month" if kind in ("Volume", "Snapshot", "Oos") else "hour"
        found.append(
            f'{{"resource_type": "{kind}", "account_id": {json.dumps(account_id)}, "region": '
            f'{json.dumps(region)}, "resource_id": "{resource_id}", "price_per_hour": null, '
            f'"price_per_{period}": {price}}}'
        )
    return "\n".join(found).encode()
