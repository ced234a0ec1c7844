import datetime as dt
import json
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import User
from consumption.models import DayState, Ledger, Usage, UsageDay
from costs.money import show_money
from sandbox.cloud import (
    CONSUMPTION_ONLY_KEY,
    DEMO_ACCOUNT,
    DEMO_KEY,
    EMPTY_KEY,
    LINKED_ACCOUNT,
    LINKED_KEY,
    PAYING_ACCOUNT,
    PAYING_KEY,
    SECOND_DEMO_KEY,
)
from tests.consumption.days import entry, keep, make_ledger
from tests.costs.portal_readings import HTMX, client_of, get, keys_of, notices, read_now, text, with_soup

pytestmark = pytest.mark.django_db
PAGE, READ, DRIVERS = "/consumption/", "/consumption/read/", "/consumption/drivers/"


def past(days):
    return timezone.now().date() - dt.timedelta(days=days)


def own_ledger(**facts):
    return make_ledger(at=timezone.now(), **facts)


def keep_days(contents, *, ledger=None, **facts):
    """Keep days, named by how long they are past; the demo key may see them."""
    ledger = ledger or own_ledger()
    keep(ledger, {past(days): entries for days, entries in contents.items()}, at=timezone.now(), **facts)
    return ledger


def keep_months(entries, *, before=None, **facts):
    """Keep the last 60 days, so that nothing is left to read; those of the period before may differ."""
    return keep_days(
        {days: entries if days <= 30 or before is None else before for days in range(1, 61)}, **facts
    )


def show(client, question="", **options):
    return get(client, f"{PAGE}?{question}" if question else PAGE, **options)


def post(client, question="", data=None, headers=HTMX):
    return with_soup(client.post(f"{READ}?{question}", data or {}, headers=headers))


def read_through(client, question=""):
    """Read slice after slice, as the page does, and return the last answer."""
    data = {}
    for _slice in range(30):
        answer = post(client, question, data)
        data = {field["name"]: field["value"] for field in answer.soup.select("form input")}
        if not answer.soup.select("[hx-trigger]"):
            return answer
    raise AssertionError(text(answer.soup))


def begins(page):
    return [form["hx-post"] for form in page.soup.select("#reading form[hx-trigger=load]")]


def total(page):
    (cell,) = page.soup.select("[data-figure=total]")
    return text(cell)


def rows(page):
    found = [
        [text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select("#groups tbody tr")
    ]
    return {cells[0]: cells[1:] for cells in found}


def links(page):
    return {text(link): link["href"] for link in page.soup.select("#groups tbody a")}


def steps(page):
    return [
        [text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select("#steps tbody tr")
    ]


def chart(page):
    return json.loads(page.soup.select_one("#consumption-chart script").string)


def chips(page):
    return {text(chip): chip.a["href"] for chip in page.soup.select(".chip")}


VM = {"type_": "BoxUsage:tinav6.c4r8p2", "operation": "RunInstances-OD", "category": "compute"}


# --- Reading


def test_the_shell_stands_at_once_and_asks_for_a_reading_by_itself(logged_in, outscale):
    page = show(logged_in)
    assert (page.status_code, list(outscale.requests)) == (200, [])
    assert begins(page) == [f"{READ}?group_by=category&of=history&period=last-30-days"]
    assert page.soup.select_one("#figures [aria-busy=true]")
    assert not page.soup.select("[data-figure], #consumption-chart")
    assert not Ledger.objects.exists()


def test_what_was_read_slice_by_slice_is_what_the_page_adds_up(logged_in, outscale):
    answer = read_through(logged_in)
    assert answer.headers["HX-Trigger"] == '{"consumption-read": {}}'
    page = show(logged_in)
    assert begins(page) == []
    assert text(page.soup.select_one("#reading")) == ""
    kept = Usage.objects.filter(day__day__gte=past(30)).values_list("price", flat=True)
    whole = sum(price for price in kept if price is not None)
    assert total(page) == f"at least ≥ {show_money(whole, 'EUR')}"
    assert text(page.soup.select_one("#coverage summary")) == "30 of 30 days, 3 provisional"
    assert UsageDay.objects.count() == 60  # and the 30 days before, to compare them


def test_a_slice_says_which_days_are_done_and_goes_on_by_itself(logged_in, outscale, monkeypatch):
    outscale.faults.add("ReadConsumptionAccount", "latency", 80)
    monkeypatch.setattr("consumption.sync.SLICE_SECONDS", 0.1)
    monkeypatch.setattr("consumption.slices.GRACE_SECONDS", 0)
    answer = post(logged_in, "period=last-7-days")
    form = answer.soup.select_one("form")
    assert form["hx-trigger"] == "load delay:50ms"
    assert form["hx-post"] == f"{READ}?period=last-7-days"
    done = UsageDay.objects.count()
    assert 0 < done < 14
    assert f"{done} of 14 days are done." in text(form)
    assert "Still to read: " in text(form)
    assert "left." in text(form)
    assert form.progress["value"] == str(done)
    shown = show(logged_in, "period=last-7-days", headers=HTMX | {"HX-Trigger": "answer"})
    assert text(shown.soup.select_one("#coverage summary")).startswith(f"{min(done, 7)} of 7 days")


def test_a_long_period_is_compared_only_when_asked_for(logged_in, outscale):
    read_through(logged_in, "period=last-3-months")
    days = UsageDay.objects.count()
    page = show(logged_in, "period=last-3-months")
    assert "No change is shown. The period before, " in text(page.soup.select_one("#groups .note-line"))
    form = page.soup.select_one("#groups .note-line form")
    assert text(form) == "Read the period before"
    for _slice in range(30):
        if not post(logged_in, "period=last-3-months", {"compare": "1"}).soup.select("[hx-trigger]"):
            break
    assert UsageDay.objects.count() > days + 88
    assert not show(logged_in, "period=last-3-months").soup.select("#groups .note-line form")


def test_looking_from_every_side_never_asks_the_cloud(logged_in, outscale):
    read_through(logged_in)
    outscale.requests.clear()
    for question in ("group_by=resource", "category=compute&group_by=type", "granularity=week", "sort=name"):
        for headers in ({}, HTMX):
            assert logged_in.get(f"{PAGE}?{question}", headers=headers).status_code == 200
    assert logged_in.get(DRIVERS, headers=HTMX).status_code == 200
    assert logged_in.get("/?all=1").status_code == 200
    assert list(outscale.requests) == []


def test_without_script_a_reading_leads_back_to_the_same_question(logged_in, outscale):
    form = show(logged_in, "period=yesterday&category=compute").soup.select_one("#reading form")
    assert text(form.noscript) == "Read now"
    answer = logged_in.post(form["action"])
    question = "period=yesterday&group_by=category&category=compute"
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?{question}")
    assert UsageDay.objects.count() == 2


def test_the_address_of_the_reading_itself_leads_to_the_page(logged_in, outscale):
    answer = logged_in.get(f"{READ}?period=yesterday")
    assert (answer.status_code, answer["Location"]) == (302, f"{PAGE}?period=yesterday")
    assert list(outscale.requests) == []


# --- Figures


def test_each_group_has_cost_share_average_and_change(logged_in):
    now = [entry(price="2"), entry(price="6", **VM)]
    before = [entry(price="2"), entry(price="5", **VM)]
    keep_months(now, before=before)
    page = show(logged_in)
    assert total(page) == "€240.00"
    assert rows(page) == {
        "Compute": ["€180.00", "75.0%", "€6.00", "+20.0%"],
        "Network": ["€60.00", "25.0%", "€2.00", "0.0%"],
    }
    tones = [change["class"][1] for change in page.soup.select("#groups .change")]
    assert tones == ["up", "flat", "up"]
    assert text(page.soup.select_one("#groups tfoot")).endswith("€240.00 100.0% €8.00 +14.3%")


def test_a_change_below_five_percent_has_no_colour_and_a_new_group_is_called_new(logged_in):
    keep_months([entry(price="103"), entry(price="1", **VM)], before=[entry(price="100")])
    page = show(logged_in)
    assert [row[-1] for row in rows(page).values()] == ["+3.0%", "new"]
    assert page.soup.select_one("#groups tbody .change")["class"] == ["change", "flat"]


def test_the_finding_says_total_largest_part_change_and_what_is_provisional(logged_in):
    keep_months([entry(price="2"), entry(price="6", **VM)], before=[entry(price="10")])
    finding = text(show(logged_in).soup.select_one("#consumption-chart figcaption"))
    assert finding.startswith(
        "€240.00 on 30 days. The largest part is Compute: 75.0%. A day usually costs about €8. "
        "20.0% less than in the 30 days before."
    )
    assert finding.endswith("are provisional.")


def test_a_day_that_was_not_read_is_no_zero_anywhere(logged_in):
    days = {days: [entry(price="2")] for days in range(1, 61) if days != 10}
    keep_days(days)
    page = show(logged_in)
    drawn = chart(page)
    place = 30 - 10
    assert drawn["states"][place] == "missing"
    assert [series["values"][place] for series in drawn["series"]] == [None]
    assert steps(page)[place][1:] == ["Not read yet", "–", "–"]
    assert text(page.soup.select_one("#coverage summary")) == "29 of 30 days, 3 provisional"
    assert total(page) == "€58.00"
    assert rows(page)["Network"] == ["€58.00", "100.0%", "€2.00", "0.0%"]
    assert "an average day of those that are read" in text(page.soup.select_one("#groups .note-line"))


def test_a_week_of_which_a_day_is_missing_is_a_lower_bound(logged_in):
    keep_days({days: [entry(price="2")] for days in range(1, 61) if days != 10})
    page = show(logged_in, "granularity=week")
    drawn = chart(page)
    place = drawn["states"].index("partial")
    assert drawn["series"][0]["partial"][place] is True
    (cell,) = [row[-1] for row in steps(page) if "6 of 7 days" in row[1]]
    assert cell == "at least ≥ €12.00"


def test_no_change_is_shown_while_the_period_before_is_not_read(logged_in):
    keep_days({days: [entry(price="2")] for days in range(1, 31)})
    page = show(logged_in)
    assert rows(page)["Network"][-1] == "–"
    assert "is not wholly read: 0 of 30 days." in text(page.soup.select_one("#groups .note-line"))


def test_why_a_day_is_no_better_is_said_in_words(logged_in):
    ledger = keep_months([entry(price="2")])
    keep(ledger, {past(20): [entry(price="2")]}, at=timezone.now(), unreadable=3)
    UsageDay.objects.filter(day=past(10)).delete()
    UsageDay.objects.create(
        ledger=ledger, day=past(10), state=DayState.FAILED, reason="CLOUD_TIMEOUT", tried_at=timezone.now()
    )
    page = show(logged_in)
    told = text(page.soup.select_one("#coverage .coverage-days"))
    assert "25 days complete," in told
    assert "read in part. Some lines of the answer could not be understood" in told
    assert "not read. OUTSCALE did not answer in time" in told
    assert "provisional. The bill of such a day can still grow" in told
    button = page.soup.select_one("#coverage form")
    assert (text(button), button.select_one("[name=again]")["value"]) == ("Read these days again", "1")
    assert total(page).startswith("at least ≥")


def test_what_has_no_price_is_counted_named_and_no_zero(logged_in):
    keep_months(
        [entry(price="2"), entry("CustomNew", price=None, value="24", operation="New", category="compute")]
    )
    page = show(logged_in)
    (notice,) = [one for one in notices(page) if "no price" in one]
    assert notice.startswith("30 lines have no price.")
    assert notice.endswith("CustomNew / New: a quantity of 720 on 30 lines")
    assert total(page) == "at least ≥ €60.00"
    assert rows(page)["Compute 30 lines without price"] == ["–", "–", "–", "–"]
    assert "At least €60.00 on 30 days." in text(page.soup.select_one("figcaption"))


def test_the_nine_largest_have_a_colour_and_the_others_are_one(logged_in):
    many = [
        entry(f"BoxUsage:tinav6.c{number}r8p2", price=str(number), operation="RunInstances-OD", resource="")
        for number in range(1, 13)
    ]
    keep_months(many)
    page = show(logged_in, "group_by=type")
    series = chart(page)["series"]
    assert [one["color"] for one in series] == [*(f"series-{number}" for number in range(1, 10)), "others"]
    assert series[-1]["name"] == "Others (3)"
    assert set(series[-1]["values"]) == {"6"}
    assert len(rows(page)) == 12
    assert text(page.soup.select_one("#steps thead")).endswith("Others (3) Total")
    parts = [Decimal(cell.replace("€", "")) for cell in steps(page)[0][2:]]
    assert sum(parts[:-1]) == parts[-1] == 78


def test_every_group_stands_in_the_table_fifty_on_a_page(logged_in):
    keep_months([entry(price="2", resource=f"nat-{number:03}") for number in range(120)])
    page = show(logged_in, "group_by=resource&page=3&sort=name")
    assert list(rows(page)) == [f"nat-{number:03}" for number in range(100, 120)]
    assert "Page 3 of 3" in text(page.soup.select_one("#groups"))
    assert page.soup.select_one("#groups th[aria-sort]")["aria-sort"] == "ascending"
    assert page.soup.select_one("#answer")["hx-get"].endswith("group_by=resource&sort=name&page=3")
    assert total(page) == "€7,200.00"


def test_the_table_is_sorted_by_name_cost_or_change(logged_in):
    keep_months(
        [entry(price="2", resource="b"), entry(price="3", resource="a"), entry(price="1", resource="c")],
        before=[entry(price="1", resource="b"), entry(price="2", resource="a")],
    )
    orders = {
        sort: list(rows(show(logged_in, f"group_by=resource&sort={sort}")))
        for sort in ("name", "-name", "cost", "-change")
    }
    assert orders == {
        "name": ["a", "b", "c"],
        "-name": ["c", "b", "a"],
        "cost": ["c", "b", "a"],
        "-change": ["b", "a", "c"],
    }


# --- One level down, and back


def test_a_row_leads_one_level_down_to_the_meters_of_a_resource(logged_in):
    keep_months([entry(price="2"), entry(price="6", resource="i-1", **VM)])
    page = show(logged_in)
    down = links(page)["Compute"]
    assert down == "?group_by=resource_type&category=compute"
    assert chart(page)["series"][0]["href"] == down
    types = show(logged_in, down.lstrip("?"))
    assert list(rows(types)) == ["VM tinav6.c4r8p2 BoxUsage: tinav6.c4r8p2"]
    resources = show(logged_in, links(types)["VM tinav6.c4r8p2"].lstrip("?"))
    assert rows(resources)["i-1"][0] == "€180.00"
    assert list(chips(resources)) == ["Category is Compute", "Type is VM tinav6.c4r8p2"]
    meters = show(logged_in, links(resources)["i-1"].lstrip("?"))
    assert (rows(meters)["VM tinav6.c4r8p2 BoxUsage: tinav6.c4r8p2"][1], links(meters)) == ("€180.00", {})
    assert steps(meters)[0][2:] == ["€6.00", "€6.00"]
    assert chips(meters)["Resource is i-1"] == (
        "?group_by=resource_type&category=compute&resource_type=BoxUsage%3Atinav6.c4r8p2"
    )


def test_what_has_no_resource_id_is_a_row_without_a_link(logged_in):
    keep_months([entry(price="2", resource=""), entry(price="1", resource="nat-1")])
    page = show(logged_in, "group_by=resource")
    assert rows(page)["Without a resource id"][0] == "€60.00"
    assert list(links(page)) == ["nat-1"]


def test_a_resource_has_the_name_that_the_last_reading_of_the_current_cost_knows(logged_in, outscale):
    snapshot = read_now(logged_in)
    assert snapshot.resource_count
    read_through(logged_in)
    page = show(logged_in, "group_by=resource")
    assert any(name.startswith("sql-enterprise i-") for name in rows(page))
    drivers = get(logged_in, DRIVERS, headers=HTMX)
    assert "sql-enterprise i-" in text(drivers.soup)


def test_a_filter_is_added_by_the_form_without_script(logged_in):
    keep_months([entry(price="2"), entry(price="6", **VM)])
    page = show(logged_in, "category=network")
    form = page.soup.select_one("#consumption-filter")
    offered = {one["value"]: text(one) for one in form.select("select[name=category] option")}
    assert offered == {"": "Choose …", "compute": "Compute"}
    assert [one["value"] for one in form.select("input[type=hidden][name=category]")] == ["network"]
    both = show(logged_in, "category=network&category=compute&service=&resource=")
    assert total(both) == "€240.00"
    assert list(chips(both)) == ["Category is Network", "Category is Compute"]


def test_the_period_keeps_its_name_while_its_days_are_those_of_the_form(logged_in):
    keep_months([entry(price="2")])
    days = f"first={past(7)}&last={past(1)}"
    named = show(logged_in, f"period=last-7-days&{days}")
    assert text(named.soup.select_one("#consumption .pills [aria-current]")) == "7 days"
    assert begins(named) == []
    assert named.context["address"].urlencode() == "period=last-7-days&group_by=category"
    other = show(logged_in, f"period=last-7-days&first={past(8)}&last={past(1)}")
    assert other.soup.select("#consumption .pills [aria-current]") == []
    assert "8 of 8 days" in text(other.soup.select_one("#coverage"))


def test_the_form_puts_a_clean_address_into_the_address_bar(logged_in):
    keep_months([entry(price="2")])
    headers = HTMX | {"HX-Trigger": "consumption-filter"}
    answer = logged_in.get(f"{PAGE}?period=last-7-days&category=&resource=&group_by=type", headers=headers)
    assert answer.headers["HX-Push-Url"] == "?period=last-7-days&group_by=resource_type"


def test_the_files_of_the_view_and_the_months_of_focus_are_offered(logged_in):
    keep_months([entry(price="2")])
    page = show(logged_in, "category=network&granularity=week")
    offered = {
        text(link): link["href"] for link in page.soup.select("#consumption-head .actions a[href*=export]")
    }
    asked = "granularity=week&group_by=category&category=network"
    months = {past(days).replace(day=1) for days in range(1, 31)}
    assert offered["CSV"] == f"/consumption/export/csv/?{asked}"
    assert [url for url in offered.values() if "focus" in url] == [
        f"/consumption/export/focus/?{asked}&month={month:%Y-%m}" for month in sorted(months, reverse=True)
    ]
    for url in offered.values():
        assert logged_in.get(url).headers["Content-Disposition"].startswith("attachment")


def test_no_files_are_offered_of_what_is_not_known(logged_in, outscale):
    assert not show(logged_in).soup.select("#consumption-head .actions > a")


# --- What drives the cost


def test_the_dearest_resources_and_the_largest_changes_are_named(logged_in):
    now = [
        entry(price="9", resource="nat-1"),
        entry(price="5", resource="nat-2"),
        entry(price="1", resource=""),
    ]
    keep_months(now, before=[entry(price="10", resource="nat-1"), entry(price="2", resource="nat-3")])
    dearest, movers = get(logged_in, DRIVERS, headers=HTMX).soup.select("ol")
    assert [text(one) for one in dearest.select("li")] == ["nat-1 €270.00 60.0%", "nat-2 €150.00 33.3%"]
    assert [text(one) for one in movers.select("li")] == [
        "nat-2 +€5.00 new",
        "nat-3 −€2.00 −100.0%",
        "nat-1 −€1.00 −10.0%",
    ]


def test_changes_are_not_named_while_they_are_not_known(logged_in):
    keep_days({1: [entry(price="9")]})
    answer = text(get(logged_in, DRIVERS, headers=HTMX).soup)
    assert "nat-1 €9.00 100.0%" in answer
    assert "The period before," in answer


def test_the_drivers_are_a_part_of_the_page_only(logged_in):
    assert logged_in.get(DRIVERS)["Location"] == PAGE
    assert logged_in.get(f"{DRIVERS}?group_by=x", headers=HTMX).headers["HX-Redirect"] == f"{PAGE}?group_by=x"


# --- Nothing to show


def test_days_that_hold_nothing_are_a_total_of_zero(outscale):
    client = client_of(EMPTY_KEY)
    now = timezone.now() - dt.timedelta(days=5)
    ledger = make_ledger(EMPTY_KEY.account_id, reader=EMPTY_KEY, at=timezone.now())
    keep(ledger, {past(days): [] for days in range(10, 71)}, at=now)
    page = show(client, f"first={past(30)}&last={past(11)}")
    assert text(page.soup.select_one("#figures h3")) == "Nothing was consumed"
    assert "20 of 20 days were read and hold nothing: €0.00." in text(page.soup.select_one("#figures"))


def test_no_known_day_is_no_zero(logged_in, outscale):
    outscale.faults.add("ReadConsumptionAccount", "error")
    read_through(logged_in)
    page = show(logged_in, headers=HTMX | {"HX-Trigger": "answer"})
    assert text(page.soup.select_one("#figures h3")) == "No day of this period is known"
    assert text(page.soup.select_one("#figures .grand")) == "–"
    assert "€" not in text(page.soup.select_one("#figures"))


def test_filters_that_match_nothing_say_what_there_is_without_them(logged_in):
    keep_months([entry(price="2")])
    page = show(logged_in, "category=storage")
    assert text(page.soup.select_one("#figures h3")) == "No cost with these filters"
    assert "holds €60.00, none of it with these filters." in text(page.soup.select_one("#figures"))
    assert page.soup.select_one("#figures .btn-primary")["href"] == "?group_by=category"


def test_several_currencies_are_never_added(outscale):
    client = client_of(DEMO_KEY)
    client.post("/login/", keys_of(DEMO_KEY, "us-west-1"))
    keep_months([entry(price="2")])
    keep_months([entry(price="3")], ledger=own_ledger(region="us-west-1"), currency="USD")
    page = show(client, "region=eu-west-2&region=us-west-1")
    assert page.status_code == 422
    assert "These days are billed in EUR, USD, which cannot be added." in text(
        page.soup.select_one("#figures")
    )
    assert [text(one) for one in page.soup.select("#figures .btn")] == ["eu-west-2", "us-west-1"]
    one = show(client, page.soup.select("#figures .btn")[1]["href"].lstrip("?"))
    assert total(one) == "$90.00"


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ("last={today}", "Only days that are over can be shown"),
        ("first={tomorrow}", "Only days that are over can be shown"),
        ("first={yesterday}&last={earlier}", "The last day is before the first one."),
        ("first=2020-01-01", "At most 1100 days"),
        ("group_by=planet", "Nothing can be grouped by “planet”"),
        ("region=us-east-2", "This session holds no key of the region “us-east-2”."),
        ("region=mars", "This session holds no key of the region “mars”."),
        ("page=99", "There is no such page: the last one is 1."),
        ("page=0", "Ensure this value is greater than or equal to 1."),
        ("granularity=hour", "A step is a day, a week or a month, not “hour”."),
        ("period=ever", "No period is called “ever”."),
        ("sort=luck", "The groups cannot be sorted by “luck”."),
        ("resource={long}", "Nothing is called like this."),
        ("resource=a%00b", "Nothing is called like this."),
        ("group_by=a%00b", "Null characters are not allowed."),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_with_its_reason(logged_in, question, problem):
    keep_months([entry(price="2")])
    days = {"today": past(0), "tomorrow": past(-1), "yesterday": past(1), "earlier": past(2)}
    question = question.format(long="x" * 1000, **days)
    for headers in ({}, HTMX):
        page = show(logged_in, question, headers=headers)
        assert page.status_code == 422
        assert problem in text(page.soup.select_one("#figures .notice"))
        assert not page.soup.select("[data-figure]")
        assert begins(page) == []


def test_a_refused_form_keeps_what_was_typed(logged_in):
    page = show(logged_in, f"first={past(3)}&last={past(5)}")
    assert page.soup.select_one("#id_last")["value"] == str(past(5))
    assert page.soup.select_one("#id_last")["aria-invalid"] == "true"
    assert text(page.soup.select_one("#id_last_error")) == "The last day is before the first one."


def test_a_refused_question_is_not_read(logged_in, outscale):
    answer = logged_in.post(f"{READ}?group_by=planet", headers=HTMX)
    assert answer.headers["HX-Redirect"] == f"{PAGE}?group_by=planet"
    assert list(outscale.requests) == []


# --- When the cloud does not answer


def test_a_refused_key_is_told_the_right_and_shown_nothing_that_is_kept(outscale):
    keep_months([entry(price="2", resource="nat-secret")])
    client = client_of(CONSUMPTION_ONLY_KEY)
    outscale.faults.add("ReadConsumptionAccount", "refuse")
    answer = post(client, "group_by=resource")
    (notice,) = notices(answer)
    assert "The consumption in eu-west-2 is not shown to this key" in notice
    assert "refuses this reading (code 4). Allow api:ReadConsumptionAccount" in notice
    assert answer.headers["HX-Trigger"] == '{"consumption-read": {}}'
    page = show(client, "group_by=resource", headers=HTMX | {"HX-Trigger": "answer"})
    assert text(page.soup.select_one("#figures h2")) == "Not for this key"
    assert "nat-secret" not in page.content.decode()
    assert post(client, headers={}).status_code == 403


def test_a_key_that_is_proven_once_sees_what_another_key_of_the_account_has_read(logged_in, outscale):
    read_through(logged_in)
    client = client_of(CONSUMPTION_ONLY_KEY)
    assert begins(show(client)) == [f"{READ}?group_by=category&of=history&period=last-30-days"]
    assert not show(client).soup.select("[data-figure]")
    outscale.requests.clear()
    read_through(client)
    assert outscale.requests.count("ReadConsumptionAccount") == 1
    assert total(show(client)) == total(show(logged_in))


def test_a_throttled_reading_says_so_and_goes_on_later_by_itself(logged_in, outscale, settings):
    settings.OUTSCALE_TIMEOUT_SECONDS = 0.5
    outscale.faults.add("ReadConsumptionAccount", "throttle")
    answer = post(logged_in)
    form = answer.soup.select_one("form.is-warn")
    assert "OUTSCALE is limiting our calls. The reading goes on by itself in " in text(form)
    assert form["hx-trigger"].startswith("load delay:")
    assert form["hx-trigger"] != "load delay:50ms"
    assert "HX-Trigger" not in answer.headers
    outscale.faults.clear()
    assert read_through(logged_in).headers["HX-Trigger"]


def test_a_cloud_that_is_down_leaves_what_is_kept_and_offers_to_read_again(logged_in, outscale):
    keep_days({days: [entry(price="2")] for days in range(5, 61)})
    outscale.faults.add("ReadConsumptionAccount", "error")
    answer = post(logged_in)
    form = answer.soup.select_one("form.is-bad")
    assert "The cloud could not be read. OUTSCALE cannot be reached" in text(form)
    assert text(form.button) == "Read again"
    assert form.select_one("[name=again]")["value"] == "1"
    assert not form.has_attr("hx-trigger")
    page = show(logged_in)
    assert total(page) == "€52.00"
    assert text(page.soup.select_one("#coverage summary")) == "26 of 30 days"
    without_script = post(logged_in, "", {"again": "1"}, headers={})
    assert without_script.status_code == 503
    assert total(without_script) == "€52.00"
    assert "The cloud could not be read." in notices(without_script)[0]
    outscale.faults.clear()
    post(logged_in, "", {"again": "1"})
    assert "30 of 30 days" in text(show(logged_in).soup.select_one("#coverage summary"))


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_day_that_could_not_be_read_among_others_is_said(logged_in, outscale, monkeypatch, seconds):
    monkeypatch.setattr("consumption.sync.SLICE_SECONDS", seconds)
    outscale.faults.add("ReadConsumptionAccount", "broken-json", 1)
    answer = read_through(logged_in, "period=last-30-days")
    assert notices(answer)[0].startswith("Not every day could be read. OUTSCALE answered something")
    assert "29 of 30 days" in text(show(logged_in).soup.select_one("#coverage summary"))


def test_a_cloud_that_fails_slowly_is_left_alone_after_three_slices_of_failures(
    logged_in, outscale, settings, monkeypatch
):
    settings.OUTSCALE_REQUESTS_PER_SECOND = 1
    monkeypatch.setattr("consumption.sync.SLICE_SECONDS", 0.01)
    monkeypatch.setattr("consumption.slices.GRACE_SECONDS", 0)
    outscale.faults.add("ReadConsumptionAccount", "broken-json")
    data, slices = {}, 0
    while (form := post(logged_in, "", data).soup.form).has_attr("hx-trigger"):
        data = {field["name"]: field["value"] for field in form.select("input")}
        slices += 1
    assert slices == 2
    assert 3 <= UsageDay.objects.count() < 10
    assert "The cloud could not be read." in text(form)
    assert "Still to read: " in text(form)


def test_keys_that_the_cloud_refuses_lead_to_the_login(logged_in, outscale):
    outscale.faults.add("ReadConsumptionAccount", "answer", "401/1")
    answer = post(logged_in)
    assert "OUTSCALE refused these keys." in notices(answer)[0]
    assert text(answer.soup.select_one(".notice a")) == "Log in again"


# --- Who sees what


def test_a_visitor_is_sent_to_the_login_and_back(client, outscale):
    for path in (PAGE, DRIVERS):
        answer = client.get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")
    assert client.post(READ).status_code == 302


def test_an_operator_without_keys_is_told_what_to_do(client):
    client.force_login(User.objects.create_superuser("operator"), "django.contrib.auth.backends.ModelBackend")
    for path in (PAGE, READ, DRIVERS):
        page = get(client, path)
        assert page.status_code == 403
        assert text(page.soup.select_one("main h2")) == "This page needs the keys of an account"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("other", [LINKED_KEY, SECOND_DEMO_KEY], ids=lambda key: key.access_key)
def test_neither_another_account_nor_an_unproven_key_sees_what_is_kept(logged_in, outscale, other):
    keep_months([entry(price="2", resource="nat-secret")])
    assert "nat-secret" in show(logged_in, "group_by=resource").content.decode()
    client = client_of(other)
    for path in (f"{PAGE}?group_by=resource", "/?all=1"):
        assert "nat-secret" not in client.get(path).content.decode()
    assert not show(client).soup.select("[data-figure], #add-type")
    assert "nat-secret" not in client.get(DRIVERS, headers=HTMX).content.decode()


def test_a_paying_account_may_ask_for_those_billed_to_it(outscale):
    client = client_of(PAYING_KEY)
    ledger = make_ledger(PAYING_ACCOUNT.account_id, reader=PAYING_KEY, at=timezone.now())
    Ledger.objects.update(is_paying=True)
    entries = [
        entry(price="1", account_id=PAYING_ACCOUNT.account_id),
        entry(price="2", account_id=LINKED_ACCOUNT.account_id),
        entry(price="3", account_id=DEMO_ACCOUNT.account_id),
    ]
    keep_months(entries, ledger=ledger, with_linked=True)
    page = show(client, "group_by=account")
    assert (total(page), len(rows(page))) == ("€30.00", 1)
    assert page.soup.select_one("#id_linked")
    linked = show(client, "group_by=account&linked=1")
    assert total(linked) == "€180.00"
    assert [name.split()[-1] for name in rows(linked)] == ["100000000001", "100000000002", "100000000000"]


# --- The page as a whole


def test_the_number_of_queries_does_not_grow_with_the_groups(logged_in, django_assert_num_queries):
    for question, count in (("group_by=type", 13), ("group_by=resource", 16)):
        for groups in (1, 3, 120):
            Ledger.objects.all().delete()
            keep_months(
                [
                    entry(f"BoxUsage:tinav6.c{number}r8p2", price="1", resource=f"i-{number}")
                    for number in range(1, groups + 1)
                ]
            )
            show(logged_in, question)
            with django_assert_num_queries(count):
                page = show(logged_in, question)
            assert page.context["row_count"] == groups


def test_the_fragment_is_what_the_page_shows(logged_in):
    keep_months([entry(price="2"), entry(price="6", **VM)])
    question = "group_by=type&category=compute&granularity=week"
    page, fragment = show(logged_in, question), show(logged_in, question, headers=HTMX)
    assert "<html" not in fragment.content.decode()
    assert "HX-Request" in fragment["Vary"]
    (part,) = fragment.soup.find_all(recursive=False)
    whole = page.soup.select_one("#consumption")
    for token in [*part.select("[name=csrfmiddlewaretoken]"), *whole.select("[name=csrfmiddlewaretoken]")]:
        token.decompose()
    assert str(part) == str(whole)


@pytest.mark.parametrize("question", ["", "group_by=resource", "category=storage", "group_by=planet"])
def test_every_state_stands_in_french_too(logged_in, question):
    keep_months([entry(price="2"), entry("CustomNew", price=None)])
    page = show(logged_in, question, headers={"Accept-Language": "fr"})
    assert page.soup.html["lang"] == "fr"


def test_the_figures_of_a_long_series_come_when_they_are_asked_for(logged_in, outscale):
    ledger = make_ledger(at=timezone.now())
    first = dt.date(2026, 1, 1)
    keep(ledger, {first + dt.timedelta(days=passed): [entry()] for passed in range(101)})
    asked = f"first={first}&last={first + dt.timedelta(days=100)}&granularity=day"

    page = show(logged_in, asked)
    assert page.soup.select("#steps tbody tr") == []
    [link] = page.soup.select("#steps a")
    assert text(link) == "Show all 101 steps"
    whole = show(logged_in, link["href"].removeprefix("?").removesuffix("#steps"))
    assert len(whole.soup.select("#steps[open] tbody tr")) == 101
    assert (
        len(show(logged_in, asked.replace("2026-01-01", "2026-01-02")).soup.select("#steps tbody tr")) == 100
    )
