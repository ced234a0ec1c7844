import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone, translation

from costs import catalog, freshness
from costs.browsing import SORTS, listing
from costs.models import Catalog
from costs.publication import read_publication
from tests.caches import QUERIES
from tests.costs.catalogs import REGION, answer_of, raw_entry, store
from tests.reference import real_answer

pytestmark = pytest.mark.django_db
CALL = "ReadPublicCatalog"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def real_catalog():
    """The real prices of eu-west-2, fetched an hour ago."""
    entries = read_publication(real_answer("catalog-eu-west-2.json"), region=REGION)
    return catalog.store(entries, region=REGION, at=timezone.now() - dt.timedelta(hours=1))


def get(client, path="/catalog/", question=None, **options):
    response = client.get(path, question or {}, **options)
    response.soup = BeautifulSoup(response.content, "html.parser")
    return response


def names(response):
    return [row.name for row in response.context["page"]]


def text(element):
    return " ".join(element.get_text(" ").split())


def row_of(response, code):
    (cell,) = [cell for cell in response.soup.select("td.key") if cell.get_text() == code]
    return [text(each) for each in cell.parent.find_all(["th", "td"])]


def test_a_visitor_sees_every_price_of_the_real_catalog(client, real_catalog):
    response = get(client)
    assert response.status_code == 200
    assert text(response.soup.select_one("#prices h2")) == "122 prices"
    assert len(response.soup.select("#prices tbody tr")) == 125  # and three products without a price
    assert "122 prices and 3 products without a price" in text(response.soup.select_one("#prices"))


def test_prices_stand_with_unit_currency_and_what_730_hours_cost(client, real_catalog):
    response = get(client)
    title = (
        "Instance - On demand - Unite de vCore pour une instance Tina v7 CxRy Performance highest - par heure"
    )
    assert row_of(response, "CustomCore:v7-p1") == [
        f"vCore, generation 7, highest {title}",
        "Compute",
        "CustomCore:v7-p1",
        "€0.043",
        "per vCore-hour",
        "€31.39",
    ]
    assert row_of(response, "BSU:VolumeUsage:gp2")[3:] == ["€0.110", "per GiB-month", ""]
    assert row_of(response, "BSU:VolumeIOPS:io1")[3:] == ["€0.010", "per IOPS-month", ""]
    assert row_of(response, "pof-k5f0ytd6")[3:] == ["€51,350.00", "per subscription", ""]


@pytest.mark.parametrize(
    ("search", "type_"),
    [
        ("vcpu", "CustomCore:v7-p1"),
        ("disk gp2", "BSU:VolumeUsage:gp2"),
        ("s3", "enterprise"),
        ("mémoire", "CustomRam"),
    ],
)
def test_the_words_of_other_clouds_find_products_too(client, real_catalog, search, type_):
    found = get(client, question={"search": search}).content.decode()
    assert type_ in found
    assert "Gpu:attach" not in found


def test_free_and_absent_are_told_apart(client, real_catalog):
    response = get(client)
    assert row_of(response, "ProductUsage · 0001")[3] == "€0.000 free of charge"
    assert row_of(response, "ProductUsage · 0007") == [
        "SQL Server Web licence The cloud lists no entry for this product in eu-west-2",
        "Licence",
        "ProductUsage · 0007",
        "No price",
        "per 2 vCores and hour",
        "",
    ]


def test_the_page_says_version_age_and_whether_the_currency_is_assumed(client, real_catalog):
    head = text(get(client).soup.select_one("#catalog-head p"))
    assert head.startswith("Public prices of eu-west-2, EUR (assumed), tax excluded · version 1 of ")
    Catalog.objects.update(currency_confirmed_at=timezone.now())
    assert "assumed" not in text(get(client).soup.select_one("main"))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("gp2", ["Volume gp2 (Performance)"]),
        ("VOLUME io1", ["Volume io1 (Enterprise)", "Provisioned IOPS, io1"]),
        ("control plane large", ["Kubernetes control plane, 3 masters, large"]),
        (
            "controle dedie large",
            ["Kubernetes control plane, 3 masters, large"],
        ),  # the title says contrôle dédié
        ("contrôle DÉDIÉ large", ["Kubernetes control plane, 3 masters, large"]),
        ("créateloadbalancer usage", ["Load balancer"]),
        ("tinaos-lbu", ["Load balancer", "Load balancer, outgoing traffic"]),
        ("  vpn   connection ", ["VPN connection"]),
        ("sql web", ["SQL Server Web licence"]),
        ("日本", []),
        ("%' OR 1=1 --", []),
        ("<script>", []),
    ],
)
def test_search_finds_our_names_titles_and_codes_without_accents_and_case(
    client, real_catalog, search, found
):
    response = get(client, question={"search": search})
    assert (response.status_code, set(names(response))) == (200, set(found))
    assert response.soup.select_one("input[type=search]")["value"] == search


def test_search_uses_the_names_of_the_language_of_the_reader(real_catalog):
    prices = catalog.latest(REGION)
    with translation.override("fr"):
        french_name = next(row.name for row in listing(prices).rows if row.key.type == "CustomRam")
        assert french_name in [row.name for row in listing(prices, search=french_name).rows]


def test_nothing_found_says_so_and_offers_all_prices(client, real_catalog):
    response = get(client, question={"search": "nothing like it", "region": REGION})
    assert text(response.soup.select_one("#prices h3")) == "No product matches"
    assert response.soup.select_one("#prices .btn-primary")["href"] == f"/catalog/?region={REGION}"


def test_a_category_shows_only_its_products(client, real_catalog):
    response = get(client, question={"category": "storage"})
    assert {row.category for row in response.context["page"]} == {"storage"}
    assert response.soup.select_one("select option[selected]")["value"] == "storage"


def test_a_product_without_category_stands_among_the_others(client):
    store(raw_entry(), raw_entry("New:Thing", Category=None, Title=None), at=timezone.now())
    response = get(client, question={"category": "other"})
    assert [row.key.type for row in response.context["page"]] == ["New:Thing"]
    assert row_of(response, "New:Thing")[1] == "Other"
    assert "Other" in text(get(client).soup.select_one("select[name=category]"))


@pytest.mark.parametrize("sort", SORTS)
def test_every_column_sorts_both_ways_and_what_has_no_value_comes_last(client, real_catalog, sort):
    rows = list(get(client, question={"sort": sort}).context["page"])
    value = {"price": "unit_price", "month": "month"}.get(sort.removeprefix("-"))
    assert len(rows) == 125
    if value:
        values = [getattr(row, value) for row in rows]
        known = [each for each in values if each is not None]
        assert values == sorted(known, reverse=sort.startswith("-")) + [None] * (125 - len(known))


def test_names_sort_as_people_count(client, real_catalog):
    rows = [
        row.key.type for row in get(client, question={"sort": "type", "search": "CustomCore"}).context["page"]
    ]
    assert rows[-1] == "CustomCore:v104-p1"
    assert rows.index("CustomCore:v7-p3") < rows.index("CustomCore:v7-p101")


def test_the_whole_state_is_in_the_address_of_every_link(client, real_catalog):
    question = {"region": REGION, "search": "licence é&x=1", "category": "licence", "sort": "-price"}
    response = get(client, question=question)
    query = "search=licence+%C3%A9%26x%3D1&category=licence"
    soup = response.soup
    assert soup.select_one("#catalog-csv")["href"] == f"/catalog/csv/?region={REGION}&{query}&sort=-price"
    tabs = [link["href"] for link in soup.select("#catalog-regions a")]
    assert tabs[-1] == f"/catalog/?region=us-west-1&{query}&sort=-price"
    kept = {each["name"]: each["value"] for each in soup.select("#prices input[type=hidden]")}
    assert kept == {"region": REGION, "sort": "-price"}


def test_a_sorted_column_is_marked_and_a_second_click_turns_it(client, real_catalog):
    head = get(client, question={"sort": "price", "region": REGION}).soup.select_one("th[aria-sort]")
    assert (text(head), head["aria-sort"]) == ("Price", "ascending")
    assert head.a["href"] == head.a["hx-get"] == f"?region={REGION}&sort=-price"


@pytest.mark.parametrize("path", ["/catalog/", "/catalog/fresh/"])
def test_the_fragment_is_what_the_page_shows(client, real_catalog, path):
    question = {"search": "licence", "sort": "price"}
    page = get(client, path, question)
    fragment = get(client, path, question, headers=HTMX)
    assert "<html" not in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]
    for part in fragment.soup.find_all(id=["prices", "catalog-head", "catalog-regions"]):
        part.attrs.pop("hx-swap-oob", None)
        for token in (part, whole := page.soup.find(id=part["id"])):
            for hidden in token.select("input[name=csrfmiddlewaretoken]"):
                hidden.decompose()
        assert str(part) == str(whole)


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({"region": "mars"}, "Region: “mars” is no region of this portal."),
        ({"region": "eu-west-2'"}, "Region: “eu-west-2'” is no region of this portal."),
        ({"category": "food"}, "Category: No category is called “food”."),
        ({"sort": "colour"}, "Order: The prices cannot be sorted by “colour”."),
        ({"sort": "--price"}, "Order: The prices cannot be sorted by “--price”."),
        ({"page": "2"}, "Page: There is no such page: the last one is 1."),
        ({"page": "0"}, "Page: Ensure this value is greater than or equal to 1."),
        ({"page": "-1"}, "Page: Ensure this value is greater than or equal to 1."),
        ({"page": "x"}, "Page: Enter a whole number."),
        ({"page": "9" * 400}, None),
        ({"search": "x" * 101}, "Search: Ensure this value has at most 100 characters (it has 101)."),
        ({"search": "x" * 200_000}, None),
        ({"search": "\x00"}, "Search: Null characters are not allowed."),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(
    client, real_catalog, question, problem
):
    keeps = {"search": "ram"} | question
    for headers in ({}, HTMX):
        response = get(client, question=keeps, headers=headers)
        assert response.status_code == 422
        assert response.soup.select_one("#prices [role=alert]")
        if problem:
            assert text(response.soup.select_one("#prices li")) == problem
    assert get(client, question=keeps).soup.select_one("input[type=search]")["value"] == keeps["search"]


def test_a_field_that_is_wrong_says_so_beside_itself(client, real_catalog):
    soup = get(client, question={"category": "food"}).soup
    select = soup.select_one("select[name=category]")
    assert select["aria-invalid"] == "true"
    assert text(soup.find(id=select["aria-describedby"])) == "No category is called “food”."


def test_markup_in_a_title_or_a_category_stays_text(client):
    store(raw_entry(Title="<script>alert(1)</script>", Category='"><b>'), at=timezone.now())
    content = get(client).content.decode()
    assert "<script>alert" not in content
    assert '"><b>' not in content


def test_five_thousand_prices_come_in_pages_that_keep_the_question(client):
    store(*[raw_entry(f"New:{number}", price=number) for number in range(5000)], at=timezone.now())
    response = get(client, question={"sort": "-price", "page": "2"})
    assert [row.unit_price for row in response.context["page"]] == list(range(4799, 4599, -1))
    assert response.soup.select_one("a[rel=next]")["href"] == f"?region={REGION}&sort=-price&page=3"
    assert text(response.soup.select_one("#prices h2")) == "5000 prices"


def test_the_number_of_queries_does_not_grow_with_the_prices(client, django_assert_num_queries):
    for count in (1, 3):
        Catalog.objects.all().delete()
        catalog._price_lists.clear()
        store(*[raw_entry(f"New:{number}") for number in range(count)], at=timezone.now())
        with django_assert_num_queries(2 + QUERIES):  # the catalog, its entries, a failure in the cache
            get(client)
        with django_assert_num_queries(1 + QUERIES):
            get(client)


def test_a_first_visit_shows_the_shell_and_a_fragment_fetches_the_prices(client, outscale):
    response = get(client, question={"search": "windows"})
    assert (response.status_code, len(outscale.requests)) == (200, 0)
    loader = response.soup.select_one("#prices [hx-trigger=load]")
    assert loader["hx-get"] == f"/catalog/fresh/?region={REGION}&search=windows"
    fragment = get(client, loader["hx-get"], headers=HTMX)
    assert "Windows Server licence" in names(fragment)
    assert not fragment.soup.select("[hx-trigger]")


def test_without_javascript_a_link_fetches_the_prices(client, outscale):
    link = get(client).soup.select_one("noscript a")["href"]
    assert (
        text(get(client, link).soup.select_one("#prices h2"))
        == f"{len(outscale.cloud.prices(REGION))} prices"
    )


def test_stale_prices_are_shown_at_once_and_replaced_by_a_fragment(client, outscale):
    store(at=timezone.now() - dt.timedelta(days=2))
    response = get(client)
    assert "VM memory" in names(response)
    assert text(response.soup.select_one(".notice strong")).startswith(
        "These prices are 2\xa0days old".replace("\xa0", " ")
    )
    assert len(outscale.requests) == 0
    fragment = get(client, response.soup.select_one("[hx-trigger=load]")["hx-get"], headers=HTMX)
    assert fragment.context["status"].prices.version == 2
    assert not fragment.soup.select(".notice")


def test_while_somebody_else_refreshes_the_fragment_looks_again_later(client, outscale):
    store(at=timezone.now() - dt.timedelta(days=2))
    freshness._take_turn(REGION)
    fragment = get(client, "/catalog/fresh/", headers=HTMX)
    assert fragment.soup.select_one("[hx-get]")["hx-trigger"] == "load delay:3s"


def test_a_dead_cloud_leaves_the_last_prices_with_their_age_and_the_reason(client, outscale):
    store(at=timezone.now() - dt.timedelta(days=2))
    outscale.faults.add(CALL, "error")
    fragment = get(client, "/catalog/fresh/", headers=HTMX)
    notice = text(fragment.soup.select_one(".notice"))
    assert fragment.status_code == 200
    assert "2 days old" in notice.replace("\xa0", " ")
    assert "OUTSCALE cannot be reached in this region" in notice
    assert "VM memory" in names(fragment)
    assert not fragment.soup.select("[hx-trigger]")


def test_a_dead_cloud_and_nothing_stored_says_what_to_do_and_shows_no_table(client, outscale):
    outscale.faults.add(CALL, "error")
    fragment = get(client, "/catalog/fresh/", headers=HTMX)
    alert = fragment.soup.select_one("#prices [role=alert]")
    assert "No prices of eu-west-2 yet" in text(alert)
    assert "Try again in a minute" in text(alert)
    assert not fragment.soup.select("table")
    page = get(client)  # and the page itself does not ask again at once
    assert not page.soup.select("[hx-trigger=load]")
    assert page.soup.select_one("#prices .btn-primary")["href"] == f"/catalog/fresh/?region={REGION}"


def test_the_refresh_button_fetches_and_returns_to_the_same_question(client, outscale):
    store(at=timezone.now() - dt.timedelta(hours=1))
    question = {"region": REGION, "search": "gp2 é", "sort": "price"}
    form = get(client, question=question).soup.select_one("#catalog-head form")
    sent = {each["name"]: each["value"] for each in form.select("input")}
    response = client.post(form["action"], sent, follow=True)
    assert response.redirect_chain == [(f"/catalog/?region={REGION}&search=gp2+%C3%A9&sort=price", 302)]
    assert response.context["status"].prices.version == 2
    assert "The prices were fetched from the cloud just now." in response.content.decode()


def test_a_second_refresh_within_a_minute_is_a_429_that_loses_nothing(client, outscale):
    client.post("/catalog/refresh/", {"region": REGION})
    outscale.requests.clear()
    response = client.post("/catalog/refresh/", {"region": REGION, "search": "gp2"})
    soup = BeautifulSoup(response.content, "html.parser")
    assert response.status_code == 429
    assert 0 < int(response["Retry-After"]) <= 60
    assert f"again in {response['Retry-After']} seconds" in text(soup.select_one("main .notice"))
    assert soup.select_one("input[type=search]")["value"] == "gp2"
    assert len(outscale.requests) == 0


def test_another_address_and_a_customer_have_their_own_turn(client, logged_in, outscale):
    assert client.post("/catalog/refresh/", {"region": REGION}).status_code == 302
    anonymous = type(client)(REMOTE_ADDR="192.0.2.7")
    assert anonymous.post("/catalog/refresh/", {"region": REGION}).status_code == 302
    assert anonymous.post("/catalog/refresh/", {"region": REGION}).status_code == 429


def test_a_refresh_that_fails_keeps_the_prices_and_says_why(client, outscale):
    store(at=timezone.now() - dt.timedelta(hours=1))
    outscale.faults.add(CALL, "broken-json")
    response = client.post("/catalog/refresh/", {"region": REGION}, follow=True)
    content = response.content.decode()
    assert "OUTSCALE answered something that the portal does not understand" in content
    assert "VM memory" in names(response)


@pytest.mark.parametrize("sent", [{"region": "mars"}, {"region": REGION, "sort": "x"}])
def test_a_refresh_with_a_wrong_question_asks_the_cloud_for_nothing(client, outscale, sent):
    assert client.post("/catalog/refresh/", sent).status_code == 422
    assert len(outscale.requests) == 0


def test_a_refresh_needs_the_token_against_forged_requests(outscale):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/catalog/refresh/", {"region": REGION}).status_code == 403


@pytest.mark.parametrize("path", ["", "fresh/", "csv/", "history/"])
def test_pages_are_only_read(client, path):
    assert client.post(f"/catalog/{path}").status_code == 405


def test_reading_the_address_of_a_refresh_leads_to_the_page_and_asks_the_cloud_for_nothing(client, outscale):
    response = client.get("/catalog/refresh/", {"search": "gp2", "sort": "price"})
    assert response["Location"] == "/catalog/?search=gp2&sort=price"
    assert len(outscale.requests) == 0


def csv_rows(client, question, delimiter=","):
    response = client.get("/catalog/csv/", question)
    content = b"".join(response.streaming_content).decode()
    return response, list(csv.DictReader(io.StringIO(content), delimiter=delimiter))


def test_the_csv_holds_exactly_what_the_page_shows(client, real_catalog):
    question = {"search": "licence", "sort": "-price"}
    shown = list(get(client, question=question).context["page"])
    response, rows = csv_rows(client, question)
    assert [(row["type"], row["operation"], row["product"]) for row in rows] == [
        (row.key.type, row.key.operation, row.name) for row in shown
    ]
    assert [row["unit_price"] and Decimal(row["unit_price"]) for row in rows] == [
        "" if row.unit_price is None else row.unit_price for row in shown
    ]
    assert {row["currency"] for row in rows} == {"EUR"}
    assert response["Content-Disposition"] == 'attachment; filename="prices-eu-west-2-v1.csv"'


def test_a_price_list_cannot_smuggle_a_formula_into_a_spreadsheet(client):
    store(raw_entry("=HYPERLINK(1)", Title="+cmd|' /C calc'!A0"), at=timezone.now())
    _response, rows = csv_rows(client, {"search": "hyperlink"})
    assert (rows[0]["type"], rows[0]["title"][0]) == ("'=HYPERLINK(1)", "'")


def test_the_french_excel_variant_has_semicolons_and_a_byte_order_mark(client, real_catalog):
    _response, rows = csv_rows(client, {"search": "gp2", "excel": "fr"}, delimiter=";")
    assert (rows[0]["\ufeffregion"], Decimal(rows[0]["unit_price"])) == (REGION, Decimal("0.11"))


def test_a_csv_of_nothing_leads_to_the_page_and_a_wrong_question_to_its_errors(client):
    assert client.get("/catalog/csv/")["Location"] == f"/catalog/?region={REGION}"
    assert client.get("/catalog/csv/", {"region": "mars"}).status_code == 422


def test_the_history_shows_what_changed_between_versions(client):
    day = dt.timedelta(days=1)
    start = timezone.now() - 5 * day
    store(raw_entry(), raw_entry("CustomCore:v1-p1", "0.02"), raw_entry("Gone"), at=start)
    store(
        raw_entry(price="0.006"),
        raw_entry("CustomCore:v1-p1", "0.02"),
        raw_entry("CustomCore:v7-p1", "0.043"),
        at=start + day,
    )
    response = get(client, "/catalog/history/")
    newest, first = response.soup.select("#versions section")
    assert text(newest.h2).startswith("Version 2, from ")
    assert [[text(cell) for cell in row.find_all(["th", "td"])] for row in newest.select("tbody tr")] == [
        ["vCore, generation 7, highest", "CustomCore:v7-p1", "", "€0.043", "per vCore-hour", "new"],
        ["VM memory", "CustomRam", "€0.005", "€0.006", "per GiB-hour", "+20%"],
        ["Gone / RunInstances-OD", "Gone", "€0.005", "", "unit not published", "removed"],
    ]
    assert "The first version that the portal kept." in text(first)


def test_the_history_of_many_versions_comes_in_pages_with_as_many_queries(client, django_assert_num_queries):
    start = timezone.now() - dt.timedelta(days=50)
    for number in range(1, 13):
        store(raw_entry(price=number), at=start + dt.timedelta(days=number))
        if number in {1, 3, 12}:
            catalog._price_lists.clear()
            with django_assert_num_queries(3):  # how many, the versions, their entries
                response = get(client, "/catalog/history/")
    assert len(response.soup.select("#versions section")) == 10
    assert [len(section.select("tbody tr")) for section in response.soup.select("#versions section")] == [
        1
    ] * 10
    last = get(client, "/catalog/history/", {"page": "2"})
    assert [text(heading)[:9] for heading in last.soup.select("#versions h2")] == ["Version 2", "Version 1"]


def test_the_fragment_of_the_history_is_what_its_page_shows(client):
    store()
    page, fragment = get(client, "/catalog/history/"), get(client, "/catalog/history/", headers=HTMX)
    assert str(fragment.soup.find(id="versions")) == str(page.soup.find(id="versions"))
    assert "<html" not in fragment.content.decode()


@pytest.mark.parametrize(("question", "status"), [({}, 200), ({"region": "mars"}, 422), ({"page": "7"}, 422)])
def test_the_history_explains_an_empty_region_and_a_wrong_address(client, question, status):
    response = get(client, "/catalog/history/", question)
    assert response.status_code == status
    assert response.soup.select("#versions .empty-state, #versions .notice")


def test_a_logged_in_customer_gets_the_same_page(logged_in):
    assert names(get(logged_in))


def test_answers_of_the_sandbox_and_the_real_catalog_have_the_same_products(outscale):
    raw = answer_of(*real_answer("catalog-eu-west-2.json")["Catalog"]["Entries"])
    real = {entry.key for entry in read_publication(raw, region=REGION)}
    assert set(outscale.cloud.prices(REGION)) == real
