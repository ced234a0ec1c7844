"""What is posted to a webhook: a document for programs, or a text for people in a chat."""

from decimal import Decimal
from typing import Any

from budgets.alerttext import address_of, text_of, utilisation_of
from budgets.models import BudgetAlert, WebhookFormat
from costs.money import money_text

EVENT = "budget.threshold_reached"


def document_of(alert: BudgetAlert) -> dict[str, Any]:
    """Return what the webhook of an alert's budget is sent, in the format that it has asked for."""
    if alert.budget.webhook_format == WebhookFormat.TEXT:
        return {"text": _escaped(text_of(alert).plain)}
    return _for_programs(alert)


def _for_programs(alert: BudgetAlert) -> dict[str, Any]:
    """Return everything of an alert; amounts are text, before tax, in the currency that the budget had.

    ``id`` stays when the alert is sent again; ``remaining`` is what ``figure`` leaves of ``amount``.
    """
    budget, utilisation = alert.budget, utilisation_of(alert)
    return {
        "event": EVENT,
        "id": alert.pk,
        "budget": {
            "id": str(budget.pk),
            "name": budget.name,
            "currency": alert.currency,
            "period_type": budget.period_type,
        },
        "period": {"from_date": alert.period_first.isoformat(), "to_date": alert.period_end.isoformat()},
        "measure": alert.measure,
        "percent": alert.percent,
        "amount": money_text(alert.amount),
        "figure": money_text(alert.figure),
        "low": _money_or_none(alert.low),
        "high": _money_or_none(alert.high),
        "remaining": money_text(alert.amount - alert.figure),
        "utilisation_percent": _money_or_none(utilisation),
        "is_lower_bound": alert.is_lower_bound,
        "raised_at": alert.raised_at.isoformat(),
        "url": address_of(budget),
        "text": text_of(alert).plain,
    }


def _money_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else money_text(amount)


_NOTHING = "\u200b"
"""A character that takes no room."""


def _escaped(text: str) -> str:
    """Escape what Slack takes for a link or a mention, and part what Mattermost does: @all, [text](url)."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", f"@{_NOTHING}").replace("](", f"]{_NOTHING}(")
