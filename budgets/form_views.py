"""The pages on which a budget is made, changed, given amounts for single periods, and deleted."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import keyring
from accounts.gateway import Gateway
from accounts.pages import gone_is_404, with_keys
from budgets import lifecycle
from budgets.amountforms import AmountsForm
from budgets.amounts import table_of
from budgets.choices import choices_of
from budgets.forms import BudgetForm, defaults_of, values_of
from budgets.models import Budget
from budgets.owned import budget_of, readers_of
from budgets.starts import Notice, Start, from_quote, from_spending, last_month
from consumption.asking import Asked
from consumption.history import SeveralCurrencies
from consumption.moment import one_moment
from quotes.models import Quote

read_or_send = require_http_methods(["GET", "HEAD", "POST"])


@read_or_send
@with_keys
def new(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """Ask for a new budget, which begins with a quote or last month's spending; a POST makes it."""
    now = timezone.now()
    choices = choices_of(keyring.open(request), request.user.account_id, now)
    known: dict[str, Any] = {"choices": choices, "today": now.date()}
    if request.method == "POST":
        form = BudgetForm(request.POST, **known)
        budget = _made(request, form) if form.is_valid() else None
        if budget:
            messages.success(request, _("“%(name)s” is made.") % {"name": budget.name})
            return redirect("budgets:detail", budget.pk)
        return _form_page(request, form, status=422)
    start = _start_of(request)
    own_only = {"accounts": [choices.account_id]} if choices.is_paying else {}
    form = BudgetForm(initial=defaults_of(choices, now.date()) | own_only | start.values, **known)
    return _form_page(request, form, notices=start.notices, status=422 if start.is_refused else 200)


def _made(request: HttpRequest, form: BudgetForm) -> Budget | None:
    """Return the budget that a valid form makes; None, and an error of the form, when there are too many."""
    try:
        return lifecycle.create(
            owner=request.user,
            data=form.budget_data,
            readers=readers_of(request, form.budget_data["scope"]["accounts"]),
            language=get_language(),
            at=timezone.now(),
        )
    except lifecycle.TooManyBudgets:
        problem = _("An account holds at most %(most)s budgets. Delete one of them first.")
        form.add_error(None, problem % {"most": lifecycle.MOST_BUDGETS})
        return None


def _start_of(request: HttpRequest) -> Start:
    """Return what the address says a budget should start from; another owner's quote is a 404."""
    if "quote" in request.GET:
        return from_quote(_quote_of(request), at=timezone.now())
    if "period" not in request.GET:
        return Start()
    asked = Asked.of(last_month(request.GET), keyring.chosen(request), timezone.now())
    try:
        with one_moment():
            return from_spending(asked, account_id=request.user.account_id)
    except SeveralCurrencies as error:
        return Start({}, [Notice("bad", str(error.message))], is_refused=True)


def _quote_of(request: HttpRequest) -> Quote:
    try:
        quote_id = UUID(request.GET["quote"])
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Quote.objects.owned_by(request.user), pk=quote_id)


@read_or_send
@with_keys
@gone_is_404
def edit(request: HttpRequest, _gateway: Gateway, budget_id: UUID) -> HttpResponse:
    """Ask what to change of a budget; a POST changes it."""
    budget, now = budget_of(request, budget_id), timezone.now()
    choices = choices_of(keyring.open(request), request.user.account_id, now)
    sent = {"data": request.POST} if request.method == "POST" else {}
    form = BudgetForm(**sent, initial=values_of(budget), choices=choices, today=now.date(), budget=budget)
    if not sent:
        return _form_page(request, form, budget=budget)
    if not form.is_valid():
        return _form_page(request, form, budget=budget, seen=request.POST.get("seen"), status=422)
    try:
        changed = lifecycle.change(
            budget=budget,
            data=form.budget_data,
            readers=readers_of(request, form.budget_data["scope"]["accounts"]),
            language=get_language(),
            at=timezone.now(),
            seen=_moment_of(request.POST.get("seen")),
        )
    except lifecycle.ChangedMeanwhile:
        problem = _("This budget was changed since you have opened it. Save again to replace that change.")
        form.add_error(None, problem)
        return _form_page(request, form, budget=budget, status=422)
    messages.success(request, _("“%(name)s” is changed.") % {"name": changed.budget.name})
    if changed.dropped:
        messages.warning(request, _dropped_text(changed.dropped))
    return redirect("budgets:detail", budget.pk)


def _moment_of(seen: str | None) -> dt.datetime | None:
    """Return the moment of the change that a page was made from; None when it does not say."""
    try:
        return parse_datetime(seen or "")
    except ValueError:
        return None


def _dropped_text(count: int) -> str:
    text = ngettext(
        "%(count)s amount of a single period was dropped: no period begins on its day any more.",
        "%(count)s amounts of single periods were dropped: no period begins on their days any more.",
        count,
    )
    return text % {"count": count}


def _form_page(
    request: HttpRequest,
    form: BudgetForm,
    *,
    budget: Budget | None = None,
    notices: list[Notice] | None = None,
    seen: str | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show the form; ``seen`` is the moment of the change that was shown before, by itself the last one."""
    if budget and seen is None:
        seen = budget.updated_at.isoformat()
    context = {"form": form, "budget": budget, "notices": notices or [], "seen": seen}
    return render(request, "budgets/form.html", context, status=status)


@read_or_send
@with_keys
@gone_is_404
def amounts(request: HttpRequest, _gateway: Gateway, budget_id: UUID) -> HttpResponse:
    """Ask for the amounts of single periods; a POST sets them."""
    budget, now = budget_of(request, budget_id), timezone.now()
    sent = {"data": request.POST} if request.method == "POST" else {}
    form = AmountsForm(**sent, budget=budget, table=table_of([budget])[budget.pk], today=now.date())
    if sent and form.is_valid() and _are_set(budget, form):
        messages.success(request, _("The amounts of “%(name)s” are changed.") % {"name": budget.name})
        return redirect("budgets:detail", budget.pk)
    context = {"form": form, "budget": budget}
    return render(request, "budgets/amounts.html", context, status=422 if form.errors else 200)


def _are_set(budget: Budget, form: AmountsForm) -> bool:
    """Set what a valid form says; False, and an error of the form, when its periods have just changed."""
    try:
        lifecycle.set_amounts(budget=budget, amounts=form.amounts, between=form.shown, at=timezone.now())
    except lifecycle.NoSuchPeriod:
        form.add_error(None, _("The periods of this budget have changed. Please look at them again."))
    return not form.errors


@read_or_send
@with_keys
@gone_is_404
def delete(request: HttpRequest, _gateway: Gateway, budget_id: UUID) -> HttpResponse:
    """Ask before a budget is deleted; a POST deletes it."""
    budget = budget_of(request, budget_id)
    if request.method != "POST":
        return render(request, "budgets/delete.html", {"budget": budget})
    lifecycle.delete(budget=budget)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": budget.name})
    return redirect("budgets:list")
