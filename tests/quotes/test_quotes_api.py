from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from costs import freshness
from quotes.models import Quote, QuoteItem
from tests.conftest import DEMO_KEYS
from tests.quotes.factories import make_item, make_owner, make_quote

VM = {
    "resource_type": "vm",
    "region": "eu-west-2",
    "quantity": 2,
    "parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": ["0002"], "tenancy": "default"},
    "resource_name": "Front",
}
VOLUME = {
    "resource_type": "volume",
    "region": "eu-west-2",
    "quantity": 1,
    "parameters": {"volume_type": "io1", "size_gib": 500, "iops": 5000},
}


class Script:
    """A script that logs in over the API and sends its session in the header."""

    def __init__(self):
        self.client = Client()
        answer = self.client.post("/api/auth/login", DEMO_KEYS, content_type="application/json")
        self.session_id = answer.json()["data"]["session_id"]

    def send(self, method, path, body=None):
        headers = {"X-Session-ID": self.session_id}
        options = {"headers": headers, "content_type": "application/json"}
        return getattr(self.client, method)(
            f"/api/quotes{path}", *([body] if body is not None else []), **options
        )


@pytest.fixture
def script(db, outscale):
    return Script()


@pytest.fixture
def quote_id(script):
    return script.send("post", "", {"name": "ERP"}).json()["data"]["quote_id"]


def test_a_new_quote_is_active_and_empty(script):
    answer = script.send("post", "", {"name": "ERP"})
    assert answer.status_code == 201
    quote = answer.json()["data"]
    assert (quote["name"], quote["status"], quote["items"], quote["owner"]) == (
        "ERP",
        "active",
        [],
        "100000000001",
    )
    assert quote["calculation"]["total"] == "0"


def test_an_item_is_priced_by_the_server_whatever_price_is_sent(script, quote_id):
    answer = script.send("post", f"/{quote_id}/items", VM | {"unit_price": "0.01", "resource_data": {"x": 1}})
    assert answer.status_code == 201
    item = answer.json()["data"]["items"][0]
    assert item["unit_price"] == "0.422"
    assert [part["amount"] for part in item["resource_data"]["parts"]] == ["0.14", "0.04", "0.242"]
    assert item["parameters"] == VM["parameters"]
    assert item["iops_unit_price"] is None


def test_a_volume_says_the_price_of_its_iops(script, quote_id):
    item = script.send("post", f"/{quote_id}/items", VOLUME).json()["data"]["items"][0]
    assert (item["unit_price"], item["iops_unit_price"]) == ("115", "0.01")


def test_the_calculation_is_exact_and_adds_up(script, quote_id):
    script.send("post", f"/{quote_id}/items", VM)
    script.send("post", f"/{quote_id}/items", VOLUME)
    terms = {
        "duration": 1,
        "duration_unit": "years",
        "commitment_period": "1year",
        "global_discount_percent": "5",
    }
    calculation = script.send("put", f"/{quote_id}", terms).json()["data"]["calculation"]
    compute = 2 * Decimal("0.18") * 8760
    licence = 2 * Decimal("0.242") * 8760
    storage = Decimal(115) * 12
    subtotal = compute * Decimal("0.6") + licence + storage
    assert Decimal(calculation["base_total"]) == compute + licence + storage
    assert Decimal(calculation["commitment_discount"]) == compute * Decimal("0.4")
    assert Decimal(calculation["subtotal"]) == subtotal
    assert Decimal(calculation["total"]) == subtotal * Decimal("0.95") == Decimal(calculation["yearly"])
    assert calculation["currency"] == "EUR"
    assert {name: Decimal(total) for name, total in calculation["by_category"].items()} == {
        "compute": compute * Decimal("0.6"),
        "licence": licence,
        "storage": storage,
    }
    assert sum(Decimal(item["total"]) for item in calculation["items"]) == subtotal


def test_reading_a_saved_quote_makes_it_active(script, quote_id):
    second = script.send("post", "", {"name": "Second"}).json()["data"]["quote_id"]
    assert script.send("get", f"/{quote_id}").json()["data"]["status"] == "active"
    statuses = {one["quote_id"]: one["status"] for one in script.send("get", "").json()["data"]}
    assert statuses == {quote_id: "active", second: "saved"}


def test_calculating_and_exporting_leave_the_status_alone(script, quote_id):
    script.send("post", "", {"name": "Second"})
    assert script.send("get", f"/{quote_id}/calculate").json()["data"]["total"] == "0"
    assert script.send("get", f"/{quote_id}/export/csv").status_code == 200
    assert Quote.objects.get(pk=quote_id).status == "saved"


def test_saving_and_renaming(script, quote_id):
    quote = script.send("put", f"/{quote_id}", {"name": "Kept", "status": "saved"}).json()["data"]
    assert (quote["name"], quote["status"]) == ("Kept", "saved")


def test_deleting_the_active_quote_answers_its_replacement(script, quote_id):
    second = script.send("post", "", {"name": "Second"}).json()["data"]["quote_id"]
    answer = script.send("delete", f"/{second}").json()["data"]
    assert answer["replacement_quote"]["quote_id"] == quote_id
    third = script.send("post", "", {"name": "Third"}).json()["data"]["quote_id"]
    assert script.send("delete", f"/{quote_id}").json()["data"]["replacement_quote"] is None
    assert Quote.objects.get().pk.hex == third.replace("-", "")


def test_items_are_changed_moved_and_removed(script, quote_id):
    for name in "abc":
        script.send("post", f"/{quote_id}/items", VM | {"resource_name": name})
    items = script.send("get", f"/{quote_id}").json()["data"]["items"]
    last = items[2]["id"]
    moved = script.send("put", f"/{quote_id}/items/{last}", {"display_order": 0, "quantity": 7}).json()[
        "data"
    ]
    assert [(item["resource_name"], item["quantity"]) for item in moved["items"]] == [
        ("c", 7),
        ("a", 2),
        ("b", 2),
    ]
    left = script.send("delete", f"/{quote_id}/items/{last}").json()["data"]
    assert [item["resource_name"] for item in left["items"]] == ["a", "b"]


def test_groups_have_their_totals(script, quote_id):
    group = script.send("post", f"/{quote_id}/groups", {"name": "Front"}).json()["data"]["groups"][0]
    quote = script.send("post", f"/{quote_id}/items", VM | {"group_id": group["id"]}).json()["data"]
    by_group = quote["calculation"]["by_group"]
    assert by_group == [{"group_id": group["id"], "name": "Front", "total": "616.12"}]
    assert script.send("post", f"/{quote_id}/groups", {"name": "Front"}).status_code == 409
    renamed = script.send("put", f"/{quote_id}/groups/{group['id']}", {"name": "Web", "collapsed": True})
    assert renamed.json()["data"]["groups"][0]["name"] == "Web"
    left = script.send("delete", f"/{quote_id}/groups/{group['id']}").json()["data"]
    assert (left["groups"], left["items"][0]["group_id"]) == ([], None)


def test_two_currencies_are_never_added(script, quote_id):
    script.send("post", f"/{quote_id}/items", VM)
    quote = script.send("post", f"/{quote_id}/items", VM | {"region": "us-east-2"}).json()["data"]
    assert quote["calculation"]["total"] is None
    assert [totals["currency"] for totals in quote["calculation"]["by_currency"]] == ["EUR", "USD"]


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"resource_type": "ship"}, "VALIDATION_FAILED", "resource_type"),
        ({"region": "mars-1"}, "VALIDATION_FAILED", "region"),
        ({"quantity": 0}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": -1}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": "many"}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": None}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": [1]}, "VALIDATION_FAILED", "quantity"),
        ({"quantity": 10**30}, "VALIDATION_FAILED", "quantity"),
        ({"parameters": {"vm_type": "tinav6"}}, "VALIDATION_FAILED", "vm_type"),
        ({"parameters": {}}, "VALIDATION_FAILED", "vm_type"),
        ({"parameters": {"vm_type": {"a": 1}}}, "VALIDATION_FAILED", "vm_type"),
        ({"parameters": {"vm_type": "tinav6.c4r8p2", "speed": 9}}, "VALIDATION_FAILED", "parameters.speed"),
        (
            {"parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": 2}},
            "VALIDATION_FAILED",
            "product_codes",
        ),
        (
            {"parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": {"a": 1}}},
            "VALIDATION_FAILED",
            "product_codes",
        ),
        (
            {"parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": [None]}},
            "VALIDATION_FAILED",
            "product_codes",
        ),
        ({"parameters": {"vm_type": "tinav6.c4r8p2", "tenancy": "moon"}}, "VALIDATION_FAILED", "tenancy"),
        ({"parameters": "vm"}, "VALIDATION_FAILED", "parameters"),
        (
            {"parameters": {"vm_type": "tinav6.c4r8p2", "product_codes": ["0007"]}},
            "PRICE_MISSING",
            "product_codes",
        ),
        ({"parameters": {"vm_type": "tinav9.c4r8p2"}}, "PRICE_MISSING", "vm_type"),
        ({"group_id": "nonsense"}, "VALIDATION_FAILED", "group_id"),
        ({"group_id": str(uuid4())}, "VALIDATION_FAILED", "group_id"),
        ({"resource_name": "n" * 121}, "VALIDATION_FAILED", "resource_name"),
        ({"resource_name": "\x00"}, "VALIDATION_FAILED", "resource_name"),
    ],
)
def test_a_wrong_item_is_refused_with_the_field_and_the_reason(script, quote_id, change, code, field):
    answer = script.send("post", f"/{quote_id}/items", VM | change)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["code"], list(error["details"])) == (code, [field])
    assert QuoteItem.objects.count() == 0


@pytest.mark.parametrize(
    "item",
    [
        {"resource_type": "volume", "parameters": {"volume_type": "io1", "size_gib": 10}},
        {"resource_type": "volume", "parameters": {"volume_type": "gp2", "size_gib": "NaN"}},
        {"resource_type": "snapshot", "parameters": {"size_gib": -1}},
        {"resource_type": "snapshot", "parameters": {"size_gib": 1e400}},
        {"resource_type": "direct_link", "parameters": {"bandwidth": "1G", "hosted": "maybe"}},
        {"resource_type": "catalog_entry", "parameters": {"service": "TinaOS-FCU", "type": "CustomRam"}},
        {"resource_type": "catalog_entry", "parameters": {"service": "a", "type": "b", "operation": "c"}},
        {"resource_type": "public_ip", "parameters": {"size_gib": 1}},
        {"resource_type": "oks_control_plane", "parameters": {"size": ["a"]}},
        {"resource_type": "flexible_gpu", "parameters": {"model": "\ud800"}},
    ],
)
def test_what_cannot_be_priced_whole_is_refused(script, quote_id, item):
    answer = script.send("post", f"/{quote_id}/items", {"region": "eu-west-2", "quantity": 1} | item)
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]
    assert QuoteItem.objects.count() == 0


def test_a_hosted_port_may_be_said_in_json(script, quote_id):
    for hosted, price in ((True, "2950"), (False, "400")):
        item = {
            "resource_type": "direct_link",
            "region": "eu-west-2",
            "parameters": {"bandwidth": "1G", "hosted": hosted},
        }
        kept = script.send("post", f"/{quote_id}/items", item).json()["data"]["items"][-1]
        assert (kept["unit_price"], kept["parameters"]["hosted"]) == (price, hosted)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"status": "archived"}, "status"),
        ({"duration": 0}, "duration"),
        ({"duration": "long"}, "duration"),
        ({"duration_unit": "decades"}, "duration_unit"),
        ({"commitment_period": "2years"}, "commitment_period"),
        ({"global_discount_percent": 100.5}, "global_discount_percent"),
        ({"global_discount_percent": "NaN"}, "global_discount_percent"),
    ],
)
def test_a_wrong_change_of_a_quote_changes_nothing(script, quote_id, body, field):
    before = Quote.objects.values().get()
    answer = script.send("put", f"/{quote_id}", {"name": "Other"} | body)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [field]
    assert Quote.objects.values().get() == before


def test_a_body_that_is_no_json_is_refused(script):
    answer = script.send("post", "", "{name: ERP")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "BAD_REQUEST"


@pytest.mark.parametrize("body", [None, [], {"name": 3}, {"name": None}])
def test_a_body_of_the_wrong_type_is_refused(script, body):
    answer = script.send("post", "", body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "VALIDATION_FAILED"


def test_without_a_session_nothing_is_answered(db):
    for method, path in (("get", ""), ("post", ""), ("get", f"/{uuid4()}"), ("delete", f"/{uuid4()}")):
        answer = getattr(Client(), method)(f"/api/quotes{path}", content_type="application/json")
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "SESSION_EXPIRED"


def test_a_browser_needs_the_csrf_token(db, outscale):
    browser = Client(enforce_csrf_checks=True)
    token = browser.get("/login/").cookies["csrftoken"].value
    browser.post("/login/", DEMO_KEYS, headers={"X-CSRFToken": token})
    refused = browser.post("/api/quotes", {"name": "x"}, content_type="application/json")
    assert refused.status_code == 403
    token = browser.cookies["csrftoken"].value
    answer = browser.post(
        "/api/quotes", {"name": "x"}, content_type="application/json", headers={"X-CSRFToken": token}
    )
    assert answer.status_code == 201


def test_another_owners_quote_is_not_found(script, quote_id):
    theirs = make_quote(owner=make_owner("200000000002"))
    item = make_item(theirs)
    for method, path, body in (
        ("get", f"/{theirs.pk}", None),
        ("put", f"/{theirs.pk}", {"name": "mine"}),
        ("delete", f"/{theirs.pk}", None),
        ("get", f"/{theirs.pk}/calculate", None),
        ("get", f"/{theirs.pk}/export/csv", None),
        ("post", f"/{theirs.pk}/items", VM),
        ("put", f"/{theirs.pk}/items/{item.pk}", {"quantity": 2}),
        ("delete", f"/{theirs.pk}/items/{item.pk}", None),
        ("put", f"/{quote_id}/items/{item.pk}", {"quantity": 2}),
        ("post", f"/{theirs.pk}/groups", {"name": "g"}),
        ("get", "/not-a-quote", None),
    ):
        answer = script.send(method, path, body)
        assert answer.status_code == 404, (method, path)
        assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert theirs.items.get().quantity == 1


@pytest.mark.parametrize("order", [-1, 10**30, 2**63, "first", 2001])
def test_a_place_that_cannot_be_is_refused(script, quote_id, order):
    item = script.send("post", f"/{quote_id}/items", VM).json()["data"]["items"][0]
    group = script.send("post", f"/{quote_id}/groups", {"name": "Front"}).json()["data"]["groups"][0]
    for method, path, body in (
        ("put", f"/items/{item['id']}", {}),
        ("post", "/items", VM),
        ("put", f"/groups/{group['id']}", {}),
        ("post", "/groups", {"name": "Back"}),
    ):
        answer = script.send(method, f"/{quote_id}{path}", body | {"display_order": order})
        assert answer.status_code == 400, (method, path)


def test_a_changed_price_is_shown_and_taken_only_when_asked(script, quote_id, outscale):
    item = script.send("post", f"/{quote_id}/items", VM).json()["data"]["items"][0]
    assert item["price_change"] is None
    outscale.cloud.set_price("eu-west-2", ("TinaOS-FCU", "CustomRam", "RunInstances-OD"), Decimal("0.006"))
    freshness.refresh("eu-west-2", timezone.now())
    renamed = script.send("put", f"/{quote_id}/items/{item['id']}", {"resource_name": "web"}).json()["data"][
        "items"
    ][0]
    assert renamed["unit_price"] == "0.422"
    assert renamed["price_change"] == {"unit_price": "0.43", "period": "hour", "currency": "EUR"}
    taken = script.send("post", f"/{quote_id}/prices").json()["data"]["items"][0]
    assert (taken["unit_price"], taken["price_change"]) == ("0.43", None)


def test_the_list_has_pages(script, quote_id):
    answer = script.send("get", "?page=1").json()
    assert answer["metadata"]["pagination"] == {"page": 1, "pages": 1, "total": 1}


def test_the_api_says_what_the_file_says(script, quote_id):
    script.send("post", f"/{quote_id}/items", VM)
    assert (
        script.send("get", f"/{quote_id}/export/json").json()
        == script.send("get", f"/{quote_id}").json()["data"]
    )
