"""Where budgets stand as pages, files and JSON API: one answer, of the kept days that who asks may see."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import User
from budgets.models import AlertDelivery, BudgetAlert
from consumption.models import Ledger
from consumption.periods import ONE_DAY
from consumption.tagreading import KINDS
from consumption.tags import Seen, note_tags
from costs.money import show_money
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from tests.budgets.budgets import make_budget, owner
from tests.consumption.days import entry, keep, make_ledger
from tests.costs.portal_readings import client_of, get, text, with_soup
from tests.costs.test_spreadsheets import ods_rows

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def now(monkeypatch):
    """Noon of a day in the middle of a month, so that no test meets an end of one."""
    cache.clear()
    now = timezone.now().replace(day=20, hour=12)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


@pytest.fixture
def spent(now):
    """A hundred days that cost 10 euros each."""
    ledger = make_ledger(at=now)
    keep(ledger, {now.date() - age * ONE_DAY: [entry(price="10")] for age in range(1, 101)}, at=now)
    return ledger


def this_month(now):
    return now.date().replace(day=1)


def budget_of(now, amount="400", **facts):
    facts.setdefault("start", (this_month(now) - ONE_DAY).replace(day=1))
    return make_budget(amount, created_at=now, updated_at=now, **facts)


def figure(page, name):
    return text(page.select_one(f'[data-figure="{name}"]'))


def euros(amount):
    return show_money(Decimal(amount), "EUR")


def length_of(month):
    return ((month.replace(day=28) + 4 * ONE_DAY).replace(day=1) - month).days


# --- A budget


def test_a_budget_shows_what_is_spent_left_and_expected(logged_in, now, spent):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    expected = 10 * length_of(this_month(now))
    assert page.status_code == 200
    assert figure(page.soup, "amount") == "€400.00"
    assert figure(page.soup, "spent") == "€190.00"
    assert figure(page.soup, "remaining") == "€210.00"
    assert figure(page.soup, "expected") == euros(expected)
    assert figure(page.soup, "difference") == euros(expected - 400)
    assert text(page.soup.select_one("#budget-tag")) == "On track"
    assert "47.5% used" in text(page.soup.select_one(".figures"))


def test_the_day_on_which_a_budget_will_be_exceeded_is_told(logged_in, now, spent):
    page = get(logged_in, f"/budgets/{budget_of(now, '215').pk}/")
    assert text(page.soup.select_one("#budget-tag")) == "At risk"
    exceeded = this_month(now) + 21 * ONE_DAY
    said = f"the budget is exceeded about {date_format(exceeded, 'j N Y')}"
    assert said in text(page.soup.select_one(".figures"))


def test_the_steps_of_the_running_period_stand_below_it_and_those_of_another_on_request(
    logged_in, now, spent
):
    budget = budget_of(now)
    page = get(logged_in, f"/budgets/{budget.pk}/")
    steps = [[text(cell) for cell in row.select("th, td")] for row in page.soup.select("tr.step")]
    assert [row[3] for row in steps] == ["€70.00", "€70.00", "€50.00", ""]
    assert [row[4] for row in steps] == ["€70.00", "€140.00", "€190.00", ""]
    before = (this_month(now) - ONE_DAY).replace(day=1)
    other = get(logged_in, f"/budgets/{budget.pk}/?open={before}")
    assert text(other.soup.select("tr.step")[0].select("td")[2]) == "€70.00"
    assert len(other.soup.select("tr.step")) == 4


def test_the_chart_never_shows_the_past_as_a_forecast_and_comes_back_to_zero(logged_in, now, spent):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    chart = json.loads(page.soup.select_one("#budget-chart script").text)
    today = chart["labels"].index(str(now.date()))
    forecast = next(one for one in chart["series"] if one["role"] == "forecast")
    assert forecast["values"][:today] == [None] * today
    assert Decimal(forecast["values"][-1]) == 10 * length_of(this_month(now))
    spent_lines = [one for one in chart["series"] if one["role"] == "actual"]
    month = chart["labels"].index(str(this_month(now)))
    values = [
        next((v for v in at if v is not None), None)
        for at in zip(*(s["values"] for s in spent_lines), strict=True)
    ]
    assert values[month - 1] == str(10 * length_of((this_month(now) - ONE_DAY).replace(day=1)))
    assert values[month : month + 2] == ["10", "20"]
    assert values[today:] == [None] * (len(values) - today)


def test_a_day_that_was_not_read_is_a_gap_and_makes_what_is_spent_a_lower_bound(logged_in, now, spent):
    gap = this_month(now) + 4 * ONE_DAY
    spent.days.filter(day=gap).delete()
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    assert figure(page.soup, "spent") == "at least ≥ €180.00"
    assert "18 of 19 days" in text(page.soup.select_one(".figures"))
    chart = json.loads(page.soup.select_one("#budget-chart script").text)
    place = chart["labels"].index(str(gap))
    assert chart["states"][place] == "missing"
    assert all(one["values"][place] is None for one in chart["series"] if one["role"] != "budget")


def test_what_is_used_and_left_and_said_beside_a_lower_bound_is_one_too(logged_in, now, spent):
    unpriced = [entry(price="10"), entry("Unheard", None, resource="x")]
    month = (this_month(now) - ONE_DAY).replace(day=1)
    keep(spent, dict.fromkeys([month, this_month(now) + ONE_DAY], unpriced), at=now + dt.timedelta(seconds=1))
    budget = budget_of(now)
    page = get(logged_in, f"/budgets/{budget.pk}/")
    assert figure(page.soup, "remaining") == "at most ≤ €210.00"
    figures, expected = text(page.soup.select_one(".figures")), euros(10 * length_of(this_month(now)))
    assert "at least ≥ 47.5% used" in figures
    assert "is not exceeded" not in figures
    sentence = text(page.soup.select_one("#budget section.card"))
    assert f"is expected to end at {expected} or more: some prices are missing." in sentence
    assert "below the budget" not in sentence
    left = euros(400 - 10 * length_of(month))
    assert f"stayed at most {left} below it: some prices are missing." in sentence
    period, step, *_ = (text(row) for row in page.soup.select("#periods tr.open, #periods tr.step"))
    assert "at least ≥ 47.5%" in period
    assert "at least ≥ 17.5%" in step
    days = page.soup.select("#days tbody tr")
    assert [text(row.select("td")[1]) for row in days].count("at least ≥ €10.00") == 2
    listed = text(get(logged_in, "/budgets/").soup.select_one(".budgets-table tbody"))
    assert "at least ≥ 47.5%" in listed
    report = text(get(logged_in, "/budgets/report/").soup.select_one("tbody"))
    assert "at most ≤ €210.00 at least ≥ 47.5%" in report
    over = budget_of(now, "100")
    assert "has exceeded its budget by €90.00 or more" in text(
        get(logged_in, f"/budgets/{over.pk}/").soup.select_one("#budget section.card")
    )


def test_what_the_table_says_of_the_days_is_what_the_chart_shows(logged_in, now, spent):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    chart = json.loads(page.soup.select_one("#budget-chart script").text)
    rows = [[text(cell) for cell in row.select("td")] for row in page.soup.select("#days tbody tr")]
    assert len(rows) == len(chart["labels"])
    for place, row in enumerate(rows):
        drawn = {
            role: [
                euros(one["values"][place])
                for one in chart["series"]
                if one["role"] == role and one["values"][place]
            ]
            for role in ("actual", "budget", "forecast", "low", "high")
        }
        shown = {"actual": row[2], "budget": row[3], "forecast": row[4], "low": row[5], "high": row[6]}
        assert {name: [value] if value not in ("–", "") else [] for name, value in shown.items()} == drawn


@pytest.mark.parametrize(
    ("facts", "tag"),
    [
        ({"start": dt.date(2090, 1, 1)}, "To come"),
        ({"start": dt.date(2020, 1, 1), "end_date": dt.date(2020, 6, 1)}, "Ended"),
        ({"amount": "0"}, "Over budget"),
        ({"scope": {"categories": ["licence"]}}, "On track"),
    ],
)
def test_a_budget_to_come_or_ended_or_of_nothing_is_clear_and_no_error(logged_in, now, spent, facts, tag):
    page = get(logged_in, f"/budgets/{budget_of(now, **facts).pk}/")
    assert (page.status_code, text(page.soup.select_one("#budget-tag"))) == (200, tag)


def test_a_budget_without_any_data_says_so(logged_in, now):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    assert text(page.soup.select_one("#budget-tag")) == "No data"
    assert figure(page.soup, "spent") == "–"
    assert "€0.00" not in text(page.soup.select_one("#budget"))


def test_a_tag_that_no_resource_ever_had_is_named_for_its_budget_would_never_warn(logged_in, now, spent):
    seen = Seen(frozenset(KINDS.values()), {("i-1", "env"): ("Vm", "production")})
    note_tags(ledger=Ledger.objects.get(), seen=seen, at=now)
    said = {}
    for tag in ("env=prod", "ENV=production", "env=production"):
        budget = budget_of(now, scope={"tags": [tag, "env=production"]})
        notices = get(logged_in, f"/budgets/{budget.pk}/").soup.select("#budget > .notice")
        said[tag] = [text(one) for one in notices]
    assert said == {
        "env=prod": ["No resource was ever seen with env=prod. Please check how it is written."],
        "ENV=production": ["No resource was ever seen with ENV=production. Please check how it is written."],
        "env=production": [],
    }


def test_a_budget_in_a_currency_that_no_key_is_billed_in_says_why_it_is_empty(logged_in, now, spent):
    page = get(logged_in, f"/budgets/{budget_of(now, currency='USD').pk}/")
    assert "No key of this session is for a region billed in USD." in text(page.soup.select_one("#budget"))
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    assert "billed in" not in text(page.soup.select_one("#budget"))


def test_missing_days_are_read_by_the_page_itself(logged_in, now, outscale):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/")
    form = page.soup.select_one("#reading form")
    assert list(outscale.requests) == []
    answer = logged_in.post(form["hx-post"], headers=HTMX)
    assert answer.status_code == 200
    assert "ReadConsumptionAccount" in {request.call for request in outscale.requests}
    anew = with_soup(logged_in.get(page.soup.select_one("#follow")["hx-get"], headers=HTMX)).soup
    assert figure(anew, "spent") != "–"
    assert text(page.soup.select_one("#budget-tag")) == "No data"
    [tag] = anew.select("#budget-tag[hx-swap-oob=true]")
    assert text(tag) == text(anew.select_one("#periods tr.open .osc-tag")) != "No data"


@pytest.mark.parametrize("address", ["", "edit/", "amounts/", "delete/", "export/csv/"])
def test_somebody_else_s_budget_does_not_exist(logged_in, now, spent, address):
    stranger = budget_of(now, of=owner(LINKED_KEY.account_id))
    assert logged_in.get(f"/budgets/{stranger.pk}/{address}").status_code == 404
    assert logged_in.get(f"/api/budgets/{stranger.pk}/status").status_code == 404


def test_a_key_that_the_cloud_has_not_answered_yet_sees_no_figure(outscale, now, spent):
    budget = budget_of(now)
    page = get(client_of(SECOND_DEMO_KEY), f"/budgets/{budget.pk}/")
    assert page.status_code == 200
    assert figure(page.soup, "spent") == "–"
    assert "€190.00" not in page.content.decode()
    listed = get(client_of(SECOND_DEMO_KEY), "/budgets/")
    assert "€190.00" not in listed.content.decode()


@pytest.mark.parametrize("query", ["open=yesterday", "open=2026-02-30"])
def test_a_wrong_address_is_told_and_the_budget_is_shown_all_the_same(logged_in, now, spent, query):
    page = get(logged_in, f"/budgets/{budget_of(now).pk}/?{query}")
    assert page.status_code == 422
    assert figure(page.soup, "spent") == "€190.00"


def test_alerts_stand_on_the_page_with_how_they_were_told(logged_in, now, spent):
    budget = budget_of(now)
    alert = BudgetAlert.objects.create(
        budget=budget,
        currency="EUR",
        period_first=this_month(now),
        period_end=this_month(now) + 30 * ONE_DAY,
        measure="actual",
        percent=50,
        amount=400,
        figure=Decimal("200.5"),
        raised_at=now,
    )
    AlertDelivery.objects.create(
        alert=alert,
        channel="email",
        state="sent",
        sent_at=now,
        next_attempt_at=now,
        claimed_until=now,
        attempts=1,
    )
    AlertDelivery.objects.create(
        alert=alert,
        channel="webhook",
        next_attempt_at=now + dt.timedelta(minutes=5),
        claimed_until=now,
        attempts=2,
        problem="The webhook answered 503.",
    )
    told = text(get(logged_in, f"/budgets/{budget.pk}/").soup.select_one("#alerts"))
    assert "50% spent" in told
    assert "€200.50 of €400.00" in told
    assert "Webhook: to be sent" in told
    assert "The webhook answered 503. 2 attempts, the next one after" in told


# --- The list


def test_the_list_shows_each_budget_and_how_many_are_in_which_state(logged_in, now, spent):
    for name, amount in (("Kept", "400"), ("Exceeded", "100"), ("Close", "250")):
        budget_of(now, amount, name=name)
    logged_in.get("/budgets/", headers=HTMX | {"HX-Trigger": "outlooks"})
    page = get(logged_in, "/budgets/")
    rows = {text(row.select_one("a")): text(row) for row in page.soup.select(".budgets-table tbody tr")}
    assert list(rows) == ["Close", "Exceeded", "Kept"]
    assert "Over budget" in rows["Exceeded"]
    assert "At risk" in rows["Close"]
    assert "On track" in rows["Kept"]
    assert "190.0%" in rows["Exceeded"]
    assert "Over budget 1" in text(page.soup.select_one(".chips"))
    only = get(logged_in, "/budgets/?status=over")
    assert [text(one) for one in only.soup.select(".budgets-table th[scope=row] a")] == ["Exceeded"]


def test_forecasts_of_the_list_are_worked_out_by_the_page_a_slice_at_a_time(logged_in, now, spent):
    budget_of(now)
    first = get(logged_in, "/budgets/")
    assert "0 of 1 forecasts" in text(first.soup.select_one("#outlooks"))
    assert "Being worked out" in text(first.soup.select_one(".budgets-table"))
    assert text(first.soup.select_one(".chips")) == "All 1"
    assert get(logged_in, "/budgets/?status=on_track").soup.select(".budgets-table tbody tr") == []
    slice_ = get(logged_in, "/budgets/", headers=HTMX | {"HX-Trigger": "outlooks"})
    assert slice_.soup.select_one("#outlooks") is None
    assert "On track" in text(slice_.soup.select_one(".budgets-table"))
    assert get(logged_in, "/budgets/").soup.select_one("#outlooks") is None


def test_a_browser_without_script_can_wait_for_the_forecasts(logged_in, now, spent):
    budget_of(now)
    assert get(logged_in, "/budgets/?wait=1").soup.select_one("#outlooks") is None


def test_the_fragment_of_the_list_is_what_the_page_shows(logged_in, now, spent):
    budget_of(now)
    get(logged_in, "/budgets/?wait=1")
    whole = get(logged_in, "/budgets/").soup.select_one("#budgets")
    part = with_soup(logged_in.get("/budgets/", headers=HTMX)).soup.select_one("#budgets")
    assert text(part) == text(whole)


def test_a_list_without_budgets_leads_to_the_first_one(logged_in, now):
    page = get(logged_in, "/budgets/")
    assert "No budget yet" in text(page.soup.select_one("#budgets"))
    assert page.soup.select_one("#budgets a.btn")["href"] == "/budgets/new/"


@pytest.mark.parametrize("query", ["status=perhaps", "page=0", "page=9", "page=x"])
def test_a_list_that_does_not_exist_is_told(logged_in, now, spent, query):
    budget_of(now)
    page = get(logged_in, f"/budgets/?{query}")
    assert page.status_code == 422
    assert page.soup.select_one(".notice.is-bad")


def test_the_queries_of_the_list_do_not_grow_with_the_budgets(logged_in, now, spent):
    counts = []
    for number in (1, 20):
        for place in range(number):
            budget_of(now, name=f"{number} {place}", period_type="weekly")
        get(logged_in, "/budgets/?wait=1")
        with CaptureQueriesContext(connection) as queries:
            get(logged_in, "/budgets/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_cloud_is_not_asked_to_show_budgets(logged_in, now, spent, outscale):
    budget = budget_of(now)
    for address in ("/budgets/", f"/budgets/{budget.pk}/", "/budgets/report/", "/budgets/export/csv/"):
        assert logged_in.get(address).status_code == 200
    assert list(outscale.requests) == []


def test_an_operator_without_keys_is_told_so(client, now):
    operator = User.objects.create_superuser("operator")
    client.force_login(operator, "django.contrib.auth.backends.ModelBackend")
    assert client.get("/budgets/").status_code == 403


# --- Report, files, API


def test_the_report_says_which_periods_were_kept(logged_in, now, spent):
    month = (this_month(now) - ONE_DAY).replace(day=1)
    before = (month - ONE_DAY).replace(day=1)
    budget_of(now, str(10 * length_of(month)), start=before, name="Plan")
    page = get(logged_in, "/budgets/report/")
    assert page.status_code == 200
    verdicts = [text(row.select_one("td")) for row in page.soup.select("section tbody tr")]
    exceeded = length_of(before) > length_of(month)
    assert verdicts[:2] == ["Exceeded" if exceeded else "Kept", "Kept"]
    assert f"{1 if exceeded else 2} of 2 kept" in text(page.soup.select_one("section"))
    assert get(logged_in, "/budgets/report/?months=7").status_code == 422


def test_the_report_does_not_count_what_has_not_ended_yet(logged_in, now, spent):
    budget_of(now, start=this_month(now))
    section = get(logged_in, "/budgets/report/").soup.select_one("section")
    assert "Being worked out" in text(section)
    assert "0 of 0" not in text(section)


def test_the_report_gives_no_verdict_on_a_running_period_before_its_forecast_does(logged_in, now, spent):
    budget = budget_of(now, "300")  # 190 after 19 days: the forecast is 280 to 310, the pace lies close to it
    for expected in ("Being worked out", "At risk" if length_of(this_month(now)) == 31 else "On track"):
        rows = get(logged_in, "/budgets/report/").soup.select("section tbody tr")
        assert text(rows[-1].select_one("td")) == expected
        logged_in.get(f"/budgets/{budget.pk}/")


def test_a_file_calls_nothing_a_lower_bound_that_is_not_known(logged_in, now):
    rows = rows_of(logged_in.get(f"/budgets/{budget_of(now).pk}/export/csv/"))
    assert {(row["spent"], row["is_lower_bound"]) for row in rows} == {("", "false")}


def test_a_region_in_another_currency_is_named_on_the_page_and_by_the_api(logged_in, now, spent):
    american = make_ledger(region="us-east-2", at=now)
    keep(american, {now.date() - ONE_DAY: [entry(price="5")]}, at=now, currency="USD")
    budget = budget_of(now, scope={"regions": ["eu-west-2", "us-east-2"]})
    [partial] = logged_in.get(f"/api/budgets/{budget.pk}/status").json()["metadata"]["partial"]
    assert partial["regions"] == ["us-east-2"]
    assert "us-east-2 is billed in another currency" in partial["message"]
    assert partial["message"] in text(get(logged_in, f"/budgets/{budget.pk}/").soup.select_one("#budget"))


def rows_of(response):
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def test_screen_file_and_api_of_a_budget_agree(logged_in, now, spent):
    budget = budget_of(now)
    rows = rows_of(logged_in.get(f"/budgets/{budget.pk}/export/csv/"))
    running = [row for row in rows if row["row"] == "period"][-1]
    answer = logged_in.get(f"/api/budgets/{budget.pk}/status").json()
    data = answer["data"]
    [current] = [one for one in data["periods"] if one["from_date"] == str(this_month(now))]
    page = get(logged_in, f"/budgets/{budget.pk}/")
    assert euros(running["spent"]) == euros(current["spent"]) == figure(page.soup, "spent")
    assert Decimal(running["forecast"]) == Decimal(current["forecast"])
    assert euros(current["forecast"]) == figure(page.soup, "expected")
    assert (data["status"], current["status"], running["status"]) == ("on_track",) * 3
    assert current["to_date"] == str(this_month(now) + length_of(this_month(now)) * ONE_DAY)
    assert [step["cumulative"] for step in current["steps"]] == ["70", "140", "190", None]
    assert Decimal(current["utilisation"]) == Decimal("47.5")
    assert current["coverage"] == {
        "days": length_of(this_month(now)),
        "over": 19,
        "known": 19,
        "provisional": 3,
        "partial": 0,
    }
    assert data["periods"][-1]["status"] == "future"
    assert answer["metadata"] == {"partial": []}


def test_files_of_all_budgets_hold_each_of_them_and_no_formula(logged_in, now, spent):
    budget_of(now, name="=HYPERLINK(1)")
    budget_of(now, name="Other")
    csv_file = logged_in.get("/budgets/export/csv/")
    assert {row["budget"] for row in rows_of(csv_file)} == {"'=HYPERLINK(1)", "Other"}
    assert f"budgets-{now.date()}.csv" in csv_file["Content-Disposition"]
    sheet = ods_rows(logged_in.get("/budgets/export/ods/").content)
    assert len(sheet) == 1 + len(rows_of(csv_file))
    assert logged_in.get("/budgets/export/exe/").status_code == 404


def test_the_status_names_the_regions_that_are_in_no_figure(logged_in, now, spent):
    budget = budget_of(now, scope={"regions": ["eu-west-2", "cloudgouv-eu-west-1"]})
    answer = logged_in.get(f"/api/budgets/{budget.pk}/status").json()
    assert answer["metadata"]["partial"][0]["regions"] == ["cloudgouv-eu-west-1"]
    assert answer["data"]["periods"][0]["status"] == "incomplete"
    assert "cloudgouv-eu-west-1" in text(get(logged_in, f"/budgets/{budget.pk}/").soup.select_one("#budget"))


def test_a_stranger_to_the_portal_sees_nothing(client, now, spent):
    budget = budget_of(now)
    assert client.get(f"/budgets/{budget.pk}/").status_code == 302
    assert client.get(f"/api/budgets/{budget.pk}/status").status_code == 401


def test_a_key_that_may_not_read_what_an_alert_tells_sees_no_figure_of_it(outscale, logged_in, now, spent):
    budget = budget_of(now)
    BudgetAlert.objects.create(
        budget=budget,
        currency="EUR",
        period_first=this_month(now),
        period_end=this_month(now) + 30 * ONE_DAY,
        measure="actual",
        percent=31,
        amount=Decimal(400),
        figure=Decimal("123.45"),
        ledgers=[spent.pk],
        raised_at=now,
    )
    told = get(client_of(SECOND_DEMO_KEY), f"/budgets/{budget.pk}/")
    assert "1 alert is not shown" in text(told.soup.select_one("#alerts"))
    assert "123.45" not in told.content.decode()
    assert "31%" not in told.content.decode()
    told = text(get(logged_in, f"/budgets/{budget.pk}/").soup.select_one("#alerts"))
    assert "€123.45" in told
    assert "not shown" not in told


@pytest.mark.parametrize(("saved_by", "is_told"), [(DEMO_KEY, False), (SECOND_DEMO_KEY, True)])
def test_it_is_told_that_alerts_leave_out_what_the_key_that_saved_the_budget_may_not_read(
    logged_in, now, spent, saved_by, is_told
):
    budget = budget_of(now, readers=[reader_of(saved_by.access_key)])
    told = text(get(logged_in, f"/budgets/{budget.pk}/").soup.select_one("#alerts"))
    assert ("Alerts leave out a part of these figures" in told) is is_told
