import json
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY
from sandbox.expected import expected, total
from sandbox.inventory import (
    DedicatedGroup,
    DirectLink,
    FlexibleGpu,
    Inventory,
    LoadBalancer,
    NatService,
    PublicIp,
    Snapshot,
    Vm,
    Volume,
    VpnConnection,
)
from sandbox.prices import FCU, VM, price_list
from sandbox.server import running

PRICES = price_list("eu-west-2")
MADE = datetime(2024, 3, 1, tzinfo=UTC)
LINUX = ("0001",)


def vm(vm_type="tinav6.c2r4p2", codes=LINUX, **facts):
    return Vm("i-1", vm_type, codes, "eu-west-2a", MADE, (), "10.0.0.4", "eni-1", **facts)


def volume(kind, size, iops):
    return Volume("vol-1", kind, size, iops, "eu-west-2a", MADE, (), None, "/dev/xvdb")


def priced(prices=PRICES, **owned):
    return expected(Inventory("eu-west-2", "100000000001", **owned), prices)


def only(**owned):
    (resource,) = priced(**owned).values()
    assert resource.unpriced == ()
    return resource


@pytest.mark.parametrize(
    ("vm_type", "performance", "hour"),
    [
        ("tinav6.c4r8p1", "highest", "0.2"),  # 4 × 0.04 + 8 × 0.005
        ("tinav5.c2r4", "medium", "0.082"),  # 2 × 0.031 + 4 × 0.005
        ("tinav4.c3r5", "highest", "0.163"),  # 3 × 0.046 + 5 × 0.005
        ("tinav3.c2r4", None, "0.098"),  # 2 × 0.039 + 4 × 0.005
        ("tinav4.c2r4p1", "medium", "0.112"),  # 2 × 0.046 + 4 × 0.005
        ("tinav7.c8r16p101", None, "0.424"),  # 8 × 0.043 + 16 × 0.005
        ("tinav104.c36r492p1", "highest", "4.008"),  # 36 × 0.043 + 492 × 0.005
        ("m5.2xlarge", "high", "0.445"),  # 8 × 0.035 + 33 × 0.005
        ("t2.small", "medium", "0.026"),  # 1 × 0.016 + 2 × 0.005
        ("g2.2xlarge", "highest", "0.299"),  # 8 × 0.028 + 15 × 0.005; its GPU is a resource of its own
    ],
)
def test_a_vm_costs_its_cores_and_its_memory(vm_type, performance, hour):
    resource = only(vms=(vm(vm_type, performance=performance),))

    assert resource.per_hour == Decimal(hour)
    assert resource.per_month == Decimal(hour) * 730


@pytest.mark.parametrize(
    ("vm_type", "codes", "hour"),
    [
        ("tinav6.c1r1p3", (), "0.036"),  # 0.031 + 0.005
        ("tinav6.c3r8p2", ("0002",), "0.387"),  # 0.145 + 2 × 0.121
        ("tinav6.c2r8p2", ("0002", "0008"), "1.363"),  # 0.11 + 1 × 0.121 + 2 × 0.566
        ("tinav6.c9r32p1", ("0002", "0009"), "11.965"),  # 0.52 + 5 × 0.121 + 5 × 2.168
        ("tinav6.c4r8p2", ("0005",), "0.24"),  # 0.18 + 0.06
        ("tinav6.c8r16p2", ("0006",), "0.379"),  # 0.36 + 0.019
        ("tinav6.c4r8p2", ("pty-8e0f3937",), "6.218"),  # 0.18 + 6.038
        ("m4.large", ("pty-9e378c04",), "0.118"),  # 2 × 0.039 + 8 × 0.005 + 0
    ],
)
def test_a_vm_costs_the_licences_of_all_its_product_codes(vm_type, codes, hour):
    assert only(vms=(vm(vm_type, codes),)).per_hour == Decimal(hour)


@pytest.mark.parametrize(
    ("state", "hour"),
    [
        ("running", "0.09"),
        ("stopping", "0.09"),
        ("shutting-down", "0.09"),
        ("stopped", "0"),
        ("pending", "0"),
        ("terminated", "0"),
        ("quarantine", "0"),
    ],
)
def test_a_vm_costs_something_only_in_billed_states(state, hour):
    assert only(vms=(vm(state=state),)).per_hour == Decimal(hour)


@pytest.mark.parametrize(("tenancy", "hour"), [("dedicated", "0.506"), ("ded-12345678", "0.506")])
def test_a_dedicated_vm_costs_ten_percent_more_but_its_licences_do_not(tenancy, hour):
    # (4 × 0.04 + 16 × 0.005) × 1.1 + 2 × 0.121
    bills = priced(vms=(vm("tinav5.c4r16p1", ("0002",), tenancy=tenancy),))

    assert bills["i-1"].per_hour == Decimal(hour)


@pytest.mark.parametrize(
    ("vms", "groups", "due"),
    [
        ((vm(tenancy="dedicated"), vm(tenancy="dedicated")), 0, {"UseDedicated"}),
        ((vm(tenancy="dedicated", state="stopped"),), 0, {"UseDedicated"}),
        ((vm(tenancy="dedicated", state="terminated"),), 0, set()),
        ((vm(),), 2, {"UseDedicatedGroups"}),
        ((vm(),), 0, set()),
    ],
)
def test_each_dedicated_service_costs_its_fee_once(vms, groups, due):
    owned = tuple(DedicatedGroup(f"ded-{n}", "group", 5, "eu-west-2a", MADE) for n in range(groups))
    fees = {id_: bill for id_, bill in priced(vms=vms, dedicated_groups=owned).items() if id_ != "i-1"}

    assert set(fees) == due
    assert all(fee.per_hour == 2 and fee.per_month == 1460 for fee in fees.values())


@pytest.mark.parametrize(
    ("resource", "month"),
    [
        ({"volumes": (volume("standard", 10, 100),)}, "0.39"),
        ({"volumes": (volume("gp2", 300, 900),)}, "33"),  # 300 × 0.11: the IOPS are not billed
        ({"volumes": (volume("io1", 250, 5000),)}, "82.5"),  # 250 × 0.13 + 5000 × 0.01
        ({"snapshots": (Snapshot("snap-1", Decimal("9.26"), MADE, "1", "vol-1", 100),)}, "5.5"),
        ({"direct_links": (DirectLink("dxcon-1", "", 1, "PAR1", "available", MADE),)}, "400"),
        (
            {"direct_links": (DirectLink("dxcon-1", "", 10, "PAR1", "available", MADE, is_hosted=True),)},
            "2800",
        ),
        ({"direct_links": (DirectLink("dxcon-1", "", 10, "PAR1", "deleted", MADE),)}, "0"),
    ],
)
def test_storage_and_ports_are_priced_by_the_month(resource, month):
    found = only(**resource)

    assert found.per_month == Decimal(month)
    assert found.per_hour == Decimal(month) / 730


@pytest.mark.parametrize(
    ("state", "hour"), [("available", "1"), ("pending", "1"), ("deleting", "0"), ("deleted", "0")]
)
def test_network_services_cost_nothing_once_they_are_going(state, hour):
    bills = priced(
        nat_services=(NatService("nat-1", state, "vpc-1", "subnet-1", (), MADE),),
        vpn_connections=(VpnConnection("vpn-1", state, "cgw-1", "vgw-1", MADE),),
        load_balancers=(LoadBalancer("lb", state, "eu-west-2a", MADE, ()),),
    )

    prices = {"nat-1": "0.05", "vpn-1": "0.03", "lb": "0.03"}
    assert {id_: bill.per_hour for id_, bill in bills.items()} == {
        id_: Decimal(price) * Decimal(hour) for id_, price in prices.items()
    }


@pytest.mark.parametrize("state", ["allocated", "attaching", "attached", "detaching"])
def test_a_gpu_costs_the_same_in_every_state(state):
    gpu = FlexibleGpu("fgpu-1", "nvidia-a100-80", "v5", state, "eu-west-2a", MADE)

    assert only(flexible_gpus=(gpu,)).per_hour == Decimal("3.6")


@pytest.mark.parametrize(
    ("facts", "state", "hour"),
    [
        ({}, "running", "0.005"),
        ({"vm_id": "i-1"}, "running", "0"),
        ({"vm_id": "i-1", "address": "192.0.2.8"}, "running", "0.005"),
        ({"vm_id": "i-1"}, "stopped", "0.005"),
        ({"nat_service_id": "nat-1"}, "running", "0"),
        ({"nic_id": "eni-9", "nic_account_id": "1"}, "running", "0.005"),
    ],
)
def test_an_address_is_free_only_as_the_first_of_a_billed_vm_or_on_a_nat_service(facts, state, hour):
    address = PublicIp(**{"public_ip_id": "eipalloc-1", "address": "192.0.2.7", "created": MADE, **facts})

    bills = priced(vms=(vm(state=state, public_ip="192.0.2.7"),), public_ips=(address,))

    assert bills["eipalloc-1"].per_hour == Decimal(hour)


@pytest.mark.parametrize(
    ("machine", "hour", "reasons"),
    [
        (vm("x1.32xlarge"), "0", ("Unknown VM type x1.32xlarge",)),
        (
            vm("x1.32xlarge", ("0002", "0005")),
            "0.06",
            ("Unknown VM type x1.32xlarge", "Licence 0002 depends on the number of cores"),
        ),
        (vm("tinav9.c4r8p1"), "0.04", (f"No price for {FCU} CustomCore:v9-p1 {VM}",)),
        (vm(codes=("0007",)), "0.09", (f"No price for {FCU} ProductUsage RunInstances-0007-OD",)),
    ],
)
def test_what_cannot_be_priced_is_told_and_the_rest_is_priced(machine, hour, reasons):
    (bill,) = priced(vms=(machine,)).values()

    assert bill.per_hour == Decimal(hour)
    assert bill.unpriced == reasons


def test_a_missing_price_leaves_the_known_part():
    prices = {key: entry for key, entry in PRICES.items() if key[1] != "CustomRam"}

    (bill,) = priced(prices, vms=(vm(),)).values()

    assert bill.per_month == Decimal("51.1")  # 2 × 0.035 × 730: the cores
    assert bill.unpriced == (f"No price for {FCU} CustomRam {VM}",)


def test_a_total_adds_up_every_resource_exactly_and_names_what_is_not_priced():
    bills = priced(vms=(vm("x1.32xlarge"),), volumes=(volume("standard", 1, 100),))
    machine = priced(vms=(vm(),))["i-1"]

    whole = total([*bills.values(), machine])

    assert whole.per_month == Decimal("65.739")  # 0.09 × 730 + 0.039
    assert whole.per_year == Decimal("788.868")
    assert abs(whole.per_hour * 730 - whole.per_month) < Decimal("1e-20")
    assert whole.unpriced == {"i-1": ("Unknown VM type x1.32xlarge",)}


def test_every_resource_of_an_inventory_is_expected_and_the_special_ones_are_not_priced(sandbox):
    inventory = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)

    bills = expected(inventory, sandbox.cloud.prices("eu-west-2"))

    # The two groups are paid for by one fee, and dedicated VMs by another.
    assert len(bills) == len(inventory) - 2 + 2
    unpriced = {vm.vm_type for vm in inventory.vms if bills[vm.vm_id].unpriced}
    assert unpriced == {"tinav9.c4r8p1", "x1.32xlarge", "tinav6.c4r16p2"}
    assert sum(1 for bill in bills.values() if bill.unpriced) == 3


def test_a_month_of_consumption_costs_what_is_expected_but_for_what_the_api_does_not_tell(sandbox, post):
    cloud = sandbox.cloud
    inventory = cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
    period = {"FromDate": "2025-10-01", "ToDate": "2025-11-01"}
    body = {**period, "ShowPrice": True, "ShowResourceDetails": True}
    answer = json.loads(post("ReadConsumptionAccount", body, DEMO_KEY).content, parse_float=Decimal)
    consumed = defaultdict(Decimal)
    for entry in answer["ConsumptionEntries"]:
        fee = entry["Type"] if entry["Type"].startswith("UseDedicated") else None
        consumed[fee or entry.get("ResourceId")] += entry.get("Price", 0)

    bills = expected(inventory, cloud.prices("eu-west-2"))

    unlike = {snapshot.snapshot_id for snapshot in inventory.snapshots}
    unlike |= {link.direct_link_id for link in inventory.direct_links if link.is_hosted}
    unlike |= {vm.vm_id for vm in inventory.vms if vm.tenancy != "default" or bills[vm.vm_id].unpriced}
    compared = {id_: bill.hourly * 744 + bill.monthly for id_, bill in bills.items() if id_ not in unlike}
    assert len(compared) > 100
    assert compared == {id_: consumed[id_] for id_ in compared}


def test_a_large_inventory_is_expected_quickly_enough_to_compare_with():
    with running(size=10_000) as sandbox:
        inventory = sandbox.cloud.inventory("eu-west-2", DEMO_ACCOUNT.account_id)
        bills = expected(inventory, sandbox.cloud.prices("eu-west-2"))

    assert len(bills) == 10_000
    assert total(bills.values()).per_month > 100_000
