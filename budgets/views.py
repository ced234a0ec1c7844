"""The pages of budgets: the list, and where a budget stands."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.gateway import Gateway
from accounts.pages import with_keys
from budgets.models import Budget
from budgets.owned import budget_of


@require_safe
@with_keys
def index(request: HttpRequest, _gateway: Gateway) -> HttpResponse:
    """List the budgets of whoever asks."""
    budgets = Budget.objects.owned_by(request.user).order_by("name", "pk")
    return render(request, "budgets/list.html", {"budgets": budgets})


@require_safe
@with_keys
def detail(request: HttpRequest, _gateway: Gateway, budget_id: UUID) -> HttpResponse:
    """Show a budget."""
    return render(request, "budgets/detail.html", {"budget": budget_of(request, budget_id)})
