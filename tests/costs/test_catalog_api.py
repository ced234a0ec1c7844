import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.utils import timezone

from costs import catalog, freshness
from costs.models import Catalog
from tests.caches import QUERIES
from tests.costs.catalogs import REGION, raw_entry, store

pytestmark = pytest.mark.django_db
CALL = "ReadPublicCatalog"


def test_anybody_reads_the_prices_of_a_region_with_their_age_and_currency(client, outscale):
    body = client.get("/api/catalog", {"region": "us-east-2", "search": "windows server licence"}).json()
    (entry,) = [entry for entry in body["data"]["entries"] if entry["operation"] == "RunInstances-0002-OD"]
    price = outscale.cloud.prices("us-east-2")[
        "TinaOS-FCU", "ProductUsage", "RunInstances-0002-OD"
    ].unit_price
    assert body["data"] | {"entries": [], "valid_from": ""} == {
        "region": "us-east-2",
        "version": 1,
        "valid_from": "",
        "currency": "USD",
        "currency_confirmed": False,
        "entries": [],
    }
    assert Decimal(entry["unit_price"]) == price
    assert isinstance(entry["unit_price"], str)
    assert Decimal(entry["price_730_hours"]) == price * 730
    assert (entry["product"], entry["unit"], entry["currency"]) == (
        "Windows Server licence",
        "two-vcores-hour",
        "USD",
    )
    assert body["metadata"]["cache"]["stale"] is False
    assert body["metadata"]["pagination"] == {"page": 1, "pages": 1, "per_page": 200, "total": 4}


def test_free_and_absent_products_are_told_apart(client, outscale):
    entries = client.get("/api/catalog", {"category": "licence"}).json()["data"]["entries"]
    by_operation = {entry["operation"]: entry for entry in entries}
    linux, sql_web = by_operation["RunInstances-0001-OD"], by_operation["RunInstances-0007-OD"]
    assert (Decimal(linux["unit_price"]), linux["priced"]) == (0, True)
    assert (sql_web["unit_price"], sql_web["priced"]) == (None, False)


def test_api_csv_and_page_show_the_same_rows_in_the_same_order(client, outscale):
    question = {"region": REGION, "category": "storage", "sort": "-price"}
    freshness.refresh(REGION, timezone.now())
    entries = client.get("/api/catalog", question).json()["data"]["entries"]
    file = b"".join(client.get("/catalog/csv/", question).streaming_content).decode()
    lines = list(csv.DictReader(io.StringIO(file)))
    page = [row.key for row in client.get("/catalog/", question).context["page"]]
    assert [(each["service"], each["type"], each["operation"]) for each in entries] == page
    assert [(each["service"], each["type"], each["operation"]) for each in lines] == page
    assert [each["unit_price"] for each in lines] == [each["unit_price"] for each in entries]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"region": "mars"}, "region"),
        ({"category": "food"}, "category"),
        ({"sort": "colour"}, "sort"),
        ({"page": "9"}, "page"),
        ({"page": "0"}, "page"),
        ({"page": "two"}, "page"),
        ({"search": "x" * 101}, "search"),
        ({"search": "nul\x00"}, "search"),
    ],
)
def test_what_the_catalog_does_not_know_is_a_400_beside_its_field(client, outscale, question, field):
    response = client.get("/api/catalog", question)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "VALIDATION_FAILED"
    assert list(response.json()["error"]["details"]) == [field]


def test_a_dead_cloud_leaves_the_stored_prices_and_says_why(client, outscale):
    store(at=timezone.now() - dt.timedelta(days=3))
    outscale.faults.add(CALL, "error")
    body = client.get("/api/catalog").json()
    assert len([entry for entry in body["data"]["entries"] if entry["priced"]]) == 1
    assert body["metadata"]["cache"]["stale"] is True
    assert body["metadata"]["cache"]["error"]["code"] == "CLOUD_UNAVAILABLE"


def test_a_dead_cloud_and_nothing_stored_is_an_error_and_not_an_empty_list(client, outscale):
    outscale.faults.add(CALL, "error")
    response = client.get("/api/catalog")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "CLOUD_UNAVAILABLE"
    assert response["Retry-After"] == "60"


def test_a_refresh_tells_the_version_and_is_limited_for_strangers(client, outscale):
    store(raw_entry(), at=timezone.now() - dt.timedelta(hours=1))
    first = client.post("/api/catalog/refresh", {"region": REGION}, content_type="application/json")
    again = client.post("/api/catalog/refresh", {"region": REGION}, content_type="application/json")
    assert (first.status_code, first.json()["data"]["version"]) == (200, 2)
    assert again.status_code == 429
    assert 0 < int(again["Retry-After"]) <= 60
    assert client.generic("POST", "/api/catalog/refresh?region=us-west-1").json()["data"]["version"] == 1


def test_a_refresh_of_an_unknown_region_is_a_400(client, outscale):
    response = client.post("/api/catalog/refresh", {"region": "mars"}, content_type="application/json")
    assert (response.status_code, list(response.json()["error"]["details"])) == (400, ["region"])


def test_a_failed_refresh_answers_with_the_status_of_the_cloud(client, outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.2
    outscale.faults.add(CALL, "hang")
    response = client.post("/api/catalog/refresh", {"region": REGION}, content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (504, "CLOUD_TIMEOUT")
    assert not Catalog.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_entries(client, django_assert_num_queries):
    for count in (1, 3):
        Catalog.objects.all().delete()
        catalog._price_lists.clear()
        store(*[raw_entry(f"CustomCore:v{n}-p1") for n in range(count)], at=timezone.now())
        with django_assert_num_queries(2 + QUERIES):  # the catalog, its entries, a failure in the cache
            client.get("/api/catalog")
