"""What a request may reach: the budgets of whoever asks. Everybody else's is a 404."""

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from budgets.models import Budget


def budget_of(request: HttpRequest, budget_id: UUID) -> Budget:
    """Return a budget of whoever asks."""
    return get_object_or_404(Budget.objects.owned_by(request.user).select_related("owner"), pk=budget_id)


def budgets_of(request: HttpRequest) -> list[Budget]:
    """Return all budgets of whoever asks, by name."""
    return list(Budget.objects.owned_by(request.user).select_related("owner").order_by("name", "created_at"))
