import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox.cloud import DEMO_KEY
from sandbox.prices import FCU, VM, price_list, unit_price
from sandbox.regions import REGIONS

REAL_CATALOG = Path(__file__).parents[3] / "shared" / "data" / "catalog-eu-west-2.json"
IDLE_ADDRESS = (FCU, "ElasticIP:IdleAddress", "AssociateAddress")


def entries_of(response):
    answer = json.loads(response.content, parse_float=Decimal)
    return {(e["Service"], e["Type"], e["Operation"]): e for e in answer["Catalog"]["Entries"]}


@pytest.mark.skipif(not REAL_CATALOG.exists(), reason="the real catalog is not beside the repository")
def test_the_catalog_of_eu_west_2_is_the_real_one_entry_by_entry(post):
    real = json.loads(REAL_CATALOG.read_text(), parse_float=Decimal)["Catalog"]["Entries"]

    served = entries_of(post("ReadPublicCatalog"))

    assert len(real) == len(served) == 122
    assert {(e["Service"], e["Type"], e["Operation"]): e for e in real} == served


def test_prices_are_written_exactly_and_in_the_form_of_the_cloud(post):
    text = post("ReadPublicCatalog").text

    assert '{"UnitPrice":0.005,"Type":"CustomRam",' in text
    assert '{"UnitPrice":2800.0,"Type":"LocatePort:10G",' in text
    assert '{"UnitPrice":43420.7,"Type":"pof-o1qb2k30",' in text
    assert '{"UnitPrice":0.0,"Type":"ElasticIP:Remap",' in text
    assert "dédié" in text


@pytest.mark.parametrize("region", REGIONS)
def test_every_entry_of_a_region_names_the_region_itself(post, region):
    assert {e["SubregionName"] for e in entries_of(post("ReadPublicCatalog", region=region)).values()} == {
        region
    }


def test_cloudgouv_stands_twenty_percent_above_eu_west_2_but_for_the_rates_of_dedicated_vms():
    public, cloudgouv = price_list("eu-west-2"), price_list("cloudgouv-eu-west-1")

    dearer = {key for key, entry in public.items() if cloudgouv[key].unit_price != entry.unit_price}

    assert {key for key in public if key not in dearer and public[key].unit_price} == {
        (FCU, "DedicatedInstanceSurplus", "RunInstances"),
        (FCU, "DedicatedGroupsInstanceSurplus", "RunInstances"),
    }
    assert all(
        cloudgouv[key].unit_price == round(public[key].unit_price * Decimal("1.2"), 4) for key in dearer
    )
    assert cloudgouv[FCU, "CustomCore:v6-p3", VM].unit_price == Decimal("0.0372")


@pytest.mark.parametrize("region", ["us-east-2", "us-west-1"])
def test_american_regions_lack_what_is_not_sold_there(region):
    missing = price_list("eu-west-2").keys() - price_list(region).keys()

    assert {type_ for _, type_, _ in missing} == {
        "Gpu:allocate:nvidia-h200",
        "Gpu:attach:nvidia-h200",
        "Project:STD",
        "dedicated:cp.mono.master",
        "dedicated:cp.3.masters.small",
        "dedicated:cp.3.masters.medium",
        "dedicated:cp.3.masters.large",
    }


def test_a_test_can_change_and_remove_a_price_and_reset_brings_both_back(sandbox, post):
    sandbox.cloud.set_price("eu-west-2", IDLE_ADDRESS, "0.0061")
    sandbox.cloud.remove_price("eu-west-2", (FCU, "CustomRam", VM))
    changed = entries_of(post("ReadPublicCatalog"))
    elsewhere = entries_of(post("ReadPublicCatalog", region="us-west-1"))
    sandbox.reset()
    first = entries_of(post("ReadPublicCatalog"))

    assert (len(changed), changed[IDLE_ADDRESS]["UnitPrice"]) == (121, Decimal("0.0061"))
    assert (len(elsewhere), elsewhere[IDLE_ADDRESS]["UnitPrice"]) == (115, Decimal("0.0058"))
    assert (len(first), first[IDLE_ADDRESS]["UnitPrice"]) == (122, Decimal("0.005"))


def test_the_catalog_of_an_account_is_the_public_one(post, sdk):
    entries = sdk().api("ReadCatalog")["Catalog"]["Entries"]

    assert entries == post("ReadPublicCatalog").json()["Catalog"]["Entries"]


@pytest.mark.parametrize(
    ("type_", "operation", "price"),
    [
        ("BoxUsage:tinav6.c6r16p3", VM, "0.266"),
        ("BoxUsage:tinav6.c6r16", VM, "0.29"),
        ("BoxUsage:m5.2xlarge", VM, "0.445"),
        ("ProductUsage:tinav6.c5r16p3", "RunInstances-0002-OD", "0.363"),
        ("ProductUsage:tinav6.c2r4p3", "RunInstances-0009-OD", "4.336"),
        ("CustomRam", VM, "0.005"),
    ],
)
def test_a_vm_or_licence_is_priced_from_its_parts(type_, operation, price):
    assert unit_price(price_list("eu-west-2"), (FCU, type_, operation)) == Decimal(price)


@pytest.mark.parametrize(
    "type_", ["BoxUsage:tina.c2r4", "BoxUsage:x9.large", "BoxUsage:tinav9.c2r4p1", "Nothing"]
)
def test_what_the_catalog_cannot_price_has_no_price_instead_of_zero(type_):
    assert unit_price(price_list("eu-west-2"), (FCU, type_, VM)) is None


@pytest.mark.parametrize(("region", "currency"), [("eu-west-2", "EUR"), ("us-west-1", "USD")])
def test_the_unit_price_tells_the_currency_of_the_region(sdk, region, currency):
    question = {"Service": FCU, "Type": "BSU:VolumeIOPS:io1", "Operation": "CreateVolume"}

    entry = sdk(region=region).api("ReadUnitPrice", **question)["UnitPriceEntry"]

    assert (entry["Currency"], entry["Unit"]) == (currency, "PER_IOPS_PER_MONTH")


def test_the_unit_price_of_an_unknown_product_is_an_error(sdk, refusal):
    question = {"Service": FCU, "Type": "Nothing", "Operation": VM}

    assert refusal(sdk().api, "ReadUnitPrice", **question) == (400, "5044")


def catalogs_of(sdk, **filters):
    return sdk().api("ReadCatalogs", Filters=filters)["Catalogs"]


def day(time):
    return time[:10]


def idle_address(catalog):
    (price,) = (
        entry["UnitPrice"]
        for entry in catalog["Entries"]
        if (entry["Service"], entry["Type"], entry["Operation"]) == IDLE_ADDRESS
    )
    return price


def test_without_a_change_the_only_catalog_is_the_present_one(sdk):
    (current,) = sdk().api("ReadCatalogs")["Catalogs"]

    assert current["State"] == "CURRENT"
    assert current["FromDate"] == "2024-01-01T00:00:00.000+0000"
    assert "ToDate" not in current
    assert current["Entries"] == sdk().api("ReadCatalog")["Catalog"]["Entries"]
    assert catalogs_of(sdk, CurrentCatalogOnly=False) == [current]


def test_each_change_of_a_price_leaves_an_obsolete_catalog_with_its_dates(sandbox, sdk):
    clock, today = sandbox.cloud.clock, sandbox.cloud.clock.now().date()
    clock.shift(-20 * 86400)
    sandbox.cloud.set_price("eu-west-2", IDLE_ADDRESS, "0.006")
    clock.shift(10 * 86400)
    sandbox.cloud.remove_price("eu-west-2", (FCU, "CustomRam", VM))
    clock.reset()

    present, middle, first = catalogs_of(sdk, CurrentCatalogOnly=False)

    assert [catalog["State"] for catalog in (present, middle, first)] == ["CURRENT", "OBSOLETE", "OBSOLETE"]
    assert first["ToDate"] == middle["FromDate"]
    assert middle["ToDate"] == present["FromDate"]
    assert day(middle["FromDate"]) == str(today - timedelta(days=20))
    assert day(present["FromDate"]) == str(today - timedelta(days=10))
    assert [idle_address(catalog) for catalog in (first, middle, present)] == [0.005, 0.006, 0.006]
    assert [len(catalog["Entries"]) for catalog in (first, middle, present)] == [122, 122, 121]
    assert catalogs_of(sdk) == catalogs_of(sdk, CurrentCatalogOnly=True) == [present]
    assert (
        len(sdk(region="us-west-1").api("ReadCatalogs", Filters={"CurrentCatalogOnly": False})["Catalogs"])
        == 1
    )
    sandbox.reset()
    assert [day(catalog["FromDate"]) for catalog in catalogs_of(sdk, CurrentCatalogOnly=False)] == [
        "2024-01-01"
    ]


def test_catalogs_of_a_period_are_those_in_force_at_some_time_of_it(sandbox, sdk):
    today = sandbox.cloud.clock.now().date()
    sandbox.cloud.clock.shift(-20 * 86400)
    sandbox.cloud.set_price("eu-west-2", IDLE_ADDRESS, "0.006")
    sandbox.cloud.clock.reset()

    def states(first, end):
        period = {"FromDate": str(today - timedelta(days=first)), "ToDate": str(today - timedelta(days=end))}
        return [catalog["State"] for catalog in catalogs_of(sdk, CurrentCatalogOnly=False, **period)]

    assert states(40, 30) == ["OBSOLETE"]
    assert states(40, 10) == ["CURRENT", "OBSOLETE"]
    assert states(10, 0) == ["CURRENT"]


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"FromDate": "2026-01-01"}, "7000"),
        ({"ToDate": "2026-01-01"}, "7000"),
        ({"FromDate": "2026-02-01", "ToDate": "2026-01-01"}, "4118"),
        ({"FromDate": "2021-01-01", "ToDate": "2026-01-01"}, "4118"),
        ({"FromDate": "January", "ToDate": "2026-01-01"}, "4047"),
    ],
)
def test_a_period_of_catalogs_that_is_none_or_too_old_is_refused(post, filters, code):
    response = post("ReadCatalogs", {"Filters": filters}, DEMO_KEY)

    assert (response.status_code, response.json()["Errors"][0]["Code"]) == (400, code)


@pytest.mark.parametrize("filters", [{"CurrentCatalogOnly": "yes"}, {"Nothing": True}])
def test_a_filter_of_catalogs_that_is_none_is_refused(post, filters):
    response = post("ReadCatalogs", {"Filters": filters}, DEMO_KEY)

    assert (response.status_code, response.json()["Errors"][0]["Code"]) == (400, "3001")
