import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

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
