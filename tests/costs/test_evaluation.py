"""What the portal says that each resource of the sandbox costs, against figures computed apart from it."""

from collections import Counter
from decimal import Decimal, localcontext

import pytest

from costs.amounts import Amount
from costs.lines import ProblemKind
from costs.snapshots import Snapshot as StoredSnapshot
from costs.snapshots import packed, snapshot_of, unpacked
from sandbox.cloud import DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_KEY
from sandbox.expected import expected, total
from sandbox.server import running
from tests.costs.pricelists import changed, sandbox_price_list
from tests.costs.readings import STARTED_AT, read

OWNERS = [
    (DEMO_KEY, "eu-west-2"),
    (DEMO_KEY, "us-east-2"),
    (PAYING_KEY, "eu-west-2"),
    (PAYING_KEY, "cloudgouv-eu-west-1"),
    (LINKED_KEY, "eu-west-2"),
    (LINKED_KEY, "us-west-1"),
]


def snapshot(key=DEMO_KEY, region="eu-west-2"):
    """Read and price an account; whatever is stored is what is compared."""
    reading = read(key, region)
    assert (reading.inventory.missing, reading.inventory.unreadable) == ([], [])
    taken = snapshot_of(
        reading.inventory, sandbox_price_list(region), account_id=key.account_id, taken_at=STARTED_AT
    )
    return unpacked(packed(taken), StoredSnapshot)


def bills(sandbox, key=DEMO_KEY, region="eu-west-2"):
    cloud = sandbox.cloud
    owned = cloud.inventory(region, key.account_id), cloud.prices(region)
    return expected(*owned, cloud.buckets(region, key.account_id)).values()


def priced(taken):
    """Return what each resource costs, by id and type; a resource that is there twice would show."""
    amounts = [(line, taken.cost_of(line)) for line in taken.lines]
    found = {
        (line.resource_id, line.resource_type.value): (
            cost.amount.hourly,
            cost.amount.monthly,
            cost.is_priced,
        )
        for line, cost in amounts
    }
    assert len(found) == len(taken.lines)
    return found


def billed(resources):
    return {
        (one.resource_id, one.resource_type): (one.hourly, one.monthly, not one.unpriced) for one in resources
    }


@pytest.fixture
def large(settings):
    """A sandbox whose demo account owns so much that most lists have several pages."""
    with running(size=3000) as sandbox:
        settings.OUTSCALE_API_URL, settings.OUTSCALE_OOS_URL = sandbox.url, sandbox.oos_url
        settings.OUTSCALE_REQUESTS_PER_SECOND = 10_000
        yield sandbox


@pytest.mark.parametrize(("key", "region"), OWNERS, ids=lambda value: getattr(value, "account_id", value))
def test_each_resource_of_an_account_costs_what_is_expected_of_it(outscale, key, region):
    resources = list(bills(outscale, key, region))

    taken = snapshot(key, region)

    assert priced(taken) == billed(resources)
    assert len(taken.lines) > 30
    with localcontext(prec=60):
        assert taken.amount.month == total(resources).per_month
        assert taken.amount.year == total(resources).per_month * 12
    assert taken.unpriced_count == len(total(resources).unpriced)


def test_an_account_that_owns_nothing_costs_nothing(outscale):
    taken = snapshot(EMPTY_KEY)

    assert (taken.lines, taken.amount.month, taken.unpriced_count) == ([], Decimal(0), 0)
    assert (taken.is_complete, taken.has_objects) == (True, True)


def test_each_resource_of_a_large_account_costs_what_is_expected_of_it(large):
    resources = list(bills(large))

    taken = snapshot()

    assert priced(taken) == billed(resources)
    assert len(taken.lines) > 3000
    with localcontext(prec=60):
        assert taken.amount.month == total(resources).per_month


def test_every_kind_of_resource_and_the_fees_are_among_what_is_compared(outscale):
    kinds = Counter(line.resource_type.value for line in snapshot().lines)

    assert kinds == Counter(one.resource_type for one in bills(outscale))
    assert set(kinds) == {
        "Vm",
        "Volume",
        "Snapshot",
        "PublicIp",
        "NatServices",
        "LoadBalancer",
        "Vpn",
        "FlexibleGpu",
        "DedicatedInstance",
        "DirectLink",
        "Oos",
    }
    assert kinds["DedicatedInstance"] == 2


def test_what_is_not_priced_says_why(outscale):
    taken = snapshot()
    reasons = {
        line.specification: [(problem.kind, problem.detail) for problem in taken.cost_of(line).problems]
        for line in taken.lines
        if not taken.cost_of(line).is_priced
    }

    assert reasons == {
        "tinav9.c4r8p1": [
            (ProblemKind.PRICE_MISSING, "TinaOS-FCU / CustomCore:v9-p1 / RunInstances-OD"),
        ],
        "x1.32xlarge": [(ProblemKind.VM_TYPE_UNKNOWN, "x1.32xlarge")],
        "tinav6.c4r16p2": [
            (ProblemKind.PRICE_MISSING, "TinaOS-FCU / ProductUsage / RunInstances-0007-OD"),
        ],
    }


def test_a_changed_price_changes_the_total_by_what_it_prices(outscale):
    inventory = read().inventory
    before = sandbox_price_list()
    after = changed(before, "NatGatewayUsage", unit_price=Decimal("1.05"))

    old, new = (
        snapshot_of(inventory, prices, account_id="1", taken_at=STARTED_AT).amount
        for prices in (before, after)
    )

    assert [nat.state for nat in inventory.nat_services] == ["available", "deleting", "deleted"]
    assert new - old == Amount(hourly=Decimal(1))
