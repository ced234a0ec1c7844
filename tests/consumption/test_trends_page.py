"""The page of the trends: what it shows, its files and the JSON API agree; what is not known is no zero."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from consumption.models import Ledger
from consumption.periods import Period, months_later
from costs.money import show_money
from sandbox.cloud import DEMO_KEY, LINKED_KEY, SECOND_DEMO_KEY
from tests.consumption.days import entry, keep
from tests.consumption.test_history_page import VM, begins, chart, keep_days, own_ledger, past
from tests.costs.portal_readings import HTMX, client_of, figures, get, keys_of, notices, same, text
from tests.costs.test_spreadsheets import ods_rows, xlsx_rows

pytestmark = pytest.mark.django_db
PAGE, API = "/consumption/trends/", "/api/trends"


def this_month(months=0):
    return months_later(timezone.now().date(), months)


def keep_months(costs, *, ledger=None):
    """Keep whole months up to the last one, each of which has a day's ``costs`` of a VM and a gateway."""
    ledger = ledger or own_ledger()
    for back, (vm, nat) in enumerate(reversed(costs), start=1):
        month = Period(this_month(-back), this_month(1 - back))
        entries = [entry(price=str(vm), resource="i-1", **VM), entry(price=str(nat))]
        keep(ledger, dict.fromkeys(month.days, entries), at=timezone.now())
    return ledger


def show(client, question="", **options):
    return get(client, f"{PAGE}?{question}" if question else PAGE, **options)


def rows(page, part):
    return [
        [text(cell) for cell in row.find_all(["th", "td"])]
        for row in page.soup.select(f"#{part} tbody tr:not(.detail)")
    ]


def table(client, question, name="csv"):
    answer = client.get(f"{PAGE}export/{name}/?{question}")
    assert answer.status_code == 200, answer.content.decode()
    return answer.content


def asked(client, question):
    answer = client.get(f"{API}?read=false&{question}")
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()


THREE = "period=last-3-months"


def test_without_a_question_the_last_twelve_months_are_shown_and_read(logged_in, outscale):
    page = show(logged_in)
    assert text(page.soup.select_one("h1")) == "Trends"
    assert text(page.soup.select_one("#consumption .pills [aria-current]")) == "12 months"
    assert page.soup.select_one("#id_granularity option[selected]")["value"] == "month"
    [reading] = begins(page)
    assert reading == "/consumption/read/?group_by=category&of=trends&period=last-12-months"
    assert logged_in.get(reading)["Location"].startswith(f"{PAGE}?")
    assert list(outscale.requests) == []


def test_the_page_says_growth_average_comparisons_and_movers(logged_in, outscale):
    keep_months([(10, 2), (20, 1), (20, 1), (30, 1)])
    outscale.requests.clear()
    page = show(logged_in, THREE)
    last, before = (f"{this_month(-back):%b %Y}" for back in (1, 2))
    days = Period(this_month(-1), this_month()).length

    shown = figures(page)
    assert shown["growth"] == "+47.6%"
    assert shown["compound"] == "+21.5%"
    assert shown["slope"] == "+€5.00 per day"
    cost = show_money(Decimal(31 * days), "EUR")
    assert f"{last}: {cost}, by the day 47.6% more than in {before}." in text(
        page.soup.select_one("figcaption")
    )
    assert [row[0] for row in rows(page, "steps")] == [f"{this_month(-back):%b %Y}" for back in (3, 2, 1)]
    assert [(row[2], row[4]) for row in rows(page, "steps")] == [
        ("€21.00", "–"),
        ("€21.00", "0.0%"),
        ("€31.00", "+47.6%"),
    ]
    assert [(row[0], row[-2], row[-1]) for row in rows(page, "earlier")] == [
        ("Average of the 2 whole months before", "+€10.00", "+47.6%"),
        ("A month before", "+€10.00", "+47.6%"),
        ("The same month, a year before", "–", "– not read"),
    ]
    [_more, mover] = rows(page, "movers")
    assert mover[0] == "Compute"
    assert mover[3:5] == ["+€10.00", "+50.0%"]
    drawn = chart(page)
    assert [(one["role"], len(one["values"])) for one in drawn["series"]] == [("bar", 3)]
    _bar, line = chart(show(logged_in, "period=last-6-months"))["series"]
    assert (line["role"], line["values"][:-2]) == ("average", [None] * 4)
    assert same(line["values"][-1], sum(Decimal(value) for value in drawn["series"][0]["values"]) / 3)
    assert list(outscale.requests) == []


def test_the_resources_behind_a_mover_come_when_they_are_looked_at(logged_in):
    keep_months([(10, 2), (25, 2)])
    page = show(logged_in, "period=last-month&granularity=month")
    [button] = page.soup.select("#movers button")
    part = get(logged_in, button["hx-get"], headers=HTMX)
    changes = part.soup.select("ol")[1]
    assert [text(one) for one in changes.select("li")] == ["i-1 +€15.00 +150.0%"]
    assert page.soup.select_one(f"#{button['data-disclose']}").has_attr("hidden")
    without_script = get(logged_in, page.soup.select_one("#movers noscript a")["href"])
    assert [text(one) for one in without_script.soup.select("#groups tbody th")] == ["i-1"]
    opened = show(logged_in, page.soup.select_one("#movers tbody th a")["href"].lstrip("?"))
    assert rows(opened, "movers")[1][0].startswith("VM tinav6.c4r8p2")
    assert text(opened.soup.select_one(".chip")) == "Category is Compute"


def test_a_resource_leads_to_what_it_is_billed_for(logged_in):
    keep_months([(10, 2), (25, 2)])
    page = show(logged_in, "period=last-month&granularity=month&group_by=resource")
    [link] = [one for one in page.soup.select("#movers td a") if text(one) == "What it is billed for"]
    behind = get(logged_in, link["href"])
    assert text(behind.soup.select_one("#groups tbody th")).startswith("VM tinav6.c4r8p2")
    of_resource = show(logged_in, "period=last-month&granularity=month&resource=i-1&group_by=type")
    assert [row[0] for row in rows(of_resource, "movers")[1:]] == ["VM tinav6.c4r8p2 BoxUsage: tinav6.c4r8p2"]
    assert not of_resource.soup.select("#movers button, #movers td a")


@pytest.mark.parametrize(
    "question",
    [
        "period=last-6-months",
        "period=last-6-months&granularity=week&group_by=resource",
        "period=last-month&granularity=day&category=compute",
    ],
)
def test_page_files_and_api_say_the_same(logged_in, question):
    keep_months([(10, 2), (12, Decimal("2.5")), (13, Decimal("0.0001")), (15, -3), (15, 4)])
    page, answer = show(logged_in, question), asked(logged_in, question)
    data = answer["data"]
    csv_text = table(logged_in, question).decode()
    lines = list(csv.DictReader(io.StringIO(csv_text, newline="")))
    kinds = {kind: [row for row in lines if row["row"] == kind] for kind in {row["row"] for row in lines}}

    def figure(value, currency="EUR"):
        return "–" if value in (None, "") else show_money(Decimal(value), currency)

    def said(row, *names):
        return [row[name] or None for name in names]

    steps = [said(row, "cost", "average_day", "moving_average", "growth_percent") for row in kinds["step"]]
    assert steps == [said(one, "cost", "average_day", "moving_average", "growth") for one in data["periods"]]
    by_day = data["granularity"] == "day"
    assert [[row[1].split("≥ ")[-1], row[2 if by_day else 3]] for row in rows(page, "steps")] == [
        [figure(one["cost"]), figure(one["moving_average"])] for one in data["periods"]
    ]
    [average] = kinds["average"]
    assert average["cost"] == data["average"]
    assert figures(page)["average"] == figure(data["average"])
    assert kinds["compound"][0]["growth_percent"] == data["growth_rate"]
    assert kinds["slope"][0]["change_per_day"] == data["slope_per_day"]
    compared = [said(row, "key", "cost", "change_per_day", "growth_percent") for row in kinds["compared"]]
    assert compared == [said(one, "kind", "cost", "change_per_day", "growth") for one in data["comparisons"]]
    movers = [said(row, "key", "cost_before", "cost", "change_per_day") for row in kinds.get("mover", [])]
    assert movers == [said(one, "key", "before", "after", "change_per_day") for one in data["movers"]]
    assert [row[-3] for row in rows(page, "movers") if len(row) > 1] == [
        ("+" if Decimal(one["change_per_day"]) > 0 else "") + figure(one["change_per_day"])
        for one in data["movers"]
    ]
    document = json.loads(table(logged_in, question, "json"))
    assert document == data | {
        "coverage": answer["metadata"]["coverage"],
        "partial": answer["metadata"]["partial"],
    }
    french = table(logged_in, question, "csv-fr").decode().removeprefix("\ufeff")
    assert list(csv.DictReader(io.StringIO(french, newline=""), delimiter=";")) == lines
    assert len(xlsx_rows(table(logged_in, question, "xlsx"))) == len(lines) + 1
    assert len(ods_rows(table(logged_in, question, "ods"))) == len(lines) + 1


def test_what_is_not_whole_looks_so_and_is_compared_with_nothing(logged_in):
    keep_days({days: [entry(price="2")] for days in range(1, 61) if days != 40})
    page = show(logged_in, "period=last-30-days&granularity=week")
    first, last = past(30), past(1)
    cut = [one for one in (first.weekday() != 0, last.weekday() != 6) if one]
    parts = [row for row in rows(page, "steps") if row[-1].startswith("Part of a week")]
    assert len(parts) == len(cut)
    assert {row[4] for row in parts} <= {"–"}
    drawn = chart(page)
    if cut:
        assert drawn["legend"] == [{"name": "Part of a week", "color": "others"}]
        assert drawn["series"][0]["colors"].count("others") == len(cut)
    days = show(logged_in, f"first={past(45)}&last={past(1)}")
    place = 45 - 40
    assert chart(days)["states"][place] == "missing"
    assert rows(days, "steps")[place][1:] == ["–", "–", "–", "Not read yet"]
    assert rows(days, "steps")[place + 1][3] == "–"
    assert days.soup.select("#steps tr.is-provisional")
    assert "1 of 45 steps is not whole or not wholly read" in text(days.soup.select_one("figcaption"))


def test_a_period_without_a_whole_step_says_so(logged_in):
    keep_days({days: [entry(price="2")] for days in range(1, 5)})
    page = show(logged_in, f"first={past(4)}&last={past(3)}&granularity=month")
    assert "No whole month of this period is read" in text(page.soup.select_one("figcaption"))
    assert figures(page)["growth"] == figures(page)["compound"] == figures(page)["average"] == "–"
    assert not page.soup.select("#earlier, #movers")
    data = asked(logged_in, f"from_date={past(4)}&to_date={past(2)}&granularity=month")["data"]
    assert (data["movers"], data["comparisons"], data["growth_rate"]) == (None, [], None)


def test_what_has_no_price_makes_every_figure_a_lower_bound(logged_in):
    keep_days({days: [entry(price="2"), entry("New", None, category="compute")] for days in range(1, 20)})
    page = show(logged_in, "period=last-7-days")
    assert figures(page)["total"] == "at least ≥ €14.00"
    assert "at least €2.00" in text(page.soup.select_one("figcaption"))
    assert {row[1] for row in rows(page, "steps")} == {"at least ≥ €2.00"}
    assert rows(page, "earlier")[0][2] == "at least ≥ €2.00"
    assert any("have no price" in one for one in notices(page))
    assert asked(logged_in, "period=last-7-days")["data"]["periods"][0]["unpriced_lines"] == 1


def test_a_day_of_which_nothing_has_a_price_costs_nothing_nowhere(logged_in):
    keep_days({days: [entry("New", None if days == 2 else "5")] for days in range(1, 10)})
    question = f"first={past(3)}&last={past(1)}"
    page = show(logged_in, question)
    assert [row[1:4:2] for row in rows(page, "steps")] == [["€5.00", "–"], ["–", "–"], ["€5.00", "–"]]
    assert (chart(page)["series"][0]["values"][1], chart(page)["series"][0]["partial"][1]) == ("0", True)
    api = asked(logged_in, f"from_date={past(3)}&to_date={past(0)}")["data"]["periods"]
    assert [step["cost"] for step in api] == ["5", None, "5"]
    keep_days({8: [entry("New", None)]})
    page = show(logged_in, f"first={past(1)}&last={past(1)}")
    assert rows(page, "earlier")[0][-1] == "– no price"


def test_credits_that_make_the_total_nothing_are_still_shown(logged_in):
    keep_days({1: [entry(price="-5")], 2: [entry(price="5")]})
    page = show(logged_in, f"first={past(2)}&last={past(1)}")
    assert [row[1] for row in rows(page, "steps")] == ["€5.00", "−€5.00"]
    assert rows(page, "movers")[1][1:5] == ["€5.00", "−€5.00", "−€10.00", "−200.0%"]


def test_a_long_series_is_a_line_and_its_table_comes_when_asked_for(logged_in):
    keep_days({days: [entry(price="2")] for days in range(1, 201)})
    question = f"first={past(200)}&last={past(1)}&granularity=day"
    page = show(logged_in, question)
    assert [one["role"] for one in chart(page)["series"]] == ["actual", "average"]
    [link] = page.soup.select("#steps a")
    assert text(link) == "Show all 200 steps"
    whole = show(logged_in, link["href"].removeprefix("?").removesuffix("#steps"))
    assert len(whole.soup.select("#steps[open] tbody tr")) == 200


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("first=2020-01-01", "first"),
        (f"last={dt.date(2999, 1, 1)}", "last"),
        ("granularity=hour", "granularity"),
        ("group_by=planet", "group_by"),
        ("period=ever", "period"),
        ("region=mars", "region"),
        ("resource=a%00b", "resource"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_everywhere(logged_in, question, field):
    keep_days({1: [entry(price="2")]})
    page = show(logged_in, question)
    assert page.status_code == 422
    assert page.soup.select("#figures .notice.is-bad")
    assert not page.soup.select("[data-figure]")
    assert logged_in.get(f"{PAGE}export/csv/?{question}").status_code == 422
    names = {"first": "from_date", "last": "to_date"}
    for shown, name in names.items():
        question = question.replace(f"{shown}=", f"{name}=")
    answer = logged_in.get(f"{API}?{question}")
    assert answer.status_code == 400
    assert list(answer.json()["error"]["details"]) == [names.get(field, field)]


def test_there_is_no_other_format(logged_in):
    assert logged_in.get(f"{PAGE}export/pdf/").status_code == 404


@pytest.mark.parametrize("other", [LINKED_KEY, SECOND_DEMO_KEY], ids=lambda key: key.access_key)
def test_neither_another_account_nor_an_unproven_key_sees_a_trend(logged_in, outscale, other):
    keep_days({days: [entry(price="2", resource="nat-secret")] for days in (2, 1)})
    keep_days({3: [entry(price="7", resource="nat-secret")]})
    question = f"first={past(2)}&last={past(1)}&group_by=resource"
    assert figures(show(logged_in, question))["total"] == "€4.00"
    client = client_of(other)
    page = show(client, question)
    assert (figures(page), "nat-secret" in page.content.decode()) == ({}, False)
    assert client.get(f"{PAGE}export/csv/?{question}").status_code == 302
    data = asked(client, f"from_date={past(2)}&to_date={past(0)}&group_by=resource")["data"]
    assert (data["total"], data["movers"]) == (None, None)


def test_without_keys_nothing_is_told(client, outscale):
    for path in (PAGE, f"{PAGE}export/csv/"):
        assert client.get(path)["Location"] == f"/login/?next={path}"
    assert client.get(API).status_code == 401


def test_several_currencies_are_never_added(outscale):
    client = client_of(DEMO_KEY)
    client.post("/login/", keys_of(DEMO_KEY, "us-west-1"))
    keep_days({1: [entry(price="2")]})
    keep_days({1: [entry(price="3")]}, ledger=own_ledger(region="us-west-1"), currency="USD")
    regions = "period=yesterday&region=eu-west-2&region=us-west-1"
    assert show(client, regions).status_code == 422
    assert "cannot be added" in client.get(f"{API}?read=false&{regions}").json()["error"]["message"]
    assert client.get(f"{PAGE}export/json/?{regions}").status_code == 400


def test_the_number_of_queries_does_not_grow_with_steps_and_groups(logged_in, django_assert_max_num_queries):
    for days, groups in ((15, 1), (60, 1), (60, 60)):
        Ledger.objects.all().delete()
        keep_days(
            {
                past_days: [
                    entry(f"Vm{number}", str(past_days), resource=f"i-{number}") for number in range(groups)
                ]
                for past_days in range(1, days + 1)
            }
        )
        question = f"first={past(days)}&last={past(1)}&granularity=day&group_by=resource"
        with django_assert_max_num_queries(27):
            page = show(logged_in, question)
        assert len(rows(page, "movers")) == 1 + min(groups, 10)


def test_a_script_is_answered_after_its_days_are_read(outscale):
    client = Client()
    login = client.post("/api/auth/login", keys_of(DEMO_KEY), content_type="application/json").json()
    headers = {"X-Session-ID": login["data"]["session_id"]}
    asked = {"from_date": "2026-03-01", "to_date": "2026-03-09", "granularity": "day"}
    answer = client.get(API, asked, headers=headers).json()
    assert answer["metadata"]["coverage"]["complete"] == 8
    data = answer["data"]
    assert (data["currency"], data["moving_average_steps"], len(data["periods"])) == ("EUR", 7, 8)
    costs = [Decimal(one["cost"]) for one in data["periods"]]
    assert Decimal(data["total"]) == sum(costs)
    assert Decimal(data["periods"][-1]["growth"]) == pytest.approx((costs[-1] / costs[-2] - 1) * 100)
    assert data["movers"] is not None
