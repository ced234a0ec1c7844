import csv
import io
import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families

from costs.costfiles import FORMATS
from costs.models import CostReading, CostSnapshot
from sandbox.cloud import CONSUMPTION_ONLY_KEY, DEMO_KEY, LINKED_KEY, READ_ONLY_KEY
from sandbox.expected import total
from tests.costs.portal_readings import expected_now, make_vm, make_volume, own, same

pytestmark = pytest.mark.django_db
WRONG_SECRET = "WRONGSECRETTHATMUSTNOTBESEENANYWHERE0000"


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of one's own, in which no keys are."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("OSC_ACCESS_KEY", "OSC_SECRET_KEY", "OSC_REGION", "OSC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def keys(home, outscale, monkeypatch):
    """Puts a key of the sandbox into the environment, the demo account's to begin with."""

    def use(key, region="eu-west-2", secret=None):
        monkeypatch.setenv("OSC_ACCESS_KEY", key.access_key)
        monkeypatch.setenv("OSC_SECRET_KEY", secret or key.secret_key)
        monkeypatch.setenv("OSC_REGION", region)

    use(DEMO_KEY)
    return use


def run(*arguments):
    """Run the command; return what it wrote to its two outputs and why it failed, if it did."""
    out, err, failure = StringIO(), StringIO(), ""
    try:
        call_command("current_cost", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        failure = str(error)
    for secret in (DEMO_KEY.secret_key, LINKED_KEY.secret_key, WRONG_SECRET):
        assert secret not in out.getvalue() + err.getvalue() + failure
    return out.getvalue(), err.getvalue(), failure


def document(*arguments):
    out, _err, failure = run("--format", "json", *arguments)
    assert failure == ""
    return json.loads(out)


def ids(found):
    return [one["resource_id"] for one in found["resources"]]


def profiles(home, content):
    path = home / ".osc" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def profile_of(key, **fields):
    return {"access_key": key.access_key, "secret_key": key.secret_key, "region": "eu-west-2"} | fields


def test_everything_is_read_and_priced_and_kept_for_the_portal(keys, outscale):
    whole = total(expected_now(outscale).values())
    found = document()
    assert same(found["totals"]["month"], whole.per_month)
    assert found["unpriced_count"] == len(whole.unpriced)
    stored = CostSnapshot.objects.get()
    assert (stored.account_id, stored.is_complete) == (DEMO_KEY.account_id, True)
    assert same(stored.per_month, whole.per_month)
    assert not CostReading.objects.exists()


def test_the_portal_shows_what_the_command_read_with_the_same_key(keys, logged_in, outscale):
    own(outscale, vms=[make_vm()])
    run()
    outscale.requests.clear()
    assert logged_in.get("/costs/export/month/").content.decode() == "131.4\n"
    assert len(outscale.requests) == 0


def test_json_is_what_the_api_answers(keys, logged_in, outscale):
    found = document("--tag", "project=portail")
    assert logged_in.get("/api/cost/current?tag=project%3Dportail").json()["data"] == found


def test_resources_without_a_price_are_told_and_are_no_failure(keys, outscale):
    own(outscale, vms=[make_vm(vm_type="x1.32xlarge")])
    out, err, failure = run("--format", "month")
    assert (out, failure) == ("0\n", "")
    assert err == "1 resource is not priced whole.\n"


def test_text_is_for_people_to_read(keys, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    out, err, failure = run()
    assert (err, failure) == ("", "")
    lines = [line.split() for line in out.splitlines()]
    assert ["Per", "month", "€142.40"] in lines
    assert ["Virtual", "machines", "1", "€0.1800", "€131.40"] in lines
    assert [line[-1] for line in lines if line[:1] == ["vol-00000001"]] == ["€11.00"]


def test_csv_has_a_row_for_each_resource_and_the_total(keys, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    rows = list(csv.DictReader(StringIO(run("--format", "csv")[0])))
    assert [(row["row"], row["resource_id"], row["price_per_month"]) for row in rows] == [
        ("resource", "i-00000001", "131.4"),
        ("resource", "vol-00000001", "11"),
        ("total", "", "142.4"),
    ]


@pytest.mark.parametrize(("period", "figure"), [("hour", "0.18"), ("month", "131.4"), ("year", "1576.8")])
def test_a_figure_stands_alone(keys, outscale, period, figure):
    own(outscale, vms=[make_vm()])
    assert run("--format", period) == (f"{figure}\n", "", "")


def test_prometheus_can_scrape_it(keys, outscale):
    own(outscale, vms=[make_vm()])
    families = {one.name: one for one in text_string_to_metric_families(run("--format", "prometheus")[0])}
    assert families["outscale_cost_per_month"].samples[0].value == 131.4


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_goes_to_a_file(keys, outscale, tmp_path, file_format):
    own(outscale, vms=[make_vm()])
    path = tmp_path / "cost.out"
    assert run("--format", file_format, "--output", str(path)) == ("", "", "")
    content = path.read_bytes()
    if FORMATS[file_format].is_binary:
        assert content.startswith(b"PK")
    elif file_format != "json" and file_format not in ("hour", "month", "year"):
        assert "i-00000001" in content.decode()


def test_a_file_that_cannot_be_written_is_said(keys, outscale, tmp_path):
    own(outscale)
    assert run("--output", str(tmp_path))[2] == f"{tmp_path}: Is a directory"


def test_a_directory_that_does_not_exist_is_said_before_anything_is_asked(keys, outscale, tmp_path):
    outscale.requests.clear()
    path = tmp_path / "nowhere" / "cost.csv"
    assert run("--output", str(path))[2] == f"{path}: there is no such directory"
    assert len(outscale.requests) == 0


def test_a_format_that_does_not_exist_is_refused_before_anything_is_asked(keys, outscale):
    outscale.requests.clear()
    assert "invalid choice: 'pdf'" in run("--format", "pdf")[2]
    assert "invalid choice: 'Car'" in run("--skip-resource", "Car")[2]
    assert len(outscale.requests) == 0


def test_tags_narrow_what_is_written_but_not_what_is_kept(keys, outscale):
    vms = [make_vm(1, tags=(("env", "prod"), ("a=b", "c"))), make_vm(2, tags=(("env", "test"),)), make_vm(3)]
    own(outscale, vms=vms)
    assert ids(document("--tag", "env=prod")) == ["i-00000001"]
    assert ids(document("--tag", "env")) == ["i-00000001", "i-00000002"]
    assert ids(document("--tag-key", "env", "--tag-value", "test")) == ["i-00000002"]
    assert ids(document("--tag-key", "a=b", "--tag", "env=prod")) == ["i-00000001"]
    assert ids(document("--tag", "env=prod", "--tag", "env=test")) == []
    assert {stored.resource_count for stored in CostSnapshot.objects.all()} == {3}


def test_a_skipped_kind_is_neither_read_nor_kept(keys, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    outscale.requests.clear()
    found = document("--skip-resource", "Volume", "--skip-resource", "Snapshot")
    assert ids(found) == ["i-00000001"]
    assert {"ReadVolumes", "ReadSnapshots"} & set(outscale.requests.calls()) == set()
    assert not CostSnapshot.objects.exists()


def test_skipping_vms_leaves_their_addresses_right(keys, outscale):
    outscale.requests.clear()
    expected = [one for one in expected_now(outscale).values() if one.resource_type == "PublicIp"]
    found = document("--skip-resource", "Vm")["resources"]
    assert "Vm" not in {one["resource_type"] for one in found}
    assert {
        one["resource_id"]: one["price_per_hour"] for one in found if one["resource_type"] == "PublicIp"
    } == {one.resource_id: f"{one.hourly.normalize():f}" for one in expected}


def test_object_storage_is_listed_only_when_asked_for(keys, outscale):
    own(outscale)
    assert document()["by_type"] == []
    buckets = [one for one in expected_now(outscale, objects=True).values() if one.resource_type == "Oos"]
    found = document("--include-oos")
    assert sorted(ids(found)) == sorted(one.resource_id for one in buckets)
    assert same(found["totals"]["month"], total(buckets).per_month)


def test_aggregate_names_no_resource(keys, outscale):
    own(outscale, vms=[make_vm(), make_vm(2)])
    rows = list(csv.DictReader(StringIO(run("--format", "csv", "--aggregate")[0])))
    assert [(row["row"], row["resource_type"], row["count"]) for row in rows] == [
        ("type", "Vm", "2"),
        ("total", "", "2"),
    ]
    assert "i-00000001" not in run("--aggregate")[0]


# --- Whose keys


def test_without_keys_nothing_is_asked_and_it_is_said_what_to_do(home, outscale):
    profiles(home, {"default": profile_of(DEMO_KEY)})  # which nobody named
    out, _err, failure = run()
    assert (out, failure) == ("", "set OSC_ACCESS_KEY and OSC_SECRET_KEY, or name a profile with --profile")
    assert len(outscale.requests) == 0


def test_keys_of_the_environment_come_before_an_unnamed_profile(keys, home, outscale):
    profiles(home, {"default": profile_of(LINKED_KEY)})
    assert document()["account_id"] == DEMO_KEY.account_id


def test_a_profile_is_used_when_it_is_named(keys, home, outscale):
    profiles(home, {"default": {}, "études": profile_of(LINKED_KEY, region="us-west-1")})
    outscale.requests.clear()
    found = document("--profile", "études")
    assert (found["account_id"], found["region"]) == (LINKED_KEY.account_id, "us-west-1")
    assert outscale.requests.count(access_key=DEMO_KEY.access_key) == 0
    assert document("--profile", "études", "--region", "eu-west-2")["region"] == "eu-west-2"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "has no profile 'work'"),
        ([], "has no profile 'work'"),
        ({"work": "x"}, "has no profile 'work'"),
        ({"work": {"access_key": "A"}}, "has no access_key or no secret_key"),
        ({"work": {"access_key": "A", "secret_key": 5}}, "has no access_key or no secret_key"),
        (f'{{"work": {{"secret_key": "{WRONG_SECRET}"', "cannot be read"),
    ],
)
def test_a_broken_profile_is_refused_with_the_reason(home, outscale, content, reason):
    path = profiles(home, content)
    failure = run("--profile", "work")[2]
    assert str(path) in failure
    assert reason in failure
    assert len(outscale.requests) == 0


def test_a_missing_profile_file_is_said(home, outscale):
    failure = run("--profile", "work")[2]
    assert failure.startswith(f"{home}/.osc/config.json cannot be read: ")


def test_a_region_that_does_not_exist_is_refused_before_anything_is_asked(keys, outscale):
    outscale.requests.clear()
    assert run("--region", "mars")[2].startswith("the region is 'mars', and none of eu-west-2, ")
    assert len(outscale.requests) == 0


def test_wrong_keys_are_refused_and_keep_nothing(keys, outscale):
    keys(DEMO_KEY, secret=WRONG_SECRET)
    out, _err, failure = run()
    assert out == ""
    assert failure.startswith("OUTSCALE refused these keys.")
    assert not CostSnapshot.objects.exists()


def test_a_key_that_may_read_nothing_is_told_so(keys, outscale):
    keys(CONSUMPTION_ONLY_KEY)
    out, _err, failure = run("--format", "month")
    assert (out, failure) == (
        "",
        "The policy of this key, or an access rule of the account, refuses this reading (code 4).",
    )
    assert not CostSnapshot.objects.exists()


# --- Partial readings


def test_a_partial_reading_writes_the_rest_and_fails_with_the_reason(keys, outscale):
    own(outscale, vms=[make_vm()], volumes=[make_volume()])
    outscale.faults.add("ReadVolumes", "refuse")
    out, err, failure = run("--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["row"] for row in rows] == ["resource", "total", "missing"]
    assert failure == (
        "the reading is partial\nReadVolumes: The policy of this key, or an access rule of the account, "
        "refuses this reading (code 4). Allow api:ReadVolumes."
    )
    assert err == ""
    assert CostSnapshot.objects.get().is_complete is False


def test_a_kind_that_is_skipped_cannot_fail(keys, outscale):
    own(outscale, vms=[make_vm()])
    outscale.faults.add("ReadVolumes", "refuse")
    assert run("--format", "month", "--skip-resource", "Volume") == ("131.4\n", "", "")


def test_a_key_that_may_not_list_objects_fails_only_when_they_are_asked_for(keys, outscale):
    keys(READ_ONLY_KEY)
    assert run("--format", "month")[2] == ""
    assert "ListObjectsV2" in run("--format", "month", "--include-oos")[2]


def database_url():
    """Return the address of the test database, for another process."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"{os.environ['DATABASE_URL'].rpartition('/')[0]}/{name}"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("refused", [False, True])
def test_the_exit_code_tells_cron_whether_everything_was_read(keys, outscale, refused):
    own(outscale, vms=[make_vm()])
    if refused:
        outscale.faults.add("ReadVolumes", "refuse")
    environment = os.environ | {
        "OUTSCALE_API_URL": outscale.url,
        "OUTSCALE_OOS_URL": outscale.oos_url,
        "DATABASE_URL": database_url(),
    }
    ended = subprocess.run(
        [sys.executable, "manage.py", "current_cost", "--format", "month"],
        cwd=Path(django_settings.BASE_DIR),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.stdout.splitlines()[0] == "131.4"
    said = [line.partition(":")[0] for line in ended.stderr.splitlines()]
    assert (ended.returncode, said) == ((1, ["CommandError", "ReadVolumes"]) if refused else (0, []))
    assert DEMO_KEY.secret_key not in ended.stdout + ended.stderr
    assert CostSnapshot.objects.count() == 1
