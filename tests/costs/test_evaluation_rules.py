"""The rules of VMs, licences, dedicated hardware and GPUs, each with a figure computed by hand."""

from decimal import Decimal

import pytest

from costs.amounts import Amount
from costs.inventory import DedicatedGroup, FlexibleGpu, VmSize
from costs.pricelist import FCU
from tests.costs.inventories import FREE, cost, costs, hourly, known, vm
from tests.costs.pricelists import changed, sandbox_price_list, without


def core_entry(level):
    return f"{FCU} / CustomCore:{level} / RunInstances-OD"


def licence_entry(code):
    return f"{FCU} / ProductUsage / RunInstances-{code}-OD"


# --- Cores and memory


@pytest.mark.parametrize(
    ("vm_type", "performance", "hour"),
    [
        ("tinav6.c4r8p1", "medium", "0.2"),  # 4 × 0.04 + 8 × 0.005: the type wins over the field
        ("tinav5.c2r4", "medium", "0.082"),  # 2 × 0.031 + 4 × 0.005
        ("tinav4.c3r5", "highest", "0.163"),  # 3 × 0.046 + 5 × 0.005
        ("tinav3.c2r4", None, "0.098"),  # 2 × 0.039 + 4 × 0.005: high where nothing tells
        ("tinav7.c8r16p101", None, "0.424"),  # 8 × 0.043 + 16 × 0.005
        ("tinav104.c36r492p1", None, "4.008"),  # 36 × 0.043 + 492 × 0.005
        ("m5.2xlarge", "high", "0.445"),  # 8 × 0.035 + 33 × 0.005
        ("t2.nano", "medium", "0.021"),  # 1 × 0.016 + 1 × 0.005
    ],
)
def test_a_vm_costs_its_cores_and_its_memory(vm_type, performance, hour):
    assert known(cost(vms=[vm(vm_type, performance=performance)])) == (hourly(hour), (), [])


def test_the_gpu_of_a_vm_type_is_billed_apart_and_said_to_be():
    # 8 × 0.028 + 15 × 0.005
    assert known(cost(vms=[vm("g2.2xlarge")])) == (hourly("0.299"), ("gpu-billed-apart",), [])


def test_the_api_tells_the_size_of_an_aws_style_type_that_the_portal_does_not_know():
    size = VmSize(vm_type_name="m5.8xlarge", vcore_count=32, memory_size=Decimal("128.5"))

    found = cost(vms=[vm("m5.8xlarge")], vm_sizes=[size])

    # 32 × 0.035 + 128.5 × 0.005: m5 is generation 5, high
    assert known(found) == (hourly("1.7625"), ("converted-size",), [])


@pytest.mark.parametrize(
    "sizes",
    [
        [],
        [VmSize(vm_type_name="m5.16xlarge", vcore_count=64, memory_size=Decimal(256))],
        [VmSize(vm_type_name="m5.8xlarge", vcore_count=0, memory_size=Decimal(128))],
        [VmSize(vm_type_name="m5.8xlarge", vcore_count=32, memory_size=Decimal(0))],
        [VmSize(vm_type_name="m5.8xlarge", vcore_count=32, memory_size=Decimal(-1))],
        [VmSize(vm_type_name="m5.8xlarge", vcore_count=32, memory_size=Decimal(10) ** 9)],
        *(
            [VmSize(vm_type_name="m5.8xlarge", vcore_count=32, memory_size=Decimal(memory))]
            for memory in ("NaN", "sNaN", "Infinity")
        ),
    ],
    ids=[
        "none",
        "of another type",
        "no cores",
        "no memory",
        "negative",
        "beyond any machine",
        "no number",
        "an alarm",
        "infinite",
    ],
)
def test_a_size_that_nobody_told_or_that_cannot_be_is_no_price(sizes):
    found = cost(vms=[vm("m5.8xlarge")], vm_sizes=sizes)

    assert known(found) == (FREE, (), [("vm-type-unknown", "m5.8xlarge")])
    assert found.is_unknown


def test_a_size_that_the_portal_knows_is_not_changed_by_what_the_api_tells():
    size = VmSize(vm_type_name="m5.large", vcore_count=2, memory_size=Decimal("7.5"))

    assert known(cost(vms=[vm("m5.large")], vm_sizes=[size])) == (hourly("0.11"), (), [])


@pytest.mark.parametrize("vm_type", ["x1.32xlarge", "tina.c2r4p2", "tinav6.c0r4p2", "tinav6.c2r0", "", "m5"])
def test_a_type_that_nobody_knows_is_no_price(vm_type):
    found = cost(vms=[vm(vm_type, codes=["0001"])])

    assert found.problems[0].kind == "vm-type-unknown"
    assert (found.amount, found.is_priced) == (FREE, False)


def test_an_entry_missing_for_the_cores_leaves_the_memory():
    # 8 × 0.005
    assert known(cost(vms=[vm("tinav9.c4r8p1")])) == (
        hourly("0.04"),
        (),
        [("price-missing", core_entry("v9-p1"))],
    )


def test_an_entry_missing_for_the_memory_leaves_the_cores():
    found = cost(without(sandbox_price_list(), "CustomRam"), vms=[vm("tinav6.c2r4p2")])

    assert known(found) == (
        hourly("0.07"),
        (),
        [("price-missing", f"{FCU} / CustomRam / RunInstances-OD")],
    )


@pytest.mark.parametrize("type_", ["CustomRam", "CustomCore:v6-p2"])
def test_a_price_by_the_month_where_one_by_the_hour_is_due_is_a_problem(type_):
    found = cost(changed(sandbox_price_list(), type_, per_month=True), vms=[vm("tinav6.c2r4p2")])

    left = {"CustomRam": "0.07", "CustomCore:v6-p2": "0.02"}[type_]
    assert known(found) == (
        hourly(left),
        (),
        [("unit-unknown", f"{FCU} / {type_} / RunInstances-OD")],
    )


# --- States


@pytest.mark.parametrize(
    ("state", "hour", "note"),
    [
        ("running", "0.211", ()),  # 2 × 0.035 + 4 × 0.005 + 0.121
        ("stopping", "0.211", ("state-billed",)),
        ("shutting-down", "0.211", ("state-billed",)),
        ("stopped", "0", ("state-free",)),
        ("terminated", "0", ("state-free",)),
        ("pending", "0", ("state-not-billed",)),
        ("quarantine", "0", ("state-not-billed",)),
    ],
)
def test_a_vm_costs_something_only_in_billed_states_and_open_rules_are_named(state, hour, note):
    found = cost(vms=[vm(state=state, codes=["0002"])])

    assert known(found) == (hourly(hour), note, [])


@pytest.mark.parametrize("state", ["hibernated", "", "Running"])
def test_a_state_that_nobody_knows_is_a_problem_and_not_free(state):
    found = cost(vms=[vm(state=state, codes=["0002"])])

    assert known(found) == (FREE, (), [("state-unknown", state)])
    assert found.is_unknown


def test_a_vm_that_is_not_billed_needs_no_price():
    assert known(cost(vms=[vm("x1.32xlarge", "stopped", codes=["0007"])])) == (FREE, ("state-free",), [])


# --- Licences


@pytest.mark.parametrize(
    ("vm_type", "codes", "hour", "notes"),
    [
        ("tinav6.c1r1p3", [], "0.036", ()),  # 0.031 + 0.005
        ("tinav6.c1r1p3", ["0001"], "0.036", ()),
        ("tinav6.c3r8p2", ["0002"], "0.387", ()),  # 0.145 + 2 × 0.121
        # 0.11 + 1 × 0.121 + 2 × 0.566
        ("tinav6.c2r8p2", ["0002", "0008"], "1.363", ("sql-server-minimum",)),
        # 0.52 + 5 × 0.121 + 5 × 2.168
        ("tinav6.c9r32p1", ["0002", "0009"], "11.965", ("sql-server-minimum",)),
        ("tinav6.c4r8p2", ["0005"], "0.24", ()),  # 0.18 + 0.06
        ("tinav6.c8r16p2", ["0006"], "0.379", ("licence-per-vm",)),  # 0.36 + 0.019
        ("tinav6.c4r8p2", ["pty-8e0f3937"], "6.218", ("licence-per-vm",)),  # 0.18 + 6.038
        # 0.18 + 0.019 + 6.038 + 2 × 0.121
        ("tinav6.c4r8p2", ["0006", "pty-8e0f3937", "0002"], "6.479", ("licence-per-vm",)),
    ],
)
def test_a_vm_costs_the_licences_of_all_its_codes(vm_type, codes, hour, notes):
    assert known(cost(vms=[vm(vm_type, codes=codes)])) == (hourly(hour), notes, [])


def test_a_licence_without_a_price_leaves_the_known_part():
    found = cost(vms=[vm(codes=["0007", "0005"])])

    # 0.09 + 0.06
    assert known(found) == (hourly("0.15"), (), [("price-missing", licence_entry("0007"))])


def test_a_licence_of_an_unknown_type_is_priced_where_it_does_not_depend_on_the_cores():
    found = cost(vms=[vm("x1.32xlarge", codes=["0002", "0005"])])

    assert known(found) == (
        hourly("0.06"),
        (),
        [("vm-type-unknown", "x1.32xlarge"), ("licence-needs-cores", "0002")],
    )


# --- Dedicated hardware


def test_a_dedicated_vm_costs_ten_percent_more_but_its_licences_do_not():
    found = costs(vms=[vm("tinav5.c4r16p1", codes=["0002"], tenancy="dedicated")])

    # (4 × 0.04 + 16 × 0.005) × 1.1 + 2 × 0.121
    assert known(found["i-1"]) == (hourly("0.506"), ("dedicated-surplus",), [])


def test_a_vm_in_a_dedicated_group_pays_the_surplus_of_groups():
    prices = changed(sandbox_price_list(), "DedicatedGroupsInstanceSurplus", unit_price=Decimal("0.02"))

    found = cost(prices, vms=[vm("tinav5.c4r16p1", codes=["0002"], tenancy="ded-1234abcd")])

    # (4 × 0.04 + 16 × 0.005) × 1.2 + 2 × 0.121
    assert known(found) == (hourly("0.53"), ("dedicated-surplus",), [])


@pytest.mark.parametrize("tenancy", ["host", "ded-", "Dedicated"])
def test_a_tenancy_that_nobody_knows_leaves_the_known_part(tenancy):
    found = cost(vms=[vm(tenancy=tenancy)])

    assert known(found) == (hourly("0.09"), (), [("tenancy-unknown", tenancy)])


def test_a_surplus_without_a_price_leaves_the_known_part():
    prices = without(sandbox_price_list(), "DedicatedGroupsInstanceSurplus")

    assert known(cost(prices, vms=[vm(tenancy="ded-1")])) == (
        hourly("0.09"),
        (),
        [("price-missing", f"{FCU} / DedicatedGroupsInstanceSurplus / RunInstances")],
    )


def test_the_surplus_is_on_the_part_that_is_known():
    # 8 × 0.005 × 1.1: the cores of that generation have no price
    found = costs(vms=[vm("tinav9.c4r8p1", tenancy="dedicated")])["i-1"]

    assert known(found) == (
        hourly("0.044"),
        ("dedicated-surplus",),
        [("price-missing", core_entry("v9-p1"))],
    )


@pytest.mark.parametrize(
    ("vms", "groups", "due"),
    [
        ([vm(vm_id="i-1", tenancy="dedicated"), vm(vm_id="i-2", tenancy="dedicated")], 0, ["UseDedicated"]),
        ([vm(state="stopped", tenancy="dedicated")], 0, ["UseDedicated"]),
        ([vm(state="terminated", tenancy="dedicated")], 0, []),
        ([], 2, ["UseDedicatedGroups"]),
        ([vm(tenancy="dedicated")], 1, ["UseDedicated", "UseDedicatedGroups"]),
        ([vm(tenancy="ded-0")], 0, []),
    ],
)
def test_each_dedicated_service_costs_its_fee_once(vms, groups, due):
    owned = [DedicatedGroup(dedicated_group_id=f"ded-{number}") for number in range(groups)]

    found = costs(vms=vms, dedicated_groups=owned)

    fees = {name: cost.amount for name, cost in found.items() if name.startswith("Use")}
    assert fees == {name: Amount(hourly=Decimal(2)) for name in due}


# --- GPUs


@pytest.mark.parametrize(
    ("state", "hour"),
    [("allocated", "3.6"), ("attaching", "3.6"), ("attached", "7"), ("detaching", "7")],
)
def test_a_gpu_is_billed_as_allocated_or_as_attached(state, hour):
    prices = changed(sandbox_price_list(), "Gpu:attach:nvidia-a100-80", unit_price=Decimal(7))
    gpu = FlexibleGpu(flexible_gpu_id="fgpu-1", model_name="nvidia-a100-80", state=state)

    assert known(cost(prices, flexible_gpus=[gpu])) == (hourly(hour), (), [])


def test_a_gpu_in_an_unknown_state_or_of_an_unknown_model_is_a_problem():
    gpus = [
        FlexibleGpu(flexible_gpu_id="fgpu-1", model_name="nvidia-p6", state="broken"),
        FlexibleGpu(flexible_gpu_id="fgpu-2", model_name="nvidia-b200", state="attached"),
    ]

    found = costs(flexible_gpus=gpus)

    assert known(found["fgpu-1"]) == (FREE, (), [("state-unknown", "broken")])
    missing = f"{FCU} / Gpu:attach:nvidia-b200 / AllocateGpu"
    assert known(found["fgpu-2"]) == (FREE, (), [("price-missing", missing)])
