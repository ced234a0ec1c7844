import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def test_env_example_lists_exactly_what_the_settings_and_the_server_read():
    settings = (ROOT / "finops_site" / "settings.py").read_text() + (ROOT / "gunicorn.conf.py").read_text()
    example = (ROOT / ".env.example").read_text()
    read = re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', settings)
    listed = re.findall(r"^#?([A-Z_]+)=", example, flags=re.MULTILINE)
    assert sorted(listed) == sorted(set(read))


def test_every_type_declared_in_the_settings_is_of_a_variable_that_is_read():
    settings = (ROOT / "finops_site" / "settings.py").read_text()
    declared = re.findall(r"^    ([A-Z_]+)=\(", settings, flags=re.MULTILINE)
    read = re.findall(r'\benv\("([A-Z_]+)"', settings)
    assert set(declared) <= set(read)


@pytest.mark.parametrize(
    ("address", "entries"),
    [
        (None, 100_000),
        ("dbcache://another_table", 100_000),
        ("dbcache://portal_cache?max_entries=500000", 500_000),
        ("redis://cache:6379/0", None),
    ],
)
def test_a_cache_in_the_database_is_not_limited_to_the_300_entries_of_django(address, entries):
    environment = {name: value for name, value in os.environ.items() if name != "CACHE_URL"}
    environment |= {"CACHE_URL": address} if address else {}
    program = "import json, finops_site.settings as read; print(json.dumps(read.CACHES['default']))"
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    assert json.loads(told.stdout).get("OPTIONS", {}).get("MAX_ENTRIES") == entries


@pytest.mark.parametrize(
    ("hosts", "host"),
    [("*", "localhost"), ("*,.example.com", "example.com"), ("a.example,b.example", "a.example")],
)
def test_messages_name_a_host_that_can_be_one_when_nothing_else_is_said(hosts, host):
    removed = {"PORTAL_URL", "DEFAULT_FROM_EMAIL"}
    environment = {name: value for name, value in os.environ.items() if name not in removed}
    environment |= {"DEBUG": "false", "DEMO": "false", "SECRET_KEY": "of a test", "ALLOWED_HOSTS": hosts}
    program = "import finops_site.settings as read; print(read.PORTAL_URL, read.DEFAULT_FROM_EMAIL)"
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    assert told.stdout == f"https://{host} osc-finops@{host}\n"
