"""The files that run the portal elsewhere agree with the code and with each other."""

import datetime as dt
import os
import re
import runpy
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import reverse
from ruamel.yaml import YAML

import budgets.views
import consumption.apiquestions
import consumption.views
import costs.cost_api
import costs.cost_views
import finops_site.overview
from accounts.proof import DAYS_LOOKED_BACK
from accounts.retrying import DEADLINE_FACTOR
from budgets.models import Budget
from consumption.estimatefiles import MOST_BYTES

ROOT = Path(__file__).parent.parent
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
COMPOSE = YAML(typ="safe").load(ROOT / "compose.yaml")
UNITS = sorted(path for path in (ROOT / "deploy" / "systemd").rglob("*") if path.is_file())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLES = sorted((ROOT / "deploy").glob("*.env.example"))
GUIDE = (ROOT / "docs" / "deploy.md").read_text()

NOT_OF_THE_PORTAL = {
    *("OSC_ACCESS_KEY", "OSC_SECRET_KEY", "OSC_REGION"),  # of whoever runs sync_consumption
    *("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),  # of the image of PostgreSQL
    *("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_NO_CACHE_DIR"),
    *("PATH", "VERSION", "RELEASE", "REPOSITORY", "MAINPID"),  # of a shell, compose.yaml and systemd
}

PATIENCE = [
    budgets.views.PATIENCE_SECONDS,
    consumption.apiquestions.PATIENCE_SECONDS,
    consumption.views.PATIENCE_SECONDS,
    costs.cost_api.PATIENCE_SECONDS,
    costs.cost_views.PATIENCE_SECONDS,
    finops_site.overview.PATIENCE_SECONDS,
]


def unit(path):
    """Read a unit; of a name that stands several times, as ``EnvironmentFile`` may, the last one counts."""
    parser = ConfigParser(strict=False, interpolation=None, delimiters=["="], comment_prefixes=["#"])
    parser.optionxform = str
    parser.read(path)
    return parser


@pytest.fixture(scope="module")
def as_it_comes():
    """What gunicorn says its configuration is, once it has checked it and loaded the portal."""
    told = subprocess.run(
        [sys.executable, "-m", "gunicorn", "finops_site.wsgi", "--check-config", "--print-config"],
        check=False,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("GUNICORN_")},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return dict(re.findall(r"^(\w+) += (.*)$", told.stdout, flags=re.MULTILINE))


def seconds(text):
    units = {"s": 1, "min": 60, "m": 60, "h": 3600, "": 1}
    number, name = re.fullmatch(r"(\d+)([a-z]*)", text).groups()
    return int(number) * units[name]


def of_nginx(directive):
    return re.findall(rf"""^\s*{directive} ((?:"[^"]*"|[^;"])+);""", NGINX, flags=re.MULTILINE)


def variables_read():
    return set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE))


def test_gunicorn_takes_its_configuration_and_listens_to_this_machine_only(as_it_comes):
    assert as_it_comes["bind"] == "['127.0.0.1:8000']"
    assert "gthread" in as_it_comes["worker_class"].lower()
    assert as_it_comes["accesslog"] == "None"
    assert 0 < int(as_it_comes["max_requests_jitter"]) < int(as_it_comes["max_requests"])


@pytest.mark.parametrize("processors", [1, 2, 8])
def test_sixteen_requests_can_wait_for_the_cloud_even_on_a_small_machine(monkeypatch, processors):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(processors)))
    monkeypatch.delenv("GUNICORN_WORKERS", raising=False)
    monkeypatch.delenv("GUNICORN_THREADS", raising=False)
    sized = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert sized["threads"] > 1
    assert sized["workers"] >= 2 * processors
    assert sized["workers"] * sized["threads"] >= 16


def test_the_environment_sizes_the_server(monkeypatch):
    given = {"BIND": "127.0.0.1:8100", "WORKERS": "3", "THREADS": "5", "MAX_REQUESTS": "0"}
    for name, value in given.items():
        monkeypatch.setenv(f"GUNICORN_{name}", value)
    sized = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    assert (sized["bind"], sized["workers"], sized["threads"]) == ("127.0.0.1:8100", 3, 5)
    assert (sized["max_requests"], sized["max_requests_jitter"]) == (0, 0)


def test_whoever_stops_the_server_waits_longer_than_its_longest_request(as_it_comes):
    call = DEADLINE_FACTOR * settings.OUTSCALE_TIMEOUT_SECONDS
    login = (1 + len(DAYS_LOOKED_BACK)) * call
    longest = max(login, max(PATIENCE) + call)
    graceful = int(as_it_comes["graceful_timeout"])
    assert longest < graceful
    assert graceful < seconds(*of_nginx("proxy_read_timeout"))
    portal = unit(ROOT / "deploy" / "systemd" / "osc-finops-portal.service")["Service"]
    assert graceful < seconds(portal["TimeoutStopSec"])
    assert graceful < seconds(COMPOSE["services"]["portal"]["stop_grace_period"])


def test_nginx_lets_through_what_the_portal_takes_and_little_more():
    usual, upload = (int(size.removesuffix("m")) * 2**20 for size in of_nginx("client_max_body_size"))
    assert settings.DATA_UPLOAD_MAX_MEMORY_SIZE < usual <= 2 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    assert MOST_BYTES < upload < 1.1 * MOST_BYTES


def test_the_upload_that_nginx_lets_through_is_that_of_the_portal():
    assert f"location = {reverse('consumption:drift_upload')} {{" in NGINX


def test_nginx_tells_the_portal_who_asks_and_how_whatever_a_visitor_claims():
    told = dict(line.split(maxsplit=1) for line in of_nginx("proxy_set_header"))
    assert told["X-Forwarded-Proto"] == "$scheme"
    assert told["X-Forwarded-For"] == "$remote_addr"
    assert told["X-Request-ID"] == "$request_id"
    assert "$request_uri" not in NGINX[NGINX.index("log_format") : NGINX.index("server_tokens")]


def test_nginx_lets_nobody_through_to_the_metrics():
    assert re.search(rf"location = {reverse('metrics')} {{\s+deny all;\s+}}", NGINX)


def test_the_log_that_is_rotated_is_in_the_folder_that_systemd_makes():
    common = unit(ROOT / "deploy" / "systemd" / "osc-finops-.service.d" / "common.conf")["Service"]
    rotated = (ROOT / "deploy" / "logrotate" / "osc-finops").read_text()
    assert f"/var/log/{common['LogsDirectory']}/*.log {{" in rotated
    assert f"LOG_FILE=/var/log/{common['LogsDirectory']}/" in (ROOT / "docs" / "observability.md").read_text()


def test_the_headers_of_nginx_are_those_of_the_portal_and_come_once():
    added = dict(line.split(maxsplit=1) for line in of_nginx("add_header"))
    assert set(added) == set(of_nginx("proxy_hide_header"))
    assert added["Referrer-Policy"].removesuffix(" always") == settings.SECURE_REFERRER_POLICY
    assert added["X-Frame-Options"].removesuffix(" always") == settings.X_FRAME_OPTIONS
    assert "Strict-Transport-Security" not in added  # the portal says it, as HSTS_SECONDS and others say


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_can_be_read_and_run_commands_that_there_are(path):
    sections = unit(path)
    run = sections.get("Service", "ExecStart", fallback="")
    if "manage.py" in run:
        assert run.split()[-1] in get_commands()
        assert path.with_suffix(".timer").exists()
    if path.suffix == ".timer":
        assert path.with_suffix(".service").exists()
        assert {"OnCalendar", "RandomizedDelaySec", "Persistent"} <= set(sections["Timer"])
        assert sections["Install"]["WantedBy"] == "timers.target"


def test_every_command_of_the_timetable_has_a_timer():
    run = {
        unit(path).get("Service", "ExecStart", fallback="").split()[-1]
        for path in UNITS
        if path.suffix == ".service"
    }
    assert {"sync_consumption", "refresh_catalogs", "check_budgets", "clearsessions"} < run


def test_a_service_runs_as_a_user_without_rights_and_its_failure_is_told():
    common = unit(ROOT / "deploy" / "systemd" / "osc-finops-.service.d" / "common.conf")
    assert common["Service"]["User"] == "osc-finops"
    assert common["Service"]["CapabilityBoundingSet"] == ""
    template = common["Unit"]["OnFailure"].replace("%N", "")
    assert (ROOT / "deploy" / "systemd" / template).exists()
    assert not template.startswith("osc-finops-")  # or its own failure would start it again


def test_compose_waits_for_the_migrations_and_shows_the_proxy_only():
    services = COMPOSE["services"]
    assert services["portal"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert COMPOSE["networks"]["inside"]["internal"]
    assert {name for name, service in services.items() if "outside" not in service["networks"]} == {
        "database",
        "cache",
    }
    for name, service in services.items():
        assert name == "migrate" or "healthcheck" in service or "HEALTHCHECK" in DOCKERFILE
        for needed in service.get("depends_on", {}):
            assert needed in services


def test_compose_finds_the_address_that_it_replaces_in_the_file_of_nginx():
    (replaced,) = re.findall(
        r"s/(server [^/]+;)/server portal:8000;/", " ".join(COMPOSE["services"]["nginx"]["command"])
    )
    assert NGINX.count(replaced) == 1


def test_the_image_holds_every_package_of_the_portal_and_no_secret():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/apps.py")}
    assert (
        packages | {"locale", "static", "templates", "manage.py", "gunicorn.conf.py", "requirements.txt"}
        == kept
    )
    assert all((ROOT / name).exists() for name in kept)
    assert re.findall(r"^USER (.+)$", DOCKERFILE, flags=re.MULTILINE) == ["10001"]
    assert "requirements-dev" not in DOCKERFILE


@pytest.mark.parametrize(
    "path",
    [ROOT / "docs" / "deploy.md", ROOT / "Dockerfile", ROOT / "compose.yaml", *EXAMPLES, *UNITS],
    ids=lambda path: path.name,
)
def test_every_variable_that_is_given_is_one_that_is_read(path):
    text = path.read_text()
    given = set(re.findall(r"\b([A-Z][A-Z_]{3,})=", text)) | set(re.findall(r"\$\{?([A-Z_]{4,})", text))
    assert given - NOT_OF_THE_PORTAL <= variables_read()


def test_the_example_for_production_names_what_it_cannot_do_without():
    example = (ROOT / "deploy" / "portal.env.example").read_text()
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", example, flags=re.MULTILINE))
    assert {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "CACHE_URL", "PROXY_COUNT"} <= set(given)
    assert given["SECRET_KEY"] == ""  # one that is printed somewhere is none
    assert not {"DEBUG", "DEMO"} & set(given)


@pytest.mark.django_db
def test_a_former_secret_key_opens_webhooks_until_they_are_sealed_anew(settings, django_user_model):
    settings.SECRET_KEY = "the former"
    owner = django_user_model.objects.create(username="owner", account_id="100000000001")
    made = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    budget = Budget.objects.create(
        owner=owner,
        name="All",
        currency="EUR",
        amount=1,
        period_type="monthly",
        start_date=made.date(),
        webhook_url="https://hooks.example.com/in",
        created_at=made,
        updated_at=made,
    )
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "the next", ["the former"]
    runpy.run_path(str(ROOT / "deploy" / "reseal.py"))
    settings.SECRET_KEY_FALLBACKS = []
    budget.refresh_from_db()
    assert (budget.webhook_url, budget.updated_at) == ("https://hooks.example.com/in", made)


def test_former_secret_keys_come_from_the_environment():
    program = "import finops_site.settings as read; print(read.SECRET_KEY_FALLBACKS)"
    told = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY_FALLBACKS": "one,two"},
        capture_output=True,
        text=True,
    )
    assert told.stdout == "['one', 'two']\n"


def test_the_command_of_a_machine_reads_its_variables_as_systemd_does(tmp_path):
    script = (ROOT / "deploy" / "osc-finops").read_text()
    given = {
        "etc/osc-finops/portal.env": "# A=b\n\nDATABASE_URL=postgres://portal@host/portal?one=$1&two='2'\nLOG_LEVEL=INFO\n",
        "etc/osc-finops/consumption.env": "OSC_REGION=eu-west-2",
        "opt/osc-finops/current/.venv/bin/python": "#!/bin/sh\nenv\n",
        "bin/id": "#!/bin/sh\necho osc-finops\n",
        "osc-finops": re.sub(r"(?<= )(?=/(etc|opt)/)", str(tmp_path), script),
    }
    for name, text in given.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def told(*arguments, **variables):
        run = [tmp_path / "osc-finops", *arguments]
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        ended = subprocess.run(
            run, check=True, env=variables | {"PATH": path}, capture_output=True, text=True
        )
        return set(ended.stdout.splitlines())

    address = "DATABASE_URL=postgres://portal@host/portal?one=$1&two='2'"
    assert {address, "LOG_LEVEL=INFO", "HOME=/var/lib/osc-finops"} <= told("check_budgets")
    assert "OSC_REGION=eu-west-2" not in told("check_budgets")
    assert {address, "LOG_LEVEL=WARNING", "OSC_REGION=eu-west-2"} <= told(
        "sync_consumption", LOG_LEVEL="WARNING"
    )


def test_a_command_that_has_nothing_to_say_says_nothing_which_cron_would_mail():
    said = subprocess.run(
        [sys.executable, "manage.py", "check"],
        check=True,
        cwd=ROOT,
        env=os.environ | {"LOG_LEVEL": "INFO", "LOG_FILE": ""},
        capture_output=True,
        text=True,
    )
    assert said.stderr == ""


def test_every_file_that_the_guide_names_is_there():
    named = set(re.findall(r"\bdeploy/(?!secrets)[\w./@-]*\w", GUIDE)) | set(
        re.findall(r"\]\(([\w./-]+)\)", GUIDE)
    )
    assert named
    missing = [name for name in named if not (ROOT / name).exists() and not (ROOT / "docs" / name).exists()]
    assert missing == []


def test_every_command_that_the_guide_names_is_one():
    named = set(re.findall(r"manage\.py (\w+)", GUIDE))
    assert named
    assert named <= set(get_commands())
