import datetime as dt
import json
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from budgets import api, lifecycle
from budgets.models import Budget
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY
from tests.budgets.budgets import make_budget
from tests.budgets.test_budget_models import make_alert, make_delivery
from tests.quotes.test_quotes_api import Script as QuotesScript

pytestmark = pytest.mark.django_db
GIVEN = {"name": "Production", "amount": "1000", "start_date": "2026-01-31"}
ADDRESS = "https://8.8.8.8/secret"


class Script(QuotesScript):
    """A script that asks for budgets."""

    def send(self, method, path="", body=None, **headers):
        options = {"headers": {"X-Session-ID": self.session_id} | headers, "content_type": "application/json"}
        sent = [] if body is None else [body]
        return getattr(self.client, method)(f"/api/budgets{path}", *sent, **options)

    def make(self, **changed):
        answer = self.send("post", "", GIVEN | changed)
        assert answer.status_code == 201, answer.content
        return answer.json()["data"]


@pytest.fixture
def script(outscale):
    return Script()


@pytest.fixture
def alice(script):
    return User.objects.get(account_id=DEMO_ACCOUNT.account_id)


def details(answer):
    assert answer.status_code == 400, answer.content
    return answer.json()["error"]["details"]


def test_a_budget_needs_a_name_and_an_amount_and_begins_like_that_of_the_page(script, alice):
    made = script.send("post", "", {"name": "All", "amount": "12.5"})
    assert made.status_code == 201
    assert made.json()["data"] | {"budget_id": "", "created_at": "", "updated_at": ""} == {
        "budget_id": "",
        "name": "All",
        "amount": "12.5",
        "currency": "EUR",
        "period_type": "monthly",
        "start_date": timezone.now().date().replace(day=1).isoformat(),
        "end_date": None,
        "growth_percent": "0",
        "amounts": [],
        "scope": {"accounts": [], "regions": [], "categories": [], "services": [], "tags": []},
        "thresholds": {"actual": [50, 75, 90, 100], "forecast": [50, 75, 90, 100]},
        "emails": [],
        "has_webhook": False,
        "webhook_format": "json",
        "created_at": "",
        "updated_at": "",
    }
    assert Budget.objects.get().readers == [reader_of(DEMO_KEY.access_key)]
    assert set(details(script.send("post", "", {}))) == {"name", "amount"}


def test_everything_that_is_sent_is_answered_but_the_address_of_the_webhook(script):
    sent = {
        "currency": "USD",
        "period_type": "quarterly",
        "end_date": "2027-01-30",
        "growth_percent": "-2.5",
        "amounts": [{"first_day": "2026-04-30", "amount": "12.34"}, {"first_day": "2026-10-31", "amount": 0}],
        "scope": {"regions": ["us-east-2"], "categories": ["compute"], "tags": ["env=prod"]},
        "thresholds": {"actual": [100, 20], "forecast": []},
        "emails": ["a@example.org"],
        "webhook_url": ADDRESS,
        "webhook_format": "text",
    }
    made = script.make(**sent)
    read = script.send("get", f"/{made['budget_id']}")
    assert read.json()["data"] == made
    assert "secret" not in read.content.decode()
    assert {name: made[name] for name in sent if name not in {"webhook_url", "amounts", "scope"}} == {
        name: sent[name] for name in sent if name not in {"webhook_url", "amounts", "scope"}
    } | {"thresholds": {"actual": [20, 100], "forecast": []}}
    assert made["amounts"] == [
        {"first_day": "2026-04-30", "amount": "12.34"},
        {"first_day": "2026-10-31", "amount": "0"},
    ]
    assert made["scope"] == {"accounts": [], "services": []} | sent["scope"]
    assert made["has_webhook"] is True
    assert Budget.objects.get().webhook_url == ADDRESS


def test_a_change_changes_only_what_is_sent(script):
    made = script.make(
        webhook_url=ADDRESS,
        scope={"regions": ["eu-west-2"], "tags": ["env=prod"]},
        thresholds=[80],
        amounts=[{"first_day": "2026-02-28", "amount": "5"}],
        end_date="2027-12-31",
    )
    address = f"/{made['budget_id']}"
    steps = [
        ({}, {}),
        ({"name": "Other"}, {"name": "Other"}),
        ({"amount": "7.10"}, {"amount": "7.1"}),
        ({"end_date": None}, {"end_date": None}),
        ({"scope": {"tags": []}}, {"scope": made["scope"] | {"tags": []}}),
        ({"thresholds": {"forecast": [60]}}, {"thresholds": {"actual": [80], "forecast": [60]}}),
        ({"thresholds": [5]}, {"thresholds": {"actual": [5], "forecast": [5]}}),
        ({"amounts": []}, {"amounts": []}),
        ({"webhook_format": "text"}, {"webhook_format": "text"}),
        ({"webhook_url": None}, {"has_webhook": False}),
        ({"webhook_url": ADDRESS}, {"has_webhook": True}),
        ({"webhook_url": ""}, {"has_webhook": False}),
    ]
    now = dict(made)
    for sent, changed in steps:
        answer = script.send("put", address, sent)
        assert answer.status_code == 200, answer.content
        now |= changed | {"updated_at": answer.json()["data"]["updated_at"]}
        assert answer.json()["data"] == now


def test_another_start_drops_the_amounts_of_periods_that_are_gone(script):
    amounts = [{"first_day": "2026-02-28", "amount": "5"}, {"first_day": "2026-03-31", "amount": "6"}]
    address = f"/{script.make(amounts=amounts)['budget_id']}"
    answer = script.send("put", address, {"start_date": "2026-01-28"})
    assert answer.json()["data"]["amounts"] == amounts[:1]
    moved = script.send(
        "put", address, {"start_date": "2026-01-05", "amounts": [{"first_day": "2026-02-05", "amount": "1"}]}
    )
    assert moved.json()["data"]["amounts"] == [{"first_day": "2026-02-05", "amount": "1"}]


BAD = [
    ({"name": ""}, "name"),
    ({"name": 5}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": "\ud800"}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"amount": None}, "amount"),
    ({"amount": "-1"}, "amount"),
    ({"amount": "1e999"}, "amount"),
    ({"amount": "NaN"}, "amount"),
    ({"amount": [1]}, "amount"),
    ({"amount": {"a": 1}}, "amount"),
    ({"amount": True}, "amount"),
    ({"amount": 1.005}, "amount"),
    ({"currency": "XXX"}, "currency"),
    ({"currency": None}, "currency"),
    ({"currency": "USD", "scope": {"regions": ["eu-west-2"]}}, "scope.regions"),
    ({"growth_percent": "1001"}, "growth_percent"),
    ({"growth_percent": "Infinity"}, "growth_percent"),
    ({"period_type": "daily"}, "period_type"),
    ({"start_date": "31/01/2026"}, "start_date"),
    ({"start_date": 1767225600}, "start_date"),
    ({"start_date": None}, "start_date"),
    ({"start_date": "2026-01-31T00:00:00"}, "start_date"),
    ({"end_date": "2026-01-30"}, "end_date"),
    ({"end_date": "9999-12-31"}, "end_date"),
    ({"scope": None}, "scope"),
    ({"scope": {"planets": []}}, "scope.planets"),
    ({"scope": {"regions": "eu-west-2"}}, "scope.regions"),
    ({"scope": {"regions": [1]}}, "scope.regions.0"),
    ({"scope": {"regions": ["mars-1"]}}, "scope.regions"),
    ({"scope": {"accounts": ["100000000002"]}}, "scope.accounts"),
    ({"scope": {"services": ["x" * 5000]}}, "scope.services"),
    ({"scope": {"tags": ["prod"]}}, "scope.tags"),
    ({"scope": {"tags": ["a=b\nc=d"]}}, "scope.tags"),
    ({"scope": {"tags": [f"a={n}" for n in range(21)]}}, "scope.tags"),
    ({"thresholds": 50}, "thresholds"),
    ({"thresholds": None}, "thresholds"),
    ({"thresholds": {"actual": 50}}, "thresholds"),
    ({"thresholds": {"guess": [50]}}, "thresholds"),
    ({"thresholds": [True]}, "thresholds.actual"),
    ({"thresholds": [50.5]}, "thresholds.actual"),
    ({"thresholds": [0]}, "thresholds.actual"),
    ({"thresholds": [[50]]}, "thresholds.actual"),
    ({"thresholds": {"forecast": [1001]}}, "thresholds.forecast"),
    ({"thresholds": list(range(1, 12))}, "thresholds.actual"),
    ({"amounts": [{"first_day": "2026-02-01", "amount": "5"}]}, "amounts.0.first_day"),
    ({"amounts": [{"first_day": "2025-12-31", "amount": "5"}]}, "amounts.0.first_day"),
    ({"amounts": [{"first_day": "2026-02-28", "amount": "1e999"}]}, "amounts.0.amount"),
    ({"amounts": [{"first_day": "2026-02-28", "amount": "5"}] * 2}, "amounts.1.first_day"),
    ({"amounts": [{"first_day": "2026-02-28"}]}, "amounts.0.amount"),
    ({"amounts": [{"first_day": "0001-01-01", "amount": "5"}]}, "amounts.0.first_day"),
    ({"amounts": [{"first_day": "9999-12-30", "amount": "5"}]}, "amounts.0.first_day"),
    ({"amounts": [{"first_day": "2026-02-28", "amount": "5"}] * 1001}, "amounts"),
    ({"amounts": "5"}, "amounts"),
    ({"emails": "a@example.org"}, "emails"),
    ({"emails": ["a b@example.org"]}, "emails"),
    ({"emails": ["a@example.org\nBcc: x@example.org"]}, "emails"),
    ({"webhook_url": "http://"}, "webhook_url"),
    ({"webhook_url": 5}, "webhook_url"),
    ({"webhook_url": "https://[::1]/"}, "webhook_url"),
    ({"webhook_format": "xml"}, "webhook_format"),
    ({"budget_id": str(uuid4())}, "budget_id"),
    ({"owner": "100000000002"}, "owner"),
]


def test_what_cannot_be_is_refused_with_its_field_and_changes_nothing(script):
    made = script.make()
    address = f"/{made['budget_id']}"
    for sent, field in BAD:
        body = json.dumps(sent)
        assert field in details(script.send("put", address, body)), sent
        assert field in details(script.send("post", "", json.dumps(GIVEN | sent))), sent
    assert script.send("get", address).json()["data"] == made
    assert Budget.objects.count() == 1


def test_a_body_that_is_no_budget_is_refused(script):
    for body in [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        '{"amount": NaN}',
        '{"amount": 1e999}',
        '{"amount": ' + "9" * 5000 + "}",
    ]:
        assert script.send("post", "", body).status_code == 400


def test_an_amount_may_be_sent_as_a_number(script):
    assert script.make(amount=1234.5)["amount"] == "1234.5"
    assert script.make(amount=7)["amount"] == "7"


def test_the_list_is_by_name_a_page_at_a_time_and_its_queries_do_not_grow(
    script, alice, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(api, "BUDGETS_PER_PAGE", 3)
    for name in "edcba":
        budget = make_budget(of=alice, name=name)
        lifecycle.set_amounts(budget=budget, amounts={dt.date(2026, 2, 1): Decimal(1)}, at=timezone.now())
    make_budget(of=User.objects.for_account("100000000002"), name="not mine")
    with django_assert_max_num_queries(6):
        first = script.send("get")
    assert [one["name"] for one in first.json()["data"]] == ["a", "b", "c"]
    assert first.json()["metadata"]["pagination"] == {"page": 1, "pages": 2, "per_page": 3, "total": 5}
    assert [one["name"] for one in script.send("get", "?page=2").json()["data"]] == ["d", "e"]
    assert [one["name"] for one in script.send("get", f"?page={10**30}").json()["data"]] == ["d", "e"]
    assert "page" in details(script.send("get", "?page=x"))


def test_a_deleted_budget_is_gone(script):
    address = f"/{script.make()['budget_id']}"
    assert script.send("delete", address).json()["data"] == {"message": "“Production” is deleted."}
    for method in ("get", "put", "delete"):
        assert script.send(method, address, {} if method == "put" else None).status_code == 404


def test_the_budget_of_another_owner_does_not_exist(script):
    other = make_budget(of=User.objects.for_account("100000000002"))
    for budget_id in (other.pk, uuid4()):
        for method in ("get", "put", "delete"):
            answer = script.send(method, f"/{budget_id}", {"name": "mine"} if method == "put" else None)
            assert answer.status_code == 404
    assert script.send("get", "/not-a-uuid").status_code == 404
    assert Budget.objects.get().name == "Production"


def test_a_session_that_has_ended_is_a_401(script, alice):
    budget = make_budget(of=alice)
    script.session_id = "gone.gone"
    for method, path in (("get", ""), ("post", ""), ("get", f"/{budget.pk}"), ("put", f"/{budget.pk}")):
        assert script.send(method, path, GIVEN if method in {"post", "put"} else None).status_code == 401
    assert script.send("delete", f"/{budget.pk}").status_code == 401


def test_a_browser_needs_its_csrf_token(logged_in):
    logged_in.handler.enforce_csrf_checks = True
    answer = logged_in.post("/api/budgets", GIVEN, content_type="application/json")
    assert (answer.status_code, Budget.objects.count()) == (403, 0)


def test_too_many_budgets_are_refused(script, alice, monkeypatch):
    monkeypatch.setattr(lifecycle, "MOST_BUDGETS", 1)
    make_budget(of=alice)
    assert details(script.send("post", "", GIVEN)) == {
        "__all__": ["An account holds at most 1 budgets. Delete one of them first."]
    }


def test_two_changes_at_once_both_stand_and_endless_ones_are_a_conflict(script, monkeypatch):
    address, values_in, disturbed = f"/{script.make()['budget_id']}", api.values_in, []

    def values_while_another_changes(given):
        if len(disturbed) < limit:
            disturbed.append(1)
            Budget.objects.update(currency="USD", updated_at=timezone.now())
        return values_in(given)

    monkeypatch.setattr(api, "values_in", values_while_another_changes)
    limit = 1
    both = script.send("put", address, {"name": "Other"}).json()["data"]
    assert (both["name"], both["currency"]) == ("Other", "USD")
    limit = 100
    answer = script.send("put", address, {"name": "Never"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert Budget.objects.get().name == "Other"


def test_operators_find_budgets_and_alerts_and_see_no_secret(admin_client, alice):
    budget = make_budget(of=alice, webhook_url=ADDRESS, readers=["reader-of-a-key"])
    delivery = make_delivery(make_alert(budget), state="failed", problem="refused")
    for path in (
        "budget/?q=Production",
        f"budget/{budget.pk}/change/",
        "budgetalert/?q=Production&measure__exact=actual",
        f"budgetalert/{delivery.alert_id}/change/",
        "alertdelivery/?q=refused&state__exact=failed",
        f"alertdelivery/{delivery.pk}/change/",
    ):
        answer = admin_client.get(f"/admin/budgets/{path}")
        shown = answer.content.decode()
        assert answer.status_code == 200, path
        assert "Production" in shown or "failed" in shown, path
        assert "secret" not in shown, path
        assert "reader-of-a-key" not in shown, path
    for model in ("budget", "budgetalert", "alertdelivery"):
        assert admin_client.get(f"/admin/budgets/{model}/add/").status_code == 403
