from decimal import Decimal

import pytest

from costs import pricing
from costs.assumptions import Assumption
from costs.pricelist import FCU, PriceKey, PriceMissing, Unit
from costs.pricing import GpuState, NotPriceable, Period, Tenancy, for_hours
from costs.vmtypes import shape_of
from tests.costs.pricelists import changed, sandbox_price_list, without


@pytest.fixture(scope="module")
def prices():
    return sandbox_price_list()


@pytest.mark.parametrize(
    ("vm_type", "per_hour"),
    [
        ("tinav5.c24r128p1", "1.6"),
        ("tinav6.c8r24p2", "0.4"),
        ("tinav5.c2r4p2", "0.09"),
        ("tinav7.c2r4p101", "0.106"),
        ("m5.2xlarge", "0.445"),
    ],
)
def test_a_vm_costs_its_cores_and_its_memory(prices, vm_type, per_hour):
    assert pricing.vm(shape_of(vm_type), prices).amount == Decimal(per_hour)


@pytest.mark.parametrize(
    ("codes", "vcores", "licences"),
    [
        (["0001"], 4, "0"),
        (["0002"], 1, "0.121"),
        (["0002"], 4, "0.242"),
        (["0002"], 5, "0.363"),
        (["0005"], 8, "0.06"),
        (["0006"], 8, "0.019"),
        (["0008"], 2, "1.132"),
        (["0008"], 8, "2.264"),
        (["0002", "0009"], 2, "4.457"),
        (["pty-7b4a4b18"], 8, "13.5"),
    ],
)
def test_licences_are_charged_by_their_rule(prices, codes, vcores, licences):
    shape = shape_of(f"tinav6.c{vcores}r2p2")
    bare = pricing.vm(shape, prices)
    assert pricing.vm(shape, prices, product_codes=codes).amount - bare.amount == Decimal(licences)


def test_open_licence_rules_are_named_as_assumptions(prices):
    shape = shape_of("tinav6.c2r4p2")
    assert pricing.vm(shape, prices, product_codes=["0006"]).assumptions == (Assumption.LICENCE_PER_VM,)
    assert pricing.vm(shape, prices, product_codes=["0008"]).assumptions == (Assumption.SQL_SERVER_MINIMUM,)
    assert pricing.vm(shape, prices, product_codes=["0002"]).assumptions == ()


def test_a_dedicated_vm_costs_ten_percent_more_on_cores_and_memory_but_not_on_licences(prices):
    price = pricing.vm(shape_of("tinav6.c8r24p2"), prices, product_codes=["0002"], tenancy=Tenancy.DEDICATED)
    assert price.amount == Decimal("0.4") * Decimal("1.1") + 4 * Decimal("0.121")
    assert [part.amount for part in price.shared] == [Decimal("2.0")]
    assert Assumption.DEDICATED_SURPLUS in price.assumptions


def test_the_gpu_of_an_aws_style_type_is_not_in_the_price_of_its_vm(prices):
    price = pricing.vm(shape_of("g2.2xlarge"), prices)
    assert price.amount == 8 * Decimal("0.028") + 15 * Decimal("0.005")
    assert Assumption.GPU_BILLED_APART in price.assumptions


def test_iops_are_charged_for_io1_only(prices):
    assert pricing.volume("io1", Decimal(500), prices, iops=5000).amount == Decimal(115)
    assert pricing.volume("gp2", Decimal(100), prices, iops=300).amount == Decimal(11)
    assert pricing.volume("standard", Decimal(10), prices).amount == Decimal("0.39")


def test_every_other_resource_costs_its_catalog_price(prices):
    amounts = {
        "snapshot": pricing.snapshot(Decimal(100), prices),
        "address": pricing.additional_public_ip(prices),
        "nat": pricing.nat_service(prices),
        "balancer": pricing.load_balancer(prices),
        "vpn": pricing.vpn_connection(prices),
        "gpu": pricing.flexible_gpu("nvidia-a100-80", prices),
        "idle gpu": pricing.flexible_gpu("nvidia-k2", prices, state=GpuState.ALLOCATED),
        "own port": pricing.direct_link("1G", prices, hosted=False),
        "hosted port": pricing.direct_link("10G", prices, hosted=True),
        "objects": pricing.object_storage(Decimal(1000), prices),
        "kubernetes": pricing.oks_control_plane("cp.3.masters.large", prices),
    }
    assert {name: (price.amount, price.period.value) for name, price in amounts.items()} == {
        "snapshot": (Decimal("5.5"), "month"),
        "address": (Decimal("0.005"), "hour"),
        "nat": (Decimal("0.05"), "hour"),
        "balancer": (Decimal("0.03"), "hour"),
        "vpn": (Decimal("0.03"), "hour"),
        "gpu": (Decimal("3.6"), "hour"),
        "idle gpu": (Decimal("0.55"), "hour"),
        "own port": (Decimal(400), "month"),
        "hosted port": (Decimal(4950), "month"),
        "objects": (Decimal(25), "month"),
        "kubernetes": (Decimal("0.39"), "hour"),
    }


def test_every_entry_of_the_real_catalog_can_be_quoted_but_the_surpluses(prices):
    refused = set()
    for key in prices.entries:
        try:
            pricing.catalog_entry(key, prices)
        except NotPriceable:
            refused.add(key.type)
    assert refused == {"DedicatedInstanceSurplus", "DedicatedGroupsInstanceSurplus"}
    assert all(entry.unit is not Unit.UNKNOWN for entry in prices.entries.values())


def test_a_subscription_of_unknown_length_is_counted_once_and_says_so(prices):
    price = pricing.catalog_entry(PriceKey("Marketplace", "pof-o1qb2k30", "Subscription"), prices)
    assert (price.period, price.amount) == (Period.ONCE, Decimal("43420.7"))
    assert price.assumptions == (Assumption.SUBSCRIPTION_ONCE,)


def test_a_missing_price_is_never_zero(prices):
    with pytest.raises(PriceMissing) as missing:
        pricing.vm(shape_of("tinav9.c2r4p2"), prices)
    assert missing.value.key == PriceKey(FCU, "CustomCore:v9-p2", "RunInstances-OD")
    with pytest.raises(PriceMissing):
        pricing.vm(shape_of("tinav6.c2r4p2"), prices, product_codes=["0007"])
    with pytest.raises(PriceMissing):
        pricing.vm(shape_of("tinav6.c2r4p2"), without(prices, "CustomRam"))


def test_keys_are_compared_whole(prices):
    assert prices.entry(FCU, "CustomCore:v7-p1", "RunInstances-OD").unit_price == Decimal("0.043")
    assert prices.entry(FCU, "Gpu:attach:nvidia-a100", "AllocateGpu").unit_price == Decimal(2)


def test_a_price_that_the_catalog_flags_as_monthly_is_never_taken_for_an_hourly_one(prices):
    price = pricing.load_balancer(changed(prices, "LBU:Usage", per_month=True))
    assert (price.period, price.amount) == (Period.MONTH, Decimal("0.03"))


@pytest.mark.parametrize(("type_", "per_month"), [("CustomRam", True), ("UseDedicated", True)])
def test_parts_of_different_periods_make_no_price(prices, type_, per_month):
    with pytest.raises(NotPriceable):
        pricing.vm(
            shape_of("tinav6.c2r4p2"),
            changed(prices, type_, per_month=per_month),
            tenancy=Tenancy.DEDICATED,
        )


def test_a_volume_without_the_monthly_flag_is_not_guessed_at(prices):
    with pytest.raises(NotPriceable):
        pricing.volume("gp2", Decimal(10), changed(prices, "BSU:VolumeUsage:gp2", per_month=False))


def test_whole_months_of_a_monthly_price_are_exact():
    assert for_hours(Decimal("0.1"), Period.MONTH, 730 * 12) == Decimal("1.2")
    assert for_hours(Decimal("0.1"), Period.HOUR, 24) == Decimal("2.4")
    assert for_hours(Decimal(7), Period.ONCE, 8760) == Decimal(7)
