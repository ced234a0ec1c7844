import sqlite3

import psycopg
import pytest
from django.contrib.auth.decorators import login_not_required
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, connections
from django.test import Client
from django.urls import path

from accounts.sessionstore import SEEN_FIELD, SessionStore
from finops_site import urls
from finops_site.databasefaults import fault_behind


def refused_by(cause):
    error = OperationalError("refused")
    error.__cause__ = cause
    return error


def sqlite_error(name):
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorname = name
    return error


@login_not_required
def away(request):
    raise refused_by(psycopg.OperationalError("server closed the connection, password=4711"))


urlpatterns = [path("away/", away), path("api/away", away), *urls.urlpatterns]
handler500 = urls.handler500


@pytest.mark.urls(__name__)
def test_a_database_that_gives_no_answer_is_said_with_503_and_is_no_mistake_of_the_page():
    client = Client(raise_request_exception=False)
    page, api = client.get("/away/"), client.get("/api/away")
    assert (page.status_code, page["Retry-After"]) == (503, "10")
    assert page["Portal-Failure"] == "DATABASE_UNAVAILABLE"  # for which portal.js has a notice
    assert "database gives no answer" in page.content.decode()
    assert (api.status_code, api.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert b"4711" not in page.content + api.content


@pytest.mark.django_db
def test_the_api_itself_says_it_too(client, monkeypatch):
    def fails(*_arguments, **_options):
        raise refused_by(psycopg.OperationalError("server closed the connection"))

    monkeypatch.setattr("costs.freshness.up_to_date", fails)
    answer = client.get("/api/catalog?region=eu-west-2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")
    assert answer["Retry-After"] == "10"


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (sqlite_error("SQLITE_FULL"), "NO_ROOM"),
        (psycopg.errors.DiskFull("no room"), "NO_ROOM"),
        (sqlite_error("SQLITE_IOERR"), "DATABASE_UNAVAILABLE"),
        (psycopg.errors.AdminShutdown("restart"), "DATABASE_UNAVAILABLE"),
        (sqlite_error("SQLITE_ERROR"), None),  # a table that is missing
    ],
)
def test_a_full_disk_is_told_from_an_absent_database_and_from_a_wrong_query(cause, code):
    fault = fault_behind(refused_by(cause))
    assert (fault and fault.code) == code


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="only SQLite can be told how large its file may be"
)
def test_with_a_full_disk_nothing_is_half_saved_and_it_goes_on_when_there_is_room(logged_in):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # what other tests have left would be room
        cursor.execute("PRAGMA page_count")
        [pages] = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        client = logged_in
        client.raise_request_exception = False
        try:
            answers = [client.post("/quotes/", {"name": "x" * 100}) for _ in range(60)]
            seen = client.get("/quotes/")
        finally:
            cursor.execute("PRAGMA max_page_count = 4294967294")
        cursor.execute("SELECT count(*) FROM quotes_quote")
        [saved] = cursor.fetchone()
    assert answers[-1].status_code == 503
    assert "disk is full" in answers[-1].content.decode()
    assert saved == sum(answer.status_code == 302 for answer in answers)
    assert seen.status_code == 200
    assert client.post("/quotes/", {"name": "with room"}).status_code == 302


@pytest.mark.django_db
def test_a_page_is_shown_although_it_cannot_be_noted_that_the_session_is_in_use(logged_in, monkeypatch):
    session = SessionStore(Session.objects.get().session_key)
    session[SEEN_FIELD] = 0
    session.save()

    def full(_self, must_create=False):
        raise refused_by(sqlite_error("SQLITE_FULL"))

    with monkeypatch.context() as patched:
        patched.setattr(db.SessionStore, "save", full)
        patched.setattr(SessionStore, "clear_expired", full)
        assert logged_in.get("/quotes/").status_code == 200
    assert logged_in.get("/quotes/").status_code == 200
    assert SessionStore(session.session_key)[SEEN_FIELD] > 0


@pytest.mark.django_db
def test_a_change_of_the_session_that_cannot_be_saved_is_not_passed_over(logged_in, monkeypatch):
    session = SessionStore(Session.objects.get().session_key)
    session["choice"] = "new"

    def full(_self, must_create=False):
        raise refused_by(sqlite_error("SQLITE_FULL"))

    monkeypatch.setattr(db.SessionStore, "save", full)
    with pytest.raises(OperationalError):
        session.save()


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_connection_that_the_server_has_ended_is_opened_anew_with_the_next_request():
    def begin_request():
        kept.close_if_unusable_or_obsolete()
        with kept.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            return cursor.fetchone()[0]

    kept = connections.create_connection("default")
    try:
        first = begin_request()
        assert begin_request() == first
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert begin_request() != first
    finally:
        kept.close()
