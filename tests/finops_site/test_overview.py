import datetime as dt
from decimal import Decimal

import pytest
from bs4 import BeautifulSoup
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.errors import PermissionRefused
from accounts.keyring import Key, Keyring
from accounts.models import User
from consumption.models import Ledger, LedgerReader, UsageDay
from consumption.periods import ONE_DAY, Period, Preset, months_later, preset_period
from costs.models import CostSnapshot
from costs.money import show_money
from costs.snapshots import reader_of
from finops_site.overviewbills import bills_of
from finops_site.overviewfigures import figures_of
from quotes import lifecycle
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from tests.budgets.budgets import make_budget
from tests.conftest import DEMO_KEYS
from tests.consumption.days import entry, keep, make_ledger
from tests.costs.portal_readings import HTMX, client_of, get, read_now

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
REGION = "us-east-2"
WORKING_OUT = HTMX | {"HX-Trigger": "outlooks"}


@pytest.fixture
def alice():
    return User.objects.for_account("100000000001", name="Meridian Santé")


@pytest.fixture(autouse=True)
def _nothing_remembered():
    cache.clear()


def text(element):
    return " ".join(element.get_text(" ").split()).replace("at least ≥", "≥")


def keep_past(entries, *, days=130, without=(), region="eu-west-2", **facts):
    """Keep the last days; the demo key may see them."""
    now = timezone.now()
    ledger = make_ledger(region=region, at=now)
    contents = {
        now.date() - age * ONE_DAY: entries(age) if callable(entries) else entries
        for age in range(1, days + 1)
        if age not in without
    }
    keep(ledger, contents, at=now, **facts)
    return ledger


def figures(client, **headers):
    return get(client, "/", headers=HTMX | headers)


def active_quote(client):
    """Return what the overview asks for beside its figures."""
    [place] = figures(client).soup.select("[aria-labelledby=h-quotes]")
    return get(client, place["hx-get"], headers=HTMX)


def worked_out(client):
    """Return the figures with every forecast, as the page asks for them after the first time."""
    return get(client, "/", headers=WORKING_OUT)


def tile(page, name, currency="EUR"):
    return text(page.soup.select_one(f"[data-bill={currency}] [data-figure={name}]"))


def link(page, name):
    return page.soup.select_one(f"[data-figure={name}]").find_previous("dt").a["href"]


def log_in_too(client, region=REGION):
    assert client.post("/login/", DEMO_KEYS | {"region": region}).status_code == 302


def heading(response):
    return BeautifulSoup(response.content, "html.parser").h1.get_text()


# --- Who sees what


def test_a_visitor_is_told_what_the_portal_does(client):
    assert heading(client.get("/")) == "What will it cost on OUTSCALE?"


def test_a_customer_sees_whose_account_it_is(client, alice):
    client.force_login(alice, backend=BACKEND)
    response = client.get("/")
    assert heading(response) == "Overview"
    scope = BeautifulSoup(response.content, "html.parser").select_one(".topbar .scope")
    assert scope.get_text(" ", strip=True) == "Meridian Santé 100000000001"


def test_an_operator_has_quotes_and_prices_and_no_figures(client):
    client.force_login(User.objects.create_superuser("operator"), BACKEND)
    page = get(client, "/")
    assert "You are logged in as an operator." in text(page.soup.main)
    assert not page.soup.select("#overview, #reading")
    assert [text(one) for one in page.soup.select("main h2")] == ["Quotes", "Price catalog"]


def test_a_customer_without_a_quote_is_led_to_the_first(client, alice):
    client.force_login(alice, backend=BACKEND)
    assert "No quote is active." in active_quote(client).text


def test_a_customer_goes_on_with_the_active_quote_and_sees_nobody_elses(logged_in):
    user = User.objects.for_account(DEMO_ACCOUNT.account_id)
    quote = lifecycle.create(owner=user, name="ERP migration", at=timezone.now())
    lifecycle.create(owner=User.objects.for_account("2"), name="Not hers", at=timezone.now())
    page = active_quote(logged_in)
    assert page.soup.find("a", string="Go on with it")["href"] == f"/quotes/{quote.pk}/"
    assert "Not hers" not in page.text


@pytest.mark.parametrize("other", [LINKED_KEY, SECOND_DEMO_KEY], ids=lambda key: key.access_key)
def test_neither_another_account_nor_an_unproven_key_sees_a_figure(outscale, other):
    keep_past([entry(price="7")])
    make_budget(owner=User.objects.for_account(DEMO_ACCOUNT.account_id), name="Secret budget")
    page = get(client_of(other), "/?all=1")
    assert not page.soup.select("[data-figure], [data-place], [data-anomaly]")
    assert "€" not in text(page.soup.select_one("#overview"))
    assert "Secret budget" not in text(page.soup)
    assert "Your figures will stand here" in text(page.soup)


def test_an_expired_key_leaves_the_region_out(logged_in):
    del logged_in.cookies["finops_key"]
    assert logged_in.get("/").status_code == 200


def test_the_page_is_in_the_language_that_was_chosen(client):
    client.post("/language/", {"language": "fr", "next": "/"})
    assert '<html lang="fr">' in client.get("/").content.decode()


# --- The first visit, and the reading


def test_a_first_visit_is_told_what_to_do_and_its_reading_begins(logged_in, outscale):
    page = get(logged_in, "/")
    form = page.soup.select_one("#reading form[hx-trigger=load]")
    first = min(timezone.now().date() - 90 * ONE_DAY, months_later(timezone.now().date(), -2))
    assert form["hx-post"].startswith(f"/consumption/read/?first={first}&last=")
    assert page.soup.select_one("#follow")["hx-trigger"] == "consumption-read from:body"
    assert "Your figures will stand here" in text(figures(logged_in).soup)
    assert list(outscale.requests) == []

    answer = logged_in.post(form["hx-post"], headers=HTMX)
    assert "consumption-read" in answer["HX-Trigger"]
    assert UsageDay.objects.exists()
    assert figures(logged_in).soup.select("[data-figure=month]")


def test_nothing_is_read_again_when_every_day_is_known(logged_in):
    keep_past([entry(price="2")])
    assert not get(logged_in, "/").soup.select("#reading form")


def test_a_refused_key_is_told_why_and_the_rest_still_works(logged_in):
    ledger = keep_past([entry(price="2")])
    log_in_too(logged_in)
    other = make_ledger(region=REGION, at=timezone.now())
    LedgerReader.objects.filter(ledger=other).update(refusal=PermissionRefused.code)
    page = get(logged_in, "/?all=1")
    [notice] = page.soup.select("#overview .notice.is-bad")
    assert text(notice).startswith(
        f"The consumption in Meridian Santé ({REGION}) may not be shown. The policy of this key"
    )
    assert page.soup.select("[data-figure=days]")
    LedgerReader.objects.filter(ledger=ledger).update(refusal=PermissionRefused.code)
    page = get(logged_in, "/?all=1")
    assert "Not for this key" in text(page.soup)
    assert page.soup.select("[hx-get='/quotes/active/']")


# --- The figures


def test_each_figure_is_that_of_the_page_it_leads_to_and_no_call_is_made(logged_in, outscale):
    keep_past(
        lambda age: [entry(price=f"{10 + age % 7}"), entry("CustomX", price=f"{age}", category="compute")]
    )
    read_now(logged_in)
    outscale.requests.clear()
    figures(logged_in)
    page = worked_out(logged_in)

    if timezone.now().day > 1:
        assert tile(page, "month") == text(
            get(logged_in, link(page, "month")).soup.select_one("#groups [data-figure=total]")
        )
    last = get(logged_in, link(page, "last-month"))
    assert tile(page, "last-month") == text(last.soup.select_one("#groups [data-figure=total]"))
    forecast = get(logged_in, link(page, "expected")).soup.select_one("[data-figure=total]")
    assert tile(page, "expected") == text(forecast) != "–"
    note = text(page.soup.select_one("[data-figure=expected]").find_next_sibling("dd"))
    assert note in text(forecast.find_next_sibling("dd"))
    costs = get(logged_in, link(page, "running"))
    running = page.soup.select_one("[data-figure=running]")
    assert text(running) == f"{text(costs.soup.select_one('[data-figure=month]'))} per month"
    hour = text(costs.soup.select_one("[data-figure=hour]"))
    assert text(running.find_next_sibling("dd")).startswith(f"{hour} per hour")

    days = get(logged_in, "/consumption/?period=last-30-days").soup
    assert text(page.soup.select_one("[data-figure=days]")) == text(
        days.select_one("#groups [data-figure=total]")
    )
    shown = [text(row) for row in page.soup.select(".steps-table tr")]
    assert shown == [text(row) for row in days.select("#steps tr")]
    assert len(shown) == 32
    opened = [a["href"] for a in page.soup.select("[aria-labelledby=h-days-eur] tbody a")]
    assert opened
    assert all(get(logged_in, url).soup.select("#groups") for url in opened)

    movers = page.soup.select("[data-mover]")
    trends = get(logged_in, page.soup.find("a", string="Trends")["href"]).soup.select_one("#movers")
    assert movers
    assert all(text(row.select_one("td.money")) in text(trends) for row in movers)

    assert list(outscale.requests) == []


def test_anomalies_are_those_of_their_page_and_lead_to_their_explanation(logged_in):
    keep_past(lambda age: [entry(price="90" if age in (3, 4) else "10")])
    page = figures(logged_in)
    [row] = page.soup.select("[data-anomaly]")
    there = get(logged_in, row.a["href"].removesuffix("#anomalies"))
    assert there.soup.select_one("#anomalies tr.open")
    assert text(row.select_one(".money")) in text(there.soup.select_one("#anomalies"))
    key = row["data-anomaly"]
    logged_in.post(f"/consumption/anomalies/{key}/expected/?period=last-30-days&state=open", {"note": ""})
    page = figures(logged_in)
    assert not page.soup.select("[data-anomaly]")
    assert "0 open" in text(page.soup.select_one("[aria-labelledby=h-overview-anomalies]"))


def test_the_worst_budgets_come_first_and_their_forecasts_are_awaited(logged_in):
    keep_past([entry(price="10")])
    start = timezone.now().date() - 40 * ONE_DAY
    for amount in ("100000", "1", "5000", "6000", "7000", "8000"):
        make_budget(amount, "yearly", start, name=f"Up to {amount}")
    page = figures(logged_in)
    assert page.soup.select_one("#outlooks")["hx-trigger"].startswith("load")
    while page.soup.select("#outlooks"):
        page = worked_out(logged_in)
    rows = page.soup.select("[data-budget]")
    assert [text(row.a) for row in rows[:2]] == ["Up to 1", "Up to 5000"]
    assert len(rows) == 5
    assert "≥" not in text(rows[0])
    assert text(rows[0].select_one(".money")) == "€400.00 of €1.00"
    assert "Over budget" in text(rows[0])
    assert text(page.soup.select_one("#overview-budgets .actions")) == "All 6"
    assert not figures(logged_in).soup.select("#outlooks")


def test_an_unread_or_partial_day_is_told_beside_every_sum_it_lacks_in(logged_in):
    now = timezone.now()
    ledger = keep_past([entry(price="2")], without=(2,))
    keep(ledger, {now.date() - ONE_DAY: [entry(price="2")]}, at=now, unreadable=1)
    page = figures(logged_in)
    assert "29 of 30 days, 1 in part" in text(page.soup.select_one("[aria-labelledby=h-days-eur] .coverage"))
    assert text(page.soup.select_one("[data-figure=days]")) == "≥ €58.00"
    [missing] = page.soup.select(".steps-table tr.is-missing")
    assert text(missing.select("td")[-1]) == "–"


def test_what_is_unknown_is_a_dash_with_its_reason(logged_in):
    keep_past([entry(price="2")], days=5)
    page = worked_out(logged_in)
    assert tile(page, "expected") == tile(page, "running") == "–"
    strip = text(page.soup.select_one("[data-bill]"))
    assert "final days are known without a long gap" in strip or "final day is known" in strip
    assert "What runs was not read yet." in strip
    assert "0 open" in text(page.soup.select_one("[aria-labelledby=h-overview-anomalies]"))
    assert "too few of the weeks before" in text(page.soup)


def test_two_currencies_stand_apart_and_are_never_added(logged_in):
    keep_past([entry(price="1")])
    keep_past([entry(price="2")], region=REGION, currency="USD")
    log_in_too(logged_in)
    response = logged_in.get("/", headers=WORKING_OUT)
    page = get(logged_in, "/", headers=WORKING_OUT)
    assert response.status_code == 200
    assert [one["data-bill"] for one in page.soup.select("[data-bill]")] == ["USD", "EUR"]
    length = preset_period(Preset.LAST_MONTH, timezone.now().date()).length
    assert tile(page, "last-month", "EUR") == f"€{length}.00"
    assert tile(page, "last-month", "USD") == f"${2 * length}.00"
    for currency in ("EUR", "USD"):
        tag = page.soup.select_one(f"[data-bill={currency}] [data-figure=last-month]")
        there = get(logged_in, tag.find_previous("dt").a["href"]).soup
        assert text(there.select_one("#groups [data-figure=total]")) == text(tag)
    assert "Amounts in different currencies are not added." in text(page.soup)
    assert not page.soup.select("#overview-places tr.total")
    ids = [one["id"] for one in page.soup.select("[id]")]
    assert len(ids) == len(set(ids))


def test_regions_of_one_currency_are_added_and_one_without_days_leaves_a_lower_bound(logged_in):
    keep_past([entry(price="1")])
    log_in_too(logged_in)
    ledger = make_ledger(region=REGION, at=timezone.now())
    keep(ledger, {timezone.now().date() - ONE_DAY: [entry(price="3")]}, at=timezone.now())
    page = worked_out(logged_in)
    assert text(page.soup.select_one("[data-figure=days]")) == "≥ €33.00"
    rows = page.soup.select("#overview-places tr[data-place]")
    assert [row["data-place"].partition(".")[2] for row in rows] == [REGION, "eu-west-2"]
    if timezone.now().day > 1:
        total = text(page.soup.select_one("#overview-places tr.total .money"))
        assert total == tile(page, "month")


def test_a_region_that_changed_its_currency_breaks_nothing(logged_in):
    ledger = keep_past([entry()], days=1)
    keep(ledger, {timezone.now().date() - 2 * ONE_DAY: [entry()]}, at=timezone.now(), currency="USD")
    page = figures(logged_in)
    assert page.status_code == 200
    assert "which cannot be added" in text(page.soup)


def test_on_the_first_day_of_a_month_nothing_of_it_is_known_yet(outscale):
    now = dt.datetime(2026, 9, 1, 8, tzinfo=dt.UTC)
    ledger = make_ledger(at=now)
    august = Period(dt.date(2026, 8, 1), dt.date(2026, 9, 1))
    keep(ledger, {day: [entry(price="2")] for day in august.days}, at=now)
    key = Key(DEMO_KEY.access_key, DEMO_KEY.secret_key, "eu-west-2", DEMO_ACCOUNT.account_id)
    [bill] = bills_of(Keyring((key,)), now)
    month, _expected, last, _running = figures_of(bill)["tiles"]
    assert (month.title, month.amount, month.note) == ("September so far", None, "No day of it is over yet.")
    assert (last.title, last.amount) == ("August 2026", Decimal(62))


# --- The page and its fragment


def test_the_page_with_everything_shows_what_the_fragment_does(logged_in):
    keep_past([entry(price="2")])
    whole = get(logged_in, "/?all=1").soup.select_one("#overview")
    part = figures(logged_in).soup.select_one("#overview")
    assert str(part) == str(whole)
    assert figures(logged_in)["Vary"].count("HX-Request") == 1


def test_the_page_comes_without_figures_and_says_how_to_see_them_without_script(logged_in):
    keep_past([entry(price="2")])
    page = get(logged_in, "/")
    place = page.soup.select_one("#overview")
    assert (place["hx-get"], place["hx-trigger"], place["aria-busy"]) == ("/", "load", "true")
    assert place.select_one("noscript a")["href"] == "?all=1"
    assert "€" not in text(place)


def test_looking_keeps_nothing_and_the_queries_do_not_grow(logged_in, django_assert_num_queries):
    keep_past([entry(price="2")])
    worked_out(logged_in)
    kept = [Ledger.objects.count(), UsageDay.objects.count(), CostSnapshot.objects.count()]
    with CaptureQueriesContext(connection) as few:
        figures(logged_in)
    count = len(few)  # the next request clears the log
    keep_past([entry(f"Custom{number}", price="1", resource=f"i-{number}") for number in range(30)])
    worked_out(logged_in)
    with django_assert_num_queries(count):
        figures(logged_in)
    assert [Ledger.objects.count(), UsageDay.objects.count(), CostSnapshot.objects.count()] == kept


def test_the_last_reading_of_what_runs_is_shown_only_to_its_key(logged_in):
    keep_past([entry(price="2")])
    stored = read_now(logged_in)
    assert tile(figures(logged_in), "running").endswith(f"{show_money(stored.per_month, 'EUR')} per month")
    CostSnapshot.objects.update(reader=reader_of("somebody"))
    assert tile(figures(logged_in), "running") == "–"
