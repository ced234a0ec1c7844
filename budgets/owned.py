"""What a request may reach, and as whom it asks: everybody else's budget is a 404."""

from collections.abc import Collection
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from accounts import keyring
from budgets.models import Budget
from costs.snapshots import reader_of


def budget_of(request: HttpRequest, budget_id: UUID) -> Budget:
    """Return a budget of whoever asks."""
    return get_object_or_404(Budget.objects.owned_by(request.user).select_related("owner"), pk=budget_id)


def readers_of(request: HttpRequest, accounts: Collection[str]) -> list[str]:
    """Return what stands for the keys of the session with which a budget of whoever asks is counted.

    Those are the keys of their own account and of the ``accounts`` that the budget names; all keys where it
    names one that none of them opens, which may stand in the ledger of another. Raises ``SessionExpired``
    without keys.
    """
    keys = keyring.open(request).keys
    is_wholly_open = {*accounts} <= {key.account_id for key in keys}
    counted = {request.user.account_id, *accounts}
    return sorted(
        reader_of(key.access_key) for key in keys if not is_wholly_open or key.account_id in counted
    )


def budgets_of(request: HttpRequest) -> list[Budget]:
    """Return all budgets of whoever asks, by name."""
    return list(Budget.objects.owned_by(request.user).select_related("owner").order_by("name", "created_at"))
