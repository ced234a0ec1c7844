import dataclasses
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costs.pricelist import PriceKey, PriceList
from costs.pricing import Period, Price
from quotes import snapshot
from quotes.calculation import calculate
from quotes.models import Quote, QuoteItem
from quotes.resources import price_of
from tests.costs.pricelists import real_price_list, sandbox_price_list

COMPUTE_40 = {"compute": Decimal(40)}
VM = {"vm_type": "tinav6.c4r8p2", "product_codes": ["0002"], "tenancy": "default"}
VOLUME = {"volume_type": "io1", "size_gib": 500, "iops": 5000}


def quote_for(duration=1, unit="months", discount=0):
    return Quote(duration=duration, duration_unit=unit, global_discount_percent=Decimal(discount))


def item_of(resource_type, parameters, *, quantity=1, prices=None, region="eu-west-2"):
    prices = prices or sandbox_price_list()
    price = snapshot.write(price_of(resource_type, parameters, prices), prices)
    return QuoteItem(
        resource_type=resource_type, region=region, quantity=quantity, parameters=parameters, price=price
    )


def in_dollars(prices):
    return dataclasses.replace(prices, region="us-east-2", currency="USD")


def test_a_quote_on_the_real_catalog_totals_what_a_hand_computes():
    prices = real_price_list()
    vms, volume = item_of("vm", VM, quantity=3, prices=prices), item_of("volume", VOLUME, prices=prices)
    items = [vms, volume, item_of("public_ip", {}, prices=prices)]
    totals = calculate(quote_for(1, "years", 5), items, COMPUTE_40, currency="EUR").single
    compute = 3 * (4 * Decimal("0.035") + 8 * Decimal("0.005")) * 8760
    licence = 3 * 2 * Decimal("0.121") * 8760
    storage = (500 * Decimal("0.13") + 5000 * Decimal("0.01")) * 12
    network = Decimal("0.005") * 8760
    subtotal = compute * Decimal("0.6") + licence + storage + network
    assert totals.sums.base == compute + licence + storage + network == Decimal("12513.96")
    assert totals.sums.commitment_discount == compute * Decimal("0.4") == Decimal("1892.16")
    assert totals.sums.total == subtotal
    assert totals.global_discount == subtotal * Decimal("0.05")
    assert totals.total == subtotal * Decimal("0.95") == Decimal("10090.71")
    assert totals.yearly == totals.total
    assert totals.monthly * 12 == totals.total


def test_the_commitment_takes_off_compute_and_not_the_licence_of_the_same_vm():
    item = item_of("vm", VM)
    result = calculate(quote_for(), [item], COMPUTE_40, currency="EUR")
    sums = result.items[item.pk]
    assert sums.base == Decimal("0.422") * 730
    assert sums.commitment_discount == Decimal("0.18") * 730 * Decimal("0.4")
    assert {name: by.total for name, by in result.single.by_category.items()} == {
        "compute": Decimal("78.84"),
        "licence": Decimal("176.66"),
    }


@pytest.mark.parametrize(
    ("duration", "unit", "hours"),
    [(1, "hours", 1), (2, "days", 48), (52, "weeks", 8736), (12, "months", 8760), (1, "years", 8760)],
)
def test_a_month_is_730_hours_in_every_unit(duration, unit, hours):
    totals = calculate(quote_for(duration, unit), [item_of("nat_service", {})], {}, currency="EUR").single
    assert totals.total == Decimal("0.05") * hours
    assert totals.monthly == Decimal("36.5")


def test_many_small_lines_are_not_rounded_away():
    entry = {"service": "TinaOS-FCU", "type": "CustomRam", "operation": "RunInstances-OD"}
    items = [item_of("catalog_entry", entry) for _ in range(300)]
    assert calculate(quote_for(1, "hours"), items, {}, currency="EUR").single.total == Decimal("1.5")


def test_currencies_are_never_added():
    prices = sandbox_price_list()
    items = [
        item_of("nat_service", {}),
        item_of("nat_service", {}, prices=in_dollars(prices), region="us-east-2"),
    ]
    result = calculate(quote_for(), items, {}, currency="EUR")
    assert result.single is None
    assert {currency: totals.total for currency, totals in result.totals.items()} == {
        "EUR": Decimal("36.5"),
        "USD": Decimal("36.5"),
    }


def test_the_dedicated_fee_is_charged_once_for_each_region():
    dedicated = VM | {"tenancy": "dedicated", "product_codes": ["0001"]}
    items = [
        item_of("vm", dedicated, quantity=2),
        item_of("vm", dedicated),
        item_of("vm", dedicated, region="cloudgouv-eu-west-1"),
    ]
    result = calculate(quote_for(1, "hours"), items, COMPUTE_40, currency="EUR")
    assert [(fee.region, fee.sums.base) for fee in result.fees] == [
        ("eu-west-2", Decimal(2)),
        ("cloudgouv-eu-west-1", Decimal(2)),
    ]
    vms = 4 * Decimal("0.18") * Decimal("1.1")
    assert result.single.total == (vms + 4) * Decimal("0.6")


def test_the_dedicated_fee_does_not_depend_on_the_order_of_the_items():
    dedicated = VM | {"tenancy": "dedicated", "product_codes": ["0001"]}
    old = sandbox_price_list()
    fee = PriceKey("TinaOS-FCU", "UseDedicated", "RunDedicatedInstances")
    dearer = {**old.entries, fee: dataclasses.replace(old.entries[fee], unit_price=Decimal(3))}
    new = dataclasses.replace(old, version=2, entries=dearer)
    items = [item_of("vm", dedicated, prices=old), item_of("vm", dedicated, prices=new)]
    for order in (items, items[::-1]):
        result = calculate(quote_for(1, "hours"), order, {}, currency="EUR")
        assert [fee.part.unit_price for fee in result.fees] == [Decimal(3)]


def test_a_fee_belongs_to_no_group_and_groups_and_fees_make_the_subtotal():
    dedicated = VM | {"tenancy": "dedicated", "product_codes": ["0001"]}
    items = [item_of("vm", dedicated), item_of("public_ip", {})]
    items[0].group_id = group = uuid4()
    totals = calculate(quote_for(), items, {}, currency="EUR").single
    assert totals.by_group[None].total == Decimal("3.65")
    assert totals.by_group[group].total == Decimal("0.18") * Decimal("1.1") * 730
    together = sum(sums.total for sums in totals.by_group.values()) + totals.fees[0].sums.total
    assert together == totals.sums.total


def test_a_subscription_is_counted_once_and_does_not_recur():
    entry = {"service": "Marketplace", "type": "pof-o1qb2k30", "operation": "Subscription"}
    totals = calculate(quote_for(3, "years"), [item_of("catalog_entry", entry)], {}, currency="EUR").single
    assert (totals.total, totals.monthly) == (Decimal("43420.7"), Decimal(0))


def test_an_empty_quote_is_zero_in_the_currency_it_is_told():
    totals = calculate(quote_for(), [], {}, currency="USD").single
    assert (totals.total, totals.currency) == (Decimal(0), "USD")


@given(
    quantities=st.lists(st.integers(1, 1000), min_size=1, max_size=12),
    duration=st.integers(1, 60),
    discount=st.decimals(0, 100, places=2),
    rate=st.decimals(0, 100, places=2),
)
@settings(max_examples=60, deadline=None)
def test_categories_groups_and_items_all_add_up_to_the_subtotal(quantities, duration, discount, rate):
    kinds = [("vm", VM), ("volume", VOLUME), ("nat_service", {})]
    items = [item_of(*kinds[i % 3], quantity=number) for i, number in enumerate(quantities)]
    result = calculate(quote_for(duration, discount=discount), items, {"compute": rate}, currency="EUR")
    totals = result.single
    for parts in (result.items, totals.by_category, totals.by_group):
        assert sum(sums.total for sums in parts.values()) == totals.sums.total
    assert totals.sums.total - totals.global_discount == totals.total


def test_a_kept_price_reads_back_without_loss():
    prices = sandbox_price_list()
    price = price_of("vm", VM | {"tenancy": "dedicated"}, prices)
    assert isinstance(prices, PriceList)
    assert snapshot.price_of(snapshot.write(price, prices)) == price
    assert isinstance(price, Price)
    assert price.period is Period.HOUR
