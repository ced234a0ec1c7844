import datetime as dt
from decimal import Decimal
from itertools import zip_longest
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.messages import get_messages
from django.utils import timezone

from accounts.models import User
from budgets import lifecycle
from budgets.amounts import table_of
from budgets.models import Budget
from consumption.models import Ledger
from consumption.periods import months_later
from consumption.tags import Seen, note_tags
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_ACCOUNT, PAYING_ACCOUNT, PAYING_KEY
from tests.budgets.budgets import make_budget
from tests.consumption.days import entry, keep, make_ledger
from tests.costs.portal_readings import client_of, get, notices, text, with_soup
from tests.quotes.factories import make_item, make_quote, set_terms

pytestmark = pytest.mark.django_db
NEW = "/budgets/new/"
WEBHOOK = "https://8.8.8.8/T/1"
"""An address without a name, so that nobody asks the DNS."""

GIVEN = {
    "name": "Production",
    "amount": "1000",
    "currency": "EUR",
    "growth_percent": "",
    "period_type": "monthly",
    "start_date": "2026-01-31",
    "end_date": "",
    "tags": "",
    "actual_thresholds": "50, 100",
    "forecast_thresholds": "",
    "emails": "",
    "webhook_url": "",
    "webhook_format": "json",
}


@pytest.fixture
def alice(logged_in):
    return User.objects.get(account_id=DEMO_ACCOUNT.account_id)


@pytest.fixture
def budget(alice):
    return make_budget(of=alice, start=dt.date(2026, 1, 1), scope={"regions": ["eu-west-2"]})


def page(budget, name):
    return f"/budgets/{budget.pk}/{name}/"


def post(client, address, **changed):
    return with_soup(client.post(address, GIVEN | changed))


def refused_fields(response):
    return {one["name"] for one in response.soup.select("main .is-invalid[name]")} | {
        one.select_one("input")["name"] for one in response.soup.select("main .choice-list.is-invalid")
    }


def today():
    return timezone.now().date()


def month_ago():
    return months_later(today(), -1)


def keep_last_month(entries, *, without=(), ledger=None, **facts):
    first, this = month_ago(), months_later(today(), 0)
    days = [first + dt.timedelta(days=number) for number in range((this - first).days)]
    ledger = ledger or make_ledger(at=timezone.now())
    later = timezone.now() + dt.timedelta(days=60)  # the figures of every day are final
    keep(ledger, {day: entries for day in days if day.day not in without}, at=later, **facts)
    return len(days)


def test_a_new_budget_is_monthly_from_this_month_on_in_the_currency_of_the_region(logged_in):
    response = get(logged_in, NEW)
    fields = {one["name"]: one.get("value", "") for one in response.soup.select("main input[type=date]")}
    assert fields == {"start_date": today().replace(day=1).isoformat(), "end_date": ""}
    chosen = {one.parent["name"]: one["value"] for one in response.soup.select("main option[selected]")}
    assert chosen == {"currency": "EUR", "period_type": "monthly", "webhook_format": "json"}
    assert response.soup.select_one("[name=actual_thresholds]")["value"] == "50, 75, 90, 100"
    assert not response.soup.select("main input[checked]"), "nothing is left out"
    assert not response.soup.select("[name=accounts]"), "there is no other account to choose"


def test_a_budget_keeps_what_was_typed_and_who_may_read_it(logged_in, alice):
    made = post(
        logged_in,
        NEW,
        growth_percent="2.5",
        end_date="2027-12-31",
        regions=["eu-west-2"],
        categories=["storage", "compute"],
        services=["TinaOS-FCU"],
        tags="env = prod\r\n\r\nteam=a=b\nenv=prod",
        forecast_thresholds="100 %; 75%",
        emails="a@example.org,\nb@example.org a@example.org",
        webhook_url=WEBHOOK,
        webhook_format="text",
    )
    budget = Budget.objects.get()
    assert made.url == f"/budgets/{budget.pk}/"
    assert (budget.owner, budget.readers, budget.language) == (alice, [reader_of(DEMO_KEY.access_key)], "en")
    assert (budget.amount, budget.growth_percent) == (Decimal(1000), Decimal("2.5"))
    assert (budget.start_date, budget.end_date) == (dt.date(2026, 1, 31), dt.date(2027, 12, 31))
    assert budget.scope == {
        "accounts": [],
        "regions": ["eu-west-2"],
        "categories": ["compute", "storage"],
        "services": ["TinaOS-FCU"],
        "tags": ["env=prod", "team=a=b"],
    }
    assert (budget.actual_thresholds, budget.forecast_thresholds) == ([50, 100], [75, 100])
    assert budget.emails == ["a@example.org", "b@example.org"]
    assert (budget.webhook_url, budget.webhook_format) == (WEBHOOK, "text")


def test_an_amount_may_be_typed_as_the_french_do(logged_in):
    logged_in.cookies.load({settings.LANGUAGE_COOKIE_NAME: "fr"})
    for typed in ("1 234,50", "1\u202f234,50", "1\xa0234,5", "1234.50", " 1234,50 "):
        assert post(logged_in, NEW, amount=typed, growth_percent="2,5").status_code == 302
    found = {(one.amount, one.growth_percent, one.language) for one in Budget.objects.all()}
    assert found == {(Decimal("1234.5"), Decimal("2.5"), "fr")}
    shown = get(logged_in, page(Budget.objects.first(), "edit")).soup
    assert shown.select_one("[name=amount]")["value"] == "1234,50"
    assert shown.select_one("[name=start_date]")["value"] == "2026-01-31"


FAR = (timezone.now() + dt.timedelta(days=4000)).date().isoformat()
BAD = [
    ("name", ["", " ", "x" * 121, "a\x00b"]),
    (
        "amount",
        ["", "-0.01", "0.001", "900000000.01", "1e999", "NaN", "Infinity", "ten", "٣x", "1,2,3", "9" * 5000],
    ),
    ("currency", ["", "XXX", "eur", "EUR\x00", "€" * 1000]),
    ("growth_percent", ["-100.01", "1000.01", "NaN", "1e999", "0.001", "x"]),
    ("period_type", ["", "daily", "Monthly"]),
    (
        "start_date",
        ["", "2009-12-31", FAR, "2026-02-30", "31/01/2026", "99999-01-01", "x" * 9999, "2026-01-01\x00"],
    ),
    ("end_date", ["2026-01-30", "2500-01-01", "tomorrow"]),
    ("accounts", [["100000000002"], ["\x00"]]),
    ("regions", [["mars-1"], ["us-east-2"], ["eu-west-2", "us-east-2"], ["é" * 9999]]),
    ("categories", [["dreams"], ["Compute"]]),
    ("services", [["TinaOS-XXX"], ["TinaOS-FCU", "\x00"]]),
    (
        "tags",
        [
            "prod",
            "=prod",
            "a" * 256 + "=b",
            "a=" + "b" * 256,
            "a=b\x00c",
            "\n".join(f"k=v{n}" for n in range(21)),
        ],
    ),
    (
        "actual_thresholds",
        ["0", "1001", "-5", "50.5", "half", "٥٠", "1e2", "9" * 5000, ",".join(map(str, range(1, 12)))],
    ),
    ("forecast_thresholds", ["0", "NaN"]),
    (
        "emails",
        [
            "a@",
            "a@example.org\x00",
            "a",
            ",".join(f"u{n}@example.org" for n in range(11)),
            "x" * 400 + "@e.org",
        ],
    ),
    (
        "webhook_url",
        [
            "hooks",
            "ftp://example.org/x",
            "javascript:alert(1)",
            "https://",
            "https://8.8.8.8/" + "x" * 2000,
            "http://127.0.0.1/x",
            "http://169.254.169.254/x",
            "http://a@8.8.8.8/",
        ],
    ),
    ("webhook_format", ["", "xml"]),
]


CHECKED_WITH_ANOTHER = {"end_date", "regions"}
"""Fields that are compared with another one, which must be right for that."""


def bad_forms():
    """Yield many bad values at once, each field with one of its own, until all were there."""
    for is_compared in (True, False):
        fields = {field: values for field, values in BAD if (field in CHECKED_WITH_ANOTHER) == is_compared}
        for sent in zip_longest(*fields.values()):
            yield {field: value for field, value in zip(fields, sent, strict=True) if value is not None}


def test_what_cannot_be_is_said_at_its_field_and_nothing_typed_is_lost(logged_in):
    for sent in bad_forms():
        response = post(logged_in, NEW, **{"name": "Kept"} | sent)
        assert response.status_code == 422, sent
        assert refused_fields(response) == set(sent), sent
        assert response.soup.select_one("main [role=alert]")
        assert "name" in sent or response.soup.select_one("[name=name]")["value"] == "Kept"
        for field, value in sent.items():
            control = response.soup.select_one(f"[name={field}]")
            if control.name == "input" and control["type"] in {"text", "url", "date"} and "\x00" not in value:
                assert control.get("value", "") == value
    assert not Budget.objects.exists()


def test_who_chooses_what_is_not_known_is_told_what_is(logged_in):
    response = post(logged_in, NEW, categories=["dreams"], regions=["us-east-2"])
    problems = [text(one) for one in response.soup.select("main .invalid-feedback")]
    assert problems == [
        "us-east-2: billed in USD, and this budget is in EUR.",
        "“dreams” is not known here. There are: compute, licence, network, other, storage."
        if "other" in problems[1]
        else "“dreams” is not known here. There are: compute, licence, network, storage.",
    ]


def test_growth_and_thresholds_may_be_left_out(logged_in):
    assert post(logged_in, NEW, actual_thresholds="", forecast_thresholds=" ").status_code == 302
    budget = Budget.objects.get()
    assert (budget.growth_percent, budget.actual_thresholds, budget.forecast_thresholds) == (0, [], [])


def test_a_budget_of_nothing_is_a_budget(logged_in):
    assert post(logged_in, NEW, amount="0").status_code == 302


def test_the_limit_of_an_account_is_said_and_the_form_stays(logged_in, budget, monkeypatch):
    monkeypatch.setattr(lifecycle, "MOST_BUDGETS", 1)
    response = post(logged_in, NEW, name="One more")
    assert response.status_code == 422
    assert "at most 1 budgets" in text(response.soup.select_one("main [role=alert]"))
    assert response.soup.select_one("[name=name]")["value"] == "One more"


def test_a_change_keeps_the_webhook_that_is_not_shown_until_it_is_replaced_or_removed(logged_in, alice):
    budget = make_budget(of=alice, webhook_url="https://hooks.example.org/secret")
    shown = get(logged_in, page(budget, "edit"))
    assert "hooks.example.org" in shown.content.decode()
    assert "secret" not in shown.content.decode()
    kept = []
    for changed in ({}, {"webhook_url": WEBHOOK}, {"remove_webhook": "on"}):
        assert post(logged_in, page(budget, "edit"), **changed).status_code == 302
        kept.append(Budget.objects.get().webhook_url)
    assert kept == ["https://hooks.example.org/secret", WEBHOOK, ""]
    assert not get(logged_in, page(budget, "edit")).soup.select("[name=remove_webhook]")


def test_what_a_budget_counts_stays_though_this_session_does_not_know_it(logged_in, alice):
    scope = {
        "accounts": ["999999999999"],
        "services": ["Old"],
        "categories": ["older"],
        "regions": ["gone-1"],
    }
    budget = make_budget(of=alice, currency="CHF", scope=scope)
    form = get(logged_in, page(budget, "edit")).soup
    ticked = {one["name"]: one["value"] for one in form.select("main input[type=checkbox][checked]")}
    assert ticked == {name: values[0] for name, values in scope.items()}
    assert post(logged_in, page(budget, "edit"), currency="CHF", **scope).status_code == 302
    assert Budget.objects.get().scope == scope | {"tags": []}


def test_amounts_that_lose_their_period_are_dropped_and_that_is_said(logged_in, budget):
    said = {dt.date(2026, 2, 1): Decimal(5), dt.date(2026, 4, 1): Decimal(6)}
    lifecycle.set_amounts(budget=budget, amounts=said, at=timezone.now())
    assert "are dropped" in text(
        get(logged_in, page(budget, "edit")).soup.select_one("#id_start_date_helptext")
    )
    response = post(logged_in, page(budget, "edit"), period_type="quarterly", start_date="2026-01-01")
    told = [str(one) for one in get_messages(response.wsgi_request)]
    assert told[1].startswith("1 amount of a single period was dropped")
    assert table_of([budget])[budget.pk] == {dt.date(2026, 4, 1): Decimal(6)}


def test_the_amounts_of_single_periods_are_typed_beside_those_by_growth(logged_in, alice):
    budget = make_budget("100", of=alice, start=today().replace(day=1), growth_percent=Decimal(10))
    names = [f"amount_{months_later(today(), number)}" for number in range(13)]
    soup = get(logged_in, page(budget, "amounts")).soup
    fields = soup.select("main tbody input")
    assert [one["name"] for one in fields] == names
    assert [one["placeholder"] for one in fields[:3]] == ["100.00", "110.00", "121.00"]
    assert text(soup.select_one("tbody tr")).endswith(
        "running €100.00 " + text(soup.select_one("tbody label"))
    )
    sent = dict.fromkeys(names, "") | {names[1]: "1 500.5", names[2]: "0"}
    assert logged_in.post(page(budget, "amounts"), sent).status_code == 302
    table = {months_later(today(), 1): Decimal("1500.5"), months_later(today(), 2): Decimal(0)}
    assert table_of([budget])[budget.pk] == table
    shown = get(logged_in, page(budget, "amounts")).soup
    assert [one.get("value") for one in shown.select("main tbody input")[:4]] == [
        None,
        "1500.50",
        "0.00",
        None,
    ]


def test_a_bad_amount_of_a_period_is_said_at_its_field(logged_in, budget):
    for typed in ["-1", "x", "NaN", "1e999", "0.001", "900000001", "1\x00"]:
        response = post(
            logged_in, page(budget, "amounts"), **{"amount_2026-11-01": typed, "amount_2026-10-01": "7"}
        )
        assert (response.status_code, refused_fields(response)) == (422, {"amount_2026-11-01"})
        assert response.soup.select_one("[name='amount_2026-10-01']")["value"] == "7"
        assert table_of([budget])[budget.pk] == {}


def test_an_amount_of_a_period_that_is_gone_is_not_lost_in_silence(logged_in, budget):
    response = post(logged_in, page(budget, "amounts"), **{"amount_2026-11-02": "7"})
    assert response.status_code == 422
    assert "have changed" in text(response.soup.select_one("main [role=alert]"))


def test_an_amount_that_the_page_did_not_show_yet_stays_as_it_is(logged_in, alice):
    """A page that was opened last month does not know the period that is shown since."""
    budget = make_budget("100", of=alice, start=today().replace(day=1))
    first, last = (months_later(today().replace(day=1), number) for number in (0, 12))
    lifecycle.set_amounts(budget=budget, amounts={last: Decimal("7.50")}, at=timezone.now())
    assert logged_in.post(page(budget, "amounts"), {f"amount_{first}": "5"}).status_code == 302
    assert table_of([budget])[budget.pk] == {first: Decimal(5), last: Decimal("7.50")}
    assert logged_in.post(page(budget, "amounts"), {f"amount_{last}": ""}).status_code == 302
    assert table_of([budget])[budget.pk] == {first: Decimal(5)}


def test_a_change_from_an_old_page_does_not_replace_a_newer_one_unasked(logged_in, budget):
    def shown_moment(response):
        return response.soup.select_one("main [name=seen]")["value"]

    seen = shown_moment(get(logged_in, page(budget, "edit")))
    assert post(logged_in, page(budget, "edit"), seen=seen, amount="2000").status_code == 302
    bad = post(logged_in, page(budget, "edit"), seen=seen, amount="x")
    assert shown_moment(bad) == seen
    late = post(logged_in, page(budget, "edit"), seen=seen, name="Late")
    assert late.status_code == 422
    assert "was changed since you have opened it" in text(late.soup.select_one("main [role=alert]"))
    assert late.soup.select_one("[name=name]")["value"] == "Late"
    budget.refresh_from_db()
    assert (budget.name, budget.amount) == ("Production", 2000)
    for again in (shown_moment(late), "", "2026-13-01T00:00", "x\x00"):
        assert post(logged_in, page(budget, "edit"), seen=again, name="Late").status_code == 302
    budget.refresh_from_db()
    assert (budget.name, budget.amount) == ("Late", 1000)


def test_the_tags_that_part_the_resources_are_hinted_at_first(logged_in, alice):
    ledger, at = make_ledger(at=timezone.now()), timezone.now()
    tags = {("i-1", f"a{number}"): ("Vm", "x") for number in range(30)}
    tags |= {(f"i-{team}", "team"): ("Vm", team) for team in ("blue", "red")}
    note_tags(ledger=ledger, seen=Seen(frozenset(["Vm"]), tags), at=at)
    hint = text(get(logged_in, NEW).soup.select_one("#id_tags_helptext"))
    assert "Seen so far: team=blue, team=red, a0=x, a1=x," in hint


def test_a_name_is_one_line_with_something_to_see_of_it(logged_in):
    for name in ("\u200b", "\u2060 \u00ad", "\u200e"):
        response = post(logged_in, NEW, name=name)
        assert (response.status_code, refused_fields(response)) == (422, {"name"})
    assert post(logged_in, NEW, name="Équipe\r\n 👩\u200d💻\tProd").status_code == 302
    assert Budget.objects.get().name == "Équipe 👩\u200d💻 Prod"


def test_a_budget_is_deleted_only_after_the_question(logged_in, budget):
    assert "Production" in text(get(logged_in, page(budget, "delete")).soup.select_one("h1"))
    assert Budget.objects.exists()
    assert logged_in.post(page(budget, "delete")).url == "/budgets/"
    assert not Budget.objects.exists()
    assert logged_in.post(page(budget, "delete")).status_code == 404


def test_the_budget_of_another_owner_does_not_exist(logged_in):
    other = make_budget(of=User.objects.for_account("100000000002"))
    for name in ("edit", "amounts", "delete"):
        assert logged_in.get(page(other, name)).status_code == 404
        assert post(logged_in, page(other, name)).status_code == 404
    assert Budget.objects.get().name == "Production"


def test_who_is_not_logged_in_or_has_no_keys_makes_no_budget(client, db, admin_client, budget):
    client.cookies.clear()
    for address in (NEW, page(budget, "edit"), page(budget, "amounts"), page(budget, "delete")):
        assert client.post(address, GIVEN).url.startswith("/login/")
        assert admin_client.post(address, GIVEN).status_code == 403
    assert Budget.objects.count() == 1


def test_a_budget_deleted_while_it_is_changed_is_a_404(logged_in, budget, monkeypatch):
    change = lifecycle.change

    def change_of_a_deleted_one(**given):
        lifecycle.delete(budget=given["budget"])
        return change(**given)

    monkeypatch.setattr(lifecycle, "change", change_of_a_deleted_one)
    assert post(logged_in, page(budget, "edit")).status_code == 404


# --- from a quote ---------------------------------------------------------------------------------------


def values_of_form(response):
    soup = response.soup
    fields = {one["name"]: one.get("value", "") for one in soup.select("main input[type=text]")}
    fields["currency"] = soup.select_one("[name=currency] option[selected]")["value"]
    ticked = [(one["name"], one["value"]) for one in soup.select("main input[type=checkbox][checked]")]
    return fields | {name: [value for at, value in ticked if at == name] for name, _value in ticked}


def test_a_budget_from_a_quote_is_its_monthly_total_after_discounts(logged_in, alice):
    quote = make_quote(owner=alice, name="ERP")
    make_item(quote)
    set_terms(quote, global_discount_percent=Decimal(10))
    assert f"{NEW}?quote={quote.pk}" in logged_in.get(f"/quotes/{quote.pk}/").content.decode()
    response = get(logged_in, f"{NEW}?quote={quote.pk}")
    values = values_of_form(response)
    assert values["name"] == "ERP"
    assert values["amount"] == "118.26"  # (4 × 0.035 + 8 × 0.005) × 730, ten percent off
    assert (values["currency"], values["regions"]) == ("EUR", ["eu-west-2"])
    assert notices(response)[0].startswith("The amount is what the quote “ERP” costs each month.")


def test_an_empty_quote_gives_its_name_and_no_amount(logged_in, alice):
    response = get(logged_in, f"{NEW}?quote={make_quote(owner=alice, name='Void').pk}")
    values = values_of_form(response)
    assert (values["name"], values["amount"]) == ("Void", "")
    assert "is empty" in notices(response)[0]


def test_no_budget_is_made_from_the_quote_of_another_owner_or_from_none(logged_in):
    other = make_quote(owner=User.objects.for_account("100000000002"))
    for quote in (other.pk, uuid4(), "x", "", "\x00"):
        assert logged_in.get(NEW, {"quote": quote}).status_code == 404


# --- from last month ------------------------------------------------------------------------------------


def test_a_budget_from_last_month_is_what_it_has_cost_with_the_filters_as_scope(logged_in):
    days = keep_last_month(
        [
            entry(price="1.005"),
            entry("BSU:VolumeUsage:gp2", "5", category="storage", operation="CreateVolume"),
        ]
    )
    link = get(logged_in, "/consumption/?category=network&granularity=day").soup.select_one(
        "#consumption-budget"
    )
    assert link["href"] == f"{NEW}?category=network&period=last-month"
    response = get(logged_in, link["href"])
    values = values_of_form(response)
    assert values["amount"] == str((days * Decimal("1.005") + Decimal("0.0001")).quantize(Decimal("0.01")))
    assert (values["name"], values["categories"], values["regions"]) == (
        "Network",
        ["network"],
        ["eu-west-2"],
    )
    assert notices(response)[0].startswith("The amount is what")


def test_a_month_that_is_not_wholly_known_is_said_to_be_known_in_part(logged_in):
    days = keep_last_month([entry(price="1"), entry(price=None, resource="n-2", type_="Odd")], without=(3, 4))
    response = get(logged_in, f"{NEW}?period=last-month")
    assert values_of_form(response)["amount"] == f"{days - 2}.00"
    assert "it may have cost more" in notices(response)[0]
    assert f"{days - 2} of {days} days are wholly known." in notices(response)[0]
    assert f"{days - 2} lines have no price." in notices(response)[0]


def test_a_month_of_which_nothing_is_known_leaves_the_amount_empty(logged_in):
    for question in ("period=last-month", "period=yesterday&first=2026-01-01"):
        response = get(logged_in, f"{NEW}?{question}")
        assert (response.status_code, values_of_form(response)["amount"]) == (200, "")
        assert "is not known" in notices(response)[0]


def test_an_address_that_cannot_be_a_budget_is_refused_with_the_form(logged_in):
    for question in (
        "subregion=eu-west-2a",
        "resource_type=X",
        "resource=i-1",
        "region=mars-1",
        "linked=x&category=%00",
        "page=x",
    ):
        response = get(logged_in, f"{NEW}?period=last-month&{question}")
        assert response.status_code == 422
        assert notices(response)[0].startswith("No budget can be made from this address.")
        assert response.soup.select_one("[name=name]")


def test_the_link_is_not_offered_for_what_a_budget_cannot_count(logged_in):
    keep_last_month([entry()])
    for question in ("subregion=eu-west-2a", "resource_type=X", "resource=i-1"):
        assert not get(logged_in, f"/consumption/?period=last-month&{question}").soup.select(
            "#consumption-budget"
        )
    assert not get(logged_in, "/consumption/trends/?period=last-month").soup.select("#consumption-budget")


def test_a_paying_account_budgets_itself_unless_it_asks_for_the_linked_ones_too(outscale):
    client, own, linked = client_of(PAYING_KEY), PAYING_ACCOUNT.account_id, LINKED_ACCOUNT.account_id
    ledger = make_ledger(own, reader=PAYING_KEY, at=timezone.now())
    facts = {"paying_account_id": own}
    lines = [entry(price="1", account_id=own, **facts), entry(price="2", account_id=linked, **facts)]
    days = keep_last_month(lines, ledger=ledger, with_linked=True)
    Ledger.objects.update(is_paying=True)
    found = {}
    for question in (
        "",
        "?period=last-month",
        "?period=last-month&linked=1",
        f"?period=last-month&linked=1&account={linked}",
    ):
        response = get(client, f"{NEW}{question}")
        values = values_of_form(response)
        found[question] = (values["amount"], values.get("accounts"))
        offered = [one["value"] for one in response.soup.select("[name=accounts]")]
        assert offered == [own, linked]
    assert list(found.values()) == [
        ("", [own]),
        (f"{days}.00", [own]),
        (f"{3 * days}.00", None),
        (f"{2 * days}.00", [linked]),
    ]


def test_the_queries_of_the_form_do_not_grow_with_the_days_kept(logged_in, django_assert_max_num_queries):
    keep_last_month([entry()])
    with django_assert_max_num_queries(20):
        logged_in.get(f"{NEW}?period=last-month")
