"""``manage.py draft_invoice`` reads what is missing and writes one draft of all accounts."""

import csv
import datetime as dt
import json
from decimal import Decimal
from io import StringIO

import pytest
from django.utils import timezone

from accounts.errors import CloudUnavailable
from consumption import sync
from consumption.entries import CALL
from consumption.history import Question, history_of
from consumption.invoicefiles import FORMATS
from consumption.models import UsageDay
from consumption.periods import Period, Preset, preset_period
from sandbox.cloud import DEMO_KEY, EMPTY_KEY, LINKED_KEY, PAYING_KEY
from tests.consumption.commands import WRONG_SECRET, Shell, run
from tests.consumption.days import REGION

pytestmark = pytest.mark.django_db
DEMO, LINKED, PAYING = (key.account_id for key in (DEMO_KEY, LINKED_KEY, PAYING_KEY))
DAYS = ("2026-03-01", "2026-03-02")
PERIOD = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 3))


@pytest.fixture
def shell(tmp_path, monkeypatch, outscale):
    return Shell(tmp_path, monkeypatch)


def draft(*arguments):
    return run("draft_invoice", *arguments)


def rows_of(out):
    return list(csv.DictReader(StringIO(out.removeprefix("\ufeff")), delimiter=";"))


def totals_of(out):
    return {row["currency"]: Decimal(row["cost"]) for row in rows_of(out) if row["row"] == "total"}


def kept_total(account_id, region, *, with_linked=False):
    ledger = sync.ledger_of(account_id, region)
    return history_of([ledger], Question(PERIOD, with_linked=with_linked)).total


def test_what_is_missing_is_read_and_the_total_is_that_of_the_history(shell):
    shell.use()
    out, err, failure = draft(*DAYS)
    assert failure == ""
    assert out.startswith("\ufeffrow;account_id;region;")
    assert totals_of(out) == {"EUR": kept_total(DEMO, REGION)}
    lines = [row for row in rows_of(out) if row["row"] == "line"]
    assert sum(Decimal(line["cost"]) for line in lines if line["cost"]) == kept_total(DEMO, REGION)
    unpriced = [line["product"] for line in lines if not line["cost"]]
    assert len(unpriced) == 3
    assert all(name in err and "has no price and is in no total." in err for name in unpriced)


def test_without_days_it_is_the_last_month(shell):
    shell.use(EMPTY_KEY)
    [total] = [row for row in rows_of(draft()[0]) if row["row"] == "total"]
    month = preset_period(Preset.LAST_MONTH, timezone.now().date())
    assert (total["first_day"], total["last_day"]) == (month.first.isoformat(), month.last.isoformat())
    assert UsageDay.objects.count() == month.length


def test_one_day_named_is_from_there_to_yesterday(shell):
    shell.use()
    before = timezone.now().date() - dt.timedelta(days=2)
    _out, err, failure = draft(before)
    assert failure == ""
    assert "The bill of 2 days can still grow" in err
    assert UsageDay.objects.count() == 2


def test_several_accounts_are_in_one_file_and_currencies_apart(shell):
    shell.profiles(one=DEMO_KEY, two=LINKED_KEY, three=(LINKED_KEY, {"region": "us-east-2"}))
    out, _err, failure = draft(*DAYS, "--profile", "one", "--profile", "two", "--profile", "three")
    assert failure == ""
    assert totals_of(out) == {
        "EUR": kept_total(DEMO, REGION) + kept_total(LINKED, REGION),
        "USD": kept_total(LINKED, "us-east-2"),
    }


def test_a_linked_account_with_a_profile_of_its_own_is_counted_once(shell):
    shell.profiles(payer=PAYING_KEY, linked=LINKED_KEY)
    out, _err, failure = draft(*DAYS, "--linked", "--profile", "payer", "--profile", "linked")
    assert failure == ""
    assert totals_of(out) == {"EUR": kept_total(PAYING, REGION, with_linked=True)}
    assert {row["account_id"] for row in rows_of(out) if row["row"] == "line"} >= {DEMO, LINKED}


def test_no_read_asks_nothing_and_writes_what_is_kept(shell, outscale):
    shell.use()
    complete = draft(*DAYS)[0]
    outscale.requests.clear()
    assert draft(*DAYS, "--no-read")[::2] == (complete, "")
    out, _err, failure = draft("2026-03-01", "2026-03-04", "--no-read")
    assert len(outscale.requests) == 0
    assert "2 days were never read: 3 to 4 Mar 2026." in failure
    assert [row["row"] for row in rows_of(out)][-1] == "missing"


def test_no_read_writes_nothing_for_a_key_that_has_read_nothing(shell, tmp_path):
    shell.use()
    draft(*DAYS)
    shell.use(LINKED_KEY)
    path = tmp_path / "invoice.csv"
    out, _err, failure = draft(*DAYS, "--no-read", "--output", path)
    assert (out, path.exists()) == ("", False)
    assert failure.splitlines() == [
        "there is nothing to write",
        f"{REGION}: OSC_ACCESS_KEY: nothing is kept that this key has read",
    ]


def test_days_that_fail_make_it_incomplete_and_it_is_written_all_the_same(shell, outscale):
    shell.use()
    draft(DAYS[0], DAYS[0])
    outscale.faults.add(CALL, "error")
    out, _err, failure = draft(*DAYS)
    assert failure.startswith(
        f"the draft is incomplete\n{DEMO}, {REGION}: 1 day could not be read: 2 Mar 2026. "
        f"{CloudUnavailable.message}\n"
    )
    assert totals_of(out) == {"EUR": kept_total(DEMO, REGION)}
    [missing] = [row for row in rows_of(out) if row["row"] == "missing"]
    assert missing["note"] in failure


def test_wrong_keys_write_nothing_and_leave_the_old_file(shell, tmp_path):
    shell.use(secret=WRONG_SECRET)
    path = tmp_path / "invoice.csv"
    path.write_text("the draft of before")
    out, _err, failure = draft(*DAYS, "--output", path)
    assert (out, path.read_text()) == ("", "the draft of before")
    assert failure.startswith(
        f"there is nothing to write\n{REGION}: OSC_ACCESS_KEY: OUTSCALE refused these keys."
    )


def test_an_account_whose_keys_are_refused_is_missing_from_the_others(shell):
    shell.profiles(good=EMPTY_KEY, bad=(DEMO_KEY, {"secret_key": WRONG_SECRET}))
    out, _err, failure = draft(*DAYS, "--profile", "good", "--profile", "bad", "--format", "json")
    document = json.loads(out)
    assert document["complete"] is False
    assert [total["complete"] for total in document["totals"]] == [False]
    assert document["missing"] == failure.splitlines()[1:]
    assert "profile 'bad'" in failure


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("2026-03-02", "2026-03-01"), "the first day, 2026-03-02, is after the last one, 2026-03-01"),
        (("2026-03-02", timezone.now().date()), "is not over"),
        (("yesterday",), "'yesterday' is no day"),
        (("--profile", "nobody"), "has no profile 'nobody'"),
        (("--format", "pdf"), "invalid choice: 'pdf'"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(shell, outscale, arguments, reason):
    shell.use()
    shell.profiles(somebody=DEMO_KEY)
    outscale.requests.clear()
    out, _err, failure = draft(*arguments)
    assert (out, len(outscale.requests)) == ("", 0)
    assert reason in failure


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_goes_to_a_file(shell, tmp_path, file_format):
    shell.use()
    path = tmp_path / "invoice.out"
    out, _err, failure = draft(*DAYS, "--format", file_format, "--output", path)
    assert (out, failure) == ("", "")
    content = path.read_bytes()
    if FORMATS[file_format].is_binary:
        assert content.startswith(b"PK")
    else:
        assert "NAT service" in content.decode()
        assert DEMO in content.decode()


def test_text_says_first_what_is_missing(shell):
    shell.use()
    out = draft(*DAYS, "--format", "human")[0]
    assert out.startswith("The total is incomplete\n\n- ")
    assert "Amounts exclude tax. This draft is informative: only the invoices of OUTSCALE bind." in out
    assert "≥ €" in out
