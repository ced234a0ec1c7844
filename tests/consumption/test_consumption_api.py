"""The JSON API of the history: it reads what is missing, and says what is not there."""

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from consumption.entries import CALL
from consumption.models import Ledger, UsageDay
from consumption.periods import ONE_DAY
from sandbox.cloud import CONSUMPTION_ONLY_KEY, DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_KEY, READ_ONLY_KEY
from tests.consumption.days import gateway
from tests.costs.portal_readings import keys_of

DAYS = {"from_date": "2026-03-01", "to_date": "2026-03-04"}

pytestmark = pytest.mark.django_db


class Script:
    """A script that logs in over the API and asks for the consumption."""

    def __init__(self, key=DEMO_KEY, region="eu-west-2"):
        self.client = Client()
        answer = self.client.post("/api/auth/login", keys_of(key, region), content_type="application/json")
        self.headers = {"X-Session-ID": answer.json()["data"]["session_id"]}

    def ask(self, path="", **question):
        return self.client.get(f"/api/consumption{path}", question, headers=self.headers)

    def read(self, **days):
        return self.client.post(
            "/api/consumption/sync", days, content_type="application/json", headers=self.headers
        )

    def data(self, **question):
        answer = self.ask(**question)
        assert answer.status_code == 200, answer.content.decode()
        return answer.json()["data"]


@pytest.fixture
def script(db, outscale):
    cache.clear()
    return Script()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("consumption.apiquestions.PATIENCE_SECONDS", 1)


def told(day, **flags):
    """Return what the cloud itself says that a day costs."""
    answer = gateway().read(
        CALL, FromDate=day.isoformat(), ToDate=(day + ONE_DAY).isoformat(), ShowPrice=True, **flags
    )
    return sum(entry["Price"] for entry in answer["ConsumptionEntries"] if "Price" in entry)


def error_of(answer):
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["details"]


def test_the_days_asked_for_are_read_and_told_as_the_design_says(script, outscale):
    answer = script.ask(**DAYS, granularity="day", group_by="category")

    data, metadata = answer.json()["data"], answer.json()["metadata"]
    assert (data["from_date"], data["to_date"]) == ("2026-03-01", "2026-03-04")
    assert (data["granularity"], data["group_by"], data["currency"]) == ("day", "category", "EUR")
    assert [period["from_date"] for period in data["periods"]] == ["2026-03-01", "2026-03-02", "2026-03-03"]
    assert [Decimal(period["cost"]) for period in data["periods"]] == [
        pytest.approx(told(dt.date(2026, 3, number)), abs=Decimal("1e-6")) for number in (1, 2, 3)
    ]
    assert sum(Decimal(period["cost"]) for period in data["periods"]) == Decimal(data["total"])
    assert sum(Decimal(group["cost"]) for group in data["groups"]) == Decimal(data["total"])
    assert {group["key"] for group in data["groups"]} == {"compute", "licence", "storage", "network"}
    assert all(len(group["periods"]) == 3 for group in data["groups"])
    assert round(sum(Decimal(group["share"]) for group in data["groups"])) == 100
    assert {one["type"] for one in data["unpriced"]} >= {"BoxUsage:tinav9.c4r8p1"}
    assert metadata["coverage"] == {
        "days": 3,
        "complete": 3,
        "provisional": 0,
        "partial": 0,
        "failed": 0,
        "unread": 0,
    }
    assert metadata["partial"] == []


def test_asked_again_no_call_is_made_and_the_answer_is_the_same(script, outscale):
    first = script.data(**DAYS)
    outscale.requests.clear()

    assert script.data(**DAYS) == first
    assert not outscale.requests.calls()


def test_without_days_the_last_thirty_are_told(script, outscale):
    data, today = script.data(), timezone.now().date()

    assert data["to_date"] == today.isoformat()
    assert data["from_date"] == (today - 30 * ONE_DAY).isoformat()


@pytest.mark.parametrize(
    "filters",
    [
        {"service": "OKS"},
        {"resource_type": "LBU:Usage"},
        {"category": "storage"},
        {"subregion": "eu-west-2a"},
    ],
)
def test_a_filter_leaves_what_it_names(script, filters):
    name, value = next(iter(filters.items()))
    grouped = script.data(**DAYS, group_by=name)
    of_it = next(group["cost"] for group in grouped["groups"] if group["key"] == value)

    assert script.data(**DAYS, **filters)["total"] == of_it
    assert 0 < Decimal(of_it) < Decimal(grouped["total"])


def test_type_is_understood_as_resource_type(script):
    assert script.data(**DAYS, group_by="type")["group_by"] == "resource_type"


def test_what_is_kept_is_told_without_reading_when_asked_so(script, outscale):
    script.data(**DAYS)
    outscale.requests.clear()
    answer = script.ask(from_date="2026-02-28", to_date="2026-03-04", read="false").json()

    assert answer["data"]["periods"][0]["cost"] is None
    assert answer["metadata"]["partial"] == [
        {"day": "2026-02-28", "state": "unread", "code": "", "message": "This day was not read yet."}
    ]
    assert not outscale.requests.calls()


def test_a_day_that_failed_is_named_with_its_reason_and_no_zero(script, outscale):
    outscale.faults.add(f"{CALL}@2026-03-02", "error")
    answer = script.ask(**DAYS).json()

    assert [period["cost"] is None for period in answer["data"]["periods"]] == [False, True, False]
    assert answer["metadata"]["coverage"]["failed"] == 1
    [gap] = answer["metadata"]["partial"]
    assert (gap["day"], gap["state"], gap["code"]) == ("2026-03-02", "failed", "CLOUD_UNAVAILABLE")
    assert "cannot be reached" in gap["message"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (("refuse",), 403, "PERMISSION_REFUSED"),
        (("throttle",), 429, "CLOUD_THROTTLED"),
        (("reset",), 503, "CLOUD_UNAVAILABLE"),
        (("broken-json",), 502, "CLOUD_ANSWER_INVALID"),
        (("answer", "401/1"), 401, "AUTHENTICATION_REFUSED"),
    ],
)
def test_when_no_day_at_all_is_there_the_clouds_error_is_the_answer(script, outscale, fault, status, code):
    outscale.faults.add(CALL, *fault)
    answer = script.ask(**DAYS)

    assert error_of(answer)[:2] == (status, code)
    assert ("Retry-After" in answer.headers) == (status == 429)


def test_kept_figures_are_told_though_the_cloud_is_down(script, outscale):
    script.data(**DAYS)
    outscale.faults.add(CALL, "reset")
    answer = script.ask(from_date="2026-02-27", to_date="2026-03-04").json()

    assert answer["metadata"]["coverage"]["complete"] == 3
    assert Decimal(answer["data"]["total"]) > 0


def test_an_account_without_resources_costs_zero(outscale):
    data = Script(EMPTY_KEY).data(**DAYS)
    assert (data["total"], data["groups"]) == ("0", [])


def test_a_key_that_may_only_read_the_consumption_is_enough(outscale):
    assert Decimal(Script(CONSUMPTION_ONLY_KEY).data(**DAYS)["total"]) > 0


def test_linked_accounts_are_told_to_the_paying_one(outscale):
    script = Script(PAYING_KEY)
    alone, together = script.data(**DAYS), script.data(**DAYS, linked="true", group_by="account")

    assert len(together["groups"]) == 3
    assert Decimal(together["total"]) > Decimal(alone["total"])
    assert script.data(**DAYS)["total"] == alone["total"]


def test_nobody_sees_the_history_of_another_account(script, outscale):
    script.data(**DAYS)
    other = Script(LINKED_KEY)

    assert other.data(**DAYS, read="false")["total"] is None
    assert other.data(**DAYS, account="100000000001")["groups"] == []


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"from_date": "2026-03-04", "to_date": "2026-03-04"}, "to_date"),
        ({"from_date": "2026-03-05", "to_date": "2026-03-04"}, "to_date"),
        ({"from_date": "2999-01-01"}, "from_date"),
        ({"from_date": "2026-03-01", "to_date": "2999-01-01"}, "to_date"),
        ({"from_date": "2016-03-01", "to_date": "2026-03-01"}, "from_date"),
        ({"from_date": "yesterday"}, "from_date"),
        ({"from_date": "2026-02-30"}, "from_date"),
        ({"to_date": "0001-01-01"}, "to_date"),
        ({"granularity": "hour"}, "granularity"),
        ({"group_by": "colour"}, "group_by"),
        ({"group_by": "x" * 10_000}, "group_by"),
        ({"period": "last-decade"}, "period"),
        ({"region": "us-west-1"}, "region"),
        ({"region": "☃"}, "region"),
        ({"service": "a\x00b"}, "service"),
        ({"resource": ["x"] * 30 + [str(n) for n in range(30)]}, "resource"),
        ({"linked": "perhaps"}, "linked"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_beside_its_field(script, outscale, question, field):
    outscale.requests.clear()
    answer = script.ask(**question)

    status, code, details = error_of(answer)
    assert (status, code, list(details)) == (400, "VALIDATION_FAILED", [field])
    assert not outscale.requests.calls()


def test_today_is_not_over_and_cannot_be_told(script):
    today = timezone.now().date()
    status, _code, details = error_of(script.ask(from_date=today.isoformat()))
    assert (status, list(details)) == (400, ["from_date"])
    tomorrow = (today + ONE_DAY).isoformat()
    status, _code, details = error_of(script.ask(from_date="2026-11-01", to_date=tomorrow))
    assert (status, list(details)) == (400, ["to_date"])


def test_without_a_session_nothing_is_told(outscale):
    assert Client().get("/api/consumption").status_code == 401
    assert Client().post("/api/consumption/sync", {}, content_type="application/json").status_code == 401


# --- Reading


def test_reading_tells_how_far_it_is(script, outscale):
    outscale.faults.add(f"{CALL}@2026-03-02", "error")
    [progress] = script.read(**DAYS).json()["data"]

    assert progress["region"] == "eu-west-2"
    assert (progress["days"], progress["done"], progress["left"]) == (3, 3, [])
    assert progress["read"] == ["2026-03-03", "2026-03-01"]
    assert (progress["goes_on"], progress["problem"]) == (False, None)
    outscale.faults.clear()
    [progress] = script.read(**DAYS, again=True).json()["data"]
    assert progress["read"] == ["2026-03-02"]


@pytest.mark.usefixtures("impatient")
def test_a_reading_that_is_throttled_says_when_to_go_on(script, outscale):
    outscale.faults.add(CALL, "throttle")
    [progress] = script.read(**DAYS).json()["data"]

    assert (progress["goes_on"], progress["problem"]["code"]) == (True, "CLOUD_THROTTLED")
    assert progress["goes_on_after"] > 0
    assert not UsageDay.objects.exists()


def test_a_reading_that_takes_long_is_left_and_gone_on_with(script, outscale, monkeypatch):
    monkeypatch.setattr("consumption.apiquestions.PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("consumption.slices.GRACE_SECONDS", 0.2)
    outscale.faults.add(CALL, "latency", 60)
    asked = {"from_date": "2026-01-01", "to_date": "2026-03-01"}
    [progress] = script.read(**asked).json()["data"]
    assert 0 < progress["done"] < progress["days"]
    assert progress["goes_on"]

    outscale.faults.clear()
    monkeypatch.setattr("consumption.apiquestions.PATIENCE_SECONDS", 20)
    [progress] = script.read(**asked).json()["data"]
    assert progress["left"] == []
    assert Ledger.objects.get().days.count() == 59


def test_a_key_without_any_right_is_refused_with_403(outscale):
    answer = Script(READ_ONLY_KEY)
    outscale.faults.add(CALL, "refuse")
    assert error_of(answer.read(**DAYS))[:2] == (403, "PERMISSION_REFUSED")


# --- Files


@pytest.mark.parametrize(
    ("file_format", "start"),
    [
        ("csv", b"row,group_by,"),
        ("csv-fr", b"\xef\xbb\xbfrow;group_by;"),
        ("json", b"{"),
        ("ods", b"PK"),
        ("xlsx", b"PK"),
    ],
)
def test_the_history_is_sent_as_a_file(script, file_format, start):
    answer = script.ask("/export", **DAYS, format=file_format)

    assert answer.status_code == 200
    assert answer.content.startswith(start)
    assert "attachment" in answer["Content-Disposition"]


def test_a_file_holds_what_the_answer_says(script):
    data = script.data(**DAYS)
    rows = list(csv.DictReader(io.StringIO(script.ask("/export", **DAYS).content.decode())))

    groups = [Decimal(row["cost"]) for row in rows if row["row"] == "group"]
    assert sum(groups) == Decimal(data["total"])
    assert [row["cost"] for row in rows if row["row"] == "total"] == [data["total"]]


def test_a_month_is_sent_as_focus_once_what_has_no_price_may_be_left_out(script):
    asked = {"format": "focus", "month": "2026-03"}
    refused = script.ask("/export", **asked)
    assert error_of(refused)[:2] == (409, "NOT_PRICED")

    answer = script.ask("/export", **asked, without_unpriced="true")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer).decode())))
    days = script.data(from_date="2026-03-01", to_date="2026-04-01")
    assert sum(Decimal(row["BilledCost"]) for row in rows) == Decimal(days["total"])
    assert "2026-03" in answer["Content-Disposition"]


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"format": "pdf"}, "format"),
        ({"format": "focus", "month": "13-2026"}, "month"),
        ({"format": "focus", "month": "2099-01"}, "month"),
        ({"format": "csv", "group_by": "x"}, "group_by"),
    ],
)
def test_a_file_that_cannot_be_is_refused_beside_its_field(script, question, field):
    status, code, details = error_of(script.ask("/export", **question))
    assert (status, code, list(details)) == (400, "VALIDATION_FAILED", [field])
