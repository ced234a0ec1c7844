"""A page that was made a moment ago is given again, and never to the wrong person nor after a change."""

import datetime as dt
import re
import time
from types import SimpleNamespace

import pytest
from django.core.cache import cache, caches
from django.test import Client
from django.utils import timezone

from accounts.errors import CloudUnavailable
from accounts.models import Change, User
from consumption import keeping, sync
from consumption.anomalymarks import Scope
from consumption.export_views import exported
from consumption.periods import ONE_DAY, Period
from consumption.questions import Question
from costs import freshness, refreshing
from finops_site.answers import MEMORY, PATIENCE_SECONDS, SHARED
from quotes import lifecycle
from sandbox.cloud import DEMO_KEY, LINKED_KEY, READ_ONLY_KEY
from tests.budgets.alerting import at_once
from tests.budgets.budgets import make_budget
from tests.conftest import DEMO_KEYS
from tests.consumption.days import day, entry, gateway, keep, make_ledger
from tests.costs.portal_readings import HTMX
from tests.quotes.test_quotes_api import VM, Script

pytestmark = pytest.mark.django_db

BACKEND = "django.contrib.auth.backends.ModelBackend"
HISTORY = "/consumption/"


@pytest.fixture(autouse=True)
def _remembering(settings):
    settings.PAGE_TTL_SECONDS = 60
    cache.clear()
    caches[MEMORY].clear()


@pytest.fixture
def _workers_share(monkeypatch):
    """Share the answers of all workers, as with Redis."""
    monkeypatch.setattr("finops_site.answers.SHARED", "default")


@pytest.fixture
def ledger(logged_in):
    """The history of the demo account, with one day whose amount is on the page."""
    ledger = make_ledger(at=timezone.now())
    spend(ledger, "1234.56")
    return ledger


def spend(ledger, amount):
    """Keep yesterday anew, and tell nobody: a page that shows it was made anew."""
    now, before = timezone.now(), list(Change.objects.all())
    keep(ledger, {now.date() - ONE_DAY: [entry(price=amount, value="1")]}, at=now)
    Change.objects.all().delete()
    Change.objects.bulk_create(before)


def shows(client, amount, address=HISTORY, **headers):
    response = client.get(address, headers=headers)
    assert response.status_code == 200, response
    return amount in response.text.replace("\xa0", "").replace(",", "").replace("\u202f", "")


def seen(client):
    """Look at the history, twice: what is shown the second time is remembered."""
    assert shows(client, "1234.56")
    return shows(client, "1234.56")


def client_with(key, **options):
    client = Client(**options)
    keys = DEMO_KEYS | {"access_key": key.access_key, "secret_key": key.secret_key}
    assert client.post("/login/", keys).status_code == 302
    return client


def test_a_page_that_was_just_made_is_given_again_and_made_anew_when_its_time_is_over(
    logged_in, ledger, settings
):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    assert shows(logged_in, "1234.56")
    caches[MEMORY].clear()  # as when its time is over
    caches[SHARED].clear()
    assert shows(logged_in, "7777.77")
    settings.PAGE_TTL_SECONDS = 0
    spend(ledger, "8888.88")
    assert shows(logged_in, "8888.88")


def test_what_a_page_says_beside_its_body_is_given_again(logged_in, ledger):
    address = f"{HISTORY}export/csv/"
    first, again = logged_in.get(address), logged_in.get(address)
    assert logged_in.get(address).content == first.content == again.content
    assert "attachment" in first["Content-Disposition"]
    names = {name for name, _value in first.items()} - {"X-Request-ID"}
    assert {name: again[name] for name in names} == {name: first[name] for name in names}


@pytest.mark.parametrize(
    ("address", "data"),
    [
        ("/accounts/rename/", {"account_id": "100000000001", "name": "Santé"}),
        ("/consumption/history/save/", {"name": "Mine"}),
        ("/consumption/read/", {}),
        ("/costs/read/", {}),
    ],
)
def test_after_a_change_by_its_user_a_page_is_made_anew(logged_in, ledger, address, data):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    logged_in.post(address, data, headers=HTMX)
    assert not shows(logged_in, "1234.56")


def test_what_somebody_else_reads_is_on_the_page_at_once(logged_in, ledger):
    today = timezone.now().date()
    assert seen(logged_in)
    spend(ledger, "7777.77")
    sync.read_on(gateway(), first=today - 3 * ONE_DAY, end=today, at=timezone.now())
    assert not shows(logged_in, "1234.56")


def test_what_runs_now_is_on_the_page_as_soon_as_anybody_has_read_it(logged_in):
    for _ in range(3):
        assert not shows(logged_in, "€", "/costs/")
    refreshing.whole(gateway(), with_objects=False)
    assert shows(logged_in, "€", "/costs/")


def test_what_an_operator_changes_is_on_the_pages_of_everybody_at_once(logged_in, ledger):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    operator = Client()
    operator.force_login(User.objects.create_superuser("operator", "password"), BACKEND)
    rate = {"currency": "USD", "into": "EUR", "rate": "0.9"}
    assert operator.post("/admin/costs/exchangerate/add/", rate).status_code == 302
    assert shows(logged_in, "7777.77")


def test_other_prices_are_on_the_page_at_once(logged_in, ledger, outscale):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    outscale.cloud.set_price("eu-west-2", next(iter(outscale.cloud.prices("eu-west-2"))), "12")
    freshness.refresh("eu-west-2", timezone.now())
    assert shows(logged_in, "7777.77")


def test_what_a_script_changes_is_on_the_page_at_once(logged_in, ledger):
    budget = make_budget(owner=User.objects.get(), name="Of this year")
    assert shows(logged_in, "Of this year", "/", **HTMX)
    keys = logged_in.post("/api/auth/login", DEMO_KEYS, content_type="application/json").json()
    assert shows(logged_in, "Of this year", "/", **HTMX)
    script = {"X-Session-ID": keys["data"]["session_id"]}
    assert Client().delete(f"/api/budgets/{budget.pk}", headers=script).status_code == 200
    assert not shows(logged_in, "Of this year", "/", **HTMX)


def test_the_edit_of_a_quote_leaves_the_history_and_changes_what_shows_the_quote(logged_in, ledger):
    quote = lifecycle.create(owner=User.objects.get(), name="First name", at=timezone.now())
    assert seen(logged_in)
    assert shows(logged_in, "First name", "/quotes/active/", **HTMX)
    logged_in.post(f"/quotes/{quote.pk}/rename/", {"name": "Second name"})
    spend(ledger, "7777.77")
    assert shows(logged_in, "1234.56")
    assert shows(logged_in, "Second name", "/quotes/active/", **HTMX)


def test_nobody_gets_the_page_of_another_account_or_of_a_key_that_may_see_less(logged_in, ledger):
    assert seen(logged_in)
    for key in (LINKED_KEY, READ_ONLY_KEY):
        assert not shows(client_with(key), "1234.56")
    assert Client().get(HISTORY).status_code == 302


def test_a_second_session_of_the_account_gets_the_page_with_a_token_of_its_own(logged_in, ledger):
    second = Client(enforce_csrf_checks=True)
    token = second.get("/login/").context["csrf_token"]
    second.post("/login/", DEMO_KEYS | {"csrfmiddlewaretoken": str(token)})
    assert seen(logged_in)
    spend(ledger, "7777.77")
    theirs, mine = logged_in.get(HISTORY).text, second.get(HISTORY).text
    assert "7777" not in mine
    assert not tokens(mine) & tokens(theirs)
    [token] = tokens(mine)
    by_form = {"theme": "dark", "next": HISTORY, "csrfmiddlewaretoken": token}
    assert second.post("/theme/", by_form).status_code == 302
    by_script = {"X-CSRFToken": token}
    assert second.post("/theme/", {"theme": "dark"}, headers=by_script).status_code == 302


def tokens(page):
    """Return all that could be a CSRF token."""
    return set(re.findall(r"\b\w{64}\b", page))


def test_what_somebody_else_says_of_an_anomaly_is_on_the_page_at_once(logged_in, ledger):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    question = Question(Period(day(1), day(2)))
    anomaly = SimpleNamespace(period=question.period, is_rise=True)
    Scope.of("100000000002", [ledger], question).mark(anomaly)
    assert shows(logged_in, "7777.77")


def test_a_failed_day_is_told_in_the_transaction_that_notes_it(logged_in, ledger):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    keeping.note_failure(ledger, timezone.now().date(), CloudUnavailable("x"), at=timezone.now())
    assert shows(logged_in, "7777.77")


def test_language_and_theme_are_those_of_whoever_asks(logged_in, ledger):
    assert seen(logged_in)
    assert 'lang="fr"' in logged_in.get(HISTORY, headers={"Accept-Language": "fr"}).text
    logged_in.cookies["theme"] = "dark"
    assert 'data-bs-theme="dark"' in logged_in.get(HISTORY).text


def test_a_message_is_shown_once(logged_in, ledger):
    logged_in.post("/accounts/rename/", {"account_id": "100000000001", "name": "Santé"})
    assert "The name is kept" in logged_in.get(HISTORY).text
    assert "The name is kept" not in logged_in.get(HISTORY).text


def test_what_a_part_of_a_page_asks_for_is_made_anew(logged_in, ledger):
    assert shows(logged_in, "1234.56", **HTMX)
    spend(ledger, "7777.77")
    assert shows(logged_in, "7777.77", **HTMX, **{"HX-Trigger": "answer"})


def test_a_refused_question_is_refused_again(logged_in, ledger):
    for _ in range(3):
        assert logged_in.get(f"{HISTORY}?first=nonsense&last=2026-01-01").status_code == 422


def test_the_next_day_asks_anew(logged_in, ledger, monkeypatch):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    tomorrow = timezone.now() + dt.timedelta(days=1)
    monkeypatch.setattr("finops_site.answers.timezone", SimpleNamespace(now=lambda: tomorrow))
    assert shows(logged_in, "7777.77")


@pytest.mark.usefixtures("_workers_share")
def test_what_one_worker_has_made_another_one_gives_with_a_token_of_whoever_asks(logged_in, ledger):
    second = client_with(DEMO_KEY)
    assert seen(logged_in)
    spend(ledger, "7777.77")
    caches[MEMORY].clear()  # as in another worker
    mine, theirs = second.get(HISTORY).text, logged_in.get(HISTORY).text
    assert "7777" not in mine
    assert len(tokens(mine)) == 1
    assert not tokens(mine) & tokens(theirs)


@pytest.mark.usefixtures("_workers_share")
def test_no_worker_gives_a_page_of_another_for_longer_than_that_one_would(logged_in, ledger, monkeypatch):
    assert seen(logged_in)
    spend(ledger, "7777.77")
    caches[MEMORY].clear()
    given, kept = caches[MEMORY], []
    monkeypatch.setattr(type(given), "set", lambda _cache, _name, _answer, seconds: kept.append(seconds))
    later = time.time() + 40
    monkeypatch.setattr("finops_site.answers.time", SimpleNamespace(time=lambda: later))
    assert shows(logged_in, "1234.56")
    assert 4 < kept[-1] < 21


@pytest.mark.usefixtures("_workers_share")
def test_after_a_rotation_of_the_secret_key_forms_of_a_page_are_taken(logged_in, ledger, settings):
    second = Client(enforce_csrf_checks=True)
    token = second.get("/login/").context["csrf_token"]
    second.post("/login/", DEMO_KEYS | {"csrfmiddlewaretoken": str(token)})
    assert shows(second, "1234.56")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    caches[MEMORY].clear()  # as after the restart of a worker
    [token] = tokens(second.get(HISTORY).text)
    by_form = {"theme": "dark", "next": HISTORY, "csrfmiddlewaretoken": token}
    assert second.post("/theme/", by_form).status_code == 302


@pytest.fixture
def made(monkeypatch):
    """The exports that are made, each of which takes half a second."""
    made = []

    def slowly(*asked):
        made.append(asked)
        time.sleep(0.5)
        return exported(*asked)

    monkeypatch.setattr("consumption.export_views.exported", slowly)
    return made


def ask_at_once(client, times):
    """Ask for one export several times at the same moment."""
    return at_once(lambda: client.get(f"{HISTORY}export/csv/"), times=times)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most_bytes", [64 * 1024, 1])
def test_of_many_who_ask_for_a_page_at_once_one_has_it_made(logged_in, ledger, made, monkeypatch, most_bytes):
    monkeypatch.setattr("finops_site.answers.MOST_BYTES", most_bytes)  # one that is too large to be kept, too
    [content] = {response.content for response in ask_at_once(logged_in, times=4)}
    assert b"1234.56" in content
    assert len(made) == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_long_for_a_page_that_another_one_has_made(logged_in, ledger, made, monkeypatch):
    monkeypatch.setattr("finops_site.answers.PATIENCE_SECONDS", 0.05)
    assert [response.status_code for response in ask_at_once(logged_in, times=3)] == [200] * 3
    assert len(made) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("consumption.export_views.exported", [500] * 3),
        ("finops_site.answers._kept", [200, 200, 500]),  # what the others made is not to be remembered
    ],
)
def test_a_page_that_could_not_be_made_keeps_nobody_waiting_for_it(logged_in, ledger, monkeypatch, at, found):
    def broken(*_asked):
        time.sleep(0.2)
        raise RuntimeError

    logged_in.raise_request_exception = False
    with monkeypatch.context() as patched:
        patched.setattr(at, broken)
        begun = time.monotonic()
        assert sorted(response.status_code for response in ask_at_once(logged_in, times=3)) == found
        assert time.monotonic() - begun < PATIENCE_SECONDS
    assert logged_in.get(f"{HISTORY}export/csv/").status_code == 200


@pytest.mark.usefixtures("outscale")
def test_the_active_quote_is_shown_as_it_is_after_whatever_a_script_does_to_it(logged_in):
    owner, now = User.objects.get(), timezone.now()
    first, _second = (lifecycle.create(owner=owner, name=name, at=now) for name in ("First", "Second"))
    freshness.refresh("eu-west-2", now)
    script = Script()

    def is_shown(text):
        return shows(logged_in, text, "/quotes/active/", **HTMX)

    assert is_shown("Second")
    assert script.send("get", f"/{first.pk}").status_code == 200  # which makes it the active one
    assert is_shown("First")
    assert script.send("put", f"/{first.pk}", {"name": "Renamed"}).status_code == 200
    assert is_shown("Renamed")
    assert script.send("post", f"/{first.pk}/items", VM).status_code == 201
    assert is_shown("1 item")
    assert script.send("delete", f"/{first.pk}").status_code == 200
    assert is_shown("Second")
