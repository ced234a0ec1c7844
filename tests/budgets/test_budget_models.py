import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from budgets import lifecycle
from budgets.amounts import table_of
from budgets.models import LARGEST_AMOUNT, AlertDelivery, Budget, BudgetAlert, PeriodAmount
from tests.budgets.budgets import make_budget, owner
from tests.quotes.test_lifecycle import at_once

DAY = dt.date(2026, 1, 1)
NOW = dt.datetime(2026, 1, 2, 8, tzinfo=dt.UTC)


def make_alert(budget, **facts):
    given = {
        "period_first": DAY,
        "period_end": dt.date(2026, 2, 1),
        "measure": "actual",
        "percent": 50,
        "currency": "EUR",
        "amount": Decimal(100),
        "figure": Decimal(60),
        "raised_at": NOW,
    }
    return BudgetAlert.objects.create(budget=budget, **given | facts)


def make_delivery(alert, **facts):
    given = {"channel": "email", "next_attempt_at": NOW, "claimed_until": NOW}
    return AlertDelivery.objects.create(alert=alert, **given | facts)


def refused(name, make):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        make()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("budget_has_name", {"name": ""}),
        ("budget_has_currency", {"currency": "eur"}),
        ("budget_has_currency", {"currency": ""}),
        ("budget_amount_in_range", {"amount": "-0.01"}),
        ("budget_amount_in_range", {"amount": LARGEST_AMOUNT + Decimal("0.01")}),
        ("budget_growth_in_range", {"growth_percent": Decimal("-100.01")}),
        ("budget_growth_in_range", {"growth_percent": Decimal("1000.01")}),
        ("budget_period_type_known", {"period_type": "daily"}),
        ("budget_days_in_order", {"end_date": DAY - dt.timedelta(days=1)}),
        ("budget_webhook_format_known", {"webhook_format": "xml"}),
    ],
)
def test_the_database_refuses_a_budget_that_cannot_be(constraint, facts):
    refused(constraint, lambda: make_budget(**facts))


@pytest.mark.django_db
def test_a_budget_at_its_limits_is_kept():
    one = make_budget(LARGEST_AMOUNT, growth_percent=Decimal(1000), end_date=DAY)
    two = make_budget("0", growth_percent=Decimal(-100))
    assert [Budget.objects.get(pk=kept.pk).amount for kept in (one, two)] == [LARGEST_AMOUNT, 0]


@pytest.mark.django_db
def test_the_database_refuses_a_second_amount_of_a_period_and_one_out_of_range():
    budget = make_budget()
    PeriodAmount.objects.create(budget=budget, first_day=DAY, amount=Decimal(1))
    make = PeriodAmount.objects.create
    with pytest.raises(IntegrityError), transaction.atomic():
        make(budget=budget, first_day=DAY, amount=Decimal(2))
    later = dt.date(2026, 2, 1)
    for amount in (Decimal("-0.01"), LARGEST_AMOUNT + 1):
        refused(
            "period_amount_in_range",
            lambda amount=amount: make(budget=budget, first_day=later, amount=amount),
        )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("alert_measure_known", {"measure": "guess"}),
        ("alert_percent_positive", {"percent": 0}),
        ("alert_has_currency", {"currency": ""}),
        ("alert_period_in_order", {"period_end": DAY}),
    ],
)
def test_the_database_refuses_an_alert_that_cannot_be(constraint, facts):
    budget = make_budget()
    refused(constraint, lambda: make_alert(budget, **facts))


@pytest.mark.django_db
def test_a_threshold_is_told_once_a_period_until_it_is_superseded():
    budget = make_budget()
    alert = make_alert(budget)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_alert(budget)
    make_alert(budget, percent=75)
    make_alert(budget, measure="forecast")
    alert.is_superseded = True
    alert.save()
    make_alert(budget)
    assert BudgetAlert.objects.filter(percent=50, measure="actual").count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("constraint", "facts"),
    [
        ("delivery_channel_known", {"channel": "pigeon"}),
        ("delivery_state_known", {"state": "lost"}),
        ("delivery_sent_or_not", {"state": "sent"}),
        ("delivery_sent_or_not", {"state": "pending", "sent_at": NOW}),
    ],
)
def test_the_database_refuses_a_delivery_that_cannot_be(constraint, facts):
    alert = make_alert(make_budget())
    refused(constraint, lambda: make_delivery(alert, **facts))


@pytest.mark.django_db
def test_an_alert_is_told_once_on_a_channel():
    alert = make_alert(make_budget())
    make_delivery(alert)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_delivery(alert)
    make_delivery(alert, channel="webhook", state="sent", sent_at=NOW)


def made(number=0, **facts):
    given = {"name": f"Budget {number}", "amount": Decimal(10), "currency": "EUR", "start_date": DAY}
    data = given | {"period_type": "monthly"} | facts
    return lifecycle.create(owner=owner(), data=data, readers=["r"], language="fr", at=NOW)


@pytest.mark.django_db(transaction=True)
def test_requests_at_once_never_make_more_budgets_than_an_account_may_have(monkeypatch):
    monkeypatch.setattr(lifecycle, "MOST_BUDGETS", 3)
    made(0)
    errors = at_once(*[lambda number=number: made(number) for number in range(1, 7)])
    assert [type(error) for error in errors] == [lifecycle.TooManyBudgets] * 4
    assert Budget.objects.count() == 3
    assert lifecycle.create(
        owner=owner("100000000002"),
        data={"name": "x", "amount": 1, "currency": "EUR", "start_date": DAY, "period_type": "weekly"},
        readers=[],
        language="en",
        at=NOW,
    )


@pytest.mark.django_db(transaction=True)
def test_a_change_and_new_amounts_at_once_never_leave_an_amount_without_its_period():
    budget, february = made(), dt.date(2026, 2, 1)
    errors = at_once(
        lambda: lifecycle.change(
            budget=budget, data={"start_date": dt.date(2026, 1, 2)}, readers=[], language="en", at=NOW
        ),
        lambda: lifecycle.set_amounts(budget=budget, amounts={february: Decimal(5)}, at=NOW),
    )
    assert all(isinstance(error, lifecycle.NoSuchPeriod) for error in errors)
    assert table_of([budget])[budget.pk] == {}


@pytest.mark.django_db
def test_a_change_drops_only_the_amounts_whose_period_is_gone():
    budget = made(period_type="monthly")
    said = {dt.date(2026, month, 1): Decimal(month) for month in (2, 4, 5, 7)}
    lifecycle.set_amounts(budget=budget, amounts=said, at=NOW)
    data = {"period_type": "quarterly", "end_date": dt.date(2026, 6, 30)}
    changed = lifecycle.change(budget=budget, data=data, readers=["new"], language="en", at=timezone.now())
    assert (changed.dropped, changed.budget.readers, changed.budget.language) == (3, ["new"], "en")
    assert table_of([budget])[budget.pk] == {dt.date(2026, 4, 1): Decimal(4)}


@pytest.mark.django_db
def test_what_was_changed_meanwhile_is_not_written_over():
    budget = made()
    lifecycle.change(budget=budget, data={"name": "B"}, readers=[], language="en", at=timezone.now())
    with pytest.raises(lifecycle.ChangedMeanwhile):
        lifecycle.change(
            budget=budget, data={"name": "C"}, readers=[], language="en", at=timezone.now(), seen=NOW
        )
    assert Budget.objects.get().name == "B"


@pytest.mark.django_db
def test_the_address_of_a_webhook_does_not_stand_in_the_database_as_it_is():
    budget = made(webhook_url="https://hooks.example/secret")
    [raw] = (
        Budget.objects.filter(pk=budget.pk).extra(select={"raw": "webhook_url"}).values_list("raw", flat=True)
    )
    assert "secret" not in raw
    assert Budget.objects.get().webhook_url == "https://hooks.example/secret"
