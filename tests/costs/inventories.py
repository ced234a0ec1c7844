"""Inventories made by hand, and what the portal says that they cost."""

import datetime as dt
from decimal import Decimal

from costs.amounts import Amount
from costs.evaluation import evaluate
from costs.inventory import LISTS, Inventory, Placement, Vm
from costs.snapshots import snapshot_of
from tests.costs.pricelists import sandbox_price_list


def vm(vm_type="tinav6.c2r4p2", state="running", *, vm_id="i-1", codes=(), tenancy="default", **facts):
    return Vm(
        vm_id=vm_id,
        vm_type=vm_type,
        state=state,
        product_codes=list(codes),
        placement=Placement(subregion_name="eu-west-2a", tenancy=tenancy),
        **facts,
    )


def costs(prices=None, **owned):
    """Return what each resource of an inventory costs, by its id."""
    lines, found = evaluate(Inventory(**owned), prices or sandbox_price_list())
    by_id = {line.resource_id: found[line.cost] for line in lines}
    assert len(by_id) == len(lines)
    return by_id


def cost(prices=None, **owned):
    """Return what the only resource of an inventory costs."""
    (only,) = costs(prices, **owned).values()
    return only


def taken(day=2, **inventory):
    """Return the reading of an inventory; every list was read but those that are missing, or told apart."""
    gone = {one.call for one in inventory.get("missing", ())}
    read = [call for call in LISTS if call not in gone]
    taken_at = dt.datetime(2026, 3, day, 8, tzinfo=dt.UTC)
    owned = Inventory(**{"read": read} | inventory)
    return snapshot_of(owned, sandbox_price_list(), account_id="100000000001", taken_at=taken_at)


def known(cost):
    """Return what an explained price comes to: its amount, the rules named, and the problems with details."""
    return cost.amount, cost.noted, [(problem.kind.value, problem.detail) for problem in cost.problems]


def hourly(amount):
    return Amount(hourly=Decimal(amount))


def monthly(amount):
    return Amount(monthly=Decimal(amount))


FREE = Amount()
