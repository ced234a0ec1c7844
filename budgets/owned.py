"""What a request may reach, and as whom it asks: everybody else's budget is a 404."""

from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import keyring
from budgets.models import Budget
from costs.snapshots import reader_of


def budget_of(request: HttpRequest, budget_id: UUID) -> Budget:
    """Return a budget of whoever asks."""
    return get_object_or_404(Budget.objects.owned_by(request.user).select_related("owner"), pk=budget_id)


def readers_of(request: HttpRequest) -> list[str]:
    """Return what stands for the keys of the session that belong to the account of whoever asks.

    Raises ``SessionExpired`` without keys.
    """
    keys = keyring.open(request).keys
    return sorted(reader_of(key.access_key) for key in keys if key.account_id == request.user.account_id)


def budgets_of(request: HttpRequest) -> list[Budget]:
    """Return all budgets of whoever asks, by name."""
    return list(Budget.objects.owned_by(request.user).select_related("owner").order_by("name", "created_at"))
