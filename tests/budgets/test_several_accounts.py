"""A budget over several accounts: each counted once, with the keys of the session, and never without one."""

import datetime as dt
import random
from decimal import Decimal
from functools import partial
from itertools import product

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from budgets.models import Budget, BudgetAlert
from budgets.tracking import standings_of
from budgets.words import lacking_text
from consumption.models import Ledger
from consumption.periods import ONE_DAY, Period
from consumption.tagreading import KINDS
from costs.money import show_money
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_ACCOUNT, LINKED_KEY, PAYING_ACCOUNT, PAYING_KEY
from tests.budgets.budgets import make_budget, owner, standing_of
from tests.consumption.commands import run
from tests.consumption.days import day, entry, keep, make_ledger, note_tags_of_vms
from tests.costs.portal_readings import client_of, get, keys_of, text, with_soup

pytestmark = pytest.mark.django_db
DEMO, PAYING, LINKED = (one.account_id for one in (DEMO_ACCOUNT, PAYING_ACCOUNT, LINKED_ACCOUNT))
HTMX = {"HX-Request": "true"}
CANNOT_BE_SEEN = f"The account {PAYING} cannot be seen with the keys of this session."


@pytest.fixture
def now(monkeypatch):
    """Noon of a day in the middle of a month, so that no test meets an end of one."""
    cache.clear()
    now = timezone.now().replace(day=20, hour=12)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    return now


def add(client, key, region="eu-west-2"):
    assert client.post("/accounts/add/", keys_of(key, region)).status_code == 302


def spend(now, key, price, *, region="eu-west-2", others=None, **facts):
    """Keep a hundred days of an account of which each costs the same; ``others`` are billed to it."""
    ledger = make_ledger(key.account_id, region, reader=key, at=now)
    lines = [entry(price=price)]
    lines += [entry(price=cost, account_id=one, resource=one) for one, cost in (others or {}).items()]
    days = {now.date() - age * ONE_DAY: lines for age in range(1, 101)}
    keep(ledger, days, at=now, with_linked=bool(others), **facts)
    if others:
        Ledger.objects.filter(pk=ledger.pk).update(is_paying=True)
    return ledger


@pytest.fixture
def spent(logged_in, now):
    """The demo account spends 10 euros a day, the paying one 7.3, of which the session holds a key too."""
    spend(now, DEMO_KEY, "10")
    spend(now, PAYING_KEY, "7.3")
    add(logged_in, PAYING_KEY)
    return logged_in


def form_of(now, *accounts, **more):
    month = now.date().replace(day=1)
    given = {"name": "Both", "amount": "400", "currency": "EUR", "period_type": "monthly"}
    texts = dict.fromkeys(("end_date", "tags", "forecast_thresholds", "emails", "webhook_url"), "")
    given |= texts | {"start_date": str(month), "actual_thresholds": "50", "webhook_format": "json"}
    return given | {"accounts": list(accounts)} | more


def make(client, now, *accounts, **more):
    """Return a budget made through its form."""
    response = client.post("/budgets/new/", form_of(now, *accounts, **more))
    assert response.status_code == 302, text(with_soup(response).soup.select_one("main"))
    return Budget.objects.get(pk=response["Location"].strip("/").split("/")[-1])


def running(client, budget):
    """Return the running period of a budget as the API tells it."""
    answer = client.get(f"/api/budgets/{budget.pk}/status").json()
    return next(one for one in answer["data"]["periods"] if one["coverage"]["over"] == 19), answer["metadata"]


def spent_of(client, budget):
    return Decimal(running(client, budget)[0]["spent"])


def figure(client, budget):
    return text(get(client, f"/budgets/{budget.pk}/").soup.select_one('[data-figure="spent"]'))


# --- With the keys of the session


def test_a_budget_over_two_accounts_is_the_sum_of_their_histories_whichever_is_in_use(spent, now):
    budget = make(spent, now, DEMO, PAYING)
    histories = [
        Decimal(spent.get(f"/api/consumption?period=month-to-date&place={place}").json()["data"]["total"])
        for place in (f"{DEMO}.eu-west-2", f"{PAYING}.eu-west-2")
        if spent.post("/accounts/use/", {"together": "1"}).status_code == 302
    ]
    assert histories == [190, Decimal("138.7")]
    for used in ({"together": "1"}, {"place": f"{DEMO}.eu-west-2"}, {"place": f"{PAYING}.eu-west-2"}):
        spent.post("/accounts/use/", used)
        assert spent_of(spent, budget) == sum(histories)
        assert figure(spent, budget) == show_money(sum(histories), "EUR")


def test_a_budget_that_names_no_account_is_the_same_whatever_keys_are_added(logged_in, now):
    spend(now, DEMO_KEY, "10")
    spend(now, PAYING_KEY, "7.3", others={DEMO: "10", LINKED: "3"})
    budget = make(logged_in, now)
    before = running(logged_in, budget)
    add(logged_in, PAYING_KEY)
    logged_in.post("/accounts/use/", {"together": "1"})
    make(logged_in, now, DEMO, PAYING)  # for which the list reads the other ledger, too
    assert running(logged_in, budget) == before
    assert before[0]["spent"] == "190"
    rows = get(logged_in, "/budgets/").soup.select(".budgets-table tbody tr")
    assert [text(row.select_one(".money ~ .money")) for row in rows] == ["€190.00", "€328.70"]


def test_accounts_in_two_currencies_are_never_added_and_the_other_one_is_named(logged_in, now):
    spend(now, DEMO_KEY, "10")
    spend(now, LINKED_KEY, "5", region="us-east-2", currency="USD")
    add(logged_in, LINKED_KEY, "us-east-2")
    euros = make(logged_in, now, DEMO, LINKED)
    dollars = make(logged_in, now, DEMO, LINKED, currency="USD")
    only = make(logged_in, now, LINKED, currency="USD")
    found = {budget: running(logged_in, budget) for budget in (euros, dollars, only)}
    assert [period["spent"] for period, _metadata in found.values()] == ["190", "95", "95"]
    assert [period["is_lower_bound"] for period, _metadata in found.values()] == [True, True, False]
    said = [meta["partial"][0]["message"] for _period, meta in found.values() if meta["partial"]]
    billed = "is billed in another currency, which is not added: it needs a budget of its own."
    assert said == [f"us-east-2 of account {LINKED} {billed}", f"eu-west-2 {billed}"]


def test_the_missing_days_of_all_accounts_are_read_whichever_is_in_use(logged_in, now, outscale):
    add(logged_in, LINKED_KEY, "us-east-2")
    budget = make(logged_in, now, LINKED, currency="USD")
    page = get(logged_in, f"/budgets/{budget.pk}/")
    address = page.soup.select_one("#reading form")["hx-post"]
    assert f"at={DEMO}.eu-west-2&at={LINKED}.us-east-2" in address
    assert logged_in.post(address, headers=HTMX).status_code == 200
    assert Ledger.objects.filter(days__state__isnull=False, account_id=LINKED, region="us-east-2").exists()
    assert figure(logged_in, budget) != "–"


def test_the_form_offers_the_accounts_of_the_session_by_their_names_and_begins_with_the_own_currency(
    logged_in, now
):
    add(logged_in, LINKED_KEY, "us-east-2")
    logged_in.post("/accounts/use/", {"place": f"{LINKED}.us-east-2"})
    soup = get(logged_in, "/budgets/new/").soup
    offered = [text(one.find_parent("label")) for one in soup.select("[name=accounts]")]
    assert offered == [f"{one.company} {one.account_id}" for one in (DEMO_ACCOUNT, LINKED_ACCOUNT)]
    assert not soup.select("[name=accounts][checked]")
    assert soup.select_one("[name=currency] [selected]")["value"] == "EUR"
    assert f"everything that is billed to {DEMO_ACCOUNT.company} counts" in text(soup)


@pytest.mark.parametrize("account", [PAYING, "999999999999"])
def test_an_account_of_which_the_session_holds_no_key_cannot_be_named(logged_in, now, account):
    spend(now, PAYING_KEY, "7.3")
    assert logged_in.post("/budgets/new/", form_of(now, account)).status_code == 422
    sent = {"name": "x", "amount": 1, "scope": {"accounts": [account]}}
    answer = logged_in.post("/api/budgets", sent, content_type="application/json")
    assert (answer.status_code, [*answer.json()["error"]["details"]]) == (400, ["scope.accounts"])


def test_a_script_names_accounts_of_its_session(spent, now):
    sent = {"name": "x", "amount": 1, "scope": {"accounts": [PAYING]}}
    answer = spent.post("/api/budgets", sent, content_type="application/json")
    assert answer.json()["data"]["scope"]["accounts"] == [PAYING]
    assert Budget.objects.get().readers == sorted(
        map(reader_of, (DEMO_KEY.access_key, PAYING_KEY.access_key))
    )


@pytest.mark.parametrize(
    ("used", "query", "expected"),
    [
        ({"together": "1"}, "", ("17.3", [PAYING, DEMO])),
        ({"place": f"{PAYING}.eu-west-2"}, "", ("7.3", [PAYING])),
        ({"place": f"{DEMO}.eu-west-2"}, "", ("10", [])),
        ({"together": "1"}, f"?account={PAYING}", ("7.3", [PAYING])),
        ({"together": "1"}, f"?place={PAYING}.eu-west-2", ("7.3", [PAYING])),
    ],
)
def test_a_budget_from_last_month_names_the_accounts_that_the_history_shows(
    spent, now, used, query, expected
):
    price, accounts = expected
    spent.post("/accounts/use/", used)
    link = get(spent, f"/consumption/{query}").soup.select_one("#consumption-budget")["href"]
    soup = get(spent, link).soup
    month = (now.date().replace(day=1) - ONE_DAY).day
    assert soup.select_one("[name=amount]")["value"] == f"{month * Decimal(price):.2f}"
    assert [one["value"] for one in soup.select("[name=accounts][checked]")] == accounts
    assert [one["value"] for one in soup.select("[name=regions][checked]")] == ["eu-west-2"]


def test_a_budget_that_counts_more_than_the_history_shows_says_so(logged_in, now):
    for key, region in ((DEMO_KEY, "cloudgouv-eu-west-1"), (PAYING_KEY, "eu-west-2")):
        add(logged_in, key, region)
    logged_in.post("/accounts/use/", {"together": "1"})
    shown = f"place={DEMO}.eu-west-2&place={PAYING}.eu-west-2"
    mixed = f"place={DEMO}.cloudgouv-eu-west-1&place={PAYING}.eu-west-2"
    for query, says in ((shown, False), (mixed, True)):
        page = text(get(logged_in, f"/budgets/new/?period=last-month&{query}").soup)
        assert (f"Its amount is without these: {DEMO_ACCOUNT.company} (eu-west-2)." in page) is says


# --- Without them


def test_without_the_second_key_the_figures_are_partial_and_the_account_is_named(spent, now):
    budget = make(spent, now, DEMO, PAYING)
    alone = make(spent, now, PAYING, name="Alone")
    again = client_of(DEMO_KEY)
    assert figure(again, budget) == "at least ≥ €190.00"
    period, metadata = running(again, budget)
    assert (period["spent"], period["is_lower_bound"], period["status"]) == ("190", True, "incomplete")
    assert (period["coverage"]["partial"], period["forecast"]) == (19, None)
    assert metadata["partial"] == [{"regions": [], "accounts": [PAYING], "message": CANNOT_BE_SEEN}]
    assert figure(again, alone) == "–"
    for address in (f"{budget.pk}/", f"{alone.pk}/", "?wait=1", "report/"):
        page = get(again, f"/budgets/{address}")
        assert CANNOT_BE_SEEN in text(page.soup.select_one("main"))
        assert not {"€328.70", "€138.70", "€17.30", "€7.30"} & set(text(page.soup).split())
    for address in (f"{budget.pk}/export/csv/", f"{alone.pk}/export/csv/", "export/csv/"):
        content = again.get(f"/budgets/{address}").content.decode()
        assert not {"328.7", "138.7", "7.3", "17.3"} & set(content.replace("\n", ",").split(","))


def test_a_key_that_is_removed_takes_its_account_out_of_the_figures_at_once(spent, now):
    budget = make(spent, now, DEMO, PAYING)
    assert spent_of(spent, budget) == Decimal("328.7")
    spent.post("/accounts/remove/", {"place": f"{PAYING}.eu-west-2"})
    assert figure(spent, budget) == "at least ≥ €190.00"
    add(spent, PAYING_KEY)
    assert spent_of(spent, budget) == Decimal("328.7")


def test_a_key_that_was_not_answered_lately_opens_nothing(spent, now):
    budget = make(spent, now, DEMO, PAYING)
    ledger = Ledger.objects.get(account_id=PAYING)
    ledger.readers.update(answered_at=now - dt.timedelta(days=2))
    assert figure(spent, budget) == "at least ≥ €190.00"
    assert f"may read the consumption of eu-west-2 of account {PAYING}." in text(
        get(spent, f"/budgets/{budget.pk}/").soup.select_one("#budget")
    )
    ledger.readers.update(answered_at=now, refusal="PERMISSION_REFUSED")
    assert figure(spent, budget) == "at least ≥ €190.00"


def test_nobody_else_sees_a_budget_over_several_accounts(spent, now):
    budget = make(spent, now, DEMO, PAYING)
    stranger = client_of(PAYING_KEY)  # who may see a part of it, and owns nothing of it
    for address in (
        f"/budgets/{budget.pk}/",
        f"/budgets/{budget.pk}/export/csv/",
        f"/api/budgets/{budget.pk}",
    ):
        assert stranger.get(address).status_code == 404
    assert "Both" not in stranger.get("/budgets/").content.decode()


# --- While nobody is logged in


def test_alerts_hold_all_accounts_of_the_session_that_has_saved_the_budget(spent, now):
    make(spent, now, DEMO, PAYING)
    out, _err, failure = run("check_budgets")
    assert "50% actual" in out
    assert "328.7 of 400 EUR" in out
    assert failure == ""
    [alert] = BudgetAlert.objects.all()
    assert (set(alert.ledgers), alert.is_lower_bound) == (
        set(Ledger.objects.values_list("pk", flat=True)),
        False,
    )
    told = text(get(spent, f"/budgets/{alert.budget_id}/").soup.select_one("#alerts"))
    assert "€328.70 of €400.00" in told
    again = get(client_of(DEMO_KEY), f"/budgets/{alert.budget_id}/").soup.select_one("#alerts")
    assert "1 alert is not shown" in text(again)
    assert "328.70" not in text(again)


def test_a_budget_saved_without_the_second_key_tells_no_figure_of_its_account(spent, now):
    budget = make(spent, now, DEMO, PAYING, amount="300")
    again = client_of(DEMO_KEY)
    response = again.post(f"/budgets/{budget.pk}/edit/", form_of(now, DEMO, PAYING, amount="300"))
    assert response.status_code == 302
    out, _err, _failure = run("check_budgets")
    assert "at least 190 of 300 EUR" in out
    assert BudgetAlert.objects.get().ledgers == [Ledger.objects.get(account_id=DEMO).pk]
    assert "Alerts leave out a part of these figures" in text(
        get(spent, f"/budgets/{budget.pk}/").soup.select_one("#alerts")
    )


# --- Paying and linked accounts


def test_a_linked_account_counts_once_from_the_ledger_that_can_be_seen(now, outscale):
    spend(now, PAYING_KEY, "7", others={DEMO: "10", LINKED: "3"})
    spend(now, DEMO_KEY, "10")
    client = client_of(PAYING_KEY)
    budgets = [make(client, now, *some) for some in ((), (PAYING, DEMO), (DEMO,), (DEMO, LINKED))]
    expected = [19 * price for price in (20, 17, 10, 13)]
    assert [spent_of(client, one) for one in budgets] == expected
    add(client, DEMO_KEY)
    assert [spent_of(client, one) for one in budgets] == expected
    assert [running(client, one)[0]["is_lower_bound"] for one in budgets] == [False] * 4
    counted = standing_of(budgets[1], now.date()).ledgers
    assert counted == set(Ledger.objects.values_list("pk", flat=True))


def test_the_ledger_of_a_payer_that_was_added_serves_for_an_account_without_a_key(logged_in, now):
    spend(now, DEMO_KEY, "10")
    spend(now, PAYING_KEY, "7", others={LINKED: "3"})
    add(logged_in, PAYING_KEY)
    budget = make(logged_in, now, DEMO, LINKED)
    assert (spent_of(logged_in, budget), running(logged_in, budget)[1]["partial"]) == (19 * 13, [])
    assert "247 of 400 EUR" in run("check_budgets")[0]
    again = client_of(DEMO_KEY)
    assert figure(again, budget) == "at least ≥ €190.00"
    assert f"The account {LINKED} cannot be seen" in text(get(again, f"/budgets/{budget.pk}/").soup)


def test_what_is_billed_to_an_account_need_not_be_read_where_each_has_a_ledger_of_its_own(now, outscale):
    spend(now, PAYING_KEY, "7", others={DEMO: "10"})
    spend(now, DEMO_KEY, "10")
    budget = make_budget(
        start=now.date().replace(day=1), of=owner(PAYING), scope={"accounts": [PAYING, DEMO]}
    )
    yesterday = now.date() - ONE_DAY
    Ledger.objects.get(account_id=PAYING).days.filter(day=yesterday).update(with_linked=False)
    both = standing_of(budget, now.date()).running
    assert (both.spent, both.lacks_some) == (19 * 17, False)
    payer = frozenset(Ledger.objects.filter(account_id=PAYING).values_list("pk", flat=True))
    [alone] = standings_of([budget], visible={budget.pk: payer}, today=now.date())
    assert (alone.running.spent, alone.running.counts.partial) == (19 * 17, 1)


def test_the_tags_of_a_linked_account_are_known_where_its_own_ledger_counts():
    days = list(Period(day(1), day(10)).days)
    paying, own = make_ledger(PAYING, reader=PAYING_KEY), make_ledger(DEMO)
    line = partial(entry, "BoxUsage:tinav5")
    billed = [line("2", resource="i-1"), line("5", resource="i-9", account_id=DEMO)]
    consumed = [line("5", resource="i-9"), line("1", resource="i-8")]
    keep(paying, dict.fromkeys(days, billed), with_linked=True)
    keep(own, dict.fromkeys(days, consumed))
    Ledger.objects.filter(pk=paying.pk).update(is_paying=True)
    for ledger, resource in ((paying, "i-1"), (own, "i-9")):
        tags = {resource: {"env": "production"}}
        note_tags_of_vms(ledger, day(9), tags, kinds=frozenset(KINDS.values()))
    scope = {"tags": ["env=production"], "accounts": [PAYING, DEMO]}
    budget = make_budget(start=day(1), scope=scope, of=owner(PAYING))
    both = standing_of(budget, day(10))
    assert (both.running.spent, both.running.counts.partial, both.lacks.linked_tags) == (63, 0, False)
    visible = {budget.pk: frozenset([paying.pk])}
    [alone] = standings_of([budget], visible=visible, today=day(10))
    assert (alone.running.spent, alone.running.counts.partial, alone.lacks.linked_tags) == (18, 9, True)


# --- Whatever is kept, named and seen

PAYER, OTHERS = "1", ("2", "3")
REGIONS = ("eu-west-2", "cloudgouv-eu-west-1")
COSTS = {place: 10**number for number, place in enumerate(product((PAYER, *OTHERS), REGIONS))}
"""What each account costs in each region on a day: each sum tells what it is of."""

DAYS = Period(day(1), day(6))


def keep_some(chance):
    """Keep some of the accounts in some regions; the two others are billed to the first one."""
    ledgers = {}
    for account, region in COSTS:
        if chance.random() < 0.8:
            ledger = ledgers[account, region] = make_ledger(account, region)
            held = (account, *OTHERS) if account == PAYER else (account,)
            lines = [entry(price=str(COSTS[one, region]), account_id=one, resource=one) for one in held]
            keep(ledger, dict.fromkeys(DAYS.days, lines), with_linked=account == PAYER)
            Ledger.objects.filter(pk=ledger.pk).update(is_paying=account == PAYER)
    return ledgers


@pytest.mark.parametrize("seed", range(80))
def test_a_figure_holds_each_account_once_and_only_what_may_be_seen_or_it_is_not_whole(seed):
    chance = random.Random(seed)
    ledgers = keep_some(chance)
    seen = {place for place in ledgers if chance.random() < 0.6}
    named = chance.choice([[], ["1"], ["2"], ["2", "3"], ["1", "2"], ["1", "2", "3"]])
    regions = chance.choice([[], ["eu-west-2"]])
    mine = chance.choice([PAYER, *OTHERS])
    budget = make_budget(start=day(1), of=owner(mine), scope={"accounts": named, "regions": regions})
    other = make_budget(
        of=owner(mine), scope={"accounts": [PAYER, *OTHERS]}
    )  # read with it, and no part of it
    visible = dict.fromkeys([budget.pk, other.pk], frozenset(ledgers[place].pk for place in seen))
    standing, _other = standings_of([budget, other], visible=visible, today=DAYS.end)

    def is_counted(account, region):
        if (account, region) in seen and (named or account == mine):
            return True
        opened = {one for one, where in seen if where in (regions or REGIONS)}
        looks = mine == PAYER or PAYER in named or (named and account not in opened)
        return account != PAYER and (PAYER, region) in seen and looks

    accounts = named or ([PAYER, *OTHERS] if mine == PAYER else [mine])
    asked = set(product(accounts, regions or REGIONS))
    counted = {place for place in asked if is_counted(*place)}
    assert (standing.running.spent or 0) == DAYS.length * sum(COSTS[place] for place in counted)
    lacking = {place for place in asked - counted if place in ledgers and (named or place[0] == mine)}
    assert not lacking or (standing.running.lacks_some and lacking_text(standing))
    assert asked != counted or not standing.running.lacks_some
    assert standing.ledgers <= visible[budget.pk]


def test_the_queries_of_the_list_do_not_grow_with_the_budgets_that_name_accounts(spent, now):
    counts = []
    for number in (1, 12):
        for place in range(number):
            make_budget(of=owner(), name=f"{number} {place}", scope={"accounts": [DEMO, PAYING]})
        get(spent, "/budgets/?wait=1")
        with CaptureQueriesContext(connection) as queries:
            get(spent, "/budgets/")
        counts.append(len(queries))
    assert counts[0] == counts[1]
