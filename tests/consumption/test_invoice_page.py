"""The page of the draft invoice shows what is kept, says what is missing, and never asks the cloud."""

import csv
import datetime as dt
import json
import re
from decimal import Decimal
from io import StringIO

import pytest
from bs4 import BeautifulSoup
from django.utils import timezone

from accounts.errors import PermissionRefused
from accounts.models import User
from consumption.entries import CALL
from consumption.invoicefiles import FORMATS
from consumption.models import LedgerReader
from consumption.periods import Preset, preset_period
from costs.money import show_money
from sandbox.cloud import DEMO_ACCOUNT, LINKED_KEY
from tests.conftest import DEMO_KEYS
from tests.consumption.days import REGION, entry, keep, make_ledger
from tests.costs.portal_readings import notices

pytestmark = pytest.mark.django_db
PAGE = "/consumption/invoice/"
OTHER = "100000000009"


@pytest.fixture
def month():
    return preset_period(Preset.LAST_MONTH, timezone.now().date())


def kept(period, *entries, region=REGION, currency="EUR", **facts):
    """Keep the same entries for each day of a period, in a ledger that the demo account's key may see."""
    ledger = make_ledger(region=region, at=timezone.now())
    facts = {"at": timezone.now() + dt.timedelta(days=30)} | facts  # when each of them is final
    keep(ledger, {one: entries or [entry()] for one in period.days}, currency=currency, **facts)
    return ledger


def get(client, address=PAGE):
    response = client.get(address)
    response.soup = BeautifulSoup(response.content, "html.parser")
    return response


def text(element):
    return " ".join(element.get_text(" ").split()).replace("at least ≥", "≥")


def totals(page):
    return {one["data-total"]: text(one) for one in page.soup.select("[data-total]")}


def log_in_too(client, region):
    assert client.post("/login/", DEMO_KEYS | {"region": region}).status_code == 302


def test_last_month_stands_there_without_a_question_and_without_asking_the_cloud(logged_in, outscale, month):
    price = {"unit_price": Decimal("0.05")}
    kept(month, entry(**price), entry("pof-9", "0.5", value="1", category="licence", resource="x"))

    page = get(logged_in)

    assert (page.status_code, len(outscale.requests)) == (200, 0)
    assert totals(page) == {"EUR": show_money(Decimal("1.7") * month.length, "EUR")}
    assert notices(page) == []
    rows = [[text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select("tbody tr")]
    nat = show_money(Decimal("1.2") * month.length, "EUR")
    hours = f"{24 * month.length}"
    assert ["NAT service NatGatewayUsage", REGION, hours, "hours", "€0.050", nat] in rows
    assert text(page.soup.select_one(".coverage")) == f"{month.length} of {month.length} days"
    assert text(page.soup.select_one(".pills [aria-current]")) == "Last month"
    assert "tax excluded" in text(page.soup.select_one(".page-head"))


def test_it_prints_with_its_account_its_days_and_what_it_is(logged_in, month):
    kept(month)
    on_paper = text(get(logged_in).soup.select_one(".print-only"))
    assert on_paper.startswith(f"{DEMO_ACCOUNT.company} {DEMO_ACCOUNT.account_id} · draft of ")
    assert on_paper.endswith("informative: only the invoices of OUTSCALE bind")


def test_every_region_of_the_session_is_on_it_and_currencies_stay_apart(logged_in, month):
    log_in_too(logged_in, "us-east-2")
    kept(month, entry(price="1"))
    kept(month, entry(price="2"), region="us-east-2", currency="USD")

    page = get(logged_in)

    assert totals(page) == {"EUR": f"€{month.length}.00", "USD": f"${2 * month.length}.00"}
    assert totals(get(logged_in, f"{PAGE}?region=us-east-2")) == {"USD": f"${2 * month.length}.00"}


def test_missing_days_are_named_above_the_total_with_a_link_to_read_them(logged_in, month, settings):
    kept(month._replace(first=month.first.replace(day=3)))

    page = get(logged_in)

    [notice] = notices(page)
    assert notice.startswith(
        "The draft is incomplete. What is named here is in no total below; it is not free."
    )
    assert f"{DEMO_ACCOUNT.account_id}, {REGION}: 2 days were never read:" in notice
    assert totals(page)["EUR"].startswith("≥ €")


def test_nothing_read_is_no_zero(logged_in, month):
    page = get(logged_in)
    assert page.status_code == 200
    assert totals(page) == {}
    assert text(page.soup.select_one(".empty-state h2")) == "No day of this period has been read"
    assert "0.00" not in text(page.soup.select_one("main"))
    assert not page.soup.select("#invoice-csv")


def test_a_line_without_a_price_is_named_and_counted(logged_in, month):
    kept(month, entry(price="1"), entry("pof-9", None, value="1", resource="x", unit_price=None))

    page = get(logged_in)

    [notice] = notices(page)
    assert notice.startswith("1 line has no price.")
    assert f"pof-9 / CreateNatGateway, {month.length} units ({DEMO_ACCOUNT.account_id}, {REGION})" in notice
    assert totals(page)["EUR"] == f"≥ €{month.length}.00"


def test_days_that_can_still_grow_are_said(logged_in):
    yesterday = preset_period(Preset.YESTERDAY, timezone.now().date())
    kept(yesterday, at=timezone.now())
    [notice] = notices(get(logged_in, f"{PAGE}?period=yesterday"))
    assert notice.startswith("The last days can still grow.")


def test_a_key_that_was_refused_sees_nothing_and_is_told_why(logged_in, month):
    kept(month)
    LedgerReader.objects.update(refusal=PermissionRefused.code)
    page = get(logged_in)
    assert totals(page) == {}
    assert str(PermissionRefused(CALL).message) in notices(page)[0]


def test_a_stranger_sees_nothing_of_it(client, outscale, month):
    kept(month)
    keys = DEMO_KEYS | {"access_key": LINKED_KEY.access_key, "secret_key": LINKED_KEY.secret_key}
    assert client.post("/login/", keys).status_code == 302
    page = get(client)
    assert totals(page) == {}
    assert DEMO_ACCOUNT.account_id not in page.content.decode()
    assert client.get(f"{PAGE}export/csv/").status_code == 302
    assert client.get(f"{PAGE}?region=us-east-2").status_code == 422


def test_who_is_not_logged_in_is_sent_to_the_login(client):
    assert client.get(PAGE)["Location"] == f"/login/?next={PAGE}"


def test_an_operator_without_keys_is_told_so(client, db):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    page = get(client)
    assert page.status_code == 403
    assert "This page needs the keys of an account" in text(page.soup)


def test_only_a_paying_account_is_offered_its_linked_accounts(logged_in, month):
    ledger = kept(month, entry(price="1"), entry(price="2", account_id=OTHER), with_linked=True)
    assert not get(logged_in).soup.select("[name=linked]")

    ledger.is_paying = True
    ledger.save()
    assert get(logged_in).soup.select("[name=linked]:not([checked])")
    page = get(logged_in, f"{PAGE}?linked=1")
    assert page.soup.select("[name=linked][checked]")
    assert totals(page) == {"EUR": f"€{3 * month.length}.00"}
    assert OTHER in text(page.soup.select_one("main"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("first=2999-01-01", "Only days that are over can be shown"),
        ("first=2026-03-02&last=2026-03-01", "The last day is before the first one."),
        ("first=yesterday", "Enter a valid date."),
        ("period=soon", "No period is called “soon”."),
        ("region=mars", "This session holds no key of the region “mars”."),
    ],
)
def test_a_wrong_question_is_answered_beside_its_field(logged_in, query, said):
    page = get(logged_in, f"{PAGE}?{query}")
    assert page.status_code == 422
    assert said in text(page.soup.select_one("main"))
    assert logged_in.get(f"{PAGE}export/csv/?{query}").status_code == 422


def test_it_only_answers_questions(logged_in):
    assert logged_in.post(PAGE).status_code == 405
    assert logged_in.post(f"{PAGE}export/csv/").status_code == 405
    assert logged_in.get(f"{PAGE}export/pdf/").status_code == 404


# --- Files


def rows_of(content, **options):
    return list(csv.DictReader(StringIO(content.decode()), **options))


def test_a_csv_has_the_lines_the_sums_and_what_is_missing(logged_in, month):
    price = {"unit_price": Decimal("0.05")}
    kept(month._replace(first=month.first.replace(day=2)), entry(**price), entry("=cmd", None, resource="x"))

    response = logged_in.get(f"{PAGE}export/csv/")

    days = f"{month.first.isoformat()}-{month.last.isoformat()}"
    name = f"draft-invoice-{DEMO_ACCOUNT.account_id}-{days}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    rows = rows_of(response.content)
    assert [row["row"] for row in rows] == ["line"] * 2 + ["subtotal"] * 5 + ["total", "missing"]
    nat, unpriced = rows[:2]
    count = month.length - 1
    expected = {"quantity": f"{24 * count}", "unit": "hour", "unit_price": "0.05", "currency": "EUR"}
    assert {name: nat[name] for name in expected} == expected
    assert Decimal(nat["cost"]) == Decimal("1.2") * count
    assert (nat["first_day"], nat["last_day"]) == (month.first.isoformat(), month.last.isoformat())
    assert (unpriced["type"], unpriced["cost"]) == ("'=cmd", "")
    assert "1 day was never read" in rows[-1]["note"]
    assert {row["note"] for row in rows[2:-1]} == {"Days are missing from this sum. 1 line has no price."}


def test_the_french_csv_has_semicolons_and_a_byte_order_mark(logged_in, month):
    kept(month)
    content = logged_in.get(f"{PAGE}export/csv-fr/").content
    assert content.startswith("\ufeffrow;account_id;region;".encode())
    assert content.decode().removeprefix("\ufeff").replace(";", ",") == (
        logged_in.get(f"{PAGE}export/csv/").content.decode()
    )


def test_page_and_files_say_the_same_total(logged_in, month):
    kept(month, entry(price="1.2345678901"), entry("LBU:Usage", "0.0000000001", resource="x"))

    shown = totals(get(logged_in))["EUR"]
    document = json.loads(logged_in.get(f"{PAGE}export/json/").content)
    [total] = [row for row in rows_of(logged_in.get(f"{PAGE}export/csv/").content) if row["row"] == "total"]

    cost = Decimal("1.2345678902") * month.length
    assert document["totals"] == [
        {
            "currency": "EUR",
            "cost": f"{cost.normalize():f}",
            "lines": 2,
            "unpriced_lines": 0,
            "complete": True,
        }
    ]
    assert Decimal(total["cost"]) == cost
    assert shown == show_money(cost, "EUR")
    assert sum(Decimal(line["cost"]) for line in document["lines"]) == cost
    assert (document["from_date"], document["to_date"]) == (month.first.isoformat(), month.end.isoformat())


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_can_be_downloaded(logged_in, month, file_format):
    kept(month)
    response = logged_in.get(f"{PAGE}export/{file_format}/")
    assert (response.status_code, response["Content-Type"]) == (200, FORMATS[file_format].content_type)
    if FORMATS[file_format].is_binary:
        assert response.content.startswith(b"PK")
    else:
        assert "NAT service" in response.content.decode()


def test_there_is_no_file_of_nothing(logged_in, month):
    response = logged_in.get(f"{PAGE}export/csv/?period=last-month")
    assert response["Location"] == f"{PAGE}?period=last-month"


def test_the_number_of_queries_does_not_grow_with_the_lines(logged_in, month, django_assert_num_queries):
    counts = []
    for types in (["pof-1"], ["pof-1", "pof-2", "pof-3"]):
        kept(month, *(entry(type_, resource=type_) for type_ in types))
        with django_assert_num_queries(5 if not counts else counts[0]) as captured:
            assert get(logged_in).status_code == 200
        counts.append(len(captured))


@pytest.mark.parametrize("model", ["ledger", "usageday", "meter"])
def test_operators_see_which_days_are_known_and_no_amount(client, month, model):
    kept(month, entry(price="98765.4321"))
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/admin/consumption/{model}/")
    assert page.status_code == 200
    assert not re.search(r"98\D?765\D4", page.content.decode())
    assert client.get(f"/admin/consumption/{model}/add/").status_code == 403
    assert client.get("/admin/consumption/ledgerreader/").status_code == 404
