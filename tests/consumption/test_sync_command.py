"""``manage.py sync_consumption`` reads what is missing, unattended, and says what it could not read."""

import datetime as dt
import sys
import threading

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from accounts.errors import AuthenticationRefused, CloudUnavailable, PermissionRefused
from consumption import sync as sync_module
from consumption import unattended
from consumption.entries import CALL
from consumption.models import DayState, Ledger, UsageDay
from sandbox.cloud import CONSUMPTION_ONLY_KEY, DEMO_KEY, LINKED_KEY, PAYING_KEY, REFUSED_KEY
from tests.consumption.commands import WRONG_SECRET, Shell, run
from tests.consumption.days import REGION

pytestmark = pytest.mark.django_db
DEMO, LINKED, PAYING = (key.account_id for key in (DEMO_KEY, LINKED_KEY, PAYING_KEY))
DAYS = ("--from", "2026-03-01", "--to", "2026-03-03")


@pytest.fixture
def shell(tmp_path, monkeypatch, outscale):
    return Shell(tmp_path, monkeypatch)


def sync(*arguments):
    return run("sync_consumption", *arguments)


def test_days_are_read_with_the_keys_of_the_environment_and_nothing_else_of_it(shell):
    shell.use()
    assert sync(*DAYS) == (f"{DEMO} {REGION}: 3 days, 3 complete\n", "", "")
    assert list(UsageDay.objects.order_by("day").values_list("day", flat=True)) == [
        dt.date(2026, 3, number) for number in (1, 2, 3)
    ]


def test_without_days_it_is_the_last_31_that_are_over(shell):
    shell.use()
    out, _err, failure = sync()
    assert (out, failure) == (f"{DEMO} {REGION}: 31 days, 28 complete, 3 provisional\n", "")
    days = UsageDay.objects.order_by("day").values_list("day", flat=True)
    yesterday = timezone.now().date() - dt.timedelta(days=1)
    assert (days.first(), days.last()) == (yesterday - dt.timedelta(days=30), yesterday)


def test_what_is_kept_is_not_read_again(shell, outscale):
    shell.use()
    sync(*DAYS)
    outscale.requests.clear()
    sync(*DAYS)
    assert outscale.requests.count(call=CALL) == 0


def test_a_restart_of_the_database_is_waited_for_and_the_reading_goes_on(shell, monkeypatch):
    shell.use()
    read_all, failures = sync_module.read_all, [OperationalError("terminating connection")]

    def read(*arguments, **options):
        if failures:
            raise failures.pop()
        return read_all(*arguments, **options)

    monkeypatch.setattr(sync_module, "read_all", read)
    monkeypatch.setattr(unattended, "SECONDS_BETWEEN_TRIES", 0)
    monkeypatch.setattr(unattended.connection, "close", lambda: None)  # the one of the test
    assert sync(*DAYS) == (f"{DEMO} {REGION}: 3 days, 3 complete\n", "", "")


def test_a_database_that_stays_away_is_not_waited_for_for_ever(shell, monkeypatch):
    shell.use()

    def away(*_arguments, **_options):
        raise OperationalError("terminating connection")

    monkeypatch.setattr(sync_module, "read_all", away)
    monkeypatch.setattr(unattended, "SECONDS_BETWEEN_TRIES", 0.01)
    monkeypatch.setattr(unattended, "DATABASE_AWAY_SECONDS", 0.02)
    monkeypatch.setattr(unattended.connection, "close", lambda: None)
    out, _err, failure = sync(*DAYS)
    assert out == ""
    assert "terminating connection" in failure


def test_several_profiles_and_regions_have_a_line_each(shell):
    shell.profiles(one=DEMO_KEY, two=(LINKED_KEY, {"region": "us-east-2"}), again=DEMO_KEY)
    out, err, failure = sync(*DAYS, "--profile", "one", "--profile", "two", "--profile", "again")
    assert out.splitlines() == [
        f"{DEMO} {REGION}: 3 days, 3 complete",
        f"{LINKED} us-east-2: 3 days, 3 complete",
    ]
    assert (err, failure) == ("", "")
    out, _err, _failure = sync(*DAYS, "--profile", "one", "--region", REGION, "--region", "us-west-1")
    assert [line.split(":")[0] for line in out.splitlines()] == [f"{DEMO} {REGION}", f"{DEMO} us-west-1"]


def test_one_key_that_is_refused_does_not_keep_the_others_from_being_read(shell):
    shell.profiles(bad=(DEMO_KEY, {"secret_key": WRONG_SECRET}), good=LINKED_KEY)
    out, _err, failure = sync(*DAYS, "--profile", "bad", "--profile", "good")
    assert out == f"{LINKED} {REGION}: 3 days, 3 complete\n"
    assert failure == (
        f"not every day could be read\n{REGION}: profile 'bad': {AuthenticationRefused.message}"
    )


def test_a_key_that_may_only_read_the_consumption_is_enough(shell):
    shell.use(CONSUMPTION_ONLY_KEY)
    assert sync(*DAYS)[0] == f"{DEMO} {REGION}: 3 days, 3 complete\n"


def test_a_key_that_may_not_read_it_is_told_so(shell):
    shell.use(REFUSED_KEY)
    out, _err, failure = sync(*DAYS)
    assert (out, Ledger.objects.count()) == ("", 0)
    assert "Allow api:ReadAccounts" in failure


def test_a_paying_account_reads_the_accounts_billed_to_it(shell):
    shell.use(PAYING_KEY)
    sync(*DAYS, "--linked")
    assert set(UsageDay.objects.values_list("with_linked", flat=True)) == {True}
    assert {DEMO, LINKED} <= set(Ledger.objects.get().days.values_list("usages__account_id", flat=True))


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--to", timezone.now().date()), "is not over: the last day that can be read is "),
        (("--from", "2999-01-01"), "2999-01-01 is not over"),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "the first day, 2026-03-02, is after the last one"),
        (("--from", "2001-01-01"), "are more than 1100 days"),
        (("--from", "01/03/2026"), "'01/03/2026' is no day: write it as 2026-03-31"),
        (("--patience", "long"), "'long' is no number of minutes"),
        (("--profile", "nobody"), "has no profile 'nobody'"),
        (("--region", "mars"), "the region is 'mars', and none of "),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_asked(shell, outscale, arguments, reason):
    shell.use()
    shell.profiles(somebody=DEMO_KEY)
    outscale.requests.clear()
    out, _err, failure = sync(*arguments)
    assert (out, len(outscale.requests)) == ("", 0)
    assert reason in failure


def test_without_keys_it_is_said_what_to_do(shell, outscale):
    assert sync()[2] == "set OSC_ACCESS_KEY and OSC_SECRET_KEY, or name a profile with --profile"


def test_days_that_fail_are_named_with_the_reason_and_the_others_kept(shell, outscale):
    shell.use()
    sync("--from", "2026-03-02", "--to", "2026-03-03")
    outscale.faults.add(CALL, "error")
    out, _err, failure = sync(*DAYS)
    assert out == f"{DEMO} {REGION}: 3 days, 2 complete, 1 failed\n"
    assert failure == (
        f"not every day could be read\n{DEMO}, {REGION}: 1 day could not be read: 1 Mar 2026. "
        f"{CloudUnavailable.message}"
    )
    outscale.faults.clear()
    assert sync(*DAYS) == (f"{DEMO} {REGION}: 3 days, 3 complete\n", "", "")


def test_a_cloud_that_refuses_the_call_is_an_error_with_its_reason(shell, outscale):
    shell.use()
    outscale.faults.add(CALL, "refuse")
    out, _err, failure = sync(*DAYS)
    assert out == f"{DEMO} {REGION}: 3 days, 3 unread\n"
    assert str(PermissionRefused(CALL, cloud_code="4").message) in failure


def test_a_throttled_reading_waits_and_goes_on(shell, outscale, monkeypatch):
    monkeypatch.setattr("consumption.sync._GOES_ON_AFTER_SECONDS", 0.01)
    shell.use()
    outscale.faults.add(CALL, "throttle", 12)
    assert sync(*DAYS) == (f"{DEMO} {REGION}: 3 days, 3 complete\n", "", "")


def test_a_throttled_reading_ends_when_patience_does(shell, outscale):
    shell.use()
    outscale.faults.add(CALL, "throttle")
    out, _err, failure = sync(*DAYS, "--patience", "0")
    assert out == f"{DEMO} {REGION}: 3 days, 3 unread\n"
    assert "OUTSCALE is receiving too many requests" in failure
    assert "3 days were never read: 1 to 3 Mar 2026." in failure


def test_a_person_at_a_terminal_sees_how_far_it_is(shell, outscale, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("consumption.sync._GOES_ON_AFTER_SECONDS", 0.01)
    shell.use()
    outscale.faults.add(CALL, "throttle", 4)
    assert sync(*DAYS)[1] == f"{DEMO} {REGION}: 0 of 3 days, going on in 0.01 s (CLOUD_THROTTLED)\n"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_leave_each_day_once(shell, outscale):
    shell.use()
    outscale.faults.add(CALL, "latency", 50)
    said = []

    def other():
        try:
            said.append(sync(*DAYS))
        finally:
            connection.close()

    threads = [threading.Thread(target=other) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert said == [(f"{DEMO} {REGION}: 3 days, 3 complete\n", "", "")] * 2
    assert UsageDay.objects.filter(state=DayState.COMPLETE).count() == 3
