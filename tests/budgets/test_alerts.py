"""Which alerts a budget raises: each percentage once in a period, whoever checks and however often."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from budgets.alerts import due_alerts, raise_alerts
from budgets.models import AlertDelivery, Budget, BudgetAlert, DeliveryState
from budgets.standing import Standing, Status
from tests.budgets.alerting import AT, FEBRUARY, MARCH, at_once, period_of, standing
from tests.budgets.budgets import MADE, make_budget

pytestmark = pytest.mark.django_db
LATER = AT + dt.timedelta(hours=1)


def raised(found, at=AT):
    """Return what was raised, as measure and percent, after a second check has raised nothing."""
    alerts = raise_alerts(found, at=at)
    assert raise_alerts(found, at=at) == []
    assert [alert.pk for alert in alerts] == [
        alert.pk for alert in BudgetAlert.objects.filter(raised_at=at).order_by("pk")
    ]
    return [(alert.measure, alert.percent) for alert in alerts]


def change(budget, at=LATER, **facts):
    """Save a budget as its form does."""
    for name, value in {**facts, "updated_at": at}.items():
        setattr(budget, name, value)
    budget.save()
    return budget


@pytest.mark.parametrize(
    ("spent", "amount", "percents"),
    [
        ("49.9999999999", "100", []),
        ("50", "100", [50]),
        ("90", "100", [50, 75, 90]),
        ("250", "100", [50, 75, 90, 100]),
        ("0", "100", []),
        ("-5", "100", []),
        (None, "100", []),
        ("0.01", "0", [50, 75, 90, 100]),
        ("0", "0", []),
        (None, "0", []),
    ],
)
def test_each_percentage_that_is_spent_is_raised_once(spent, amount, percents):
    budget = make_budget(amount)
    assert raised(standing(budget, spent, amount=amount)) == [("actual", one) for one in percents]


def test_what_is_expected_is_raised_with_its_interval_and_beside_what_is_spent():
    budget = make_budget(actual_thresholds=[40], forecast_thresholds=[110, 80, 120, 80])
    found = standing(budget, "40", expected=("112.123456789012", "99.5", "130"))
    assert raised(found) == [("actual", 40), ("forecast", 80), ("forecast", 110)]
    alert = BudgetAlert.objects.get(percent=110)
    assert (alert.figure, alert.low, alert.high) == (
        Decimal("112.1234567890"),
        Decimal("99.5"),
        Decimal(130),
    )
    assert (alert.period_first, alert.period_end, alert.amount) == (*MARCH, Decimal(100))


@pytest.mark.parametrize(
    ("facts", "is_least"),
    [({}, [False, False]), ({"unknown": 2}, [True, False]), ({"unpriced": 1}, [True, True])],
)
def test_what_is_not_wholly_known_is_recorded_as_a_lower_bound(facts, is_least):
    budget = make_budget(actual_thresholds=[50], forecast_thresholds=[50])
    raise_alerts(standing(budget, "60", expected=("70", "60", "80"), **facts), at=AT)
    assert list(BudgetAlert.objects.order_by("measure").values_list("is_lower_bound", flat=True)) == is_least


def test_later_percentages_are_raised_when_they_are_reached_and_the_next_period_begins_anew():
    budget = make_budget(actual_thresholds=[50, 90])
    assert raised(standing(budget, "55")) == [("actual", 50)]
    assert raised(standing(budget, "95"), LATER) == [("actual", 90)]
    april = period_of("60", period=MARCH._replace(first=MARCH.end, end=dt.date(2026, 5, 1)), over=3)
    later = dt.datetime(2026, 4, 4, tzinfo=dt.UTC)
    assert raised(Standing(budget, [april], 0, Status.ON_TRACK), later) == [("actual", 50)]


@pytest.mark.parametrize(
    ("at", "made", "count"),
    [
        (dt.datetime(2026, 3, 8, 23, 59, tzinfo=dt.UTC), MADE, 1),
        (dt.datetime(2026, 3, 9, 0, 0, tzinfo=dt.UTC), MADE, 0),
        (dt.datetime(2026, 3, 2, tzinfo=dt.UTC), dt.datetime(2026, 2, 28, 23, 59, tzinfo=dt.UTC), 1),
        (dt.datetime(2026, 3, 2, tzinfo=dt.UTC), dt.datetime(2026, 3, 1, 0, 0, tzinfo=dt.UTC), 0),
    ],
)
def test_the_last_period_is_watched_for_a_week_unless_the_budget_was_made_after_it(at, made, count):
    budget = make_budget(created_at=made, actual_thresholds=[100], forecast_thresholds=[1])
    february = period_of("100", period=FEBRUARY, expected=("200", "100", "300"))
    found = standing(budget, None, before=february)
    assert raised(found, at) == [("actual", 100)] * count
    ended = Standing(make_budget(created_at=made, actual_thresholds=[100]), [february], None, Status.ENDED)
    assert raised(ended, at + dt.timedelta(seconds=1)) == [("actual", 100)] * count


def test_a_budget_to_come_raises_nothing():
    budget = make_budget()
    assert raised(Standing(budget, [period_of("500", over=0)], None, Status.FUTURE)) == []


@pytest.mark.parametrize(
    ("facts", "channels"),
    [
        ({}, []),
        ({"emails": ["one@example.com", "two@example.com"]}, ["email"]),
        ({"webhook_url": "https://chat.example.com/secret"}, ["webhook"]),
        ({"emails": ["one@example.com"], "webhook_url": "https://x.example/"}, ["email", "webhook"]),
    ],
)
def test_an_alert_is_to_be_sent_at_once_on_each_channel_that_the_budget_has(facts, channels):
    raise_alerts(standing(make_budget(**facts), "80"), at=AT)
    for alert in BudgetAlert.objects.all():
        deliveries = alert.deliveries.order_by("channel")
        assert [(one.channel, one.state, one.next_attempt_at) for one in deliveries] == [
            (channel, DeliveryState.PENDING, AT) for channel in channels
        ]
    assert BudgetAlert.objects.count() == 2


def test_after_a_change_a_percentage_that_is_not_reached_any_more_is_raised_anew_when_it_is():
    budget = make_budget(emails=["a@example.com"], actual_thresholds=[50, 90])
    raise_alerts(standing(budget, "95"), at=AT)
    sent = AlertDelivery.objects.get(alert__percent=50)
    AlertDelivery.objects.filter(pk=sent.pk).update(state=DeliveryState.SENT, sent_at=AT)
    change(budget, amount=Decimal(150))

    assert raised(standing(budget, "96", amount="150"), LATER) == []
    assert [(one.percent, one.is_superseded) for one in BudgetAlert.objects.order_by("percent")] == [
        (50, False),
        (90, True),
    ]
    dropped = AlertDelivery.objects.get(alert__percent=90)
    assert (dropped.state, dropped.problem) == ("failed", "The budget was changed before this was sent.")
    assert AlertDelivery.objects.get(pk=sent.pk).state == DeliveryState.SENT
    assert raised(standing(budget, "135", amount="150"), LATER + dt.timedelta(1)) == [("actual", 90)]


@pytest.mark.parametrize("spent", ["100", None])
def test_a_change_after_which_a_percentage_is_still_reached_or_nothing_is_known_repeats_nothing(spent):
    budget = make_budget(actual_thresholds=[50])
    raise_alerts(standing(budget, "95"), at=AT)
    change(budget, amount=Decimal(150))
    assert raised(standing(budget, spent, amount="150"), LATER) == []
    assert not BudgetAlert.objects.filter(is_superseded=True).exists()


def test_a_forecast_that_sinks_and_rises_without_a_change_is_told_once():
    budget = make_budget(forecast_thresholds=[100])
    for hours, total in enumerate(["101", "99", "102"]):
        found = standing(budget, "10", expected=(total, "90", "110"))
        raise_alerts(found, at=AT + dt.timedelta(hours=hours))
    assert BudgetAlert.objects.count() == 1


def test_a_budget_that_was_changed_or_deleted_since_it_was_read_raises_nothing():
    changed, gone = make_budget(), make_budget()
    Budget.objects.filter(pk=changed.pk).update(amount=Decimal(500), updated_at=LATER)
    Budget.objects.filter(pk=gone.pk).delete()
    assert raise_alerts(standing(changed, "100"), at=LATER) == []
    assert raise_alerts(standing(gone, "100"), at=LATER) == []
    assert not BudgetAlert.objects.exists()


def test_what_would_be_raised_is_told_without_recording_it():
    budget = make_budget(emails=["a@example.com"])
    assert [alert.percent for alert in due_alerts(standing(budget, "80"), at=AT)] == [50, 75]
    assert not BudgetAlert.objects.exists()


def test_the_queries_of_a_check_do_not_grow_with_its_alerts():
    few = make_budget(emails=["a@example.com"], actual_thresholds=[1])
    many = make_budget(
        emails=["a@example.com"], webhook_url="https://x.example/", actual_thresholds=list(range(1, 60))
    )
    counts = []
    for budget, spent in [(few, "50"), (many, "80"), (few, "55"), (many, "85")]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            raise_alerts(standing(budget, spent), at=AT)
        counts.append(len(queries))
    first, second, *nothing_new = counts
    assert first == second
    assert nothing_new == [1, 1]
    assert BudgetAlert.objects.count() == 60


@pytest.mark.django_db(transaction=True)
def test_who_checks_at_once_raises_each_alert_and_each_delivery_once():
    budget = make_budget(emails=["a@example.com"], webhook_url="https://x.example/")
    found = at_once(lambda: len(raise_alerts(standing(budget, "95"), at=AT)), times=4)
    assert sorted(found) == [0, 0, 0, 3]
    assert (BudgetAlert.objects.count(), AlertDelivery.objects.count()) == (3, 6)


@pytest.mark.parametrize(
    "facts", [{"period_type": "weekly"}, {"currency": "USD"}, {"end_date": dt.date(2026, 3, 22)}]
)
def test_a_change_of_the_period_or_the_currency_begins_anew_although_the_percentage_is_reached(facts):
    budget = make_budget(actual_thresholds=[50], start=MARCH.first, emails=["a@example.com"])
    raise_alerts(standing(budget, "95"), at=AT)
    change(budget, **facts)
    week = MARCH if "currency" in facts else MARCH._replace(end=dt.date(2026, 3, 23))
    found = Standing(budget, [period_of("60", period=week, over=19)], 0, Status.ON_TRACK)
    assert raised(found, LATER) == [("actual", 50)]
    assert list(
        BudgetAlert.objects.order_by("pk").values_list("period_end", "currency", "is_superseded")
    ) == [
        (MARCH.end, "EUR", True),
        (week.end, budget.currency, False),
    ]


def test_the_last_whole_week_is_watched_although_the_end_of_the_budget_has_left_one_day_after_it():
    budget = make_budget(period_type="weekly", end_date=dt.date(2026, 3, 8), actual_thresholds=[100])
    week = period_of("100", period=MARCH._replace(end=dt.date(2026, 3, 8)))
    last = period_of(None, period=MARCH._replace(first=dt.date(2026, 3, 8), end=dt.date(2026, 3, 9)))
    ended = Standing(budget, [week, last], None, Status.ENDED)
    assert raised(ended, dt.datetime(2026, 3, 9, 8, tzinfo=dt.UTC)) == [("actual", 100)]


def test_an_alert_of_a_check_that_began_before_the_budget_was_changed_is_none_of_before_the_change():
    budget = change(make_budget(forecast_thresholds=[100]))
    for total in ("101", "99", "102"):
        raise_alerts(standing(budget, "10", expected=(total, "90", "110")), at=AT)
    assert [alert.raised_at for alert in BudgetAlert.objects.all()] == [LATER]
