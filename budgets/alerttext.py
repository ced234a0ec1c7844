"""What is said of an alert, in the language of the moment: the same words in a mail and in a chat."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from budgets.models import Budget, BudgetAlert, Measure
from budgets.standing import HUNDRED
from consumption.daytext import day_text, period_text
from consumption.periods import Period
from costs.money import show_money, show_percent


@dataclass(frozen=True)
class AlertText:
    """An alert in words: ``headline`` is one line, ``facts`` are label and value, ``notes`` sentences."""

    headline: str
    facts: list[tuple[str, str]]
    notes: list[str]
    url: str

    @property
    def plain(self) -> str:
        """All of it, a line for each."""
        return "\n".join([self.headline, *self.lines, *self.notes, self.url])

    @property
    def lines(self) -> list[str]:
        """The facts, a line for each."""
        return [_("%(label)s: %(value)s") % {"label": label, "value": value} for label, value in self.facts]


def text_of(alert: BudgetAlert) -> AlertText:
    """Return what is said of an alert; reads its budget."""
    return AlertText(
        headline=_headline(alert),
        facts=list(_facts(alert)),
        notes=[_state_of_the_data(alert), _("Amounts exclude tax.")],
        url=address_of(alert.budget),
    )


def address_of(budget: Budget) -> str:
    """Return where the portal shows a budget."""
    return f"{settings.PORTAL_URL.rstrip('/')}{reverse('budgets:detail', args=[budget.pk])}"


def utilisation_of(alert: BudgetAlert) -> Decimal | None:
    """Return what was reached in percent of the amount; None of an amount of zero."""
    return alert.figure * HUNDRED / alert.amount if alert.amount else None


def _headline(alert: BudgetAlert) -> str:
    said = {
        "name": _one_line(alert.budget.name),
        "percent": show_percent(Decimal(alert.percent)),
        "figure": _figure(alert),
    }
    is_forecast = alert.measure == Measure.FORECAST
    if not alert.amount:
        text = (
            _("Budget “%(name)s” allows nothing: %(figure)s expected")
            if is_forecast
            else _("Budget “%(name)s” allows nothing: %(figure)s spent")
        )
    else:
        text = (
            _("Budget “%(name)s”: the forecast reaches %(percent)s")
            if is_forecast
            else _("Budget “%(name)s”: %(percent)s is spent")
        )
    return text % said


def _facts(alert: BudgetAlert) -> Iterator[tuple[str, str]]:
    currency, is_forecast = alert.currency, alert.measure == Measure.FORECAST
    yield _("Budget"), _one_line(alert.budget.name)
    yield _("Period"), period_text(Period(alert.period_first, alert.period_end))
    percent = {"percent": show_percent(Decimal(alert.percent))}
    yield (
        _("Threshold"),
        _("%(percent)s of the budget, by the forecast") % percent
        if is_forecast
        else _("%(percent)s of the budget, spent") % percent,
    )
    yield (_("Expected at the end of the period") if is_forecast else _("Spent")), _figure(alert)
    if alert.low is not None and alert.high is not None:
        interval = {"low": show_money(alert.low, currency), "high": show_money(alert.high, currency)}
        yield _("In 80 of 100 cases"), _("%(low)s to %(high)s") % interval
    yield _("Amount of the period"), show_money(alert.amount, currency)
    remaining = show_money(alert.amount - alert.figure, currency)
    yield (
        _("Remaining at the end of the period") if is_forecast else _("Remaining"),
        _("at most %(amount)s") % {"amount": remaining} if alert.is_lower_bound else remaining,
    )
    utilisation = utilisation_of(alert)
    if utilisation is not None:
        yield _("Utilisation"), _at_least(alert, show_percent(utilisation))


def _figure(alert: BudgetAlert) -> str:
    return _at_least(alert, show_money(alert.figure, alert.currency))


def _at_least(alert: BudgetAlert, shown: str) -> str:
    return _("at least %(amount)s") % {"amount": shown} if alert.is_lower_bound else shown


def _state_of_the_data(alert: BudgetAlert) -> str:
    day = {"day": day_text(alert.raised_at.date())}
    if alert.measure == Measure.FORECAST:
        return (
            _("As known on %(day)s (UTC): some prices are missing, so it will be more.") % day
            if alert.is_lower_bound
            else _("As known on %(day)s (UTC): a day that is not wholly known counts as it is expected.")
            % day
        )
    if alert.is_lower_bound:
        return _("As known on %(day)s (UTC): some days, or prices, are missing, so it may be more.") % day
    return _("As known on %(day)s (UTC): the bill of the last days can still grow.") % day


def _one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
