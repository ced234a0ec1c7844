import csv
import io
import json
import re
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from costs import freshness
from costs.models import Catalog
from quotes import editing
from quotes.models import Quote, QuoteItem
from quotes.sheet import sheet_of
from tests.conftest import DEMO_KEYS
from tests.quotes.conftest import address
from tests.quotes.factories import NOW, make_item, make_owner, make_quote, set_terms

VM = {
    "resource_type": "vm",
    "region": "eu-west-2",
    "quantity": "1",
    "generation": "6",
    "vcores": "4",
    "ram_gib": "8",
    "performance": "2",
    "product_codes": "0002",
    "tenancy": "default",
}
COMMON = {"region": "eu-west-2", "quantity": "2"}


def page(response):
    return BeautifulSoup(response.content, "html.parser")


def total_of(response):
    return page(response).select_one("#totals .grand.money").text


def errors_of(response):
    """Return the messages by the field that they stand beside."""
    prefix = re.compile(r"^id_|^edit_[0-9a-f-]{36}_")
    errors = page(response).select(".invalid-feedback")
    return {
        prefix.sub("", error["id"]).removesuffix("_error"): error.get_text(" ", strip=True)
        for error in errors
    }


def test_a_visitor_is_sent_to_the_login_page_and_back(db):
    response = Client().get("/quotes/")
    assert response.status_code == 302
    assert response["Location"] == "/login/?next=/quotes/"


def test_making_a_quote_opens_its_builder(logged_in):
    response = logged_in.post("/quotes/", {"name": "ERP"}, follow=True)
    assert page(response).h1.text.startswith("ERP")
    assert "Nothing in this quote yet" in response.content.decode()


def test_a_quote_needs_a_name(logged_in):
    response = logged_in.post("/quotes/", {"name": "  "})
    assert response.status_code == 422
    assert errors_of(response) == {"name": "This field is required."}
    assert Quote.objects.count() == 0


@pytest.mark.parametrize(
    ("data", "code", "monthly"),
    [
        (VM, "tinav6.c4r8p2", "€308.06"),
        (
            {**COMMON, "resource_type": "vm", "vm_type": "m5.large", "product_codes": "0001"},
            "m5.large",
            "€160.60",
        ),
        (
            {**COMMON, "resource_type": "volume", "volume_type": "io1", "size_gib": "500", "iops": "5000"},
            "BSU:VolumeUsage:io1",
            "€230.00",
        ),
        ({**COMMON, "resource_type": "snapshot", "size_gib": "10.5"}, "Snapshot:Usage", "€1.16"),
        ({**COMMON, "resource_type": "public_ip"}, "ElasticIP:AdditionalAddress", "€7.30"),
        (
            {**COMMON, "resource_type": "flexible_gpu", "model": "nvidia-h100"},
            "Gpu:attach:nvidia-h100",
            "€5,840.00",
        ),
        ({**COMMON, "resource_type": "nat_service"}, "NatGatewayUsage", "€73.00"),
        ({**COMMON, "resource_type": "load_balancer"}, "LBU:Usage", "€43.80"),
        ({**COMMON, "resource_type": "vpn_connection"}, "ConnectionUsage", "€43.80"),
        (
            {**COMMON, "resource_type": "direct_link", "bandwidth": "10G", "hosted": "true"},
            "LocatePort:10G",
            "€9,900.00",
        ),
        ({**COMMON, "resource_type": "object_storage", "size_gib": "1000"}, "enterprise", "€50.00"),
        (
            {**COMMON, "resource_type": "oks_control_plane", "size": "cp.3.masters.small"},
            "dedicated:cp.3.masters.small",
            "€189.80",
        ),
        (
            {
                **COMMON,
                "resource_type": "catalog_entry",
                "entry": json.dumps(["TinaOS-FCU", "CustomRam", "RunInstances-OD"]),
            },
            "CustomRam",
            "€7.30",
        ),
    ],
)
def test_every_kind_of_resource_is_added_and_priced_at_once(htmx, quote, data, code, monthly):
    response = htmx.post(address("items", quote.pk), **data)
    assert response.status_code == 200
    assert page(response).select_one(".quote-table .key").text == code
    assert total_of(response) == monthly


def test_adding_works_without_javascript(logged_in, quote):
    response = logged_in.post(address("items", quote.pk), VM)
    assert response["Location"] == address("detail", quote.pk)
    assert total_of(logged_in.get(response["Location"])) == "€308.06"


def test_choosing_a_resource_works_without_javascript(logged_in, quote):
    response = logged_in.get(address("items", quote.pk), {"resource_type": "volume"})
    assert page(response).select_one("#add [name=volume_type]") is not None
    assert page(response).h1 is not None


def test_another_resource_keeps_region_and_quantity(htmx, quote):
    response = htmx.get(address("items", quote.pk), resource_type="volume", region="us-east-2", quantity="7")
    form = page(response)
    assert form.select_one("[name=region] [selected]").text == "us-east-2"
    assert form.select_one("[name=quantity]")["value"] == "7"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        ({"quantity": ""}, "quantity", "This field is required."),
        ({"quantity": "0"}, "quantity", "Ensure this value is greater than or equal to 1."),
        ({"quantity": "-3"}, "quantity", "Ensure this value is greater than or equal to 1."),
        ({"quantity": "1.5"}, "quantity", "Enter a whole number."),
        ({"quantity": "9" * 400}, "quantity", "less than or equal to 1000000"),
        ({"quantity": "many"}, "quantity", "Enter a whole number."),
        ({"region": "mars-1"}, "region", "Select a valid choice."),
        ({"region": ""}, "region", "This field is required."),
        ({"vm_type": "tinav6.c4"}, "vm_type", "Unknown VM type. Write it like tinav6.c4r8p2 or m5.large."),
        ({"vm_type": "tinav9.c4r8p2"}, "vm_type", "has no price for vCore, generation 9, high"),
        ({"vm_type": "☃"}, "vm_type", "Unknown VM type."),
        ({"vm_type": "x" * 500}, "vm_type", "at most 40 characters"),
        ({"vcores": ""}, "vcores", "This field is needed, or write the VM type."),
        ({"vcores": "-1"}, "vcores", "greater than or equal to 1"),
        ({"product_codes": "0007"}, "product_codes", "has no price for SQL Server Web licence"),
        ({"tenancy": "moon"}, "tenancy", "Select a valid choice."),
        ({"resource_name": "n" * 121}, "resource_name", "at most 120 characters"),
        ({"group_id": "not-a-group"}, "group_id", "is not a valid UUID"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(
    htmx, quote, change, field, message
):
    response = htmx.post(address("items", quote.pk), **VM | {"resource_name": "Front"} | change)
    assert response.status_code == 422
    assert message in errors_of(response)[field]
    assert page(response).select_one("#add [name=ram_gib]")["value"] == "8"
    assert QuoteItem.objects.count() == 0


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"resource_type": "volume", "volume_type": "io1", "size_gib": "100"}, "iops"),
        ({"resource_type": "volume", "volume_type": "gp2", "size_gib": "100", "iops": "300"}, "iops"),
        ({"resource_type": "volume", "volume_type": "tape", "size_gib": "100"}, "volume_type"),
        ({"resource_type": "volume", "volume_type": "gp2", "size_gib": "0"}, "size_gib"),
        ({"resource_type": "snapshot", "size_gib": "NaN"}, "size_gib"),
        ({"resource_type": "snapshot", "size_gib": "1e99"}, "size_gib"),
        ({"resource_type": "flexible_gpu", "model": "nvidia-b9000"}, "model"),
        ({"resource_type": "direct_link", "bandwidth": "100G"}, "bandwidth"),
        ({"resource_type": "oks_control_plane", "size": "cp.huge"}, "size"),
        ({"resource_type": "catalog_entry", "entry": "nonsense"}, "entry"),
        ({"resource_type": "catalog_entry", "entry": '["a","b"]'}, "entry"),
        (
            {
                "resource_type": "catalog_entry",
                "entry": '["TinaOS-FCU", "DedicatedInstanceSurplus", "RunInstances"]',
            },
            "entry",
        ),
    ],
)
def test_what_cannot_be_priced_whole_is_refused(htmx, quote, data, field):
    response = htmx.post(address("items", quote.pk), **COMMON, **data)
    assert response.status_code == 422
    assert list(errors_of(response)) == [field]


def test_a_region_whose_prices_cannot_be_had_is_said_beside_the_region(htmx, quote, outscale):
    outscale.faults.add("ReadPublicCatalog", "error")
    response = htmx.post(address("items", quote.pk), **VM | {"region": "us-west-1"})
    assert response.status_code == 422
    assert "not known yet" in errors_of(response)["region"]


def test_an_unknown_resource_is_not_found(htmx, quote):
    assert htmx.post(address("items", quote.pk), **VM | {"resource_type": "ship"}).status_code == 404


def test_the_price_is_shown_part_by_part_while_it_is_typed(htmx, quote):
    text = page(htmx.get(address("preview", quote.pk), **VM)).get_text(" ", strip=True)
    assert text == (
        "4 × €0.035 vCore, generation 6, high + 8 × €0.005 VM memory + 2 × €0.121 Windows Server licence"
        " = €0.422 per hour , €308.06 per month"
    )
    assert QuoteItem.objects.count() == 0


def test_editing_in_place_answers_the_row_its_sum_and_the_totals(htmx, quote, prices):
    item = make_item(quote, prices=prices)
    make_item(quote, prices=prices)
    response = htmx.post(
        address("item", quote.pk, item.pk), **VM | {"quantity": "3", "resource_name": "Front"}
    )
    pieces = page(response)
    assert [piece["id"] for piece in pieces.find_all(attrs={"hx-swap-oob": True})] == [
        f"item-{item.pk}",
        "foot-none",
        "quote-line",
        "notices",
        "fees",
        "totals",
        "categories",
    ]
    assert pieces.find(id=f"name-{item.pk}").string == "Front"
    assert total_of(response) == "€1,055.58"


def test_what_an_edit_answers_is_what_the_page_shows(htmx, logged_in, quote, prices):
    item = make_item(quote, prices=prices)
    make_item(quote, prices=prices, resource_type="nat_service", parameters={})
    answered = page(htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "5"}))
    shown = page(logged_in.get(address("detail", quote.pk)))
    for piece in ("quote-line", "totals", f"item-{item.pk}", "foot-none"):
        assert _plain(answered.find(id=piece)) == _plain(shown.find(id=piece))


def _plain(tag):
    text = re.sub(r' (hx-swap-oob="true"|autofocus=""|autofocus)', "", str(tag))
    return re.sub(r'(csrfmiddlewaretoken" type="hidden" value=")[^"]*', r"\1", text)


def test_the_form_of_an_item_shows_what_it_is(htmx, quote, prices):
    item = make_item(quote, prices=prices, quantity=4, resource_name="Front")
    form = page(htmx.get(address("item", quote.pk, item.pk)))
    values = {field["name"]: field.get("value") for field in form.select("input[name]")}
    assert (values["vcores"], values["ram_gib"], values["quantity"], values["resource_name"]) == (
        "4",
        "8",
        "4",
        "Front",
    )
    assert form.select_one("[name=generation] [selected]").text == "6"


def test_editing_works_without_javascript(logged_in, quote, prices):
    item = make_item(quote, prices=prices)
    form = page(logged_in.get(address("item", quote.pk, item.pk)))
    assert form.select_one(f"#item-{item.pk} form") is not None
    logged_in.post(address("item", quote.pk, item.pk), VM | {"quantity": "2"})
    assert QuoteItem.objects.get().quantity == 2


def test_a_wrong_edit_keeps_the_row_open_with_its_error(htmx, quote, prices):
    item = make_item(quote, prices=prices)
    response = htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "0"})
    assert response.status_code == 422
    assert errors_of(response) == {"quantity": "Ensure this value is greater than or equal to 1."}
    assert QuoteItem.objects.get().quantity == 1


def test_an_edit_over_a_change_of_another_window_is_not_lost_and_does_not_overwrite(htmx, quote, prices):
    item = make_item(quote, prices=prices)
    seen = item.updated_at.isoformat()
    htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "2", "seen": seen})
    response = htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "9", "seen": seen})
    assert response.status_code == 409
    assert "changed meanwhile" in response.content.decode()
    assert page(response).select_one("[name=quantity]")["value"] == "9"
    assert QuoteItem.objects.get().quantity == 2
    again = page(response).select_one("[name=seen]")["value"]
    assert (
        htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "9", "seen": again}).status_code
        == 200
    )
    assert QuoteItem.objects.get().quantity == 9


def names(quote):
    return [row.item.resource_name for row in sheet_of(quote, at=NOW).rows]


def test_items_are_copied_moved_and_removed(htmx, quote, prices):
    for name in "abc":
        make_item(quote, prices=prices, resource_name=name)
    second = quote.items.get(resource_name="b")
    act = address("item-act", quote.pk, second.pk)
    htmx.post(act, action="up")
    assert names(quote) == ["b", "a", "c"]
    htmx.post(act, action="up")
    assert names(quote) == ["b", "a", "c"]
    htmx.post(act, action="down")
    htmx.post(act, action="duplicate")
    assert names(quote) == ["a", "b", "b", "c"]
    htmx.post(act, action="remove")
    assert names(quote) == ["a", "b", "c"]
    assert htmx.post(act, action="remove").status_code == 404


def test_a_full_quote_takes_no_more(htmx, logged_in, quote, prices, monkeypatch):
    item = make_item(quote, prices=prices)
    monkeypatch.setattr("quotes.editing.MOST_ITEMS", 1)
    added = htmx.post(address("items", quote.pk), **VM)
    assert added.status_code == 422
    copied = htmx.post(address("item-act", quote.pk, item.pk), action="duplicate")
    api = logged_in.post(
        f"/api/quotes/{quote.pk}/items",
        {"resource_type": "nat_service", "region": "eu-west-2"},
        content_type="application/json",
    )
    assert api.status_code == 400
    for answer in (added, copied, api):
        assert "A quote holds at most 1 items." in answer.content.decode()
    assert quote.items.count() == 1


def test_an_unknown_action_is_not_found(htmx, quote, prices):
    item = make_item(quote, prices=prices)
    assert htmx.post(address("item-act", quote.pk, item.pk), action="explode").status_code == 404


def test_groups_have_subtotals_and_can_be_moved_folded_renamed_and_removed(htmx, logged_in, quote, prices):
    htmx.post(address("groups", quote.pk), name="Front")
    htmx.post(address("groups", quote.pk), name="Data")
    data = quote.groups.get(name="Data")
    htmx.post(address("items", quote.pk), **VM | {"group_id": str(data.pk), "quantity": "2"})
    shown = page(logged_in.get(address("detail", quote.pk)))
    assert shown.select_one(f"#foot-{data.pk} .money").text == "€616.12"
    htmx.post(address("group", quote.pk, data.pk), action="up")
    assert [group.name for group in quote.groups.order_by("display_order")] == ["Data", "Front"]
    folded = page(htmx.post(address("group", quote.pk, data.pk), action="fold"))
    assert folded.select_one(f"#foot-{data.pk}") is None
    assert "€616.12" in folded.select_one("#sections").text
    htmx.post(address("group", quote.pk, data.pk), action="rename", name="Databases")
    assert "Databases" in logged_in.get(address("detail", quote.pk)).content.decode()
    htmx.post(address("group", quote.pk, data.pk), action="remove")
    assert quote.items.get().group is None


def test_two_groups_of_one_name_are_refused(htmx, quote):
    htmx.post(address("groups", quote.pk), name="Front")
    response = htmx.post(address("groups", quote.pk), name="Front")
    assert response.status_code == 422
    assert errors_of(response) == {"group_name": "The quote has a group of this name already."}


def test_terms_change_every_figure(htmx, quote, prices):
    make_item(quote, prices=prices)
    response = htmx.post(
        address("terms", quote.pk),
        duration="1",
        duration_unit="years",
        commitment_period="1year",
        global_discount_percent="5",
    )
    assert total_of(response) == "€898.78"
    assert Decimal("0.18") * 8760 * Decimal("0.6") * Decimal("0.95") == Decimal("898.776")
    assert page(response).select_one("#h-total-EUR").text == "Total for 1 year"


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"duration": "0"}, "duration"),
        ({"duration": "-1"}, "duration"),
        ({"duration": "101", "duration_unit": "years"}, "duration"),
        ({"duration_unit": "decades"}, "duration_unit"),
        ({"commitment_period": "2years"}, "commitment_period"),
        ({"global_discount_percent": "101"}, "global_discount_percent"),
        ({"global_discount_percent": "-1"}, "global_discount_percent"),
        ({"global_discount_percent": "1.234"}, "global_discount_percent"),
        ({"global_discount_percent": "NaN"}, "global_discount_percent"),
    ],
)
def test_terms_that_make_no_sense_are_refused_beside_their_field(htmx, quote, terms, field):
    good = {
        "duration": "1",
        "duration_unit": "months",
        "commitment_period": "",
        "global_discount_percent": "0",
    }
    response = htmx.post(address("terms", quote.pk), **good | terms)
    assert response.status_code == 422
    assert list(errors_of(response)) == [field]
    quote.refresh_from_db()
    assert quote.duration == 1


def test_a_french_reader_may_write_a_comma(logged_in, quote):
    logged_in.cookies["django_language"] = "fr"
    terms = {
        "duration": "1",
        "duration_unit": "months",
        "commitment_period": "",
        "global_discount_percent": "12,5",
    }
    assert logged_in.post(address("terms", quote.pk), terms).status_code == 302
    quote.refresh_from_db()
    assert quote.global_discount_percent == Decimal("12.5")


def change_price(outscale, price):
    outscale.cloud.set_price("eu-west-2", ("TinaOS-FCU", "CustomRam", "RunInstances-OD"), Decimal(price))


def test_a_price_that_changed_is_shown_with_both_values_and_taken_by_a_button(
    htmx, logged_in, outscale, quote, prices
):
    item = make_item(quote, prices=prices)
    change_price(outscale, "0.006")
    freshness.refresh("eu-west-2", timezone.now())
    shown = page(logged_in.get(address("detail", quote.pk)))
    notice = shown.select_one(f"#item-{item.pk} .notice").get_text(" ", strip=True)
    assert "Added at €0.180 per hour, now €0.188 per hour." in notice
    assert shown.select_one("#totals .grand.money").text == "€131.40"
    taken = htmx.post(address("item-act", quote.pk, item.pk), action="price")
    assert total_of(taken) == "€137.24"
    assert page(taken).select_one(f"#item-{item.pk} .notice") is None


def test_an_edit_that_leaves_the_resource_alone_keeps_its_price(htmx, outscale, quote, prices):
    item = make_item(quote, prices=prices)
    change_price(outscale, "0.006")
    freshness.refresh("eu-west-2", timezone.now())
    same = VM | {"product_codes": "0001"}
    htmx.post(address("item", quote.pk, item.pk), **same | {"resource_name": "Front", "quantity": "2"})
    assert QuoteItem.objects.get().unit_price.amount == Decimal("0.18")
    htmx.post(address("item", quote.pk, item.pk), **same | {"ram_gib": "16"})
    assert QuoteItem.objects.get().unit_price.amount == Decimal("0.236")


def test_an_item_that_the_catalog_dropped_can_still_be_renamed_and_counted(htmx, outscale, quote, prices):
    item = make_item(quote, prices=prices)
    outscale.cloud.remove_price("eu-west-2", ("TinaOS-FCU", "CustomCore:v6-p2", "RunInstances-OD"))
    outscale.cloud.remove_price("eu-west-2", ("TinaOS-FCU", "CustomCore:v6-p1", "RunInstances-OD"))
    outscale.cloud.remove_price("eu-west-2", ("TinaOS-FCU", "CustomCore:v6-p3", "RunInstances-OD"))
    freshness.refresh("eu-west-2", timezone.now())
    form = page(htmx.get(address("item", quote.pk, item.pk)))
    assert form.select_one("[name=generation] [selected]")["value"] == "6"
    same = VM | {"product_codes": "0001"}
    response = htmx.post(
        address("item", quote.pk, item.pk), **same | {"resource_name": "Kept", "quantity": "3"}
    )
    assert response.status_code == 200
    assert total_of(response) == "€394.20"


def test_another_region_offers_what_it_has_and_keeps_what_was_typed(htmx, outscale, quote, prices):
    typed = {"resource_type": "flexible_gpu", "model": "nvidia-a100", "quantity": "5"}
    form = page(htmx.get(address("items", quote.pk), **typed, region="us-east-2"))
    offered = [option["value"] for option in form.select("[name=model] option")]
    assert "nvidia-h200" not in offered
    assert form.select_one("[name=model] [selected]")["value"] == "nvidia-a100"
    assert form.select_one("[name=quantity]")["value"] == "5"
    item = make_item(quote, prices=prices)
    row = page(htmx.get(address("item", quote.pk, item.pk), region="us-east-2", vcores="9"))
    assert row.select_one("[name=region] [selected]").text == "us-east-2"
    assert row.select_one("[name=vcores]")["value"] == "9"


def test_terms_leave_alone_what_is_being_typed_elsewhere(htmx, quote, prices):
    make_item(quote, prices=prices)
    terms = {
        "duration": "2",
        "duration_unit": "months",
        "commitment_period": "",
        "global_discount_percent": "0",
    }
    pieces = page(htmx.post(address("terms", quote.pk), **terms)).find_all(attrs={"hx-swap-oob": True})
    assert [piece["id"] for piece in pieces] == [
        "quote-line",
        "sections",
        "totals",
        "categories",
        "terms",
        "toasts",
    ]


@pytest.mark.parametrize("seen", ["yesterday", "2020-02-31T00:00:00", "2020-01-01T00:00:00"])
def test_an_edit_that_cannot_say_what_it_saw_is_a_conflict(htmx, quote, prices, seen):
    item = make_item(quote, prices=prices)
    response = htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "2", "seen": seen})
    assert response.status_code == 409
    assert QuoteItem.objects.get().quantity == 1


@pytest.mark.parametrize(
    "entry",
    ["0", "null", "true", "NaN", '{"a": 1}', '["a", "b", 3]', '"abc"', "[[]]", r'["a", "\ud800", "c"]'],
)
def test_a_catalog_entry_that_is_none_is_refused(htmx, quote, entry):
    data = COMMON | {"resource_type": "catalog_entry", "entry": entry}
    assert errors_of(htmx.post(address("items", quote.pk), **data)) == {
        "entry": "Choose an entry of the catalog."
    }
    assert htmx.get(address("preview", quote.pk), **data).status_code == 200


def test_an_edit_brings_notices_and_fees_up_to_date_too(htmx, quote, prices):
    item = make_item(quote, prices=prices)
    dedicated = page(htmx.post(address("item", quote.pk, item.pk), **VM | {"tenancy": "dedicated"}))
    assert "UseDedicated" in dedicated.select_one("#fees").text
    moved = page(htmx.post(address("item", quote.pk, item.pk), **VM | {"region": "us-west-1"}))
    assert moved.select_one("#fees").text.strip() == ""
    assert "The currency of us-west-1 is assumed." in moved.select_one("#notices").text


def test_taking_new_prices_is_no_conflict_for_who_edits_the_item(htmx, outscale, quote, prices):
    item = make_item(quote, prices=prices)
    seen = item.updated_at.isoformat()
    change_price(outscale, "0.006")
    freshness.refresh("eu-west-2", timezone.now())
    htmx.post(address("prices", quote.pk))
    response = htmx.post(address("item", quote.pk, item.pk), **VM | {"quantity": "2", "seen": seen})
    assert response.status_code == 200


def test_two_open_rows_share_no_id(htmx, quote, prices):
    forms = [page(htmx.get(address("item", quote.pk, make_item(quote, prices=prices).pk))) for _ in range(2)]
    first, second = ({tag["id"] for tag in form.find_all(id=True)} for form in forms)
    assert not first & second


@pytest.mark.parametrize("typed", ["1 000,5", "1\u00a0000,5", "1\u202f000,5", "1000.5"])
def test_a_number_may_be_typed_as_french_pages_write_it(logged_in, quote, typed):
    logged_in.cookies["django_language"] = "fr"
    data = COMMON | {"resource_type": "snapshot", "size_gib": typed}
    with override("en"):  # the answer in French leaves this thread in French
        assert logged_in.post(address("items", quote.pk), data).status_code == 302
    assert QuoteItem.objects.get().parameters == {"size_gib": "1000.5"}


def test_a_surplus_is_explained_as_a_part_of_the_price(htmx, quote):
    text = page(htmx.get(address("preview", quote.pk), **VM | {"tenancy": "dedicated"})).get_text(
        " ", strip=True
    )
    assert "10% of €0.180" in text


def test_a_rate_that_is_not_confirmed_says_so(htmx, logged_in, quote, prices):
    make_item(quote, prices=prices)
    set_terms(quote, commitment_period="1year")
    assert "to be confirmed" in page(logged_in.get(address("detail", quote.pk))).select_one("#totals").text
    calculation = logged_in.get(f"/api/quotes/{quote.pk}/calculate").json()["data"]
    assert calculation["unconfirmed_rates"] == ["compute"]


def test_the_dedicated_fee_has_a_line_of_its_own(htmx, quote):
    response = htmx.post(address("items", quote.pk), **VM | {"tenancy": "dedicated", "quantity": "2"})
    fees = page(response).select_one("[aria-labelledby=h-fees]").get_text(" ", strip=True)
    assert "UseDedicated" in fees
    assert "€1,460.00" in fees
    assert page(response).select_one("#foot-none .money").text == "€642.40"
    assert total_of(response) == "€2,102.40"


def test_all_new_prices_are_taken_at_once_and_those_that_are_gone_stay(
    htmx, logged_in, outscale, quote, prices
):
    make_item(quote, prices=prices)
    make_item(quote, prices=prices, resource_type="nat_service", parameters={})
    change_price(outscale, "0.006")
    outscale.cloud.remove_price("eu-west-2", ("TinaOS-FCU", "NatGatewayUsage", "CreateNatGateway"))
    freshness.refresh("eu-west-2", timezone.now())
    shown = page(logged_in.get(address("detail", quote.pk)))
    assert "The catalog prices of 2 items have changed." in shown.select_one("#notices").text
    assert total_of(htmx.post(address("prices", quote.pk))) == "€173.74"


def test_a_currency_that_nobody_has_confirmed_is_said_to_be_assumed(htmx, logged_in, quote):
    response = htmx.post(address("items", quote.pk), **VM | {"region": "us-east-2"})
    assert "The currency of us-east-2 is assumed." in page(response).select_one("#sections").text
    whole = logged_in.get(f"/api/quotes/{quote.pk}").json()["data"]["calculation"]
    calculation = logged_in.get(f"/api/quotes/{quote.pk}/calculate").json()["data"]
    assert whole["currency_assumed_in"] == calculation["currency_assumed_in"] == ["us-east-2"]
    exported = csv.DictReader(io.StringIO(logged_in.get(address("export", quote.pk, "csv")).content.decode()))
    assert {row["currency_assumed"] for row in exported} == {"true"}


def test_an_exported_line_is_marked_for_its_own_region_and_a_total_for_all_it_adds_up(htmx, logged_in, quote):
    htmx.post(address("items", quote.pk), **VM)
    htmx.post(address("items", quote.pk), **VM | {"region": "cloudgouv-eu-west-1"})
    Catalog.objects.filter(region="eu-west-2").update(currency_confirmed_at=timezone.now())
    exported = csv.DictReader(io.StringIO(logged_in.get(address("export", quote.pk, "csv")).content.decode()))
    assert [(row["row"], row["region"], row["currency_assumed"]) for row in exported] == [
        ("item", "eu-west-2", "false"),
        ("item", "cloudgouv-eu-west-1", "true"),
        ("subtotal", "", "true"),
        ("global_discount", "", "true"),
        ("total", "", "true"),
    ]


def test_a_price_that_is_gone_from_the_catalog_is_said_and_the_old_one_stays(
    logged_in, outscale, quote, prices
):
    item = make_item(quote, prices=prices)
    outscale.cloud.remove_price("eu-west-2", ("TinaOS-FCU", "CustomCore:v6-p2", "RunInstances-OD"))
    freshness.refresh("eu-west-2", timezone.now())
    shown = page(logged_in.get(address("detail", quote.pk)))
    assert "no price for this any more" in shown.select_one(f"#item-{item.pk} .notice").text
    assert shown.select_one("#totals .grand.money").text == "€131.40"


def test_two_currencies_have_two_totals(htmx, quote):
    htmx.post(address("items", quote.pk), **VM)
    response = htmx.post(address("items", quote.pk), **VM | {"region": "us-east-2"})
    totals = [total.text[0] for total in page(response).select("#totals .grand.money")]
    assert totals == ["€", "$"]
    assert "not added" in page(response).select_one("#totals").text


def test_saving_loading_and_deleting_from_the_pages(logged_in, alice, quote):
    logged_in.post(address("detail", quote.pk), {"action": "save"})
    assert Quote.objects.get(pk=quote.pk).status == "saved"
    other = make_quote(owner=alice, name="Other")
    logged_in.post(address("detail", quote.pk), {"action": "load"})
    assert Quote.objects.get(pk=other.pk).status == "saved"
    asked = logged_in.get(address("delete", quote.pk))
    assert "Delete “ERP”?" in asked.content.decode()
    deleted = logged_in.post(address("delete", quote.pk))
    assert deleted["Location"] == address("detail", other.pk)
    assert Quote.objects.get().is_active


def test_the_active_quote_is_there_again_at_the_next_login(logged_in, quote):
    logged_in.post("/logout/")
    logged_in.post("/login/", DEMO_KEYS)
    row = page(logged_in.get("/quotes/")).select_one("tbody tr")
    assert row.th.text.strip() == "ERP"
    assert "Active quote" in row.text


def test_the_list_shows_whatever_number_of_quotes_in_as_many_queries(
    logged_in, alice, django_assert_num_queries
):
    make_quote(owner=alice, name="first")
    with django_assert_num_queries(4):
        logged_in.get("/quotes/")
    make_quote(owner=alice, name="second", items=2)
    make_quote(owner=alice, name="third", items=1)
    with django_assert_num_queries(4):
        logged_in.get("/quotes/")


def test_a_long_list_of_quotes_has_pages(logged_in, alice):
    for number in range(51):
        make_quote(owner=alice, name=f"Plan {number}")
    first, second = (page(logged_in.get("/quotes/", {"page": number})) for number in (1, 2))
    assert [len(one.select("tbody tr")) for one in (first, second)] == [50, 1]
    assert first.select_one("[rel=next]")["href"] == "?page=2"


@pytest.mark.parametrize("items", [1, 3])
def test_the_builder_asks_as_many_queries_for_one_item_as_for_three(
    logged_in, quote, prices, items, django_assert_num_queries
):
    for _ in range(items):
        make_item(quote, prices=prices)
    logged_in.get(address("detail", quote.pk))
    with django_assert_num_queries(7):
        logged_in.get(address("detail", quote.pk))


def test_another_owners_quote_is_not_found_anywhere(logged_in, quote, prices):
    theirs = make_quote(owner=make_owner("200000000002"))
    item = make_item(theirs, prices=prices)
    group = editing.add_group(quote=theirs, name="Front", at=NOW)
    addresses = [
        address("detail", theirs.pk),
        address("rename", theirs.pk),
        address("terms", theirs.pk),
        address("prices", theirs.pk),
        address("delete", theirs.pk),
        address("export", theirs.pk, "csv"),
        address("groups", theirs.pk),
        address("group", theirs.pk, group.pk),
        address("items", theirs.pk),
        address("preview", theirs.pk),
        address("item", theirs.pk, item.pk),
        address("row", theirs.pk, item.pk),
        address("item-act", theirs.pk, item.pk),
        address("item", quote.pk, item.pk),
        address("group", quote.pk, group.pk),
    ]
    for path in addresses:
        answers = {
            logged_in.get(path).status_code,
            logged_in.post(path, VM | {"action": "remove"}).status_code,
        }
        assert answers <= {404, 405}, path
    assert theirs.items.count() == 1
    assert theirs.groups.count() == 1


def test_a_get_changes_nothing(logged_in, quote, prices):
    item = make_item(quote, prices=prices)
    before = list(Quote.objects.values()), list(QuoteItem.objects.values())
    for path in (
        address("detail", quote.pk),
        address("delete", quote.pk),
        address("items", quote.pk),
        address("item", quote.pk, item.pk),
        address("preview", quote.pk),
        address("export", quote.pk, "json"),
    ):
        assert logged_in.get(path).status_code == 200
    assert (list(Quote.objects.values()), list(QuoteItem.objects.values())) == before


def test_a_hostile_name_is_text_on_the_page_and_harmless_in_a_spreadsheet(logged_in, htmx, quote):
    name = "=HYPERLINK(1)<script>alert(1)</script>"
    response = htmx.post(address("items", quote.pk), **VM | {"resource_name": name})
    assert "<script>alert" not in response.content.decode()
    exported = logged_in.get(address("export", quote.pk, "csv")).content.decode()
    assert "'=HYPERLINK(1)" in exported


def test_the_csv_has_a_row_for_each_item_and_the_totals_of_the_page(logged_in, quote, prices):
    make_item(quote, prices=prices, quantity=2)
    make_item(quote, prices=prices, resource_type="nat_service", parameters={})
    set_terms(quote, commitment_period="1year", global_discount_percent=Decimal(10))
    response = logged_in.get(address("export", quote.pk, "csv"))
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert response["Content-Disposition"] == 'attachment; filename="erp.csv"'
    assert [row["row"] for row in rows] == ["item", "item", "subtotal", "global_discount", "total"]
    items = sum(Decimal(row["total"]) for row in rows if row["row"] == "item")
    assert items == Decimal(rows[2]["total"]) == Decimal("194.18")
    assert Decimal(rows[3]["total"]) + items == Decimal(rows[4]["total"]) == Decimal("174.762")
    assert total_of(logged_in.get(address("detail", quote.pk))) == "€174.76"


def test_an_unknown_file_format_is_not_found(logged_in, quote):
    assert logged_in.get(address("export", quote.pk, "exe")).status_code == 404
