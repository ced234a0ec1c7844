"""What a consumed amount costs: the real day of the real cloud, entry by entry, and what no rule prices."""

import datetime as dt
import json
from decimal import Decimal

import msgspec
import pytest

from consumption.entries import answer_of
from consumption.valuation import figures_of, unit_price_of
from costs.pricelist import FCU, PriceKey
from tests.consumption.days import entry
from tests.costs.pricelists import changed, real_price_list, sandbox_price_list, without
from tests.reference import FOLDER, real_answer

REAL_DAY = "consumption-eu-west-2-2025-12-01.json"
REAL_PRICES = {
    ("Gpu:attach:nvidia-a100", "AllocateGpu"): "48",
    ("BoxUsage:tinav5.c24r128p1", "RunInstances-OD"): "38.4",
    ("BoxUsage:tinav6.c8r24p2", "RunInstances-OD"): "9.6",
    ("dedicated:cp.3.masters.small", "ControlPlane"): "3.12",
    ("BoxUsage:tinav5.c2r4p2", "RunInstances-OD"): "2.16",
    ("ElasticIP:IdleAddress", "AssociateAddress"): "1.8",
    ("BSU:VolumeIOPS:io1", "CreateVolume"): "1.612903225806",
    ("BSU:VolumeUsage:gp2", "CreateVolume"): "1.064516129028",
    ("BSU:VolumeUsage:io1", "CreateVolume"): "1.04838709677",
    ("ElasticIP:IdleAddress", "AssociateAddressVPC"): "0.24",
    ("enterprise", "OOSStorage"): "0.209434940755",
    ("Snapshot:Usage", "Snapshot"): "0.0164243119755",
    ("BSU:VolumeUsage:standard", "CreateVolume"): "0.0125806451628",
    ("ProductUsage:tinav5.c24r128p1", "RunInstances-0001-OD"): "0",
    ("ProductUsage:tinav5.c2r4p2", "RunInstances-0001-OD"): "0",
    ("ProductUsage:tinav6.c8r24p2", "RunInstances-0001-OD"): "0",
    ("Project:STD", "Project"): "0",
    ("DataTransfer-Internet:out", "RunInstances"): "0",
}
REAL_TOTAL = Decimal("107.2842463494973")


def real_entries():
    real_answer(REAL_DAY)  # skips the test where the answers are not
    return answer_of(
        msgspec.json.decode((FOLDER / REAL_DAY).read_bytes(), type=dict[str, msgspec.Raw])
    ).entries


def exact_price(found, prices):
    return found.value * unit_price_of(found.key, prices)


def test_every_entry_of_the_real_day_has_its_price_at_the_real_catalog():
    prices = real_price_list()
    found = {(one.type, one.operation): exact_price(one, prices) for one in real_entries()}

    assert found == {key: Decimal(price) for key, price in REAL_PRICES.items()}
    assert sum(found.values()) == REAL_TOTAL


def test_what_is_kept_of_the_real_day_is_each_price_rounded_once():
    prices = real_price_list()
    kept = [figures_of(one, prices).price for one in real_entries()]

    assert sum(kept) == Decimal("107.2842463496")
    assert all(price == round(price, 10) for price in kept)


@pytest.mark.parametrize(
    ("type_", "operation", "unit_price"),
    [
        ("BoxUsage:m5.2xlarge", "RunInstances-OD", "0.445"),  # c8r33, generation 5, high
        ("BoxUsage:tinav7.c2r4p101", "RunInstances-OD", "0.106"),
        ("BoxUsage:tinav6.c2r4", "RunInstances-OD", "0.09"),  # high, where the name says nothing
        ("ProductUsage:tinav6.c5r8p2", "RunInstances-0002-OD", "0.363"),  # three units of two cores
        ("ProductUsage:tinav6.c2r8p2", "RunInstances-0008-OD", "1.132"),  # four cores at least
        ("ProductUsage:tinav6.c8r8p2", "RunInstances-0006-OD", "0.019"),
        ("ProductUsage:tinav6.c8r8p2", "RunInstances-pty-7b4a4b18-OD", "13.5"),
        ("ProductUsage:anything", "RunInstances-0001-OD", "0"),
    ],
)
def test_vms_and_licences_are_priced_by_the_rules_of_the_current_cost(type_, operation, unit_price):
    assert unit_price_of(PriceKey(FCU, type_, operation), sandbox_price_list()) == Decimal(unit_price)


@pytest.mark.parametrize(
    ("type_", "operation"),
    [
        ("BoxUsage:tinav9.c4r8p1", "RunInstances-OD"),  # no price of its cores
        ("BoxUsage:x1.huge", "RunInstances-OD"),
        ("BoxUsage:tinav6.c2r4p2", "RunInstances-SPOT"),
        ("ProductUsage:x1.huge", "RunInstances-0002-OD"),  # needs cores
        ("ProductUsage:tinav6.c2r4p2", "RunInstances-0007-OD"),
        ("DedicatedInstanceSurplus", "RunInstances"),  # a factor, no price
        ("CustomCore:v6-p2", "Elsewhere"),
        ("Quantum", "Entangle"),
    ],
)
def test_what_no_rule_can_price_is_unpriced_and_never_zero(type_, operation):
    assert unit_price_of(PriceKey(FCU, type_, operation), sandbox_price_list()) is None
    figures = figures_of(entry(type_, None, operation=operation), sandbox_price_list())
    assert (figures.unit_price, figures.price) == (None, None)


def test_a_vm_without_a_price_of_its_memory_is_unpriced():
    prices = without(sandbox_price_list(), "CustomRam")
    assert unit_price_of(PriceKey(FCU, "BoxUsage:tinav6.c2r4p2", "RunInstances-OD"), prices) is None


def test_the_clouds_own_price_comes_before_every_rule():
    prices = changed(sandbox_price_list(), "NatGatewayUsage", unit_price=Decimal(9))
    told = entry("NatGatewayUsage", "1.2000000000049", unit_price=Decimal("0.05"))

    assert figures_of(told, prices) == (Decimal(24), Decimal("0.05"), Decimal("1.2"))


def test_a_unit_price_alone_is_multiplied_and_rounded_half_to_even():
    told = entry("NatGatewayUsage", None, value="1", unit_price=Decimal("0.00000000005"))
    assert figures_of(told, None).price == 0
    told = entry("NatGatewayUsage", None, value="3", unit_price=Decimal("0.00000000005"))
    assert figures_of(told, None).price == Decimal("2e-10")


def test_without_any_prices_an_entry_is_kept_unpriced():
    assert figures_of(entry(price=None), None).price is None


def answer(entries):
    text = json.dumps({"ConsumptionEntries": entries}, default=str)
    return answer_of(msgspec.json.decode(text.encode(), type=dict[str, msgspec.Raw]))


GOOD = {"Service": "S", "Type": "T", "Operation": "O", "Value": 1.5}


@pytest.mark.parametrize(
    "damage",
    [
        {"Value": None},
        {"Value": "many"},
        {"Value": "NaN"},
        {"Value": 1e30},
        {"Value": [1]},
        {"Service": ""},
        {"Type": None},
        {"Operation": "x" * 200},
        {"Type": "a\x00b"},
        {"SubregionName": "y" * 65},
        {"ResourceId": "z" * 256},
        {"Price": "Infinity"},
        {"UnitPrice": {}},
    ],
)
def test_an_entry_that_cannot_be_right_is_counted_and_the_others_are_read(damage):
    found = answer([GOOD, GOOD | damage, GOOD])

    assert (len(found.entries), found.unreadable_count) == (2, 1)


def test_values_are_exact_to_the_last_decimal():
    text = b'{"ConsumptionEntries": [{"Service":"S","Type":"T","Operation":"O","Value":9.67741935480000001}]}'
    found = answer_of(msgspec.json.decode(text, type=dict[str, msgspec.Raw]))
    assert found.entries[0].value == Decimal("9.67741935480000001")


@pytest.mark.parametrize("currency", [None, "", "eur", "EURO", 7, ["EUR"]])
def test_what_is_no_currency_is_none(currency):
    text = json.dumps({"ConsumptionEntries": [], "Currency": currency}).encode()
    assert answer_of(msgspec.json.decode(text, type=dict[str, msgspec.Raw])).currency == ""


def test_the_days_of_entries_are_not_read():
    moment = dt.datetime(2025, 12, 1, 21, tzinfo=dt.UTC).isoformat()
    assert answer([GOOD | {"FromDate": moment, "ToDate": moment}]).unreadable_count == 0


def test_bytes_that_are_no_text_spoil_their_entry_alone():
    good = json.dumps(GOOD).encode()
    text = b"[" + good + b"," + good.replace(b'"T"', b'"caf\xe9"') + b"]"
    found = answer_of({"ConsumptionEntries": msgspec.Raw(text)})
    assert (len(found.entries), found.unreadable_count) == (1, 1)
