"""What the figures of a budget say, in sentences."""

import datetime as dt
from decimal import Decimal

from django.utils.translation import gettext as _

from budgets.standing import PeriodStanding, Standing, Status
from budgets.words import period_name, reason_text
from consumption.daytext import day_text
from costs.money import show_money


def finding_of(standing: Standing, overrun: dt.date | None) -> str:
    """Say how the running period is doing and how the one before ended."""
    sentences = [_running(standing, overrun), _before(standing)]
    return " ".join(sentence for sentence in sentences if sentence)


def _running(standing: Standing, overrun: dt.date | None) -> str:
    period = standing.running
    if period is None:
        return _("The budget has not begun yet.") if standing.status == Status.FUTURE else _("It has ended.")
    words = {"period": period_name(period.period, standing.budget.period_type)}
    if period.status == Status.OVER:
        excess = _amount(-period.remaining, standing, lacks=period.lacks_some)
        return _("%(period)s has exceeded its budget by %(excess)s.") % (words | {"excess": excess})
    if period.expected is None:
        return reason_text(standing.reason) if standing.reason else ""
    return _expected(standing, period, overrun, words)


def _expected(
    standing: Standing, period: PeriodStanding, overrun: dt.date | None, words: dict[str, str]
) -> str:
    words["expected"] = _amount(period.expected.total, standing, lacks=period.unpriced)
    difference = period.expected.total - period.amount
    words["difference"] = _amount(abs(difference), standing, lacks=period.unpriced)
    if difference <= 0 and period.unpriced:
        return _("%(period)s is expected to end at %(expected)s: some prices are missing.") % words
    if difference <= 0:
        return _("%(period)s is expected to end at %(expected)s, %(difference)s below the budget.") % words
    if overrun is None:
        return _("%(period)s is expected to end at %(expected)s, %(difference)s above the budget.") % words
    words["day"] = day_text(overrun)
    return (
        _(
            "%(period)s is expected to end at %(expected)s, %(difference)s above the budget, which is "
            "exceeded about %(day)s."
        )
        % words
    )


def _before(standing: Standing) -> str:
    if not standing.over:
        return ""
    period: PeriodStanding = standing.over[-1]
    if period.spent is None or period.status == Status.INCOMPLETE:
        return ""
    words = {
        "period": period_name(period.period, standing.budget.period_type),
        "difference": show_money(abs(period.remaining), standing.budget.currency),
    }
    if period.remaining < 0:
        words["difference"] = _amount(-period.remaining, standing, lacks=period.lacks_some)
        return _("%(period)s exceeded it by %(difference)s.") % words
    if period.lacks_some:
        return _("%(period)s stayed at most %(difference)s below it: some prices are missing.") % words
    return _("%(period)s stayed %(difference)s below it.") % words


def _amount(amount: Decimal, standing: Standing, *, lacks: object) -> str:
    shown = show_money(amount, standing.budget.currency)
    return _("%(amount)s or more") % {"amount": shown} if lacks else shown
