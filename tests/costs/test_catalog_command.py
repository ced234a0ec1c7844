import datetime as dt
import json
import os
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from costs import catalog, freshness
from costs.models import Catalog
from tests.costs.catalogs import NOW, REGION, answer_of, raw_entry, store
from tests.reference import FOLDER, real_answer

pytestmark = pytest.mark.django_db
CALL = "ReadPublicCatalog"


def run(*arguments):
    """Run the command; return what it wrote to its two outputs and why it failed, if it did."""
    out, err, failure = StringIO(), StringIO(), ""
    try:
        call_command("refresh_catalogs", *arguments, stdout=out, stderr=err)
    except CommandError as error:
        failure = str(error)
    return out.getvalue(), err.getvalue(), failure


def saved(tmp_path, content):
    path = tmp_path / "answer.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, default=float))
    return path


def test_all_regions_are_refreshed_by_default(outscale, settings):
    out, _err, failure = run()
    assert failure == ""
    assert [line.split(":")[0] for line in out.splitlines()] == settings.OUTSCALE_REGIONS
    assert out.splitlines()[0] == "eu-west-2: version 1, 122 prices in EUR, new prices"
    assert run("--region", "eu-west-2")[0] == "eu-west-2: version 1, 122 prices in EUR, unchanged\n"


def test_one_region_that_fails_does_not_stop_the_others_and_is_told_by_the_exit_code(outscale):
    outscale.faults.add(f"us-east-2/{CALL}", "broken-json")
    out, err, failure = run()
    assert failure == "1 of 4 regions failed: us-east-2"
    assert err.startswith("us-east-2: OUTSCALE answered something")
    assert len(out.splitlines()) == 3
    assert set(Catalog.objects.values_list("region", flat=True)) == {
        "eu-west-2",
        "cloudgouv-eu-west-1",
        "us-west-1",
    }


def test_a_region_that_does_not_exist_is_refused_before_anything_is_asked(outscale):
    failure = run("--region", "mars")[2]
    assert "invalid choice: 'mars'" in failure
    assert len(outscale.requests) == 0


def test_the_real_answer_loads_from_a_file_with_no_entry_lost_and_every_price_exact(tmp_path):
    answer = real_answer("catalog-eu-west-2.json")
    out, _err, failure = run("--from-file", str(FOLDER / "catalog-eu-west-2.json"))
    assert (out, failure) == ("eu-west-2: version 1, 122 prices in EUR, new prices\n", "")
    stored = {key: entry.unit_price for key, entry in catalog.latest(REGION).entries.items()}
    assert stored == {
        (raw["Service"], raw["Type"], raw["Operation"]): raw["UnitPrice"]
        for raw in answer["Catalog"]["Entries"]
    }


def test_a_file_with_a_byte_order_mark_loads(tmp_path):
    path = saved(tmp_path, "\ufeff" + json.dumps(answer_of(raw_entry()), default=float))
    assert run("--from-file", str(path))[2] == ""


BAD_FILES = {
    "no JSON": ("<html>", "this is no JSON"),
    "cut short": ('{"Catalog": {"Entries": [', "this is no JSON"),
    "nested without end": ("[" * 100_000, "this is no JSON"),
    "another answer": ({"Vms": []}, "The answer holds no list Catalog.Entries."),
    "empty": (answer_of(), "The catalog is empty."),
    "twice the same": (answer_of(raw_entry(), raw_entry()), "is there twice"),
    "too long a number": ('{"Catalog": 1e9999999999999999999}', "this is no JSON"),
    "not a number": ('{"Catalog": {"Entries": [{"UnitPrice": NaN}]}}', "Entry 1 has no usable Service."),
    "a foreign region": (answer_of(raw_entry(SubregionName="mars")), "mars is none of eu-west-2"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_refused_with_its_reason_and_changes_nothing(tmp_path, kind):
    content, reason = BAD_FILES[kind]
    _out, _err, failure = run("--from-file", str(saved(tmp_path, content)))
    assert failure.startswith(f"{tmp_path}/answer.json: ")
    assert reason in failure
    assert not Catalog.objects.exists()


def test_a_file_of_another_region_than_the_one_named_is_refused(tmp_path):
    path = saved(tmp_path, answer_of(raw_entry()))
    failure = run("--region", "us-east-2", "--from-file", str(path))[2]
    assert failure.endswith("These are the prices of eu-west-2, not of us-east-2.")


def written_at(path, moment):
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return str(path)


def test_the_prices_of_a_file_are_as_old_as_the_file(tmp_path):
    path = saved(tmp_path, answer_of(raw_entry()))
    assert run("--from-file", written_at(path, NOW))[2] == ""
    stored = Catalog.objects.get()
    assert (stored.valid_from, stored.fetched_at) == (NOW, NOW)
    assert freshness.status(REGION, timezone.now()).stale


def test_a_file_from_the_future_was_fetched_now_at_the_latest(tmp_path):
    path = saved(tmp_path, answer_of(raw_entry()))
    run("--from-file", written_at(path, timezone.now() + dt.timedelta(days=400)))
    assert Catalog.objects.get().fetched_at <= timezone.now()


@pytest.mark.parametrize(
    ("at", "moment"),
    [
        ("2026-03-01", dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
        ("2026-03-01T10:30", dt.datetime(2026, 3, 1, 10, 30, tzinfo=dt.UTC)),
        ("2026-03-01T10:30:00+02:00", dt.datetime(2026, 3, 1, 8, 30, tzinfo=dt.UTC)),
    ],
)
def test_the_moment_of_a_file_can_be_said(tmp_path, at, moment):
    run("--from-file", str(saved(tmp_path, answer_of(raw_entry()))), "--at", at)
    assert Catalog.objects.get().fetched_at == moment


def test_a_file_older_than_the_stored_prices_changes_nothing_and_is_told(tmp_path):
    store(at=NOW)
    path = saved(tmp_path, answer_of(raw_entry(price="0.006")))
    out = run("--from-file", str(path), "--at", "2026-03-01")[0]
    assert out == (
        "eu-west-2: version 1, 1 prices in EUR, "
        "unchanged: they are of 2026-03-02 08:00 UTC, newer than these of 2026-03-01 00:00 UTC\n"
    )
    assert Catalog.objects.get().fetched_at == NOW


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from-file", "x.json", "--at", "yesterday"], "'yesterday' is neither"),
        (["--from-file", "x.json", "--at", "2999-01-01"], "'2999-01-01' is in the future"),
        (["--at", "2026-03-01"], "--at belongs to --from-file"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(outscale, arguments, reason):
    assert reason in run(*arguments)[2]
    assert len(outscale.requests) == 0


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_cannot_be_read_is_said(tmp_path, name):
    assert str(tmp_path) in run("--from-file", str(tmp_path / name))[2]


def test_binary_rubbish_is_refused(tmp_path):
    path = tmp_path / "answer.json"
    path.write_bytes(b"\xff\xfe\x00\x01")
    assert str(path) in run("--from-file", str(path))[2]


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        call_command("refresh_catalogs", "--help")
    assert ended.value.code == 0
    assert "manage.py refresh_catalogs --region eu-west-2" in capsys.readouterr().out
