"""A budget as the JSON API writes it and reads it: its own names of the values of ``BudgetForm``."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import InputRefused
from budgets.amounts import AmountTable
from budgets.forms import SCOPE_FIELDS
from budgets.models import Budget, Measure
from budgets.schemas import BudgetIn
from costs.money import money_text

_THRESHOLD_FIELDS = {measure.value: f"{measure.value}_thresholds" for measure in Measure}

_SENT_NAMES = {name: f"scope.{name}" for name in SCOPE_FIELDS} | {
    field: f"thresholds.{measure}" for measure, field in _THRESHOLD_FIELDS.items()
}
"""How the API calls the fields of the form that have another name there."""


def document_of(budget: Budget, table: AmountTable) -> dict[str, Any]:
    """Return a budget with the amounts of its single periods, without the address of its webhook."""
    return {
        "budget_id": budget.pk,
        "name": budget.name,
        "amount": money_text(budget.amount),
        "currency": budget.currency,
        "period_type": budget.period_type,
        "start_date": budget.start_date,
        "end_date": budget.end_date,
        "growth_percent": money_text(budget.growth_percent),
        "amounts": [{"first_day": day, "amount": money_text(table[day])} for day in sorted(table)],
        "scope": budget.counted.stored,
        "thresholds": {measure.value: budget.thresholds_of(measure) for measure in Measure},
        "emails": budget.emails,
        "has_webhook": bool(budget.webhook_url),
        "webhook_format": budget.webhook_format,
        "created_at": budget.created_at,
        "updated_at": budget.updated_at,
    }


def values_in(given: BudgetIn) -> dict[str, Any]:
    """Return what was sent as values of ``BudgetForm``, and nothing else; raise ``InputRefused``."""
    sent = given.dict(exclude_unset=True, exclude={"amounts"})
    scope, thresholds = sent.pop("scope", {}), _thresholds(sent.pop("thresholds", {}))
    removal = {"remove_webhook": True} if "webhook_url" in sent and not sent["webhook_url"] else {}
    return sent | scope | thresholds | removal


def _thresholds(sent: Any) -> dict[str, Any]:
    """Return the thresholds of each measure that some were sent for."""
    by_measure = dict.fromkeys(_THRESHOLD_FIELDS, sent) if isinstance(sent, list) else sent
    is_known = isinstance(by_measure, dict) and by_measure.keys() <= _THRESHOLD_FIELDS.keys()
    if not is_known or not all(isinstance(one, list) for one in by_measure.values()):
        problem = _("Send a list of percentages, or one for each of these: %(measures)s.")
        raise InputRefused({"thresholds": [problem % {"measures": ", ".join(_THRESHOLD_FIELDS)}]})
    return {_THRESHOLD_FIELDS[measure]: percents for measure, percents in by_measure.items()}


def sent_name(field: str) -> str:
    """Return how the API calls a field of the form."""
    return _SENT_NAMES.get(field, field)
