"""What whoever watches the portal can rely on: numbers of all workers, for the token only, about nobody."""

import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import User
from budgets import lastcheck
from consumption.models import Ledger, LedgerReader
from finops_site import keptmetrics
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY
from tests.conftest import DEMO_KEYS

ROOT = Path(__file__).parent.parent.parent
TOKEN = "token-of-a-test"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
NOT_OURS = {"up"}
"""What Prometheus itself says of what it scrapes."""

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _token(settings):
    settings.METRICS_TOKEN = TOKEN


def samples_in(text):
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, frozenset(sample.labels.items())] = sample.value
    return found


def scraped():
    """All samples as they are now, by name and labels."""
    answer = Client().get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return samples_in(answer.content.decode())


def value_in(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())), 0)


def grown(before, name, **labels):
    return value_in(scraped(), name, **labels) - value_in(before, name, **labels)


@pytest.mark.parametrize("token", ["", "anything"])
def test_without_a_token_in_the_environment_there_is_no_such_page(client, settings, token):
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 404


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", f"bearer {TOKEN}", f"Bearer {TOKEN}x", TOKEN, "Bearer é"]
)
def test_who_does_not_send_the_token_is_told_nothing(client, sent):
    answer = client.get(f"/metrics?token={TOKEN}", headers={} if sent is None else {"Authorization": sent})
    assert (answer.status_code, answer.content) == (401, b"A token is needed.\n")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_metrics_are_for_prometheus_and_kept_by_no_cache(client):
    answer = client.get("/metrics", headers=BEARER)
    assert answer["Content-Type"].startswith("text/plain; version=")
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/metrics", headers=BEARER).status_code == 405


def test_requests_are_told_apart_by_view_and_nothing_that_a_visitor_wrote(logged_in):
    before, view = scraped(), {"view": "quotes:detail", "method": "GET"}
    for number in range(3):
        logged_in.get(f"/quotes/00000000-0000-0000-0000-00000000000{number}/?tag=typed-by-a-visitor")
        logged_in.get(f"/typed-by-a-visitor-{number}/")
        logged_in.generic(f"TYPED{number}", "/login/")
    told = "django_http_responses_total_by_status_view_method_total"
    assert grown(before, told, status="404", **view) == 3
    assert grown(before, told, status="404", view="<unnamed view>", method="GET") == 3
    assert grown(before, "django_http_requests_latency_seconds_by_view_method_count", **view) == 3
    new = scraped().keys() - before.keys()
    assert not [one for one in new if "typed" in str(one).lower()]
    assert {dict(labels).get("method") for _name, labels in new} <= {None, "GET", "<invalid method>"}


def test_calls_to_the_cloud_are_counted_by_name_and_outcome_and_name_nobody(outscale, client):
    before = scraped()
    client.post("/login/", DEMO_KEYS)
    outscale.faults.add("ReadAccounts", "broken-json")
    client.post("/login/", DEMO_KEYS)
    calls = "osc_finops_cloud_calls_total"
    assert grown(before, calls, call="ReadAccounts", outcome="ok") == 1
    assert grown(before, calls, call="ReadAccounts", outcome="CLOUD_ANSWER_INVALID") == 1
    assert grown(before, "osc_finops_cloud_call_seconds_count", call="ReadAccounts") == 2
    everything = str(scraped())
    assert DEMO_KEY.access_key not in everything
    assert DEMO_ACCOUNT.account_id not in everything


def test_what_is_kept_already_is_told_apart_from_what_is_asked_for(logged_in):
    def page():
        before = scraped()
        logged_in.post("/costs/read/")
        logged_in.get("/costs/")
        logged_in.post("/consumption/read/?from=2026-01-05&to=2026-01-06")
        logged_in.get("/consumption/history/?from=2026-01-05&to=2026-01-06")
        return before

    before = page()
    assert grown(before, "osc_finops_ledger_days_total", source="cloud") > 0
    assert grown(before, "osc_finops_remembered_answers_total", kind="current-cost", outcome="hit") > 0
    before = page()
    assert grown(before, "osc_finops_ledger_days_total", source="cloud") == 0
    assert grown(before, "osc_finops_ledger_days_total", source="kept") > 0


def a_reader(account_id, answered_at, refusal=""):
    ledger, _is_new = Ledger.objects.get_or_create(
        account_id=account_id, region="eu-west-2", defaults={"claimed_until": answered_at}
    )
    reader = f"{answered_at:%j%H}{refusal}"
    return LedgerReader.objects.create(ledger=ledger, reader=reader, answered_at=answered_at, refusal=refusal)


def test_the_lag_is_that_of_the_account_that_is_longest_behind_among_those_that_are_read():
    now, hours = timezone.now(), dt.timedelta(hours=1)
    a_reader("1", now - 50 * hours)
    a_reader("1", now - 2 * hours)
    a_reader("2", now - 30 * hours)
    a_reader("2", now - hours, refusal="PERMISSION_REFUSED")
    a_reader("3", now - 24 * 31 * hours)
    told = scraped()
    assert value_in(told, "osc_finops_sync_lag_seconds") == pytest.approx(30 * 3600, abs=120)
    assert value_in(told, "osc_finops_sync_last_seconds") == pytest.approx(2 * 3600, abs=120)
    assert value_in(told, "osc_finops_synced_accounts") == 2


def test_sessions_users_and_budgets_are_counted_as_they_are_now():
    now = timezone.now()
    for key, days in (("lives", 1), ("ended", -1)):
        Session.objects.create(session_key=key, session_data="", expire_date=now + dt.timedelta(days=days))
    User.objects.for_account("100000000001")
    User.objects.create_superuser("operator", "password")
    User.objects.create_superuser("left", "password")
    User.objects.filter(username="left").update(is_active=False)
    lastcheck.note(at=now - dt.timedelta(minutes=7))
    told = scraped()
    assert value_in(told, "osc_finops_sessions") == 1
    assert value_in(told, "osc_finops_users", kind="account") == 1
    assert value_in(told, "osc_finops_users", kind="operator") == 1
    assert value_in(told, "osc_finops_budgets_checked_seconds") == pytest.approx(7 * 60, abs=120)


def test_a_check_of_all_budgets_is_noted_and_one_of_some_is_not():
    User.objects.for_account("100000000001")
    call_command("check_budgets", "--dry-run")
    call_command("check_budgets", "--account", "100000000001")
    assert lastcheck.last() is None
    call_command("check_budgets")
    assert value_in(scraped(), "osc_finops_budgets_checked_seconds") < 60


def test_the_database_is_asked_little_and_no_more_with_more_accounts():
    counts = []
    for number in range(3):
        a_reader(str(number), timezone.now())
        with CaptureQueriesContext(connection) as queries:
            scraped()
        counts.append(len(queries))
    assert counts == [counts[0]] * 3
    assert counts[0] <= 5 + 3 + 1  # with those that limit them on PostgreSQL, and a cache in the database


@pytest.mark.parametrize(("source", "other"), [("database", "cache"), ("cache", "database")])
def test_the_rest_is_told_without_the_database_or_the_cache(monkeypatch, source, other):
    def fail(_now):
        raise DatabaseError("gone")

    monkeypatch.setattr(keptmetrics, f"_of_the_{source}", fail)
    told = scraped()
    assert value_in(told, f"osc_finops_{source}_up") == 0
    assert value_in(told, f"osc_finops_{other}_up") == 1
    assert value_in(told, "django_http_requests_before_middlewares_total") > 0


def names_exported():
    """Every name under which Prometheus finds something of what /metrics tells or can tell."""
    Client().get("/metrics", headers=BEARER)
    text = Client().get("/metrics", headers=BEARER).content.decode()
    ending = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    families = [one for one in text_string_to_metric_families(text) if one.type in ending]
    return {f"{family.name}{end}" for family in families for end in ending[family.type]}


def names_in(expression):
    without_labels = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without)\s*\([^)]*\)", "", expression)
    return {name for name in re.findall(r"\b[a-z][a-z0-9_]+\b(?!\s*\()", without_labels) if name != "or"}


def test_the_dashboard_and_the_alerts_ask_for_nothing_that_is_not_exported():
    now = timezone.now()
    a_reader("1", now)
    lastcheck.note(at=now)
    dashboard = json.loads((ROOT / "deploy" / "grafana" / "osc-finops.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(expressions) >= 12
    assert len({panel["id"] for panel in panels}) == len(panels)
    guide = (ROOT / "docs" / "observability.md").read_text()
    alerts = re.findall(r"^\s+expr: (.+)$", guide, flags=re.MULTILINE)
    assert len(alerts) >= 5
    exported = names_exported()
    for expression in (*expressions, *alerts):
        names = names_in(expression)
        assert names, expression
        assert names <= exported | NOT_OURS, expression


def test_every_metric_of_the_portal_is_explained():
    a_reader("1", timezone.now())
    lastcheck.note(at=timezone.now())
    explained = set(re.findall(r"`([a-z_0-9]+)", (ROOT / "docs" / "observability.md").read_text()))
    for name in names_exported():
        if name.startswith(("osc_finops_", "django_http_")):
            assert re.sub(r"_(bucket|sum|count)$", "", name) in explained, name


@contextmanager
def gunicorn(folder):
    """Two workers of the portal, on a free port of this machine; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GUNICORN_BIND": f"127.0.0.1:{port}",
        "GUNICORN_WORKERS": "2",
        "DJANGO_SETTINGS_MODULE": "finops_site.settings",
        "DATABASE_URL": f"sqlite:///{folder / 'empty.sqlite3'}",
        "CACHE_URL": "locmemcache://",
        "METRICS_TOKEN": TOKEN,
        "LOG_FILE": str(folder / "portal.log"),
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


def got(address, **headers):
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as answer:
        return answer.read().decode()


def until(seconds, found):
    end = time.monotonic() + seconds
    while True:
        try:
            if result := found():
                return result
        except OSError:
            pass
        assert time.monotonic() < end, "It takes too long."
        time.sleep(0.05)


def test_the_numbers_are_those_of_all_workers_and_of_those_that_have_ended(tmp_path):
    def logged():
        return [json.loads(line) for line in (tmp_path / "portal.log").read_text().splitlines()]

    def answered_metrics():
        return samples_in(got(f"{address}/metrics", Authorization=f"Bearer {TOKEN}"))

    def counted():
        samples = answered_metrics()
        labels = {"view": "api:openapi-view", "method": "GET"}
        total = value_in(
            samples, "django_http_responses_total_by_status_view_method_total", status="200", **labels
        )
        assert total == value_in(
            samples, "django_http_requests_latency_seconds_by_view_method_count", **labels
        )
        return total

    def workers_that_answered():
        return {line["process"] for line in logged() if line["event"] == "request"}

    with gunicorn(tmp_path) as address:
        until(30, lambda: got(f"{address}/healthz"))
        sent = 0
        while len(workers_that_answered()) < 2:
            assert sent < 200
            got(f"{address}/api/docs")
            sent += 1
        assert counted() == sent
        [folder] = tmp_path.glob("osc-finops-metrics-*")
        ended = min(workers_that_answered())
        os.kill(ended, signal.SIGTERM)
        until(10, lambda: not list(folder.glob(f"*_{ended}.db")))
        assert counted() == sent
        shutil.rmtree(folder)  # as whoever tidies up /tmp might
        os.kill(max(workers_that_answered() - {ended}), signal.SIGTERM)
        until(10, lambda: any("is lost" in line["event"] for line in logged()))
        until(10, lambda: value_in(answered_metrics(), "django_http_requests_before_middlewares_total"))
    told = logged()
    assert {line["logger"] for line in told} >= {"gunicorn.error", "finops_site.requestlog"}
    assert list(tmp_path.glob("osc-finops-metrics-*")) == []
