"""The JSON API of where a budget stands: the figures of its page."""

import datetime as dt
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema

from accounts import keyring
from accounts.envelope import Envelope, answer
from budgets.asking import Asking
from budgets.owned import budget_of
from budgets.standing import PeriodStanding, Spending, Standing
from budgets.tracking import steps_of
from budgets.words import lacking_text
from consumption.moment import one_moment
from costs.money import money_text

router = Router(tags=["Budgets"])


class CountedDaysOut(Schema):
    """How many days there are, how many are over, and how much is known of those."""

    days: int
    over: int
    known: int
    provisional: int
    partial: int


class StepOut(Schema):
    """A part of a period; ``to_date`` is excluded. An unknown amount is null.

    ``is_lower_bound``: by the end of the step more was spent than is told.
    """

    from_date: dt.date
    to_date: dt.date
    spent: str | None
    cumulative: str | None
    is_lower_bound: bool
    coverage: CountedDaysOut


class BudgetPeriodOut(Schema):
    """A period of a budget; ``to_date`` is excluded.

    ``status`` is ``on_track`` (a period that is over was kept), ``at_risk``, ``over``, ``future``,
    ``incomplete`` (too little is known to tell) or ``no_data``. ``forecast`` is what a
    running period is expected to cost, between the other two in 80 % of the cases.
    """

    from_date: dt.date
    to_date: dt.date
    amount: str
    spent: str | None
    remaining: str | None
    utilisation: str | None
    forecast: str | None
    forecast_low_80: str | None
    forecast_high_80: str | None
    forecast_error_percent: str | None
    status: str
    is_lower_bound: bool
    unpriced_lines: int
    coverage: CountedDaysOut
    steps: list[StepOut]


class StatusOut(Schema):
    """Where a budget stands on a day. ``status`` is that of the running period, ``future`` or ``ended``.

    ``reason`` says why nothing is expected, else it is null: ``TOO_FEW_DAYS`` or ``UNKNOWN_DAYS``.
    """

    budget_id: str
    name: str
    currency: str
    as_of: dt.date
    status: str
    reason: str | None
    periods: list[BudgetPeriodOut]


@router.get("/{uuid:budget_id}/status", summary="Tell where a budget stands", response=Envelope[StatusOut])
def status(request: HttpRequest, budget_id: UUID) -> Any:
    """Return every period of the last three years and the next one, from what is kept: no call to the cloud.

    ``metadata.partial`` names the regions and the accounts that are in no figure, or not whole.
    """
    with one_moment():
        asking = Asking(request.user, [budget_of(request, budget_id)], keyring.open(request), timezone.now())
        [standing] = asking.standings(seconds=float("inf"))
        return answer(document_of(standing), partial=_partial(standing))


def document_of(standing: Standing) -> dict[str, Any]:
    """Return where a budget stands as the API gives it; money is text, ``to_date`` is excluded."""
    budget = standing.budget
    return {
        "budget_id": str(budget.pk),
        "name": budget.name,
        "currency": budget.currency,
        "as_of": standing.today,
        "status": str(standing.status),
        "reason": standing.reason or None,
        "periods": [_period(standing, period) for period in standing.periods],
    }


def _partial(standing: Standing) -> list[dict[str, Any]]:
    lacks, lacking = standing.lacks, lacking_text(standing)
    if not lacking:
        return []
    return [{"regions": lacks.regions, "accounts": list(lacks.accounts), "message": " ".join(lacking)}]


def _period(standing: Standing, period: PeriodStanding) -> dict[str, Any]:
    expected = period.expected
    return {
        **_days(period),
        "amount": money_text(period.amount),
        "spent": _text(period.spent),
        "remaining": _text(period.remaining),
        "utilisation": _text(period.utilisation),
        "forecast": _text(expected and expected.total),
        "forecast_low_80": _text(expected and expected.low),
        "forecast_high_80": _text(expected and expected.high),
        "forecast_error_percent": _text(expected and expected.error_percent),
        "status": str(period.status),
        "is_lower_bound": period.spent is not None and period.lacks_some,
        "unpriced_lines": period.unpriced,
        "coverage": asdict(period.counts),
        "steps": [
            {
                **_days(step),
                "spent": _text(step.spent),
                "cumulative": _text(step.cumulative),
                "is_lower_bound": step.cumulative is not None and step.lacks_some_so_far,
                "coverage": asdict(step.counts),
            }
            for step in steps_of(standing, period.period)
        ],
    }


def _days(spending: Spending) -> dict[str, Any]:
    return {"from_date": spending.period.first, "to_date": spending.period.end}


def _text(amount: Any) -> str | None:
    return None if amount is None else money_text(amount)
