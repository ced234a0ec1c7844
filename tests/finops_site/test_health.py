import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from finops_site import health, probing

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _looks_for_migrations(monkeypatch):
    monkeypatch.setattr(health, "_found_applied", set())


READY = {"database": "ok", "migrations": "ok", "cache": "ok"}


def test_healthz_asks_nobody_else(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_readyz_says_that_everything_answers(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY)


def test_readyz_names_a_migration_that_is_missing(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'accounts'")
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {**READY, "migrations": "failing"})


def test_a_version_stays_ready_while_the_database_has_the_migrations_of_the_next_one(client):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, CURRENT_TIMESTAMP)",
            ["accounts", "9999_of_the_next_version"],
        )
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, READY)


def test_migrations_are_looked_for_until_they_are_found_applied_and_no_longer(client):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get("/readyz")
        return any("django_migrations" in query["sql"] for query in queries)

    rename = "UPDATE django_migrations SET app = %s WHERE app = %s"
    with connection.cursor() as cursor:
        cursor.execute(rename, ["unknown", "accounts"])
    assert [asked(), asked()] == [True, True]
    with connection.cursor() as cursor:
        cursor.execute(rename, ["accounts", "unknown"])
    assert [asked(), asked()] == [True, False]


def test_readyz_names_a_database_that_does_not_answer(client, monkeypatch):
    class Gone:
        vendor, settings_dict = "sqlite", {"NAME": "gone"}

        def cursor(self):
            raise OperationalError("could not connect to database.internal as portal")

    monkeypatch.setattr(health, "connection", Gone())
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"database": "failing", "migrations": "failing", "cache": "ok"}
    assert b"internal" not in response.content


@pytest.mark.postgresql
def test_a_probe_waits_two_seconds_for_a_database_that_hangs(monkeypatch):
    monkeypatch.setattr(probing, "LONGEST_QUERY_MS", 50)
    with (
        pytest.raises(OperationalError, match="timeout"),
        probing.short_queries(connection),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_sleep(5)")


def test_readyz_names_a_cache_that_keeps_nothing(client, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {**READY, "cache": "failing"})


def test_readyz_names_a_cache_that_cannot_be_reached_without_its_address(client, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://:hunter2@127.0.0.1:1/0",
        }
    }
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (503, {**READY, "cache": "failing"})
    assert b"hunter2" not in response.content


@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_a_probe_is_never_kept_by_a_cache(client, address):
    assert "no-store" in client.get(address).headers["Cache-Control"]
