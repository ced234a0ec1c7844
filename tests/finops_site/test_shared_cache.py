import datetime as dt
import logging
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.cache import cache, caches
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, transaction
from django.utils import timezone

from accounts.models import User
from consumption.moment import one_moment
from finops_site import release, sharedcache
from tests.caches import only_in_a_table
from tests.conftest import DEMO_KEYS

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def away(settings):
    """A Redis that gives no answer: its machine takes connections, and nothing comes back."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CACHES = {
            "default": {
                "BACKEND": "finops_site.sharedcache.SharedCache",
                "LOCATION": f"redis://:hunter2@127.0.0.1:{silent.getsockname()[1]}/0",
                "OPTIONS": {"socket_timeout": 0.1},
            }
        }
        yield silent


def test_without_redis_each_process_remembers_for_itself_and_nobody_waits_twice(away, caplog):
    begun = time.monotonic()
    assert cache.add("turn", "mine", 60)
    assert not cache.add("turn", "yours", 60)
    cache.set_many({"one": 1, "two": 2})
    cache.delete("two")
    assert cache.get_many(["turn", "one", "two"]) == {"turn": "mine", "one": 1}
    assert time.monotonic() - begun < 1
    [line] = [record for record in caplog.records if record.name == "finops_site.sharedcache"]
    assert (line.levelno, "hunter2" in line.getMessage()) == (logging.ERROR, False)


@pytest.mark.django_db
def test_without_redis_people_log_in_and_see_every_page_and_readyz_says_so(client, outscale, away):
    assert client.post("/login/", DEMO_KEYS).status_code == 302
    for address in ("/", "/catalog/", "/costs/", "/consumption/", "/budgets/", "/quotes/"):
        assert client.get(address).status_code == 200, address
    assert client.post("/consumption/read/", headers={"HX-Request": "true"}).status_code == 200
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["cache"]) == (200, "away")


@only_in_a_table
@pytest.mark.django_db(transaction=True)
def test_a_cache_in_the_database_that_cannot_delete_what_has_expired_is_looked_into_all_the_same(monkeypatch):
    def full(_self, keys):
        raise OperationalError("database or disk is full")

    cache.set("old", 1, 60)
    later = timezone.now() + dt.timedelta(seconds=61)
    monkeypatch.setattr("django.core.cache.backends.db.tz_now", lambda: later)
    monkeypatch.setattr(DatabaseCache, "_base_delete_many", full)
    assert cache.get("old") is None
    with pytest.raises(OperationalError), transaction.atomic():  # which would be broken
        cache.get("old")


def test_redis_is_looked_for_again_after_a_while_by_one_thread_at_a_time(monkeypatch):
    now = 100.0
    monkeypatch.setattr(sharedcache.time, "monotonic", lambda: now)
    absence = sharedcache.Absence("one of a test")
    assert (absence.is_worth_a_try(), absence.begin(), absence.begin()) == (True, True, False)
    assert not absence.is_worth_a_try()
    now += sharedcache.SECONDS_BETWEEN_TRIES
    assert [absence.is_worth_a_try(), absence.is_worth_a_try()] == [True, False]
    absence.end()
    assert (absence.is_on, absence.is_worth_a_try()) == (False, True)


def test_what_was_remembered_in_an_absence_is_forgotten_before_the_next_one(away, monkeypatch):
    cache.set("turn", "old", None)
    caches["default"].absence.end()
    assert cache.get("turn") is None


def test_other_code_and_other_libraries_never_read_what_this_code_has_pickled(tmp_path):
    for folder in (*release.FLOORS, "tests"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.py").write_text("x = 1\n")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pandas==3.1.1\n")
    sums = [release.sum_of(tmp_path)]
    (tmp_path / "tests" / "one.py").write_text("x = 2\n")
    assert release.sum_of(tmp_path) == sums[0]
    for path in (tmp_path / "costs" / "one.py", requirements):
        path.write_text(path.read_text().replace("1", "2"))
        sums.append(release.sum_of(tmp_path))
    assert len(set(sums)) == 3


def test_pages_of_other_templates_styles_or_translations_have_other_names(tmp_path):
    for folder in release.PAGES:
        (tmp_path / folder / "deep").mkdir(parents=True)
        (tmp_path / folder / "deep" / "one").write_bytes(b"1")
    sums = [release.sum_of_pages(tmp_path)]
    for folder in release.PAGES:
        (tmp_path / folder / "deep" / "one").write_bytes(b"2")
        sums.append(release.sum_of_pages(tmp_path))
    assert len(set(sums)) == 4


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("redis://cache:6379/0", f"{release.sum_of(ROOT)}.{release.sum_of_pages(ROOT)}"),
        ("dbcache://portal_cache", "None"),
    ],
)
def test_workers_share_pages_in_redis_alone_each_release_its_own(address, shared):
    program = "import finops_site.settings as read; print(read.CACHES['shared answers'].get('KEY_PREFIX'))"
    environment = {"CACHE_URL": address, "DEBUG": "true"}
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == shared


def test_without_redis_pages_take_no_room_from_what_has_to_be_remembered(away, settings):
    pages = settings.CACHES["default"] | {"BACKEND": "finops_site.sharedcache.SharedOrNothing"}
    settings.CACHES = settings.CACHES | {"pages": pages}
    cache.set("turn", "mine", 60)
    for number in range(400):
        caches["pages"].set(f"page{number}", "page", 60)
    assert cache.get("turn") == "mine"
    assert caches["pages"].get("page1") is None


@pytest.mark.parametrize("address", ["redis://cache:6379/0", "dbcache://portal_cache"])
def test_the_names_in_the_cache_begin_with_the_release(address):
    program = "import finops_site.settings as read; print(read.CACHES['default']['KEY_PREFIX'])"
    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"CACHE_URL": address, "DEBUG": "true"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == release.sum_of(ROOT)


@only_in_a_table
@pytest.mark.django_db(transaction=True)
def test_what_has_expired_is_deleted_after_the_moment_that_is_looked_at(monkeypatch):
    cache.set("old", 1, 60)
    later = timezone.now() + dt.timedelta(seconds=61)
    with monkeypatch.context() as patched:
        patched.setattr("django.core.cache.backends.db.tz_now", lambda: later)
        with one_moment():
            assert cache.get_many(["old"]) == {}
            assert User.objects.count() == 0  # the moment goes on
    assert cache.get("old") is None


def test_what_was_remembered_in_place_of_redis_is_forgotten_before_the_next_time():
    absence = sharedcache.Absence("one of a test")
    absence.begin()
    absence.memory.set("old", 1)
    absence.end()
    absence.begin()
    assert absence.memory.get("old") is None
