"""The JSON API of budgets: the same form and the same changes as the pages."""

import datetime as dt
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from ninja import Router, Status

from accounts import keyring
from accounts.envelope import Envelope, answer, pagination_of
from accounts.errors import InputRefused
from budgets import lifecycle
from budgets.amounts import table_of
from budgets.budgetjson import document_of, sent_name, values_in
from budgets.choices import choices_of
from budgets.forms import BudgetForm, amount_field, day_field, defaults_of, values_of
from budgets.models import Budget
from budgets.owned import budget_of, readers_of
from budgets.schemas import BudgetIn, BudgetOut, DeletedBudgetOut, PeriodAmountIn

BUDGETS_PER_PAGE = 100
ATTEMPTS = 3
router = Router(tags=["Budgets"])


class PeriodAmountForm(forms.Form):
    """The amount of one period."""

    first_day = day_field()
    amount = amount_field()


def _documents(budgets: list[Budget]) -> list[dict[str, Any]]:
    tables = table_of(budgets)
    return [document_of(budget, tables[budget.pk]) for budget in budgets]


def _data(request: HttpRequest, values: dict[str, Any], budget: Budget | None) -> dict[str, Any]:
    """Return the values of a budget that were sent, over those that it has, or a new one begins with."""
    now = timezone.now()
    choices = choices_of(keyring.open(request), request.user.account_id, now)
    known = values_of(budget) if budget else defaults_of(choices, now.date())
    form = BudgetForm({**known, **values}, choices=choices, today=now.date(), budget=budget)
    if not form.is_valid():
        raise InputRefused({sent_name(field): texts for field, texts in form.errors.items()})
    return form.budget_data


def _amounts(sent: list[PeriodAmountIn]) -> dict[dt.date, Decimal]:
    """Return the amounts of single periods by their first days; raise ``InputRefused``."""
    amounts: dict[dt.date, Decimal] = {}
    for place, one in enumerate(sent):
        form = PeriodAmountForm(one.dict())
        if not form.is_valid():
            raise InputRefused({f"amounts.{place}.{field}": texts for field, texts in form.errors.items()})
        if form.cleaned_data["first_day"] in amounts:
            raise InputRefused({f"amounts.{place}.first_day": [_("This day is sent twice.")]})
        amounts[form.cleaned_data["first_day"]] = form.cleaned_data["amount"]
    return amounts


def _set_amounts(budget: Budget, given: BudgetIn, at: dt.datetime) -> None:
    """Set the amounts of single periods, when any were sent, an empty list included."""
    if "amounts" not in given.model_fields_set:
        return
    amounts = _amounts(given.amounts)
    try:
        lifecycle.set_amounts(budget=budget, amounts=amounts, at=at)
    except lifecycle.NoSuchPeriod as error:
        place = list(amounts).index(error.day)
        text = _("No period of this budget begins on %(day)s.") % {"day": error.day.isoformat()}
        raise InputRefused({f"amounts.{place}.first_day": [text]}) from None


@router.get("", summary="List the budgets", response=Envelope[list[BudgetOut]])
def index(request: HttpRequest, page: int = 1) -> dict[str, Any]:
    """List the budgets by name, a page at a time."""
    budgets = Budget.objects.owned_by(request.user).order_by("name", "pk")
    shown = Paginator(budgets, BUDGETS_PER_PAGE).get_page(page)
    return answer(_documents(list(shown)), pagination=pagination_of(shown))


@router.post("", summary="Make a budget", response={201: Envelope[BudgetOut]})
def create(request: HttpRequest, given: BudgetIn) -> Status:
    """Make a budget; it needs a name and an amount. What counts is everything, unless the scope says less."""
    data, now = _data(request, values_in(given), None), timezone.now()
    try:
        with transaction.atomic():
            budget = lifecycle.create(
                owner=request.user,
                data=data,
                readers=readers_of(request, data["scope"]["accounts"]),
                language=get_language(),
                at=now,
            )
            _set_amounts(budget, given, now)
    except lifecycle.TooManyBudgets:
        text = _("An account holds at most %(most)s budgets. Delete one of them first.")
        raise InputRefused({"__all__": [text % {"most": lifecycle.MOST_BUDGETS}]}) from None
    return Status(201, answer(_documents([budget])[0]))


@router.get("/{uuid:budget_id}", summary="Read a budget", response=Envelope[BudgetOut])
def read(request: HttpRequest, budget_id: UUID) -> dict[str, Any]:
    """Return a budget."""
    return answer(_documents([budget_of(request, budget_id)])[0])


@router.put("/{uuid:budget_id}", summary="Change a budget", response=Envelope[BudgetOut])
def change(request: HttpRequest, budget_id: UUID, given: BudgetIn) -> dict[str, Any]:
    """Change what is sent of a budget; amounts of single periods that begin none any more are dropped."""
    for _attempt in range(ATTEMPTS):
        with suppress(lifecycle.ChangedMeanwhile):
            return answer(_documents([_changed(request, budget_id, given)])[0])
    raise lifecycle.ChangedMeanwhile


def _changed(request: HttpRequest, budget_id: UUID, given: BudgetIn) -> Budget:
    """Change a budget as it is now; raise ``ChangedMeanwhile`` when it is no longer so at the writing."""
    budget = budget_of(request, budget_id)
    data, now = _data(request, values_in(given), budget), timezone.now()
    with transaction.atomic():
        changed = lifecycle.change(
            budget=budget,
            data=data,
            readers=readers_of(request, data["scope"]["accounts"]),
            language=get_language(),
            at=now,
            seen=budget.updated_at,
        )
        _set_amounts(changed.budget, given, now)
    return changed.budget


@router.delete("/{uuid:budget_id}", summary="Delete a budget", response=Envelope[DeletedBudgetOut])
def delete(request: HttpRequest, budget_id: UUID) -> dict[str, Any]:
    """Delete a budget with its amounts and the history of its alerts."""
    budget = budget_of(request, budget_id)
    name = budget.name
    lifecycle.delete(budget=budget)
    return answer({"message": _("“%(name)s” is deleted.") % {"name": name}})
