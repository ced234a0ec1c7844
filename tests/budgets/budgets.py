"""Budgets for tests, and what may be seen of them."""

import datetime as dt
from decimal import Decimal

from accounts.models import User
from budgets.models import Budget
from budgets.tracking import standings_of
from consumption.models import Ledger
from sandbox.cloud import DEMO_ACCOUNT

MADE = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)


def owner(account_id=DEMO_ACCOUNT.account_id):
    return User.objects.for_account(account_id)


def make_budget(amount="100", period_type="monthly", start=dt.date(2026, 1, 1), **facts):
    facts.setdefault("owner", facts.pop("of", None) or owner())
    facts = {"name": "Production", "currency": "EUR", "created_at": MADE, "updated_at": MADE} | facts
    return Budget.objects.create(amount=Decimal(amount), period_type=period_type, start_date=start, **facts)


def all_visible(*budgets):
    ledgers = frozenset(Ledger.objects.values_list("pk", flat=True))
    return {budget.pk: ledgers for budget in budgets}


def standing_of(budget, today, **options):
    [found] = standings_of([budget], visible=all_visible(budget), today=today, **options)
    return found
