"""``manage.py check_budgets`` tells owners what their budgets have reached, once, whatever goes wrong."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from budgets import alerts, checking
from budgets.models import AlertDelivery, BudgetAlert
from consumption import daybook
from consumption.models import Ledger
from consumption.periods import ONE_DAY
from costs.snapshots import reader_of
from sandbox.cloud import DEMO_ACCOUNT, DEMO_KEY, LINKED_KEY
from tests.budgets.alerting import at_once
from tests.budgets.budgets import make_budget, owner
from tests.consumption.commands import run
from tests.consumption.days import entry, keep, make_ledger

pytestmark = pytest.mark.django_db
DEMO, LINKED = DEMO_ACCOUNT.account_id, LINKED_KEY.account_id
DAYS = 5


def consume(days=DAYS, account_id=DEMO):
    """Keep days up to yesterday that cost 24 each, which are final, and return the first."""
    today = timezone.now().date()
    ledger = make_ledger(account_id, at=timezone.now())
    contents = {today - back * ONE_DAY: [entry(price="24")] for back in range(1, days + 1)}
    keep(ledger, contents, at=timezone.now() + dt.timedelta(days=30))
    return today - days * ONE_DAY


def make(amount="200", *, days=DAYS, account_id=DEMO, **facts):
    """Return a yearly budget in which 120 of the amount are spent."""
    first = consume(days, account_id)
    facts = {"readers": [reader_of(DEMO_KEY.access_key)], "actual_thresholds": [50, 60, 90]} | facts
    return make_budget(amount, "yearly", first, of=owner(account_id), **facts)


def named(budget, percent, measure="actual"):
    return f"budget {budget.pk} {percent}% {measure} from {budget.start_date}"


def test_what_is_reached_is_raised_and_sent_once(mails, receiver):
    budget = make(emails=["a@example.com"], webhook_url=receiver.url("/SECRET"))
    out, err, failure = run("check_budgets")
    assert out.splitlines() == [
        f"raised: {named(budget, 50)}, 120 of 200 EUR",
        f"raised: {named(budget, 60)}, 120 of 200 EUR",
        f"sent: email of {named(budget, 50)}",
        f"sent: webhook of {named(budget, 50)}",
        f"sent: email of {named(budget, 60)}",
        f"sent: webhook of {named(budget, 60)}",
    ]
    assert (err, failure) == ("", "")
    assert [(one["percent"], one["figure"]) for one in receiver.posted] == [(50, "120"), (60, "120")]
    assert len(mails.envelopes) == 2
    assert run("check_budgets") == ("", "", "")
    assert (len(receiver.posted), len(mails.envelopes)) == (2, 2)


def test_what_is_expected_at_the_end_is_told_too(receiver):
    budget = make(
        "4000", days=130, webhook_url=receiver.url(), actual_thresholds=[100], forecast_thresholds=[100]
    )
    out, _err, failure = run("check_budgets")
    assert out.startswith(f"raised: {named(budget, 100, 'forecast')}, 8760 of 4000 EUR\n")
    assert failure == ""
    [document] = receiver.posted
    assert (document["measure"], document["figure"], document["remaining"]) == ("forecast", "8760", "-4760")
    assert Decimal(document["low"]) <= 8760 <= Decimal(document["high"])


@pytest.mark.django_db(transaction=True)
def test_two_at_once_raise_each_alert_once_and_send_each_message_once(mails, receiver):
    for number in range(3):
        make(name=str(number), emails=["a@example.com"], webhook_url=receiver.url())
    runs = at_once(lambda: run("check_budgets"))
    assert [(err, failure) for _out, err, failure in runs] == [("", "")] * 2
    said = [line for out, _err, _failure in runs for line in out.splitlines()]
    assert len(said) == len(set(said)) == 3 * 2 + 3 * 2 * 2
    told = sorted((one["budget"]["name"], one["percent"]) for one in receiver.posted)
    assert told == [(name, percent) for name in "012" for percent in (50, 60)]
    assert len(mails.envelopes) == 6
    assert BudgetAlert.objects.count() == 6
    assert AlertDelivery.objects.filter(state="sent", attempts=1).count() == 12


def test_a_dry_run_tells_what_would_be_raised_and_does_nothing(receiver):
    budget = make(webhook_url=receiver.url())
    expected = [f"would raise: {named(budget, percent)}, 120 of 200 EUR" for percent in (50, 60)]
    out, _err, failure = run("check_budgets", "--dry-run")
    assert (out.splitlines(), failure) == (expected, "")
    assert not BudgetAlert.objects.exists()

    receiver.status = 500
    run("check_budgets")
    AlertDelivery.objects.update(next_attempt_at=timezone.now())
    receiver.posted.clear()
    assert run("check_budgets", "--dry-run")[0] == "would send 2 of earlier alerts\n"
    assert receiver.posted == []


def test_a_message_that_cannot_be_sent_makes_the_exit_code_1_and_is_told_without_its_address(
    receiver, caplog
):
    receiver.status, receiver.body = 410, b"SECRET"
    budget = make(webhook_url=receiver.url("/SECRET"), actual_thresholds=[60])
    out, err, failure = run("check_budgets")
    what = f"webhook of {named(budget, 60)}"
    assert out.splitlines()[1:] == [f"failed: {what}"]
    again = AlertDelivery.objects.get().next_attempt_at
    assert failure == (
        "not everything could be done\n"
        f"{what}: The webhook answered with the status 410. (again from {again:%Y-%m-%d %H:%M} UTC)"
    )
    assert "SECRET" not in out + err + failure + caplog.text


def test_one_broken_budget_does_not_keep_the_others_from_being_checked(monkeypatch):
    broken, sound = make(name="broken"), make(name="sound", actual_thresholds=[60])
    raise_alerts = alerts.raise_alerts

    def breaking(standing, *, at):
        if standing.budget == broken:
            raise RuntimeError
        return raise_alerts(standing, at=at)

    monkeypatch.setattr(alerts, "raise_alerts", breaking)
    out, _err, failure = run("check_budgets")
    assert out == f"raised: {named(sound, 60)}, 120 of 200 EUR\n"
    assert failure == (f"not everything could be done\nbudget {broken.pk} could not be checked: see the log")


def test_a_budget_whose_standing_cannot_be_told_is_found_among_the_others():
    broken, sound = make(name="broken"), make(name="sound", actual_thresholds=[60])
    type(broken).objects.filter(pk=broken.pk).update(scope={"accounts": 5})
    out, _err, failure = run("check_budgets")
    assert out == f"raised: {named(sound, 60)}, 120 of 200 EUR\n"
    assert f"budget {broken.pk} could not be checked" in failure


def test_only_the_budgets_of_the_accounts_that_are_named_are_checked():
    mine, other = make(), make(account_id=LINKED)
    assert str(mine.pk) not in run("check_budgets", "--account", LINKED)[0]
    assert {alert.budget for alert in BudgetAlert.objects.all()} == {other}
    assert (
        run("check_budgets", "--account", "999", "--account", DEMO)[2]
        == "nobody has logged in with account 999"
    )
    run("check_budgets", "--account", DEMO, "--account", LINKED)
    assert {alert.budget for alert in BudgetAlert.objects.all()} == {mine, other}


def test_what_the_keys_of_a_budget_may_not_read_is_not_told():
    make(readers=[])
    assert run("check_budgets") == ("", "", "")


def test_the_queries_do_not_grow_with_the_budgets_of_an_owner_that_raise_nothing():
    counts = []
    for more in (1, 4):
        for _ in range(more):
            make("100000")
        run("check_budgets")  # which remembers the forecasts
        with CaptureQueriesContext(connection) as queries:
            run("check_budgets")
        counts.append(len(queries))
    assert counts[1] - counts[0] == 4, "one look at the alerts of each budget, and nothing else"


def test_the_help_has_examples_and_exit_codes(capsys):
    with pytest.raises(SystemExit):
        run("check_budgets", "--help")
    said = capsys.readouterr().out
    assert "manage.py check_budgets --dry-run" in said
    assert "The exit code is 0" in said


def test_an_account_that_may_not_log_in_any_more_is_told_nothing(receiver):
    receiver.status = 500
    budget = make(webhook_url=receiver.url(), actual_thresholds=[50])
    run("check_budgets")
    type(budget.owner).objects.update(is_active=False)
    type(budget).objects.update(actual_thresholds=[50, 60])
    AlertDelivery.objects.update(next_attempt_at=timezone.now())
    out, _err, failure = run("check_budgets")
    assert out == f"failed: webhook of {named(budget, 50)}\n"
    assert "The account of the budget may not log in any more. (given up)" in failure
    assert run("check_budgets", "--account", DEMO) == ("", "", "")
    assert (len(receiver.posted), BudgetAlert.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_budgets_are_checked_as_they_stand_at_one_moment(monkeypatch):
    """A cost moves to another day meanwhile: with the days of before and the costs of after it is lost."""
    cache.clear()
    make("120", actual_thresholds=[100], forecast_thresholds=[])
    ledger, at = Ledger.objects.get(), timezone.now() + dt.timedelta(days=30)
    [last] = ledger.days.order_by("-day").values_list("day", flat=True)[:1]
    read = daybook.sheet_of

    def moved(*asked):
        later = {last: [entry(price="0")], last - DAYS * ONE_DAY: [entry(price="24")]}
        at_once(lambda: keep(ledger, later, at=at + dt.timedelta(days=1)), times=1)
        return read(*asked)

    monkeypatch.setattr(daybook, "sheet_of", moved)
    [checked] = checking.check([owner()], at=timezone.now(), dry_run=True)
    assert [(alert.percent, alert.figure) for alert in checked.alerts] == [(100, 120)]
