"""The rules of storage, addresses and network services, each with a figure computed by hand."""

from decimal import Decimal

import pytest
from msgspec import UNSET

from costs.inventory import (
    Bucket,
    DirectLink,
    LoadBalancer,
    Missing,
    NatAddress,
    NatService,
    PublicIp,
    Snapshot,
    Volume,
    VpnConnection,
)
from costs.pricelist import FCU
from tests.costs.inventories import FREE, cost, costs, hourly, known, monthly, vm
from tests.costs.pricelists import changed, sandbox_price_list, without


def volume(volume_type="gp2", size=10, iops=None, **facts):
    return Volume(volume_id="vol-1", volume_type=volume_type, size=size, iops=iops, **facts)


def address(**facts):
    return PublicIp(
        **{"public_ip": "192.0.2.7", "public_ip_id": "eipalloc-1", "nat_service_id": None} | facts
    )


def address_cost(*, vms=(), nat_services=(), missing=(), prices=None, **facts):
    """Return what one address costs beside what else is there."""
    found = costs(
        prices,
        public_ips=[address(**facts)],
        vms=list(vms),
        nat_services=list(nat_services),
        missing=list(missing),
    )
    return known(found["eipalloc-1"])


# --- Storage


@pytest.mark.parametrize(
    ("kind", "size", "iops", "month"),
    [
        ("standard", 10, 100, "0.39"),
        ("gp2", 300, 900, "33"),  # 300 × 0.11: the IOPS are not billed
        ("io1", 250, 5000, "82.5"),  # 250 × 0.13 + 5000 × 0.01
        ("standard", 0, 0, "0"),
        ("gp2", 10**12, 0, "110000000000"),
    ],
)
def test_a_volume_costs_its_size_and_only_io1_its_iops(kind, size, iops, month):
    assert known(cost(volumes=[volume(kind, size, iops)])) == (monthly(month), (), [])


@pytest.mark.parametrize(
    ("state", "month", "notes"),
    [
        ("in-use", "1.1", ()),
        ("available", "1.1", ()),
        ("", "1.1", ()),
        ("updating", "1.1", ("volume-state",)),
        ("creating", "0", ("volume-state",)),
        ("deleting", "0", ("volume-state",)),
        ("deleted", "0", ("volume-state",)),
        ("error", "0", ("volume-state",)),
    ],
)
def test_a_volume_is_billed_while_it_can_be_used_and_open_rules_are_named(state, month, notes):
    assert known(cost(volumes=[volume(state=state)])) == (monthly(month), notes, [])


@pytest.mark.parametrize("state", ["recycling", "In-Use"])
def test_a_volume_in_a_state_that_nobody_knows_is_a_problem_and_not_free(state):
    found = cost(volumes=[volume(state=state)])

    assert known(found) == (FREE, (), [("state-unknown", state)])
    assert found.is_unknown


def test_an_io1_volume_that_does_not_tell_its_iops_costs_at_least_its_size():
    found = costs(volumes=[volume("io1", 250), Volume("vol-2", "io1", 250, iops=0)])

    assert known(found["vol-1"]) == (monthly("32.5"), (), [("iops-unknown", "io1")])
    assert known(found["vol-2"]) == (monthly("32.5"), (), [])


def test_a_volume_of_an_unknown_kind_has_no_price():
    missing = f"{FCU} / BSU:VolumeUsage:os1 / CreateVolume"

    assert known(cost(volumes=[volume("os1")])) == (FREE, (), [("price-missing", missing)])


@pytest.mark.parametrize(("gone", "month"), [("BSU:VolumeUsage:io1", "50"), ("BSU:VolumeIOPS:io1", "32.5")])
def test_one_entry_missing_for_an_io1_volume_leaves_the_other(gone, month):
    found = cost(without(sandbox_price_list(), gone), volumes=[volume("io1", 250, 5000)])

    assert known(found) == (monthly(month), (), [("price-missing", f"{FCU} / {gone} / CreateVolume")])


def test_a_snapshot_costs_the_size_of_its_volume_at_most_and_says_so():
    snapshot = Snapshot(snapshot_id="snap-1", volume_size=100)

    assert known(cost(snapshots=[snapshot])) == (monthly("5.5"), ("snapshot-upper-bound",), [])


@pytest.mark.parametrize(
    ("size", "month"),
    [
        (0, "0"),
        (1, "2.3283064365386962890625E-11"),  # 0.025 ÷ 2³⁰
        (2**30, "0.025"),
        (2**30 + 1, "0.025000000023283064365386962890625"),
        (2**60, "26843545.6"),  # 2³⁰ GiB × 0.025
    ],
)
def test_a_bucket_costs_its_bytes_exactly(size, month):
    found = cost(buckets=[Bucket(name="documents", objects=1, size=size)])

    assert known(found) == (monthly(month), ("objects-listed",), [])


def test_a_bucket_that_could_not_be_listed_is_a_problem_and_not_free():
    found = cost(buckets=[Bucket(name="documents", problem="PERMISSION_REFUSED")])

    assert known(found) == (FREE, (), [("not-listed", "PERMISSION_REFUSED")])
    assert found.is_unknown


# --- Addresses


@pytest.mark.parametrize(
    ("facts", "state", "hour", "note"),
    [
        ({}, "running", "0.005", "address-unused"),
        ({"vm_id": "i-1"}, "running", "0", "first-address-free"),
        ({"vm_id": "i-1"}, "stopping", "0", "first-address-free"),
        ({"vm_id": "i-1", "public_ip": "192.0.2.8"}, "running", "0.005", "address-additional-to-first"),
        ({"vm_id": "i-1"}, "stopped", "0.005", "stopped-address-idle"),
        ({"vm_id": "i-1", "public_ip": "192.0.2.8"}, "stopped", "0.005", "stopped-address-idle"),
        ({"vm_id": "i-1"}, "pending", "0.005", "stopped-address-idle"),
        ({"nic_id": "eni-1"}, "running", "0.005", "lone-address-idle"),
        ({"link_public_ip_id": "eipassoc-1"}, "running", "0.005", "lone-address-idle"),
        ({"nat_service_id": "nat-1"}, "running", "0", "nat-address-free"),
        ({"nat_service_id": "nat-1", "nic_id": "eni-1"}, "running", "0", "nat-address-free"),
    ],
)
def test_an_address_costs_what_its_use_says(facts, state, hour, note):
    found = address_cost(vms=[vm(state=state, public_ip="192.0.2.7")], **facts)

    assert found == (hourly(hour), (note,), [])


@pytest.mark.parametrize(
    ("facts", "type_", "operation"),
    [
        ({}, "IdleAddress", "AssociateAddress"),
        ({"nic_id": "eni-1", "link_public_ip_id": "eipassoc-1"}, "IdleAddress", "AssociateAddressVPC"),
        ({"vm_id": "i-1", "public_ip": "192.0.2.8"}, "AdditionalAddress", "AssociateAddressVPC"),
    ],
)
def test_an_address_is_sold_in_a_net_or_outside(facts, type_, operation):
    prices = without(sandbox_price_list(), "ElasticIP:IdleAddress", "ElasticIP:AdditionalAddress")

    _amount, _notes, problems = address_cost(vms=[vm(public_ip="192.0.2.7")], prices=prices, **facts)

    assert problems == [("price-missing", f"{FCU} / ElasticIP:{type_} / {operation}")]


@pytest.mark.parametrize("named", [{"public_ip": "192.0.2.7"}, {"public_ip_id": "eipalloc-1"}])
def test_an_older_answer_leaves_it_to_the_nat_service_to_name_its_address(named):
    nat = NatService(nat_service_id="nat-1", state="available", public_ips=[NatAddress(**named)])

    found = address_cost(nat_services=[nat], nat_service_id=UNSET, link_public_ip_id="eipassoc-1")

    assert found == (FREE, ("nat-address-free",), [])


def test_an_address_that_no_nat_service_names_is_not_taken_for_one_of_them():
    nat = NatService(nat_service_id="nat-1", state="available", public_ips=[NatAddress()])

    found = address_cost(nat_services=[nat], nat_service_id=UNSET, public_ip_id="eipalloc-1")

    assert found == (hourly("0.005"), ("address-unused",), [])


@pytest.mark.parametrize("state", ["deleting", "deleted"])
@pytest.mark.parametrize("nat_id", ["nat-1", UNSET])
def test_the_address_of_a_nat_service_that_is_going_is_idle(state, nat_id):
    nat = NatService(nat_service_id="nat-1", state=state, public_ips=[NatAddress(public_ip="192.0.2.7")])

    found = address_cost(nat_services=[nat], nat_service_id=nat_id)

    assert found == (hourly("0.005"), ("address-unused",), [])


def test_an_older_answer_without_the_nat_services_is_a_problem_and_not_idle():
    gone = [Missing("ReadNatServices", "PERMISSION_REFUSED", "4")]

    assert address_cost(missing=gone, nat_service_id=UNSET) == (FREE, (), [("needs-list", "ReadNatServices")])
    assert address_cost(missing=gone, nat_service_id=None) == (hourly("0.005"), ("address-unused",), [])


def test_an_address_of_a_vm_that_was_not_read_is_a_problem_and_not_free():
    gone = [Missing("ReadVms", "PERMISSION_REFUSED", "4")]

    assert address_cost(missing=gone, vm_id="i-1") == (FREE, (), [("needs-list", "ReadVms")])


def test_an_address_of_a_vm_in_an_unknown_state_is_a_problem():
    found = address_cost(vms=[vm(state="hibernated", public_ip="192.0.2.7")], vm_id="i-1")

    assert found == (FREE, (), [("state-unknown", "hibernated")])


# --- Network services

SERVICES = {
    "nat_services": (NatService, "nat_service_id", "0.05"),
    "vpn_connections": (VpnConnection, "vpn_connection_id", "0.03"),
    "load_balancers": (LoadBalancer, "load_balancer_name", "0.03"),
}


def service(field, state):
    kind, id_name, _hour = SERVICES[field]
    return {field: [kind(**{id_name: "one", "state": state})]}


@pytest.mark.parametrize("field", SERVICES)
@pytest.mark.parametrize("state", ["available", "pending", ""])
def test_a_network_service_costs_its_hour(field, state):
    assert known(cost(**service(field, state))) == (hourly(SERVICES[field][2]), (), [])


@pytest.mark.parametrize("field", SERVICES)
@pytest.mark.parametrize("state", ["deleting", "deleted"])
def test_a_network_service_that_is_going_costs_nothing(field, state):
    assert known(cost(**service(field, state))) == (FREE, ("state-free",), [])


@pytest.mark.parametrize(("bandwidth", "month"), [("1Gbps", "400"), ("10Gbps", "2800"), ("10 gbps", "2800")])
def test_a_direct_link_is_priced_as_an_own_port_and_says_so(bandwidth, month):
    link = DirectLink(direct_link_id="dxcon-1", bandwidth=bandwidth, state="available")

    assert known(cost(direct_links=[link])) == (monthly(month), ("direct-link-own",), [])


@pytest.mark.parametrize(
    ("bandwidth", "state", "notes", "problems"),
    [
        ("10Gbps", "deleted", ("state-free",), []),
        ("10Gbps", "deleting", ("state-free",), []),
        ("fast", "available", (), [("bandwidth-unknown", "fast")]),
        ("500Mbps", "available", (), [("bandwidth-unknown", "500Mbps")]),
        (
            "100Gbps",
            "available",
            ("direct-link-own",),
            [("price-missing", "TinaOS-DirectLink / LocatePort:100G / CreateConnection")],
        ),
    ],
)
def test_a_direct_link_that_is_gone_or_not_understood_has_no_price(bandwidth, state, notes, problems):
    link = DirectLink(direct_link_id="dxcon-1", bandwidth=bandwidth, state=state)

    assert known(cost(direct_links=[link])) == (FREE, notes, problems)


# --- The flag PER_MONTH


@pytest.mark.parametrize(
    ("type_", "operation", "owned"),
    [
        ("BSU:VolumeUsage:gp2", "CreateVolume", {"volumes": [volume()]}),
        ("Snapshot:Usage", "Snapshot", {"snapshots": [Snapshot(snapshot_id="snap-1", volume_size=1)]}),
    ],
)
def test_a_monthly_price_that_lost_its_flag_is_not_guessed_at(type_, operation, owned):
    found = cost(changed(sandbox_price_list(), type_, per_month=False), **owned)

    assert known(found) == (FREE, (), [("unit-unknown", f"{FCU} / {type_} / {operation}")])


def test_an_address_by_the_month_is_not_taken_for_one_by_the_hour():
    prices = changed(sandbox_price_list(), "ElasticIP:IdleAddress", per_month=True)

    assert address_cost(prices=prices) == (
        FREE,
        ("address-unused",),
        [("unit-unknown", f"{FCU} / ElasticIP:IdleAddress / AssociateAddress")],
    )


def test_io1_iops_that_lost_their_flag_leave_the_size():
    prices = changed(sandbox_price_list(), "BSU:VolumeIOPS:io1", per_month=False)

    assert known(cost(prices, volumes=[volume("io1", 250, 5000)])) == (
        monthly("32.5"),
        (),
        [("unit-unknown", f"{FCU} / BSU:VolumeIOPS:io1 / CreateVolume")],
    )


def test_a_service_flagged_as_monthly_is_priced_by_the_month():
    prices = changed(sandbox_price_list(), "LBU:Usage", per_month=True, unit_price=Decimal(20))

    assert known(cost(prices, **service("load_balancers", "active"))) == (monthly(20), (), [])
