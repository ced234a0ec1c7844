"""A month as FOCUS 1.2: every row exact, what FOCUS demands of it, and no file where a cost is not known."""

import csv
import datetime as dt
import io
import json
import re
from decimal import Context, Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis.extra.django import TestCase as HypothesisTestCase

from accounts.errors import CloudTimeout
from accounts.models import User
from consumption import keeping, sync
from consumption.focus import FocusMonth, NothingKept, NotPriced, Source, focus_months
from consumption.focusrows import COLUMNS
from consumption.focusservices import (
    OTHER,
    frequency_of,
    place_of,
    publisher_of,
    resource_type_of,
    service_of,
    unit_of,
)
from consumption.history import Question, history_of
from consumption.models import Ledger, LedgerReader, ResourceUsage
from consumption.periods import Period
from costs.pricelist import FCU, PriceKey
from sandbox.cloud import LINKED_ACCOUNT, LINKED_KEY, PAYING_ACCOUNT
from tests.consumption.days import REGION, day, entry, gateway, keep, make_ledger
from tests.consumption.test_history import contents
from tests.consumption.test_valuation import REAL_PRICES, real_entries
from tests.costs import catalogs
from tests.costs.portal_readings import make_vm, own, read_now
from tests.reference import real_answer

ACCOUNT = "100000000001"
EXACT = Context(prec=100)
DECEMBER, MARCH = dt.date(2025, 12, 1), dt.date(2026, 3, 1)
NIGHT_BEFORE = dt.datetime(2025, 11, 30, tzinfo=dt.UTC)

# FOCUS 1.2, and the model of its validator (model-1.2.0.1).
MANDATORY_NOT_NULL = [
    "BilledCost",
    "BillingAccountId",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
]
MANDATORY_NULLABLE = ["BillingAccountName", "ChargeClass"]
CONDITIONAL = [
    "AvailabilityZone",
    "ChargeFrequency",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedUnitPrice",
    "InvoiceId",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "Tags",
]
SUBCATEGORIES = {
    "Compute": {"Containers", "Virtual Machines", "Other (Compute)"},
    "Storage": {"Backup Storage", "Block Storage", "Object Storage"},
    "Networking": {"Network Connectivity", "Network Routing", "Other (Networking)"},
    "Other": {"Other (Other)"},
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00Z")
NUMBER = re.compile(r"-?\d+(\.\d+)?")
NUMBERS = [column for column in COLUMNS if re.search("Cost$|Quantity$|UnitPrice$|Rounding$", column)]


@pytest.fixture
def ledger(db):
    return make_ledger()


def store_real_catalog(at=NIGHT_BEFORE):
    return catalogs.store(*real_answer("catalog-eu-west-2.json")["Catalog"]["Entries"], at=at)


def rows_of(*ledgers, month=MARCH, **facts):
    found = FocusMonth(month, [Source(ledger, **facts) for ledger in ledgers])
    found.check()
    return parsed("".join(found.lines()))


def parsed(text):
    return [
        {column: value or None for column, value in row.items()}
        for row in csv.DictReader(io.StringIO(text, newline=""))
    ]


def summed(rows, column="BilledCost"):
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


@pytest.fixture
def real_rows(ledger):
    store_real_catalog()
    ledger.paying_account_id = "100000000000"  # as its entries say
    keep(ledger, {DECEMBER: real_entries()}, currency="")
    return rows_of(ledger, month=DECEMBER, names={ACCOUNT: "Workshop"})


def test_the_costs_of_the_real_day_are_those_that_are_kept(real_rows):
    billed = {
        (row["x_OutscaleType"], row["x_OutscaleOperation"]): Decimal(row["BilledCost"]) for row in real_rows
    }
    assert billed == {key: round(Decimal(price), 10) for key, price in REAL_PRICES.items()}
    assert summed(real_rows) == summed(real_rows, "EffectiveCost") == Decimal("107.2842463496")
    listed = {
        (row["x_OutscaleType"], row["x_OutscaleOperation"]): Decimal(row["ListCost"]) for row in real_rows
    }
    assert listed == {key: Decimal(price) for key, price in REAL_PRICES.items()}
    assert summed(real_rows, "ListCost") == Decimal("107.2842463494973")
    assert summed(real_rows, "x_PriceRounding") == Decimal("107.2842463496") - Decimal("107.2842463494973")


def test_a_volume_of_the_real_day_is_written_exactly_so(real_rows):
    (row,) = [row for row in real_rows if row["x_OutscaleType"] == "BSU:VolumeUsage:gp2"]
    assert {column: value for column, value in row.items() if value is not None} == {
        "ChargePeriodStart": "2025-12-01T00:00:00Z",
        "ChargePeriodEnd": "2025-12-02T00:00:00Z",
        "AvailabilityZone": "eu-west-2a",
        "BilledCost": "1.064516129",
        "BillingAccountId": "100000000000",
        "BillingCurrency": "EUR",
        "BillingPeriodEnd": "2026-01-01T00:00:00Z",
        "BillingPeriodStart": "2025-12-01T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeDescription": "BSU - Stockage Performance - par GiB et par mois",
        "ChargeFrequency": "Usage-Based",
        "ConsumedQuantity": "9.6774193548",
        "ConsumedUnit": "GiB-Months",
        "ContractedCost": "1.064516129028",
        "ContractedUnitPrice": "0.11",
        "EffectiveCost": "1.064516129",
        "InvoiceIssuerName": "OUTSCALE",
        "ListCost": "1.064516129028",
        "ListUnitPrice": "0.11",
        "PricingCategory": "Standard",
        "PricingCurrency": "EUR",
        "PricingCurrencyContractedUnitPrice": "0.11",
        "PricingCurrencyEffectiveCost": "1.064516129",
        "PricingCurrencyListUnitPrice": "0.11",
        "PricingQuantity": "9.6774193548",
        "PricingUnit": "GiB-Months",
        "ProviderName": "OUTSCALE",
        "PublisherName": "OUTSCALE",
        "RegionId": "eu-west-2",
        "RegionName": "eu-west-2",
        "ServiceCategory": "Storage",
        "ServiceName": "Block Storage Unit (BSU)",
        "ServiceSubcategory": "Block Storage",
        "SkuId": "TinaOS-FCU/CreateVolume/BSU:VolumeUsage:gp2",
        "SkuMeter": "BSU:VolumeUsage",
        "SkuPriceId": "TinaOS-FCU/CreateVolume/BSU:VolumeUsage:gp2@eu-west-2",
        "SubAccountId": "100000000001",
        "SubAccountName": "Workshop",
        "x_OutscaleCategory": "storage",
        "x_OutscaleOperation": "CreateVolume",
        "x_OutscaleService": "TinaOS-FCU",
        "x_OutscaleTitle": "BSU - Stockage Performance - par GiB et par mois",
        "x_OutscaleType": "BSU:VolumeUsage:gp2",
        "x_PriceRounding": "-0.000000000028",
        "x_PriceStatus": "listed",
        "x_Coverage": "complete",
    }


def test_every_product_of_the_real_day_has_its_service_and_unit(real_rows):
    found = {
        (row["SkuMeter"], row["ServiceName"], row["ServiceSubcategory"], row["PricingUnit"])
        for row in real_rows
    }
    assert found == {
        ("BoxUsage", "Flexible Compute Unit (FCU)", "Virtual Machines", "Hours"),
        ("ProductUsage", "Flexible Compute Unit (FCU)", "Virtual Machines", "Hours"),
        ("Gpu:attach", "Flexible GPU (fGPU)", "Other (Compute)", "Hours"),
        ("BSU:VolumeUsage", "Block Storage Unit (BSU)", "Block Storage", "GiB-Months"),
        ("BSU:VolumeIOPS", "Block Storage Unit (BSU)", "Block Storage", "IOPS-Months"),
        ("Snapshot:Usage", "BSU Snapshots", "Backup Storage", "GiB-Months"),
        ("ElasticIP:IdleAddress", "Public IP", "Other (Networking)", "Hours"),
        ("DataTransfer-Internet:out", "Data Transfer", "Other (Networking)", "GiB"),
        ("enterprise", "OUTSCALE Object Storage (OOS)", "Object Storage", "GiB-Months"),
        ("Project:STD", "OUTSCALE Kubernetes as a Service (OKS)", "Containers", "Hours"),
        ("dedicated", "OUTSCALE Kubernetes as a Service (OKS)", "Containers", "Hours"),
    }


def test_a_vm_says_what_an_hour_of_it_is(real_rows):
    (row,) = [row for row in real_rows if row["x_OutscaleType"] == "BoxUsage:tinav5.c24r128p1"]
    assert json.loads(row["SkuPriceDetails"]) == {
        "CoreCount": 24,
        "InstanceSeries": "tinav5",
        "InstanceType": "tinav5.c24r128p1",
        "MemorySize": 128,
    }
    assert (row["ListUnitPrice"], row["PricingQuantity"], row["BilledCost"]) == ("1.6", "24", "38.4")


def test_descriptions_are_plain_and_the_title_is_kept_beside(real_rows):
    (row,) = [row for row in real_rows if row["SkuMeter"] == "dedicated"]
    assert row["ChargeDescription"] == "OKS - Plan de controle dedie (3 masters) - Small - par heure"
    assert row["x_OutscaleTitle"] == "OKS - Plan de contrôle dédié (3 masters) - Small - par heure"


def conforms(row):
    """Fail where a row is not as FOCUS 1.2 demands."""
    assert all(row[column] is not None for column in MANDATORY_NOT_NULL)
    assert all(NUMBER.fullmatch(row[column]) for column in NUMBERS if row[column] is not None)
    assert all(MOMENT.fullmatch(row[column]) for column in row if re.search("Period(Start|End)$", column))
    assert (
        row["BillingPeriodStart"]
        <= row["ChargePeriodStart"]
        < row["ChargePeriodEnd"]
        <= row["BillingPeriodEnd"]
    )
    assert row["ServiceSubcategory"] in SUBCATEGORIES[row["ServiceCategory"]]
    assert re.fullmatch("[A-Z]{3}", row["BillingCurrency"])
    assert row["PricingCurrency"] == row["BillingCurrency"]
    for cost, price in (("ListCost", "ListUnitPrice"), ("ContractedCost", "ContractedUnitPrice")):
        exact = row["BilledCost"]
        if row[price] is not None:
            assert Decimal(row[price]) >= 0
            exact = EXACT.multiply(Decimal(row[price]), Decimal(row["PricingQuantity"]))
        assert Decimal(row[cost]) == Decimal(exact)
    rounding = EXACT.subtract(Decimal(row["BilledCost"]), Decimal(row["ContractedCost"]))
    assert Decimal(row["x_PriceRounding"]) == rounding
    assert (row["ResourceType"] is None) == (row["ResourceId"] is None)
    assert row["ChargeFrequency"] in {"Usage-Based", "Recurring"}
    assert row["x_Coverage"] in {"complete", "provisional", "partial"}


def test_every_row_of_the_real_day_conforms(real_rows):
    assert len(real_rows) == 18
    for row in real_rows:
        conforms(row)
        assert row["ListUnitPrice"] is not None
        assert row["ContractedUnitPrice"] is not None


def test_the_columns_of_focus_come_first_and_are_all_there():
    own_columns = [column for column in COLUMNS if column.startswith("x_")]
    assert list(COLUMNS[-len(own_columns) :]) == own_columns
    assert {*MANDATORY_NOT_NULL, *MANDATORY_NULLABLE, *CONDITIONAL} <= set(COLUMNS)
    assert len(set(COLUMNS)) == len(COLUMNS)


def test_a_service_has_one_category_and_a_known_unit_for_all_the_catalog_sells():
    entries = real_answer("catalog-eu-west-2.json")["Catalog"]["Entries"]
    keys = [PriceKey(one["Service"], one["Type"], one["Operation"]) for one in entries]
    assert [key for key in keys if service_of(key) is OTHER] == []
    assert {key.type for key in keys if unit_of(key) == "Units"} == {
        "DedicatedInstanceSurplus",
        "DedicatedGroupsInstanceSurplus",
    }
    places = {}
    for key in keys:
        service = service_of(key)
        assert service.subcategory in SUBCATEGORIES[service.category]
        assert places.setdefault(service.name, service) is service


@pytest.mark.parametrize(
    ("key", "publisher", "frequency"),
    [
        (PriceKey(FCU, "BoxUsage:tinav6.c2r4p2", "RunInstances-OD"), "OUTSCALE", "Usage-Based"),
        (PriceKey(FCU, "ProductUsage:m5.large", "RunInstances-0002-OD"), "OUTSCALE", "Usage-Based"),
        (PriceKey(FCU, "ProductUsage:m5.large", "RunInstances-pty-c5e95e86-OD"), "DynFi", "Usage-Based"),
        (PriceKey(FCU, "ProductUsage", "RunInstances-pty-9e378c04-OD"), "OUTSCALE", "Usage-Based"),
        (
            PriceKey(FCU, "ProductUsage", "RunInstances-pty-00000000-OD"),
            "OUTSCALE Marketplace",
            "Usage-Based",
        ),
        (PriceKey("Marketplace", "pof-k5f0ytd6", "Subscription"), "ALLONIA", "Recurring"),
        (PriceKey("TinaOS-DirectLink", "LocatePort:1G", "CreateConnection"), "OUTSCALE", "Recurring"),
        (PriceKey("New", "Thing", "Do"), "OUTSCALE", "Usage-Based"),
    ],
)
def test_who_publishes_a_product_and_how_often_it_is_charged(key, publisher, frequency):
    assert (publisher_of(key), frequency_of(key)) == (publisher, frequency)


@pytest.mark.parametrize(
    ("type_", "resource_id", "kind"),
    [
        ("ProductUsage:m5.large", "i-00000001", "Virtual Machine"),
        ("DataTransfer-Internet:out", "nat-00000001", "NAT Service"),
        ("BSU:VolumeIOPS:io1", "vol-00000001", "Volume"),
        ("ElasticIP:IdleAddress", "198.51.100.1", "Public IP"),
        ("Unknown", "thing", "Other"),
    ],
)
def test_a_resource_is_what_its_id_says_or_what_was_consumed(type_, resource_id, kind):
    assert resource_type_of(PriceKey(FCU, type_, "x"), resource_id) == kind


def test_a_load_balancer_may_have_any_name():
    assert (
        resource_type_of(PriceKey("TinaOS-LBU", "LBU:Usage", "CreateLoadBalancer"), "i-am") == "Load Balancer"
    )


@pytest.mark.parametrize(
    ("subregion", "place"),
    [
        ("eu-west-2a", ("eu-west-2", "eu-west-2a")),
        ("eu-west-2", ("eu-west-2", None)),
        ("cloudgouv-eu-west-1b", ("cloudgouv-eu-west-1", "cloudgouv-eu-west-1b")),
        ("", ("us-east-2", None)),
    ],
)
def test_a_subregion_is_a_region_or_a_zone(subregion, place):
    assert place_of(subregion, "us-east-2") == place


# --- Days and runs


def test_a_run_of_days_is_a_row_for_each_day_of_the_month(ledger):
    days = [dt.date(2026, 2, 27) + dt.timedelta(days=passed) for passed in range(40)]
    keep(ledger, {one: [entry(price="1.2")] for one in days})
    assert ResourceUsage.objects.count() == 1

    rows = rows_of(ledger)

    assert [row["ChargePeriodStart"][:10] for row in rows] == [
        day(number).isoformat() for number in range(1, 32)
    ]
    assert rows[-1]["ChargePeriodEnd"] == "2026-04-01T00:00:00Z"
    assert summed(rows) == Decimal("37.2")


def test_days_without_figures_have_no_rows_and_the_name_says_so(ledger):
    keep(ledger, {day(number): [entry()] for number in range(1, 32)})
    month = FocusMonth(MARCH, [Source(ledger)])
    assert month.file_name == "focus-100000000001-eu-west-2-2026-03.csv"

    keep(ledger, {day(2): [entry()]}, at=dt.datetime(2026, 3, 3, tzinfo=dt.UTC))
    keep(ledger, {day(3): [entry()]}, unreadable=1)
    keeping.note_failure(
        ledger, dt.date(2026, 4, 1), CloudTimeout("x"), at=dt.datetime(2026, 4, 3, tzinfo=dt.UTC)
    )
    rows = rows_of(ledger)

    assert [row["x_Coverage"] for row in rows[:4]] == ["complete", "provisional", "partial", "complete"]
    partial = FocusMonth(MARCH, [Source(ledger)])
    assert partial.file_name == "focus-100000000001-eu-west-2-2026-03-partial.csv"
    with pytest.raises(NothingKept):
        FocusMonth(dt.date(2026, 4, 1), [Source(ledger)]).check()


def test_a_month_of_nothing_consumed_is_a_file_without_rows(ledger):
    keep(ledger, {day(number): [] for number in range(1, 32)})
    assert rows_of(ledger) == []


def test_a_line_without_a_price_lets_no_file_be(ledger):
    keep(ledger, {day(1): [entry(), entry("x", None, operation="y")]})

    with pytest.raises(NotPriced) as caught:
        rows_of(ledger)

    assert "March 2026" in caught.value.message
    assert caught.value.products == ["TinaOS-FCU / x / y"]
    assert (
        len(rows_of(ledger_with(day(1, month=4)), month=dt.date(2026, 4, 1))) == 1
    )  # other months are not touched


def ledger_with(one):
    ledger = Ledger.objects.get()
    keep(ledger, {one: [entry()]})
    return ledger


def test_a_file_that_is_being_written_breaks_off_when_a_price_goes_missing(ledger):
    keep(ledger, {day(1): [entry()]})
    month = FocusMonth(MARCH, [Source(ledger)])
    month.check()
    keep(ledger, {day(1): [entry("x", None, operation="y")]})

    with pytest.raises(NotPriced):
        list(month.lines())


def test_what_has_no_price_can_be_left_out_and_the_file_says_so(ledger):
    keep(ledger, {day(number): [entry(price="1")] for number in range(1, 32)})
    keep(ledger, {day(2): [entry(price="1"), entry("x", None, operation="y")]})
    month = FocusMonth(MARCH, [Source(ledger)], without_unpriced=True)
    month.check()
    rows = parsed("".join(month.lines()))

    assert summed(rows) == 31
    assert [row["x_Coverage"] for row in rows[:3]] == ["complete", "partial", "complete"]
    assert month.file_name == "focus-100000000001-eu-west-2-2026-03-without-unpriced.csv"
    for row in rows:
        conforms(row)


class SumsOfGeneratedDays(HypothesisTestCase):
    """Each example works in a transaction of its own."""

    @settings(max_examples=20, deadline=None)
    @given(contents)
    def test_the_rows_of_all_months_add_up_to_the_total_of_the_portal(self, days):
        ledger = make_ledger()
        keep(ledger, days)
        for first in (dt.date(2026, 2, 1), MARCH):
            month = FocusMonth(first, [Source(ledger)], without_unpriced=True)
            history = history_of([ledger], Question(month.period))
            rows = parsed("".join(month.lines()))
            assert summed(rows) == summed(rows, "EffectiveCost") == history.total
            keys = [(row["ChargePeriodStart"], row["SkuId"], row["RegionId"], row["AvailabilityZone"],
                     row["x_OutscaleCategory"], row["ResourceId"]) for row in rows]  # fmt: skip
            assert len(set(keys)) == len(keys)


# --- Prices


def test_each_day_is_listed_at_the_catalog_of_that_day(ledger):
    nat = {"Type": "NatGatewayUsage", "Operation": "CreateNatGateway"}
    catalogs.store(catalogs.raw_entry(price="0.05") | nat, at=dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC))
    catalogs.store(catalogs.raw_entry(price="0.06") | nat, at=dt.datetime(2026, 3, 3, 12, tzinfo=dt.UTC))
    keep(ledger, {day(number): [entry(price="1.08", unit_price=Decimal("0.045"))] for number in (1, 2, 3)})

    rows = rows_of(ledger)

    facts = ("ListUnitPrice", "ListCost", "ContractedUnitPrice", "ContractedCost", "x_PriceStatus")
    assert [tuple(row[fact] for fact in facts) for row in rows] == [
        ("0.05", "1.2", "0.045", "1.08", "later-catalog"),
        ("0.05", "1.2", "0.045", "1.08", "listed"),
        ("0.06", "1.44", "0.045", "1.08", "listed"),
    ]


def test_an_unknown_list_price_is_null_and_says_why(ledger):
    keep(ledger, {day(1): [entry(price="1.2")]})
    (row,) = rows_of(ledger)
    facts = ("ListUnitPrice", "ListCost", "ContractedUnitPrice", "ContractedCost", "x_PriceStatus")
    assert [row[fact] for fact in facts] == [None, "1.2", None, "1.2", "no-catalog"]

    stored = catalogs.store(at=NIGHT_BEFORE)
    (row,) = rows_of(ledger)
    assert [row[fact] for fact in facts] == [None, "1.2", None, "1.2", "not-listed"]

    stored.currency, stored.currency_confirmed_at = "USD", NIGHT_BEFORE
    stored.save()
    (row,) = rows_of(ledger)
    assert row["x_PriceStatus"] == "other-currency"
    conforms(row)


def test_figures_are_written_whole_and_without_exponents(ledger):
    small = entry(price="0.0000000001", value="0.0000000007", unit_price=Decimal("0.1234567891"))
    keep(ledger, {day(1): [small, entry("Big", "9000000", value="100000000")]})

    big, little = sorted(rows_of(ledger), key=lambda row: row["SkuId"], reverse=True)[::-1]

    assert (big["BilledCost"], big["PricingQuantity"]) == ("9000000", "100000000")
    assert little["ContractedCost"] == "0.00000000008641975237"
    assert little["x_PriceRounding"] == "0.00000000001358024763"


def test_days_of_several_currencies_keep_their_own(ledger):
    keep(ledger, {day(1): [entry()]})
    keep(ledger, {day(2): [entry()]}, currency="USD")
    assert [row["BillingCurrency"] for row in rows_of(ledger)] == ["EUR", "USD"]


# --- Accounts and resources


def test_linked_accounts_are_in_the_file_only_when_asked_for(ledger):
    lines = [entry(price="1", account_id=ACCOUNT), entry(price="2", account_id="100000000002")]
    keep(ledger, {day(1): lines}, with_linked=True)
    keep(ledger, {day(2): [entry(price="4")]})

    assert summed(rows_of(ledger)) == 5
    month = FocusMonth(MARCH, [Source(ledger)], with_linked=True)
    rows = parsed("".join(month.lines()))
    assert [
        (row["BillingAccountId"], row["SubAccountId"], row["BilledCost"], row["x_Coverage"]) for row in rows
    ] == [
        (ACCOUNT, ACCOUNT, "1", "complete"),
        (ACCOUNT, ACCOUNT, "4", "partial"),
        (ACCOUNT, "100000000002", "2", "complete"),
    ]


def test_several_regions_are_one_file(ledger):
    other = make_ledger(region="us-east-2")
    keep(ledger, {day(1): [entry()]})
    keep(other, {day(1): [entry(subregion="us-east-2a")]}, currency="USD")

    rows = rows_of(ledger, other)

    assert [(row["RegionId"], row["BillingCurrency"]) for row in rows] == [
        (REGION, "EUR"),
        ("us-east-2", "USD"),
    ]
    name = FocusMonth(MARCH, [Source(ledger), Source(other)]).file_name
    assert name == "focus-100000000001-eu-west-2-us-east-2-2026-03-partial.csv"


def test_the_number_of_queries_does_not_grow_with_resources(ledger):
    def asked(count):
        keep(ledger, {day(1): [entry(price="1", resource=f"i-{number}") for number in range(count)]})
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(rows_of(ledger)) == count
        return len(queries)

    assert asked(1) == asked(60)


# --- Over the web, and as a command


@pytest.fixture
def reader(logged_in, outscale):
    """Who may see March of the demo account, a VM in it."""
    own(outscale, vms=[make_vm(tags=(("Name", "=web"), ("équipe", 'a,"b"')))])
    reading = read_now(logged_in)
    ledger = make_ledger(at=dt.datetime.now(dt.UTC))
    named = entry(price="2", resource="i-00000001")
    keep(ledger, {day(number): [named, entry(price="1.5")] for number in range(1, 32)})
    outscale.requests.clear()
    logged_in.taken_at = reading.taken_at
    return logged_in


def sent(response):
    assert response.status_code == 200, response.content
    return parsed(b"".join(response.streaming_content).decode())


def test_a_month_is_sent_with_the_tags_of_the_last_reading(reader, outscale):
    response = reader.get("/consumption/export/focus/?month=2026-03&category=nothing&first=2026-01-01")

    rows = sent(response)
    assert len(rows) == 62
    vm, nat = (next(row for row in rows if row["ResourceId"] == one) for one in ("i-00000001", "nat-1"))
    assert json.loads(vm["Tags"]) == {"Name": "=web", "équipe": 'a,"b"'}
    assert vm["ResourceName"] == "'=web"
    assert vm["x_TagsReadAt"] == f"{reader.taken_at:%Y-%m-%dT%H:%M:%SZ}"
    assert (nat["Tags"], nat["ResourceName"], nat["x_TagsReadAt"]) == (None, None, None)
    assert {row["SubAccountName"] for row in rows} == {User.objects.get().name}
    name = "focus-100000000001-eu-west-2-2026-03.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert len(outscale.requests) == 0
    for row in rows:
        conforms(row)


def test_without_a_month_it_is_that_of_the_last_day_asked_for(reader):
    response = reader.get("/consumption/export/focus/?first=2026-02-01&last=2026-03-02")
    assert {row["BillingPeriodStart"] for row in sent(response)} == {"2026-03-01T00:00:00Z"}


@pytest.mark.parametrize("month", ["2026", "2026-13", "03-2026", "2999-01", "1999-12"])
def test_a_month_that_is_none_gives_no_file(reader, month):
    response = reader.get(f"/consumption/export/focus/?month={month}&region=eu-west-2")
    assert response.status_code == 422
    assert 'href="/consumption/?group_by=category&amp;region=eu-west-2"' in response.content.decode()


def test_a_month_that_was_never_read_says_so(reader):
    response = reader.get("/consumption/export/focus/?month=2026-01")
    assert response.status_code == 409
    assert "No day of this month was read yet." in response.content.decode()


def test_a_month_with_something_unpriced_names_it(reader):
    keep(Ledger.objects.get(), {day(5): [entry("x", None, operation="y")]})
    response = reader.get("/consumption/export/focus/?month=2026-03")
    assert response.status_code == 409
    page = response.content.decode()
    assert "TinaOS-FCU / x / y" in page
    assert "March 2026" in page
    assert 'href="?month=2026-03&amp;without_unpriced=1"' in page
    assert 'href="/consumption/?group_by=category"' in page

    response = reader.get("/consumption/export/focus/?month=2026-03&without_unpriced=1")

    assert summed(sent(response)) == Decimal(105)  # 30 days of 3.5
    name = "focus-100000000001-eu-west-2-2026-03-without-unpriced.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'


def test_a_key_that_was_not_answered_yet_reads_first(reader):
    LedgerReader.objects.all().delete()
    response = reader.get("/consumption/export/focus/?month=2026-03")
    assert (response.status_code, response["Location"]) == (302, "/consumption/?group_by=category")


def test_a_period_has_a_file_for_each_of_its_months():
    period = Period(dt.date(2025, 11, 30), dt.date(2026, 2, 1))
    assert focus_months(period) == [dt.date(2025, 11, 1), dt.date(2025, 12, 1), dt.date(2026, 1, 1)]
    assert focus_months(Period(day(1), day(2))) == [MARCH]


def test_an_account_that_another_pays_for_says_who(outscale, db):
    sync.read_on(gateway(LINKED_KEY), first=day(1), end=day(2), at=dt.datetime(2026, 4, 20, tzinfo=dt.UTC))
    ledger = Ledger.objects.get(account_id=LINKED_ACCOUNT.account_id)

    month = FocusMonth(MARCH, [Source(ledger)], without_unpriced=True)
    rows = parsed("".join(month.lines()))

    assert {row["BillingAccountId"] for row in rows} == {PAYING_ACCOUNT.account_id}
    assert {row["SubAccountId"] for row in rows} == {LINKED_ACCOUNT.account_id}
    for row in rows:
        conforms(row)


def test_the_command_writes_the_same_file_without_keys(reader, tmp_path):
    expected = b"".join(reader.get("/consumption/export/focus/?month=2026-03").streaming_content)

    call_command("export_focus", "--month=2026-03", output=tmp_path)

    (written,) = tmp_path.iterdir()
    assert written.name == "focus-100000000001-eu-west-2-2026-03.csv"
    assert written.read_bytes() == expected


def test_the_command_writes_what_is_there_and_fails_when_a_day_is_missing(ledger, tmp_path):
    keep(ledger, {day(number): [entry(price="1")] for number in range(1, 31)})
    file = tmp_path / "focus.csv"

    with pytest.raises(CommandError) as caught:
        call_command("export_focus", "--month=2026-03", output=file)

    assert caught.value.args[0].splitlines() == [
        "the month is partial",
        "100000000001 eu-west-2: 2026-03-31 unread",
    ]
    assert summed(parsed(file.read_bytes().decode())) == 30
    assert [path.name for path in tmp_path.iterdir()] == ["focus.csv"]


def test_the_command_writes_nothing_without_a_price_or_a_ledger(ledger, tmp_path):
    keep(ledger, {day(1): [entry("x", None, operation="y")]})
    with pytest.raises(CommandError, match="TinaOS-FCU / x / y"):
        call_command("export_focus", "--month=2026-03", output=tmp_path)
    with pytest.raises(CommandError, match="no consumption"):
        call_command("export_focus", "--month=2026-03", account="1", output=tmp_path)
    with pytest.raises(CommandError, match="is no month"):
        call_command("export_focus", "--month", "March")
    assert list(tmp_path.iterdir()) == []


def test_the_command_leaves_out_what_has_no_price_when_told_to(ledger, tmp_path):
    keep(ledger, {day(number): [entry(price="1")] for number in range(1, 32)})
    keep(ledger, {day(1): [entry("x", None, operation="y"), entry(price="1")]})

    with pytest.raises(CommandError, match="no price: TinaOS-FCU / x / y"):
        call_command("export_focus", "--month=2026-03", without_unpriced=True, output=tmp_path)

    (file,) = tmp_path.iterdir()
    assert file.name == "focus-100000000001-eu-west-2-2026-03-without-unpriced.csv"
    assert summed(parsed(file.read_bytes().decode())) == 31
