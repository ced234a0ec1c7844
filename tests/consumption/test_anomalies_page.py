"""The anomalies as people see, explain and mark them: page, files and JSON API have one answer."""

import csv
import io
import json
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from consumption.models import ExpectedAnomaly
from consumption.periods import ONE_DAY
from sandbox.cloud import DEMO_KEY, EMPTY_KEY, PAYING_KEY
from sandbox.history import spike_days, step_day
from tests.consumption.days import entry, keep, make_ledger
from tests.consumption.test_history_page import keep_days, own_ledger, past
from tests.costs.portal_readings import HTMX, client_of, get, text, with_soup
from tests.costs.test_spreadsheets import ods_rows, xlsx_rows

pytestmark = pytest.mark.django_db
PAGE, API = "/consumption/anomalies/", "/api/anomalies"
DAYS = 60
SPIKE = range(10, 13)
"""How long the days of the spike are past."""

NAT = entry(price="24", unit_price=Decimal(1))
TRAFFIC = entry("DataTransfer-Internet:out", "5", resource="", operation="RunInstances", value="50")
CAMPAIGN = {"type_": "BoxUsage:tinav6.c24r128p1", "operation": "RunInstances-OD", "category": "compute"}


def eventful():
    """Return 60 days past of 29 a day; on three of them a campaign runs, and the gateway costs double."""
    quiet = [NAT, TRAFFIC]
    dearer = entry(price="48", unit_price=Decimal(2))
    spike = [dearer, TRAFFIC, *(entry(price="100", resource=f"i-{vm}", **CAMPAIGN) for vm in range(7))]
    return {days: spike if days in SPIKE else quiet for days in range(1, DAYS + 1)}


@pytest.fixture
def kept(logged_in, outscale):
    """A browser whose account had a spike of 724 a day."""
    keep_days(eventful())
    return logged_in


def question(**more):
    return {"first": past(DAYS).isoformat(), "last": past(1).isoformat(), **more}


def api_question(**more):
    return {"from_date": past(DAYS).isoformat(), "to_date": past(0).isoformat(), "read": "false", **more}


def key():
    return past(12).isoformat()


def show(client, **more):
    return get(client, PAGE, question(**more))


def api(client, **more):
    answer = client.get(API, api_question(**more))
    assert answer.status_code == 200, answer.content.decode()
    return answer.json()["data"]


def rows(page):
    found = page.soup.select("#anomalies > .table-wrap > table > tbody > tr:not(.detail)")
    return [[text(cell) for cell in row.find_all(["th", "td"])] for row in found]


def explained(page):
    """Return name, what happened and difference of each row of the explanation."""
    cells = [
        [text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select(".explain tbody tr")
    ]
    return [(row[0], row[1] if len(row) > 2 else "", row[-1]) for row in cells]


def marking(client, path="expected", headers=HTMX, of=None, **data):
    address = f"{PAGE}{of or key()}/{path}/"
    return with_soup(client.post(f"{address}?first={past(DAYS)}&last={past(1)}", data, headers=headers))


# --- What is found


def test_the_page_says_what_was_found_since_when_and_how_large_it_is(kept):
    page = show(kept)

    assert page.status_code == 200
    finding = text(page.soup.select_one("#consumption-chart figcaption"))
    assert finding.startswith("1 anomaly in 60 days. ")
    assert "cost €2,172.00 more than expected, mainly for VM tinav6.c24r128p1." in finding
    assert "32 days were checked. 28 days cannot be judged: 4 weeks" in finding
    ((days, kind, mainly, expected, cost, difference, percent, state),) = rows(page)
    assert days.startswith(f"{past(12).day} ")
    assert (kind, mainly) == ("Spike", "VM tinav6.c24r128p1")
    assert (expected, cost, difference, percent) == ("€87.00", "€2,259.00", "+€2,172.00", "+2,496.6%")
    assert state == "open"


def test_the_chart_has_the_band_and_its_table_the_same_figures(kept):
    page = show(kept)

    chart = json.loads(page.soup.select_one("#consumption-chart script").string)
    low, high, cost, mark = (one["values"] for one in chart["series"])
    place = chart["labels"].index(key())
    assert (low[place], high[place], cost[place], mark[place]) == ("27.84", "30.16", "753", "753")
    assert (low[0], cost[0], mark[0]) == (None, "29", None)
    assert chart["series"][3]["hrefs"][place].endswith(f"anomaly={key()}#anomalies")
    table = [[text(cell) for cell in row.find_all(["th", "td"])] for row in page.soup.select("#steps tr")[1:]]
    assert table[place][2:] == ["€753.00", "€29.00", "€27.84", "€30.16", "Anomaly: more"]
    assert table[0][2:] == ["€29.00", "–", "–", "–", "Too early to judge"]


def test_an_explanation_splits_the_difference_into_types_and_resources(kept):
    link = show(kept).soup.select_one(f"#anomaly-{key()}")["href"]
    page = get(kept, link.partition("#")[0])

    assert explained(page) == [
        ("VM tinav6.c24r128p1 BoxUsage: tinav6.c24r128p1", "New", "+€2,100.00"),
        *((f"i-{vm}", "New", "+€300.00") for vm in range(5)),
        ("2 other resources", "", "+€600.00"),
        ("NAT service NatGatewayUsage", "Dearer", "+€72.00"),
        ("nat-1", "Dearer", "+€72.00"),
    ]
    assert text(page.soup.select_one("[data-figure=excess]")) == "+€2,172.00"
    notes = text(page.soup.select_one(".explanation-notes"))
    assert "Each day is compared with the day of median cost among the last usual days" in notes


def test_parts_add_up_exactly_in_page_files_and_api(kept):
    (found,) = api(kept)["anomalies"]

    assert (found["id"], found["from_date"], found["to_date"]) == (key(), key(), past(9).isoformat())
    assert (found["expected"], found["actual"], found["excess"]) == ("87", "2259", "2172")
    assert found["compared_with"] == [past(days).isoformat() for days in (19, 18, 17)]
    parts = [cause["excess"] for cause in found["causes"]] + [found["others"]["excess"]]
    assert sum(map(Decimal, parts)) == Decimal(found["excess"])
    campaign, gateway = found["causes"]
    for cause in (campaign, gateway):
        parts = [one["excess"] for one in cause["resources"]]
        parts += [cause["others"]["excess"], cause["without_resource"]]
        assert (
            sum(map(Decimal, parts)) == Decimal(cause["excess"]) == sum(map(Decimal, cause["split"].values()))
        )
    assert campaign["split"] == {"new": "2100", "gone": "0", "quantity": "0", "unit_price": "0"}
    assert gateway["split"] == {"new": "0", "gone": "0", "quantity": "0", "unit_price": "72"}


def test_page_files_and_api_have_one_answer(kept):
    data = api(kept)
    file = kept.get(f"{PAGE}export/json/", question()).json()
    assert {name: file[name] for name in data} == data
    assert file["coverage"]["days"] == DAYS

    answer = kept.get(f"{PAGE}export/csv/", question())
    assert f"anomalies-{DEMO_KEY.account_id}-eu-west-2" in answer["Content-Disposition"]
    table = list(csv.DictReader(io.StringIO(answer.content.decode())))
    kinds = [row["row"] for row in table]
    assert kinds == ["anomaly", "cause", *["resource"] * 5, "others", "cause", "resource", *["day"] * DAYS]
    assert (table[0]["id"], table[0]["excess"], table[0]["currency"]) == (key(), "2172", "EUR")
    assert [row["excess"] for row in table if row["row"] == "cause"] == ["2100", "72"]
    days = [row for row in table if row["row"] == "day"]
    assert [(row["first_day"], row["actual"], row["expected"], row["kind"]) for row in days] == [
        (day["date"], day["cost"], day["expected"] or "", day["verdict"]) for day in data["days"]
    ]
    xlsx = xlsx_rows(kept.get(f"{PAGE}export/xlsx/", question()).content)
    ods = ods_rows(kept.get(f"{PAGE}export/ods/", question()).content)
    assert len(xlsx) == len(ods) == len(table) + 1
    french = kept.get(f"{PAGE}export/csv-fr/", question()).content.decode()
    assert french.startswith("\ufeffrow;id;")


def test_a_resource_alone_is_judged_and_explained_by_itself(kept):
    (found,) = api(kept, resource="i-1")["anomalies"]

    assert (found["expected"], found["excess"], found["excess_percent"]) == ("0", "300", None)
    assert [(cause["key"], cause["happened"]) for cause in found["causes"]] == [(CAMPAIGN["type_"], "new")]
    assert [one["resource_id"] for one in found["causes"][0]["resources"]] == ["i-1"]
    assert "new" in rows(show(kept, resource="i-1"))[0]


def test_what_moved_to_other_resources_and_quantities_is_told_apart(logged_in):
    def gateways(**prices):
        return [entry(price=price, value=price, resource=name) for name, price in prices.items()]

    before, after = gateways(a="40", b="60"), gateways(b="180", c="70")
    keep_days({days: after if days <= 2 else before for days in range(1, DAYS + 1)})

    (found,) = api(logged_in)["anomalies"]
    (cause,) = found["causes"]
    assert (found["kind"], cause["happened"]) == ("ongoing", "more")
    assert cause["split"] == {"new": "140", "gone": "-80", "quantity": "240", "unit_price": "0"}
    assert [(one["resource_id"], one["happened"]) for one in cause["resources"]] == [
        ("b", "more"),
        ("c", "new"),
        ("a", "gone"),
    ]
    notes = text(show(logged_in, anomaly=found["id"]).soup.select_one(".explanation-notes"))
    said = "new resources +€140.00, gone resources −€80.00, quantity +€240.00."
    assert f"NAT service: {said}" in notes


def test_credits_that_make_the_total_nothing_have_a_chart_and_are_not_called_new(logged_in):
    prices = {2: "50", 5: "-50"}
    keep_days({days: [entry(price=prices.get(days, "0"))] for days in range(1, DAYS + 1)})
    page = show(logged_in)
    assert page.soup.select_one("#consumption-chart")
    assert [row[-3:-1] for row in rows(page)] == [["+€50.00", "new"], ["−€50.00", "–"]]


def test_quiet_days_and_too_few_days_are_said_plainly(logged_in):
    keep_days({days: [NAT] for days in range(1, DAYS + 1)})
    page = show(logged_in)
    assert "No anomaly in 60 days. 32 days were checked." in text(page.soup)
    assert "32 days were checked, and each costs what was to be expected." in text(page.soup)
    page = get(logged_in, PAGE, {"first": past(DAYS).isoformat(), "last": past(DAYS - 9).isoformat()})
    assert "No day can be judged yet" in text(page.soup)
    page = get(logged_in, PAGE, {"first": past(9).isoformat(), "last": past(1).isoformat()})
    assert "No anomaly in 9 days. 9 days were checked." in text(page.soup)  # with the days before them


def test_a_product_that_lost_its_price_is_unknown_and_no_fall(logged_in):
    never = entry("pof-9", None, resource="x", category="licence")
    priced, lost = (entry("pof-8", price, resource="y", category="licence") for price in ("24", None))
    days = {days: [priced, TRAFFIC, never] for days in range(1, DAYS + 1)}
    keep_days(days | {5: [lost, TRAFFIC, never]})

    data = api(logged_in)
    assert data["anomalies"] == []
    verdicts = [day["verdict"] for day in data["days"]]
    assert (verdicts[-5], verdicts.count("unknown"), verdicts.count("usual")) == ("unknown", 1, 31)
    page = show(logged_in)
    assert "1 day is not known, or only in part." in text(page.soup)
    costs = {text(row.find_all("td")[1]) for row in page.soup.select("#steps tbody tr")}
    assert costs == {"at least ≥ €29.00", "at least ≥ €5.00"}  # what never has a price is in none of them
    drawn = json.loads(page.soup.select_one('script[type="application/json"]').string)["series"]
    assert all(next(one for one in drawn if one["role"] == "actual")["partial"])


def test_the_number_of_queries_does_not_grow_with_what_is_kept(kept):
    def queries(**more):
        with CaptureQueriesContext(connection) as asked:
            show(kept, **more)
            kept.get(f"{PAGE}export/json/", question())
        return len(asked)

    few = queries(anomaly=key())
    spikes = [entry(price="9", resource=f"r-{number}", **CAMPAIGN) for number in range(40)]
    keep_days(dict.fromkeys((3, 7, 15, 20, 25), spikes), ledger=own_ledger())
    assert len(api(kept)["anomalies"]) > 3
    assert queries(anomaly=key()) <= few


# --- The sandbox


def in_sandbox(client, first, last):
    """Return the anomalies of some days, each answered by the sandbox, and of the four weeks before them."""
    asked = {"from_date": first - 28 * ONE_DAY, "to_date": last + ONE_DAY}
    answer = client.get(API, {name: day.isoformat() for name, day in asked.items()}).json()
    assert answer["metadata"]["coverage"]["unread"] == 0
    return answer["data"]["anomalies"]


def happened(anomaly):
    return {(cause["key"], one["happened"]) for cause in anomaly["causes"] for one in cause["resources"]}


def test_the_spike_of_the_sandbox_is_found_with_its_vms_and_gpus_and_nothing_else(logged_in, outscale):
    first, _second, last = spike_days(timezone.now().date())

    (found,) = in_sandbox(logged_in, first - ONE_DAY, last + ONE_DAY)
    days = [(last - first).days + 1, found["from_date"], found["to_date"]]
    assert days == [3, first.isoformat(), (last + ONE_DAY).isoformat()]
    assert found["kind"] == "spike"
    assert happened(found) == {("Gpu:attach:nvidia-h100", "new"), ("BoxUsage:tinav6.c24r128p1", "new")}


def test_the_step_of_the_sandbox_is_found_with_the_platform_that_is_gone(logged_in, outscale):
    step = step_day(timezone.now().date())

    (found,) = in_sandbox(logged_in, step, step + 15 * ONE_DAY)
    assert (found["from_date"], found["kind"], found["excess"][0]) == (step.isoformat(), "lasting", "-")
    assert happened(found) == {
        ("BoxUsage:tinav5.c16r64p1", "gone"),
        ("ProductUsage:tinav5.c16r64p1", "gone"),
    }


# --- Marks


def test_an_anomaly_is_marked_with_a_note_and_opened_again(kept):
    answer = marking(kept, note="The <b>spring</b> campaign")

    assert answer.status_code == 200
    assert rows(answer)[0][-1] == "expected"
    assert "The anomaly is marked as expected." in text(answer.soup.select_one("#toasts"))
    assert "The <b>spring</b> campaign" in text(answer.soup.select_one(".explanation-notes"))
    assert "1 is marked as expected." in text(answer.soup)
    assert (api(kept)["anomalies"][0]["state"], api(kept)["anomalies"][0]["note"]) == (
        "expected",
        "The <b>spring</b> campaign",
    )
    assert rows(marking(kept, "open"))[0][-1] == "open"
    assert rows(marking(kept, "open"))[0][-1] == "open"  # once more, from another tab
    assert not ExpectedAnomaly.objects.exists()


def test_without_script_a_mark_leads_back_to_the_page(kept):
    answer = marking(kept, headers={})

    assert answer.status_code == 302
    assert answer["Location"].startswith(f"{PAGE}?first=")
    assert rows(get(kept, answer["Location"].partition("#")[0]))[0][-1] == "expected"
    assert "expected" in text(show(kept, state="expected").soup.select_one("#anomalies tbody"))
    page = show(kept, state="open")
    assert rows(page) == []
    assert "1 anomaly of this period is in another state." in text(page.soup)
    form = get(kept, f"{PAGE}{key()}/expected/")
    assert (form.status_code, form["Location"]) == (302, f"{PAGE}?anomaly={key()}#anomalies")


def test_a_mark_belongs_to_what_was_asked_and_stays_when_the_anomaly_grows(kept):
    marking(kept)

    assert api(kept, category="network")["anomalies"][0]["state"] == "open"
    assert api(kept, region="eu-west-2")["anomalies"][0]["state"] == "expected"
    later = {"from_date": past(40).isoformat(), "to_date": past(11).isoformat(), "read": "false"}
    (cut,) = kept.get(API, later).json()["data"]["anomalies"]
    assert (cut["kind"], cut["state"]) == ("ongoing", "expected")  # seen a day before it ended
    keep_days({9: eventful()[10]}, ledger=own_ledger())
    (grown,) = api(kept)["anomalies"]
    assert (grown["to_date"], grown["state"]) == (past(8).isoformat(), "expected")


def test_a_mark_on_accounts_together_stays_whichever_of_them_was_in_use(kept):
    paying = {"access_key": PAYING_KEY.access_key, "secret_key": PAYING_KEY.secret_key}
    kept.post("/accounts/add/", paying | {"region": "eu-west-2"})
    ledger = make_ledger(PAYING_KEY.account_id, reader=PAYING_KEY, at=timezone.now())
    keep(ledger, {past(days): [NAT] for days in range(1, DAYS + 1)}, at=timezone.now())
    kept.post("/accounts/use/", {"together": "1"})
    marking(kept)
    assert rows(show(kept))[0][-1] == "expected"
    kept.post("/accounts/use/", {"place": f"{PAYING_KEY.account_id}.eu-west-2"})
    kept.post("/accounts/use/", {"together": "1"})
    assert rows(show(kept))[0][-1] == "expected"
    kept.post("/accounts/use/", {"place": f"{DEMO_KEY.account_id}.eu-west-2"})
    assert rows(show(kept))[0][-1] == "open"


def test_another_account_neither_sees_nor_changes_a_mark(kept):
    marking(kept)
    other = client_of(PAYING_KEY)
    keep_days(eventful(), ledger=own_ledger(account_id=PAYING_KEY.account_id, reader=PAYING_KEY))

    assert api(other)["anomalies"][0]["state"] == "open"
    marking(other, "open")
    assert api(kept)["anomalies"][0]["state"] == "expected"
    nobody = client_of(EMPTY_KEY)
    assert marking(nobody).status_code == 404
    assert marking(nobody, "open").status_code == 404
    assert ExpectedAnomaly.objects.count() == 1
    assert Client().post(f"{PAGE}{key()}/expected/").status_code == 302  # to the login


@pytest.mark.parametrize("name", ["2026-01-01", "nothing", "2026-99-99"])
def test_what_is_no_anomaly_cannot_be_marked(kept, name):
    assert marking(kept, of=name).status_code == 404
    assert kept.post(f"{API}/expected", {"id": name}, content_type="application/json").status_code == 404
    assert not ExpectedAnomaly.objects.exists()


def test_a_note_that_is_too_long_is_refused_beside_its_field(kept):
    answer = marking(kept, note="x" * 201)

    assert answer.status_code == 422
    assert "at most 200 characters" in text(answer.soup.select_one("#anomaly_note_error"))
    assert answer.soup.select_one("#anomaly_note")["value"] == "x" * 201
    assert not ExpectedAnomaly.objects.exists()


def test_scripts_mark_and_open_again(kept):
    address = f"{API}/expected?from_date={past(DAYS)}&to_date={past(0)}&read=false"
    answer = kept.post(address, {"id": key(), "note": "known"}, content_type="application/json")

    assert answer.json()["data"] == {"id": key(), "state": "expected", "note": "known"}
    assert api(kept)["anomalies"][0]["note"] == "known"
    assert api(kept, state="open")["anomalies"] == []
    refused = kept.post(address, {"id": key(), "note": "x" * 201}, content_type="application/json")
    assert (refused.status_code, list(refused.json()["error"]["details"])) == (400, ["note"])
    assert kept.delete(f"{address}&id={key()}").json()["data"]["state"] == "open"
    assert kept.delete(f"{address}&id=x").status_code == 404
    assert not ExpectedAnomaly.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_marked_twice_at_once_it_is_marked_once(outscale):
    client = client_of(DEMO_KEY)
    keep_days(eventful())
    answers = []

    def press():
        other = Client()
        other.cookies = client.cookies
        answers.append(marking(other).status_code)
        connection.close()

    threads = [threading.Thread(target=press) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 3
    assert ExpectedAnomaly.objects.count() == 1


# --- What cannot be asked


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("state=odd", "state"),
        ("anomaly=x", "anomaly"),
        ("period=ages", "period"),
        ("first=2020-01-01", "first"),
        ("region=mars", "region"),
    ],
)
def test_a_wrong_question_is_answered_422_with_the_reason(kept, question, field):
    page = get(kept, f"{PAGE}?{question}")
    assert page.status_code == 422
    assert page.soup.select(".notice.is-bad li")
    assert kept.get(f"{PAGE}export/csv/?{question}").status_code == 422
    if field in ("state", "period", "region"):
        answer = kept.get(f"{API}?{question}&read=false")
        assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [field])


def test_an_unknown_anomaly_in_the_address_opens_nothing(kept):
    page = show(kept, anomaly="2026-01-01")
    assert page.status_code == 200
    assert not page.soup.select(".explain")
    assert kept.get(f"{PAGE}export/pdf/").status_code == 404


def test_without_dates_the_last_365_days_are_asked_for_and_read_back_to_this_page(kept):
    page = get(kept, PAGE)
    assert page.context["period_days"] == 365
    assert "of=anomalies" in page.soup.select_one("#reading form")["hx-post"]
    answer = kept.post(page.soup.select_one("#reading form")["hx-post"].replace("last-365-days", "yesterday"))
    assert answer["Location"].startswith(PAGE)


def test_operators_see_marks_and_change_none(kept):
    marking(kept, note="for the <auditor>")
    operator = Client()
    user = User.objects.create_superuser("operator", "a good password")
    operator.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    page = operator.get("/admin/consumption/expectedanomaly/")
    assert "for the &lt;auditor&gt;" in page.content.decode()
    assert operator.get("/admin/consumption/expectedanomaly/add/").status_code == 403
