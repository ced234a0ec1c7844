"""The environment of the test run (loaded by ``pytest -p``, before Django reads its settings).

``REQUIRE_BROWSER`` and ``REQUIRE_POSTGRESQL`` turn a test that would be skipped, because the machine has no
Chromium or the database is another, into a failed one. CI sets both.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

os.environ["DEBUG"] = "true"  # plain HTTP; pytest-django switches settings.DEBUG off again
os.environ["SECRET_KEY"] = "tests-only"
os.environ["LOG_LEVEL"] = "WARNING"

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
DATABASE_FOLDER = pytest.StashKey[Path]()


def pytest_configure(config):
    """Keep SQLite's test database in a file of this process.

    The threads of a live server would share the one connection of a database in memory, and its transactions.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        config.stash[DATABASE_FOLDER] = Path(tempfile.mkdtemp(prefix="osc-finops-tests-"))
        database.setdefault("TEST", {})["NAME"] = str(config.stash[DATABASE_FOLDER] / "test.sqlite3")


def pytest_unconfigure(config):
    if DATABASE_FOLDER in config.stash:
        shutil.rmtree(config.stash[DATABASE_FOLDER], ignore_errors=True)


def pytest_report_header():
    return f"browser tests: {CHROMIUM or 'skipped, there is no Chromium on this machine'}"


def pytest_runtest_setup(item):
    if item.get_closest_marker("browser") and not CHROMIUM:
        _skip_or_fail("There is no Chromium on this machine.", "REQUIRE_BROWSER")
    if item.get_closest_marker("postgresql") and connection.vendor != "postgresql":
        _skip_or_fail("The database is not PostgreSQL.", "REQUIRE_POSTGRESQL")


def _skip_or_fail(reason, requirement):
    if os.environ.get(requirement):
        pytest.fail(f"{reason} {requirement} is set.", pytrace=False)
    pytest.skip(reason)
