"""The life of a budget: made, changed, given amounts for single periods, deleted.

Every function is one transaction that locks what it changes, so that two requests at once wait for each
other.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.errors import PortalError
from accounts.models import User
from budgets.amounts import is_first_day
from budgets.models import Budget, PeriodAmount
from consumption.periods import Period

MOST_BUDGETS = 500
"""How many budgets an account can have."""


class TooManyBudgets(ValueError):
    """The owner has ``MOST_BUDGETS`` already."""


class NoSuchPeriod(ValueError):
    """No period of the budget begins on ``day``."""

    def __init__(self, day: dt.date) -> None:
        super().__init__(f"no period begins on {day}")
        self.day = day


class ChangedMeanwhile(PortalError):
    """Somebody else has changed the budget since it was read."""

    code = "CONFLICT"
    message = _("Others are changing this at the moment. Please try again.")
    http_status = 409


class Change(NamedTuple):
    """A changed budget, and how many amounts of single periods were dropped with its former periods."""

    budget: Budget
    dropped: int


@transaction.atomic
def create(
    *, owner: User, data: Mapping[str, Any], readers: Iterable[str], language: str, at: dt.datetime
) -> Budget:
    """Make a budget of the values in ``data``, by the names of the model's fields.

    Raises ``TooManyBudgets``. The owner is locked, so that no two requests both make the last one.
    """
    User.objects.select_for_update().get(pk=owner.pk)
    if Budget.objects.owned_by(owner).count() >= MOST_BUDGETS:
        raise TooManyBudgets
    return Budget.objects.create(
        owner=owner, **data, readers=list(readers), language=language, created_at=at, updated_at=at
    )


@transaction.atomic
def change(
    *,
    budget: Budget,
    data: Mapping[str, Any],
    readers: Iterable[str],
    language: str,
    at: dt.datetime,
    seen: dt.datetime | None = None,
) -> Change:
    """Write the values in ``data`` over a budget; who saves it is who reads it from now on.

    Amounts of single periods that begin no period any more are dropped. With ``seen``, the moment of the
    change that ``data`` was made from, raises ``ChangedMeanwhile`` when there was another one;
    ``Budget.DoesNotExist`` when the budget is gone.
    """
    budget = _locked(budget.pk)
    if seen is not None and budget.updated_at != seen:
        raise ChangedMeanwhile
    for name, value in data.items():
        setattr(budget, name, value)
    budget.readers, budget.language, budget.updated_at = list(readers), language, at
    budget.save()
    said = PeriodAmount.objects.filter(budget=budget).values_list("pk", "first_day")
    homeless = [pk for pk, day in said if not is_first_day(budget, day)]
    PeriodAmount.objects.filter(pk__in=homeless).delete()
    return Change(budget, len(homeless))


@transaction.atomic
def set_amounts(
    *,
    budget: Budget,
    amounts: Mapping[dt.date, Decimal],
    at: dt.datetime,
    between: Period | None = None,
) -> Budget:
    """Say the amounts of single periods, by the first day of each; the others are by growth again.

    With ``between``, those of the periods that begin outside of it stay as they are. Raises ``NoSuchPeriod``
    for a day on which no period begins, ``Budget.DoesNotExist`` when the budget is gone.
    """
    budget = _locked(budget.pk)
    for day in amounts:
        if not is_first_day(budget, day):
            raise NoSuchPeriod(day)
    replaced = PeriodAmount.objects.filter(budget=budget)
    if between is not None:
        replaced = replaced.filter(first_day__gte=between.first, first_day__lt=between.end)
    replaced.delete()
    PeriodAmount.objects.bulk_create(
        PeriodAmount(budget=budget, first_day=day, amount=amount) for day, amount in amounts.items()
    )
    budget.updated_at = at
    budget.save(update_fields=["updated_at"])
    return budget


@transaction.atomic
def delete(*, budget: Budget) -> None:
    """Delete a budget with its amounts and its alerts; ``Budget.DoesNotExist`` when it is gone already."""
    _locked(budget.pk).delete()


def _locked(pk: UUID) -> Budget:
    return Budget.objects.select_for_update(of=("self",)).get(pk=pk)
